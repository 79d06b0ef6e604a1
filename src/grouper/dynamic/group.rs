//! Groups whose members come while they run: [`Dynamic`].

use std::fmt;
use std::time::Duration;

use super::capacity::Capacity;
use super::client::DynamicClient;
use super::history::History;
use super::options::{Ends, Options};
use super::shared::{Shared, Turn};
use super::state::Running;
use crate::disposal::defer;
use crate::error::{Error, Result};
use crate::grouper::engine::{Begin, Engine, Settings, Slots, StartOrder, StopOrder};
use crate::plan::{Plan, Runs};
use crate::process::{Core, Pool, Request, Starter, current_core, current_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::{self, Signal};
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select};

/// A group whose members come while it runs, each on a thread of its own: a supervised pool.
///
/// It is empty at first and ready at once. Members are inserted through a [`DynamicClient`]. Their ends stop nothing,
/// unless [`stop_on_exit`](Dynamic::stop_on_exit) says so. A stop signal closes it and stops its members, all at once;
/// so does an end that stops it. [Closed](DynamicClient::close) without a stop, it ends when its last member has. If
/// any member ended with an error, the group ends with [`Error::Group`].
///
/// ```
/// use ifrit::grouper::{Capacity, Dynamic};
/// use ifrit::prelude::*;
///
/// let group = Dynamic::new(Capacity::at_most(4));
/// let client = group.client();
/// let group = ifrit::invoke(group);
///
/// for n in 0..10 {
///     // Waits while four are alive.
///     client.insert(Member::new(format!("job {n}"), ifrit::run_once(move |_, _| {
///         println!("{n} squared is {}", n * n);
///         Ok(())
///     })))?;
/// }
/// client.close();
/// group.join()?;
/// # Ok::<(), ifrit::BoxError>(())
/// ```
#[doc(alias(
    "supervisor",
    "DynamicSupervisor",
    "simple_one_for_one",
    "thread pool",
    "NewDynamic"
))]
#[must_use = "it starts nothing until it is run"]
pub struct Dynamic {
    shared: Arc<Shared>,
    nudges: Receiver<()>,
    engine: Engine,
    settings: Settings,
}

impl Dynamic {
    /// An empty group with room for so many.
    pub fn new(capacity: Capacity) -> Self {
        let (shared, nudges) = Shared::new(Options {
            capacity,
            event_buffer: 64,
            history: 1_000,
            reuse_threads: false,
            ends: None,
        });
        Dynamic {
            shared,
            nudges,
            engine: Engine::new(),
            settings: Settings::new(StartOrder::Together, StopOrder::Together, "dynamic group"),
        }
    }

    /// A client of this group. It works before, during and after the run, and may outlive the group.
    pub fn client(&self) -> DynamicClient {
        DynamicClient::new(Arc::clone(&self.shared))
    }

    /// The room of each listener, and the number of past events a late listener gets; at least 1. Default: 64.
    pub fn event_buffer(self, events: usize) -> Self {
        self.option(|options| options.event_buffer = events.max(1))
    }

    /// Members run on threads that are used again, which is several times faster for short runs.
    ///
    /// Each member still has a thread to itself while it runs, under its own name as the operating system shows it (on
    /// Linux; `std::thread::current().name()` keeps the first name). Thread-locals keep what earlier members on the same
    /// thread have left in them, and their destructors run when the group ends; so does whatever else belongs to a thread,
    /// such as its affinity and its priority. There are as many threads as members have lived at the same time; they stay
    /// until the group's run ends.
    ///
    /// A thread is free for the next member once the exit of the one before is seen. The last thing it does for that one
    /// is to drop the error of its exit, where nothing else keeps that. If the destructor of such an error blocks, the next
    /// member may have to wait for it.
    pub fn reuse_threads(self) -> Self {
        self.option(|options| options.reuse_threads = true)
    }

    /// Which ends stop the group: the others are told the [termination signal](Dynamic::termination). Default: none does.
    ///
    /// An Ok exit of a [one-shot](crate::grouper::Member::one_shot) member never does, nor an end that the member's own
    /// [policy](crate::grouper::Member::restart) allows.
    pub fn stop_on_exit(self, ends: Ends) -> Self {
        self.option(|options| options.ends = Some(ends))
    }

