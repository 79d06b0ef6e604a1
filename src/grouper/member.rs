//! The parts of a group: [`Member`] and [`Members`].

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use crate::error::{Error, Exit};
use crate::plan::Plan;
use crate::restart::{Policy, Restart};
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
}

#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) one_shot: bool,
    pub(super) start_within: Option<Duration>,
    pub(super) stop_within: Option<Duration>,
    pub(super) stop_delay: Option<Duration>,
    /// Boxed: most members have none, and a group has room for each.
    pub(super) restart: Option<Box<Restart>>,
    pub(super) significant: bool,
}

impl Member {
    /// A member of this name. Names are checked when the group runs: empty ones and duplicates are errors.
    pub fn new(name: impl Into<String>, runner: impl Runner + 'static) -> Self {
        Member {
            name: name.into().into(),
            runner: Box::new(runner),
            options: Options::default(),
        }
    }

    /// Its end is no end of the group: if it exits Ok, that counts as ready and stops nobody. An error still does.
    ///
    /// For set-up steps such as migrations. When every member of a group has completed in this way, the group ends.
    #[must_use]
    pub fn one_shot(mut self) -> Self {
        self.options.one_shot = true;
        self
    }

    /// How long it may take to become ready.
    ///
    /// Past that it is told INT, after the grace KILL, and after the grace again it is given up; its exit is
    /// [`Error::StartTimeout`], which stops the group. Unset, only the group's own limit holds.
    #[must_use]
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.options.start_within = Some(limit);
        self
    }

    /// How long it may take to stop, from being told on; then it is told KILL, and given up after the grace.
    ///
    /// It also bounds a stop that begins inside, if the member is a group. Unset, only the group's own limit holds.
    #[must_use]
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.options.stop_within = Some(limit);
        self
    }

    /// How long to wait, once its turn has come, before it is told to stop: time for others to notice that it is going.
    ///
    /// It counts towards the group's limit, not towards the member's own. Only KILL cuts it short.
    #[must_use]
    pub fn stop_delay(mut self, delay: Duration) -> Self {
        self.options.stop_delay = Some(delay);
        self
    }

    /// When it is started again after its end. Unset, it is not, and its end stops the group.
    ///
    /// With a policy, an end that the policy allows (Ok for transient, any for temporary) stops nobody. One that asks
    /// for a restart is paid for from the group's [budget](super::Group::budget). A first start that fails is never
    /// retried: it fails the group's start; wrap the runner in a [`Restarter`](crate::restart::Restarter) to retry it.
    ///
    /// In a [`Dynamic`](super::Dynamic) group the member is such a `Restarter`: one process over all its incarnations,
    /// with a budget of its own. To set that, insert a `Restarter`.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.options.restart = Some(Box::new(restart));
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
}

impl Options {
    pub(super) fn plan(&self, name: &str, of_runner: Plan) -> Plan {
        let mut plan = of_runner.named(name);
        if self.one_shot {
            plan = plan.note("one-shot");
        }
        if let Some(restart) = &self.restart {
            plan = plan.note(restart.policy.to_string());
        }
        if self.significant {
            plan = plan.note("significant");
        }
        for (what, limit) in [
            ("start", self.start_within),
            ("stop", self.stop_within),
            ("stop delay", self.stop_delay),
        ] {
            if let Some(limit) = limit {
                plan = plan.note(format!("{what} {limit:?}"));
            }
        }
        plan
    }

    /// Whether such an end is one that stops nobody.
    pub(super) fn allows(&self, exit: &Exit) -> bool {
        match self.restart.as_ref().map(|restart| restart.policy) {
            _ if self.one_shot && exit.is_ok() => true,
            None | Some(Policy::Permanent) => false,
            Some(Policy::Transient) => exit.is_ok(),
            Some(Policy::Temporary) => true,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.restart
            .as_ref()
            .map_or(Ok(()), |restart| restart.backoff.check())
    }

    /// The first limit that leaves no time at all.
    pub(super) fn zero(&self) -> Option<&'static str> {
        zero_of(&[
            ("start_within", self.start_within),
            ("stop_within", self.stop_within),
        ])
    }
}

pub(super) fn zero_of(limits: &[(&'static str, Option<Duration>)]) -> Option<&'static str> {
    limits
        .iter()
        .find(|(_, limit)| limit.is_some_and(|limit| limit.is_zero()))
        .map(|(option, _)| *option)
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A list of members, for those who like to chain. Groups take an array, a `Vec` or any iterator of [`Member`] as well.
///
/// ```
/// use ifrit::prelude::*;
///
/// let idle = || ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let members = Members::new().add("db", idle()).add("web", idle());
/// let group = ifrit::grouper::Parallel::new(members);
/// ```
#[derive(Debug, Default)]
pub struct Members(Vec<Member>);

impl Members {
    /// No members yet.
    pub fn new() -> Self {
        Members::default()
    }

    /// Adds a runner under a name.
    #[must_use]
    pub fn add(self, name: impl Into<String>, runner: impl Runner + 'static) -> Self {
        self.member(Member::new(name, runner))
    }

    /// Adds a member with options.
    #[must_use]
    pub fn member(mut self, member: Member) -> Self {
        self.0.push(member);
        self
    }
}

impl IntoIterator for Members {
    type Item = Member;
    type IntoIter = std::vec::IntoIter<Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Member> for Members {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        Members(members.into_iter().collect())
    }
}

impl Extend<Member> for Members {
    fn extend<I: IntoIterator<Item = Member>>(&mut self, members: I) {
        self.0.extend(members);
    }
}

impl From<Vec<Member>> for Members {
    fn from(members: Vec<Member>) -> Self {
        Members(members)
    }
}

impl<const N: usize> From<[Member; N]> for Members {
    fn from(members: [Member; N]) -> Self {
        Members(members.into())
    }
}

/// Checks the names of a whole group: none empty, none twice.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<(), Error> {
    let empty = names
        .clone()
        .enumerate()
        .filter(|(_, name)| name.is_empty());
    let positions: Vec<usize> = empty.map(|(position, _)| position).collect();
    if !positions.is_empty() {
        return Err(Error::EmptyNames { positions });
    }
    let mut seen = HashSet::new();
    let repeats: Vec<String> = names
        .filter(|name| !seen.insert(*name))
        .map(str::to_owned)
        .collect();
    if !repeats.is_empty() {
        return Err(Error::DuplicateNames(repeats));
    }
    Ok(())
}
