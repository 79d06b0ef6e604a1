//! Groups whose members are known before they run: [`Ordered`], [`QueueOrdered`], [`Parallel`].

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::engine::{Admin, AutoShutdown, Engine, Settings, Slots, Strategy};
use super::member::Member;
use crate::error::Result;
use crate::plan::Plan;
use crate::ready::ReadySender;
use crate::restart::Budget;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// How a fixed group starts and stops its members. Sealed: the three that exist are in this module.
pub trait Order: sealed::Sealed {}

mod sealed {
    use crate::grouper::engine::{StartOrder, StopOrder};

    pub trait Sealed: Send + 'static {
        const KIND: &'static str;
        const START: StartOrder;
        const STOP: StopOrder;
    }
}

/// The orders of the fixed groups.
pub mod order {
    use super::Order;
    use super::sealed::Sealed;
    use crate::grouper::engine::{StartOrder, StopOrder};

    /// One after the other; stopped in reverse.
    #[derive(Clone, Copy, Debug)]
    pub enum Stack {}
    /// One after the other; stopped in the same order.
    #[derive(Clone, Copy, Debug)]
    pub enum Queue {}
    /// All at once, both ways.
    #[derive(Clone, Copy, Debug)]
    pub enum Together {}

    impl Sealed for Stack {
        const KIND: &'static str = "ordered group";
        const START: StartOrder = StartOrder::Sequential;
        const STOP: StopOrder = StopOrder::Reverse;
    }
    impl Sealed for Queue {
        const KIND: &'static str = "queue-ordered group";
        const START: StartOrder = StartOrder::Sequential;
        const STOP: StopOrder = StopOrder::Forward;
    }
    impl Sealed for Together {
        const KIND: &'static str = "parallel group";
        const START: StartOrder = StartOrder::Together;
        const STOP: StopOrder = StopOrder::Together;
    }

    impl Order for Stack {}
    impl Order for Queue {}
    impl Order for Together {}
}

/// A group that starts its members one after the other, each when the one before is ready, and stops them in reverse,
/// each when the one before has exited.
///
/// ```
/// use ifrit::prelude::*;
///
/// let idle = || ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let app = ifrit::invoke(ifrit::grouper::Ordered::new([
///     Member::new("db", idle()),
///     Member::new("web", idle()), // starts when db is ready, stops before db
/// ]));
/// app.signal(Signal::TERMINATE);
/// assert!(app.join().is_ok());
/// ```
#[doc(alias("supervisor", "NewOrdered"))]
pub type Ordered = Group<order::Stack>;

/// As [`Ordered`], but stopped in start order too: first in, first out.
///
/// ```
/// use ifrit::prelude::*;
///
/// let step = || ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// // A pipeline: the source stops first, what it has sent is worked off, the sink stops last.
/// let pipeline = Members::new().add("source", step()).add("work", step()).add("sink", step());
/// let pipeline = ifrit::invoke(ifrit::grouper::QueueOrdered::new(pipeline));
/// pipeline.signal(Signal::TERMINATE);
/// assert!(pipeline.join().is_ok());
/// ```
#[doc(alias = "NewQueueOrdered")]
pub type QueueOrdered = Group<order::Queue>;

/// A group that starts all its members at once and stops them all at once.
///
/// ```
/// use ifrit::prelude::*;
///
/// let worker = |_| Member::new("w", ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// }));
/// let twice = ifrit::grouper::Parallel::new((0..2).map(worker));
/// assert!(ifrit::invoke(twice).join().is_err()); // two members share a name
/// ```
#[doc(alias("supervisor", "NewParallel"))]
pub type Parallel = Group<order::Together>;

/// A group whose members are known before it runs; used as [`Ordered`], [`QueueOrdered`] or [`Parallel`].
///
/// It is a [`Runner`], so groups nest. What they have in common:
///
/// - It is ready when every member is; without members at once.
/// - A stop signal stops it. The end of any member does too, unless it is [one-shot](Member::one_shot): the others are
///   told the [termination signal](Group::termination). Other signals go to every live member and stop nothing.
/// - A further stop signal goes to those already told, and takes the place of the signal for those whose turn is still
///   to come. [`Signal::KILL`] goes to all at once.
/// - It ends when every member has exited or has been given up. If all exited well it ends Ok, otherwise with
///   [`Error::Group`](crate::Error::Group), which has the exit of each.
/// - It can be run again. If a thread given up in an earlier run still has a member's runner, that is
///   [`Error::Abandoned`](crate::Error::Abandoned).
/// - Names that are empty or there twice, and deadlines of no length, are errors of the run, before anything starts.
///
/// ```
/// use ifrit::{Error, prelude::*};
/// use std::time::Duration;
///
/// let db = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let web = ifrit::run_fn(|_, _| Err("port taken".into()));
/// let group = Ordered::new(Members::new().add("db", db).add("web", web))
///     .termination(Signal::TERMINATE) // what db is told when web fails
///     .start_within(Duration::from_secs(60))
///     .stop_within(Duration::from_secs(10));
/// let Err(Error::Group(trace)) = ifrit::background(group).join() else { panic!() };
/// assert_eq!(trace.initiator().unwrap().name, "web");
/// ```
#[doc(alias = "supervisor")]
#[must_use = "it starts nothing until it is run"]
pub struct Group<O: Order> {
    slots: Slots,
    settings: Settings,
    engine: Engine,
    order: PhantomData<O>,
}

