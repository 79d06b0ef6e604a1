//! The parts of a group: [`Member`] and [`Members`].

use std::fmt;
use std::time::Duration;

use super::refusal::Reason;
use crate::error::{Error, Exit};
use crate::plan::{OfMember, Plan};
use crate::process::last_exit::LastExit;
use crate::restart::{Asks, Restart};
use crate::runner::{BoxRunner, Runner};
use crate::sync::Arc;

/// A runner with a name and options: a part of a group.
///
/// ```
/// use ifrit::prelude::*;
/// use std::time::Duration;
///
/// let migrate = Member::new("migrate", ifrit::run_fn(|_, _| Ok(())))
///     .one_shot()
///     .start_within(Duration::from_secs(60));
/// assert_eq!(migrate.name(), "migrate");
/// ```
#[doc(alias = "child_spec")]
pub struct Member {
    pub(super) name: Arc<str>,
    pub(super) runner: BoxRunner,
    pub(super) options: Options,
    pub(super) last_exit: Option<LastExit>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) one_shot: bool,
    pub(super) essential: bool,
    pub(super) significant: bool,
    pub(super) start_within: Option<Duration>,
    /// It counts as being started until it ends, so that the limit of a start is that of its whole run.
    pub(super) starts_until_its_end: bool,
    pub(super) stop_within: Option<Duration>,
    /// In a box: a group has room for the options of each member, and most set none of these.
    pub(super) rare: Option<Box<Rare>>,
}

/// The options that few members set.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    kill_grace: Option<Duration>,
    stop_delay: Option<Duration>,
    stack_size: Option<usize>,
    restart: Option<Restart>,
}

impl Member {
    /// A member of this name. Names are checked when the group runs: empty ones and duplicates are errors.
    pub fn new(name: impl Into<String>, runner: impl Runner + 'static) -> Self {
        Member {
            name: name.into().into(),
            runner: Box::new(runner),
            options: Options::default(),
            last_exit: None,
        }
    }

    /// Its end is no end of the group: if it exits Ok, that counts as ready and stops nothing. An error still does.
    ///
    /// For set-up steps such as migrations. When every member of a group has completed in this way, the group ends.
    #[must_use]
    pub fn one_shot(mut self) -> Self {
        self.options.one_shot = true;
        self
    }

    /// An end that it was not told to is a failure, Ok too, and ends the group: for what must be there as long as the
    /// service is.
    ///
    /// It is restarted first, where its [policy](Member::restart) asks for that. An end that then remains is judged: an Ok
    /// one stands as [`Error::EndedUnasked`] in the trace of the group and in [`MemberStatus`](super::MemberStatus), while
    /// [`join`](crate::Process::join) of its process returns what its run did. A group that has such a member and is told
    /// to stop is no exception: what ends before its turn to be told has come ended unasked.
    ///
    /// A member that is [one-shot](Member::one_shot), too, is refused with [`Error::EssentialOneShot`] before anything
    /// starts.
    ///
    /// ```
    /// use ifrit::{Error, prelude::*};
    ///
    /// let web = Member::new("web", ifrit::run_fn(|_, _| Ok(()))).essential();
    /// let Err(Error::Group(trace)) = ifrit::invoke(Ordered::new([web])).join() else { panic!() };
    /// assert!(matches!(trace[0].exit, Err(Error::EndedUnasked { .. })));
    /// ```
    #[must_use]
    pub fn essential(mut self) -> Self {
        self.options.essential = true;
        self
    }