    /// How many exits are kept for the trace. Default: 1,000.
    ///
    /// They are the newest failures, and where there is room beside these, the newest Ok exits: one failure is found in the
    /// trace whatever number of members has ended well since. Those that are not kept are
    /// [counted](crate::error::ExitTrace::omitted). With a history of 0 none is kept, and a failure fails the group all the
    /// same.
    ///
    /// ```
    /// use ifrit::grouper::{Capacity, Dynamic};
    /// use ifrit::{Error, prelude::*};
    ///
    /// let group = Dynamic::new(Capacity::at_most(1)).history(10);
    /// let client = group.client();
    /// let group = ifrit::invoke(group);
    /// client.insert(Member::new("bad", ifrit::run_fn(|_, _| Err("disk full".into()))))?;
    /// for n in 0..100 {
    ///     client.insert(Member::new(n.to_string(), ifrit::run_fn(|_, _| Ok(()))))?;
    /// }
    /// client.close();
    /// let Err(Error::Group(trace)) = group.join() else { panic!() };
    /// assert_eq!((trace.len(), trace.omitted), (10, 91));
    /// assert_eq!(trace[0].to_string(), "bad: disk full [completed]");
    /// # Ok::<(), ifrit::BoxError>(())
    /// ```
    pub fn history(self, exits: usize) -> Self {
        self.option(|options| options.history = exits)
    }

    /// What the others are told when a member's end stops the group. Default: [`Signal::INTERRUPT`].
    pub fn termination(mut self, signal: Signal) -> Self {
        self.settings.termination = Some(signal);
        self
    }

    /// How long the whole stop of the group may take, KILL and grace included; see
    /// [`Group::stop_within`](crate::grouper::Group::stop_within). Default: no limit.
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.settings.stop_within = Some(limit);
        self
    }

    /// How long a member may take to return after KILL, before it is given up; see
    /// [`Group::kill_grace`](crate::grouper::Group::kill_grace).
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.settings.kill_grace = Some(grace);
        self
    }

    fn option(self, set: impl FnOnce(&mut Options)) -> Self {
        self.shared.configure(set);
        self
    }

    fn check(&self) -> std::result::Result<(), Error> {
        if self.shared.options().capacity.is_zero() {
            return Err(Error::ZeroCapacity);
        }
        self.settings.check()
    }

    /// What members are started with.
    fn running(&self) -> Running {
        let host = current_host();
        self.settings.name_kind(host.as_deref());
        let limit = self.settings.stop_limit(host.as_deref());
        let above = current_core().as_deref().map(Core::as_ancestor);
        if let Some(above) = &above {
            above.takes_passing_children();
        }
        Running {
            request: Request {
                clock: Some(self.settings.clock(host.as_deref())),
                kill_grace: Some(self.settings.grace(host.as_deref())),
                stop_inside: limit.for_stops_inside(host.as_deref()),
                starter: Starter::Group(above),
                ..Request::default()
            },
            pool: self.shared.options().reuse_threads.then(Pool::new),
            engine: self.engine.inbox(),
        }
    }

    /// Waits for the end; returns why the members are to be stopped, if they are.
    fn serve(&self, signals: &mut Receiver<Signal>) -> Option<Begin> {
        loop {
            match signal::try_next(signals) {
                Some(stop) if stop.is_stop() => return Some(Begin::BySignal(stop)),
                Some(notification) => {
                    for member in self.shared.living() {
                        member.signal(notification);
                    }
                    continue;
                }
                None => {}
            }
            match self.shared.turn() {
                Turn::Done => return None,
                Turn::Stop(why) => return Some(Begin::ByMember(why)),
                Turn::GoOn => {}
            }
            if self.nudges.try_recv().is_ok() {
                continue;
            }
            let mut select = Select::new();
            select.recv(signals);
            select.recv(&self.nudges);
            select.ready();
        }
    }

    fn stop(&self, begin: Begin, signals: Receiver<Signal>) -> History {
        let mut slots = Slots::living(self.shared.hand_over());
        let exits = self.engine.stop(&self.settings, &mut slots, signals, begin);
        let mut history = self.shared.finish();
        let room = self.shared.options().history;
        for exit in exits {
            drop(history.push(exit.exit.is_err(), room, || exit));
        }
        history
    }
}

impl Runner for Dynamic {
    fn run(&mut self, mut signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        if let Err(refused) = self.check() {
            drop(self.shared.finish()); // the callers that wait to insert are answered
            return Err(refused.into());
        }
        let history = {
            let _deferring = defer(); // members and clients wait for this thread
            self.shared.open(self.running());
            ready.notify();
            match self.serve(&mut signals) {
                Some(begin) => self.stop(begin, signals),
                None => self.shared.finish(),
            }
        };
        Ok(history.into_exit()?)
    }

    fn plan(&self) -> Plan {
        let options = self.shared.options();
        let mut plan = self.settings.plan();
        plan = plan.note(options.capacity.to_string());
        if options.reuse_threads {
            plan = plan.note("reused threads");
        }
        plan.runner.runs = Runs::Dynamic;
        plan.runner.budget = None; // it restarts nothing
        plan.runner.has_no_room = options.capacity.is_zero();
        plan
    }
}

impl Drop for Dynamic {
    fn drop(&mut self) {
        // The callers that wait to insert are answered, and the streams end. The exits are dropped outside of every lock.
        drop(self.shared.finish());
    }
}

impl fmt::Debug for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamic")
            .field("options", &self.shared.options())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