impl<O: Order> Group<O> {
    /// A group of these members, in start order. Nothing starts, and nothing is checked, before it runs.
    pub fn new(members: impl IntoIterator<Item = Member>) -> Self {
        Group {
            slots: Slots::new(members),
            settings: Settings::new(O::START, O::STOP, O::KIND),
            engine: Engine::new(),
            order: PhantomData,
        }
    }

    /// What the others are told when a member's end stops the group. Default: [`Signal::INTERRUPT`].
    pub fn termination(mut self, signal: Signal) -> Self {
        self.settings.termination = Some(signal);
        self
    }

    /// The group tells its members nothing of its own accord: after a member's end it starts no more, and waits until
    /// the others end by themselves or a stop signal comes from outside.
    pub fn without_termination(mut self) -> Self {
        self.settings.termination = None;
        self
    }

    /// How long the whole group may take to become ready for the first time, restarts of members included. Default: no
    /// limit.
    ///
    /// The member that is not ready by then fails with [`Error::StartTimeout`](crate::Error::StartTimeout), which stops
    /// the group; so does one that has failed and waits for its restart. In a group inside another one with such a limit
    /// that happens earlier, by the grace, or a tenth of the time where that is less, so that the error names the member.
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.settings.start_within = Some(limit);
        self
    }

    /// How long the whole stop of the group may take, KILL and grace included; to reserve time for the members that are
    /// stopped last, give the others a [limit of their own](Member::stop_within). Default: no limit.
    ///
    /// A member that still runs is told KILL the [grace](Group::kill_grace), or a tenth of the time where that is less,
    /// before the end, and is given up at the end. Where the group runs in something that has a limit too, its end comes
    /// so much earlier than that one's, too, that it can still say which member is stuck.
    ///
    /// In a stop in order, the member whose turn it is has all the time that is left, less the grace, or a tenth of it
    /// where that is less: so much is kept for those that are still to be told, all together. A member that never returns
    /// leaves them little time, but they are told the signal, and not KILL. Of 25 s in `Ordered` `[db, cache, web]` a deaf
    /// `web` is told KILL after 23 s and given up after 24 s; `cache`, if it is deaf as well, after 24.9 s.
    ///
    /// ```
    /// use ifrit::prelude::*;
    /// use std::time::Duration;
    ///
    /// # let (db, web) = (ifrit::run_fn(|_, _| Ok(())), ifrit::run_fn(|_, _| Ok(())));
    /// let app = Ordered::new([
    ///     Member::new("db", db), // has at least 10 s
    ///     Member::new("web", web).stop_within(Duration::from_secs(15)),
    /// ])
    /// .stop_within(Duration::from_secs(25));
    /// ```
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.settings.stop_within = Some(limit);
        self
    }

    /// Which members are restarted along with one. Default: none.
    ///
    /// The group says ready once, when all are for the first time, and stays so. While a member is down or on its way back,
    /// its process counts as [`Status::Restarting`](crate::process::Status::Restarting); each member's own state is in
    /// [`Admin::list`].
    ///
    /// Others are stopped with the [termination signal](Group::termination), or INT if there is none.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.settings.strategy = strategy;
        self
    }

    /// How many restarts, of all members together, are too many. Default: 5 in 60 s. One more stops the group, with
    /// [`Error::RestartBudget`](crate::Error::RestartBudget) as the exit of the member that asked for it.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.settings.budget = budget;
        self
    }

    /// When the completion of [significant](Member::significant) members ends the group. Default: never.
    pub fn auto_shutdown(mut self, when: AutoShutdown) -> Self {
        self.settings.auto_shutdown = when;
        self
    }

    /// A handle to look after the members while the group runs. Taken before the group is run.
    #[must_use]
    pub fn admin(&self) -> Admin {
        self.engine.admin()
    }

    /// Lets the members be looked after through a handle that was made first, so that they can have it. It takes the place
    /// of one that was given or [taken](Group::admin) before.
    pub fn with_admin(mut self, admin: Admin) -> Self {
        self.engine.heed(&admin);
        self
    }

    /// How long a member may take to return after KILL, before it is given up. Default: that of the process the group runs
    /// in, which is 1 s at the top.
    ///
    /// It begins with KILL, whatever that came from: the end of a limit, or a KILL that was sent to the group. The end of
    /// a limit comes first where it is sooner.
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.settings.kill_grace = Some(grace);
        self
    }
}

impl<O: Order> Runner for Group<O> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.engine
            .run(&self.settings, &mut self.slots, signals, ready)
            .map_err(Into::into)
    }

    fn plan(&self) -> Plan {
        let group = self.settings.plan();
        self.slots.plans().fold(group, Plan::part)
    }
}

impl<O: Order> fmt::Debug for Group<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("settings", &self.settings)
            .field("members", &self.slots)
            .finish_non_exhaustive()
    }
}