    /// How long it may take to become ready. Default: only the group's own limit holds.
    ///
    /// Past that it is told INT, after the grace KILL, and after the grace again it is given up; its exit is
    /// [`Error::StartTimeout`], which stops the group. If it has been told to stop before, it is told KILL at once.
    #[must_use]
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.options.start_within = Some(limit);
        self
    }

    /// How long its whole stop may take, from being told on, KILL and grace included. Default: only the group's own limit
    /// holds.
    ///
    /// It is told KILL the [grace](super::Group::kill_grace), or a tenth of the limit where that is less, before the end,
    /// and is given up at the end. The limit also bounds a stop that begins inside, if the member is a group, which is
    /// over a little sooner still, so that it can say which of its own members is stuck.
    #[must_use]
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.options.stop_within = Some(limit);
        self
    }

    /// How long to wait, once its turn has come, before it is told to stop: time for others to notice that it is going.
    /// Default: no time.
    ///
    /// It counts towards the group's limit, not towards the member's own. Only KILL cuts it short.
    #[must_use]
    pub fn stop_delay(mut self, delay: Duration) -> Self {
        self.options.set().stop_delay = Some(delay);
        self
    }

    /// How long after KILL it is given up. Default: as long as the members of its [group](super::Group::kill_grace).
    ///
    /// Where the time for its stop is limited, KILL comes this long, or a tenth of that time where that is less, before the
    /// end.
    ///
    /// ```
    /// use ifrit::prelude::*;
    /// use std::time::Duration;
    ///
    /// let db = Member::new("db", ifrit::run_fn(|_, _| Ok(()))).kill_grace(Duration::from_secs(5));
    /// assert_eq!(Ordered::new([db]).plan().parts()[0].notes(), ["kill grace 5s"]);
    /// ```
    #[must_use]
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.options.set().kill_grace = Some(grace);
        self
    }

    /// How many bytes of stack its thread has. Default: what the standard library gives a thread, 2 MiB unless
    /// `RUST_MIN_STACK` says otherwise. The operating system may round it up.
    ///
    /// In a [`Dynamic`](super::Dynamic) group that [reuses threads](super::Dynamic::reuse_threads), a member with a stack
    /// size of its own gets a thread of its own.
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.set().stack_size = Some(bytes);
        self
    }

    /// When it is started again after its end. Default: never, and its end stops the group.
    ///
    /// With a policy, an end that the policy allows (Ok for transient, any for temporary) stops nothing. One that asks
    /// for a restart is paid for from the group's [budget](super::Group::budget). A first start that fails fails the
    /// group's start, unless the policy is one [from the start](Restart::from_the_start). A fatal error is never followed
    /// by a restart and ends the group, whatever the policy.
    ///
    /// The budget is shared by all members of the group. A member with a budget of its own is a
    /// [`Restarter`](crate::restart::Restarter) without a policy here. While a member is down, there is no process that a
    /// notification to the group could reach: its next run does not hear of it. (A `Restarter` keeps it for the next run.)
    ///
    /// In a [`Dynamic`](super::Dynamic) group the member is a [`Restarter`](crate::restart::Restarter): one process over all
    /// its incarnations, with a budget of its own. To set that, insert a `Restarter`.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.options.set().restart = Some(restart);
        self
    }

    /// Its completion may end the group; see [`Group::auto_shutdown`](super::Group::auto_shutdown).
    #[must_use]
    pub fn significant(mut self) -> Self {
        self.options.significant = true;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its last run ended, if a group has run it and it was [removed](super::Admin::remove) from that.
    pub fn last_exit(&self) -> Option<&LastExit> {
        self.last_exit.as_ref()
    }

    /// Why no group takes it, whatever else is in there.
    pub(super) fn why_not(&self) -> Option<Reason> {
        if self.name.is_empty() {
            return Some(Reason::EmptyName);
        }
        match self.options.check(&self.name) {
            Ok(()) => None,
            Err(Error::ZeroDeadline { option, .. }) => Some(Reason::ZeroDeadline(option)),
            Err(Error::EssentialOneShot { .. }) => Some(Reason::EssentialOneShot),
            Err(_) => Some(Reason::InvalidBackoff),
        }
    }
}

impl Options {
    fn set(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn kill_grace(&self) -> Option<Duration> {
        self.rare.as_ref()?.kill_grace
    }

    pub(super) fn stop_delay(&self) -> Option<Duration> {
        self.rare.as_ref()?.stop_delay
    }

    pub(super) fn stack_size(&self) -> Option<usize> {
        self.rare.as_ref()?.stack_size
    }

    pub(super) fn restart(&self) -> Option<&Restart> {
        self.rare.as_ref()?.restart.as_ref()
    }

    pub(super) fn plan(&self, name: &str, of_runner: Plan) -> Plan {
        let mut plan = of_runner.named(name);
        let again = self.restart().map(Restart::planned);
        let mut words = Vec::new();
        if self.one_shot {
            words.push("one-shot".to_owned());
        }
        words.extend(again.iter().map(|again| match plan.runner.again {
            Some(_) => format!("as a member {again}"),
            None => again.to_string(),
        }));
        if self.significant {
            words.push("significant".to_owned());
        }
        if self.essential {
            words.push("essential".to_owned());
        }
        plan = words.into_iter().fold(plan, Plan::note).limits(&[
            ("start", self.start_within),
            ("stop", self.stop_within),
            ("stop delay", self.stop_delay()),
            ("kill grace", self.kill_grace()),
        ]);
        plan.member = Some(Box::new(OfMember {
            start_within: self.start_within,
            stop_within: self.stop_within,
            stop_delay: self.stop_delay(),
            kill_grace: self.kill_grace(),
            again,
            one_shot: self.one_shot,
            essential: self.essential,
            significant: self.significant,
        }));
        plan
    }

    /// What an end asks for, as far as the member alone goes.
    pub(super) fn asks(&self, exit: &Exit, worth_it: bool) -> Asks {
        match self.restart() {
            _ if self.one_shot && exit.is_ok() => Asks::Nothing,
            None => Asks::Failure,
            Some(restart) => restart.asks(exit, worth_it),
        }
    }

    /// Refuses what makes no sense in any group.
    pub(super) fn check(&self, name: &str) -> Result<(), Error> {
        check_zero(
            name,
            &[
                ("start_within", self.start_within),
                ("stop_within", self.stop_within),
            ],
        )?;
        if self.essential && self.one_shot {
            return Err(Error::EssentialOneShot {
                name: name.to_owned(),
            });
        }
        self.restart()
            .map_or(Ok(()), |restart| restart.backoff.check())
    }
}

/// Refuses the first limit that leaves no time at all.
pub(super) fn check_zero(
    who: &str,
    limits: &[(&'static str, Option<Duration>)],
) -> Result<(), Error> {
    let is_zero = |limit: Option<Duration>| limit.is_some_and(|limit| limit.is_zero());
    match limits.iter().find(|(_, limit)| is_zero(*limit)) {
        Some((option, _)) => Err(Error::ZeroDeadline {
            who: who.to_owned(),
            option,
        }),
        None => Ok(()),
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
