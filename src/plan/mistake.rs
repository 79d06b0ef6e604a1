//! What is wrong with a plan: [`Mistake`].

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use super::value::{OfMember, Plan, Runs};
use super::{start, stop};
use crate::draw::Escaped;

/// Something in a plan that is refused when it is run, or that cannot be what was meant.
///
/// Its `Display` is a sentence. [`Plan::mistakes`] finds them.
///
/// ```
/// use ifrit::plan::Mistake;
/// use ifrit::prelude::*;
/// use std::time::Duration;
///
/// let secs = Duration::from_secs;
/// let leaf = || ifrit::run_fn(|_, _| Ok(()));
/// let app = Ordered::new([
///     Member::new("db", leaf()).stop_within(secs(10)),
///     Member::new("web", leaf()).stop_within(secs(15)), // stopped before db
/// ])
/// .stop_within(secs(20));
/// let mistakes = app.plan().mistakes();
/// assert!(matches!(&mistakes[..], [Mistake::StopCut { path, left, .. }] if path == "db" && *left == secs(5)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// A member has an empty name. The group is refused.
    EmptyName {
        /// The group.
        path: String,
        /// The member's place, from 0.
        position: usize,
    },
    /// A member has the name of another one of its group. The group is refused.
    DuplicateName {
        /// The member.
        path: String,
    },
    /// A limit leaves no time at all. What has it is refused.
    ZeroLimit {
        /// What has it.
        path: String,
        /// The option, such as `stop_within`.
        option: &'static str,
    },
    /// A limit of a start is longer than what the limits around it leave, if those that start before take all they may.
    StartCut {
        /// What has it.
        path: String,
        /// The limit that was set.
        set: Duration,
        /// What is left of it.
        left: Duration,
    },
    /// A limit of a stop is longer than what the limits around it leave, if those that stop before take all they may.
    StopCut {
        /// What has it.
        path: String,
        /// The limit that was set.
        set: Duration,
        /// What is left of it.
        left: Duration,
    },
    /// A stop delay is so long that KILL would come first.
    DelayCut {
        /// The member.
        path: String,
        /// The delay that was set.
        delay: Duration,
        /// When KILL comes.
        left: Duration,
    },
    /// Nothing bounds the stop of a member but the limit of them all, and others are stopped after it: if it does not
    /// return, they have hardly any time.
    UsesUpTheStop {
        /// The member.
        path: String,
        /// How long it may take.
        takes: Duration,
        /// How long it and those after it have together.
        left: Duration,
    },
    /// A runner that can run only once would be run again.
    RunsOnce {
        /// The runner.
        path: String,
    },
    /// A member is essential and one-shot. The group is refused.
    EssentialOneShot {
        /// The member.
        path: String,
    },
    /// A backoff makes no sense. What has it is refused.
    InvalidBackoff {
        /// What has it.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// A dynamic group has room for no member. It is refused.
    NoRoom {
        /// The group.
        path: String,
    },
}

impl Mistake {
    /// Where it is: the names from the plan down, as for [`Plan::find`]; or, above all names, what is there.
    pub fn path(&self) -> &str {
        match self {
            Mistake::EmptyName { path, .. }
            | Mistake::DuplicateName { path }
            | Mistake::ZeroLimit { path, .. }
            | Mistake::StartCut { path, .. }
            | Mistake::StopCut { path, .. }
            | Mistake::DelayCut { path, .. }
            | Mistake::UsesUpTheStop { path, .. }
            | Mistake::RunsOnce { path }
            | Mistake::EssentialOneShot { path }
            | Mistake::InvalidBackoff { path, .. }
            | Mistake::NoRoom { path } => path,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Escaped(self.path()))?;
        match self {
            Mistake::EmptyName { position, .. } => {
                write!(f, "the member at position {position} has no name")
            }
            Mistake::DuplicateName { .. } => f.write_str("another member has this name, too"),
            Mistake::ZeroLimit { option, .. } => write!(f, "{option} is zero"),
            Mistake::StartCut { set, left, .. } => write!(
                f,
                "start_within is {set:?}, but only {left:?} are left for it when those before take as long as they may"
            ),
            Mistake::StopCut { set, left, .. } => write!(
                f,
                "stop_within is {set:?}, but only {left:?} are left for it when those before take as long as they may"
            ),
            Mistake::DelayCut { delay, left, .. } => {
                write!(f, "stop_delay is {delay:?}, but KILL comes after {left:?}")
            }
            Mistake::UsesUpTheStop { takes, left, .. } => write!(
                f,
                "it may take {takes:?} of the {left:?} that are for it and those stopped after it; a stop_within of its own leaves them more"
            ),
            Mistake::RunsOnce { .. } => f.write_str("it can run only once, and would be run again"),
            Mistake::EssentialOneShot { .. } => f.write_str("essential and one-shot"),
            Mistake::InvalidBackoff { why, .. } => write!(f, "the backoff is invalid: {why}"),
            Mistake::NoRoom { .. } => f.write_str("it has room for no member"),
        }
    }
}

/// The names above, and what was found there.
#[derive(Default)]
pub(super) struct Found {
    names: Vec<String>,
    kind: String,
    pub(super) mistakes: Vec<Mistake>,
}

impl Found {
    /// Does `look` inside of `plan`.
    pub(super) fn within<T>(&mut self, plan: &Plan, look: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.names.len();
        let kind = std::mem::replace(&mut self.kind, plan.kind.clone());
        self.names.extend(plan.name.clone());
        let result = look(self);
        self.names.truncate(depth);
        self.kind = kind;
        result
    }

    fn path(&self) -> String {
        match self.names.is_empty() {
            true => self.kind.clone(),
            false => self.names.join("/"),
        }
    }

    /// A mistake of what is being looked at.
    pub(super) fn push(&mut self, mistake: impl FnOnce(String) -> Mistake) {
        self.mistakes.push(mistake(self.path()));
    }
}

impl Plan {
    /// What is refused when it is run, and what cannot be what was meant: from the outside in, each kind by itself.
    ///
    /// Empty if nothing is known to be wrong.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Found::default();
        self.refused(&mut found, false);
        start::check(self, &mut found);
        stop::check(self, &mut found);
        found.mistakes
    }

    /// `again`: whether it would be run again, as far as those above it say.
    fn refused(&self, found: &mut Found, again: bool) {
        found.within(self, |found| {
            let none = OfMember::default();
            let member = self.member.as_deref().unwrap_or(&none);
            let runner = &self.runner;
            let zero = |limit: Option<Duration>| limit.is_some_and(|limit| limit.is_zero());
            for (option, limit) in [
                ("start_within", self.start_within()),
                ("stop_within", self.stop_within()),
                ("budget", runner.budget.map(|(_, within)| within)),
            ] {
                if zero(limit) {
                    found.push(|path| Mistake::ZeroLimit { path, option });
                }
            }
            if member.essential && member.one_shot {
                found.push(|path| Mistake::EssentialOneShot { path });
            }
            let policies = [&member.again, &runner.again].into_iter().flatten();
            for why in policies.filter_map(|again| again.invalid) {
                found.push(|path| Mistake::InvalidBackoff { path, why });
            }
            if runner.has_no_room {
                found.push(|path| Mistake::NoRoom { path });
            }
            let comes_back =
                |again: &Option<super::Again>| again.as_ref().is_some_and(super::Again::comes_back);
            let again = again || comes_back(&member.again);
            if again && runner.once {
                found.push(|path| Mistake::RunsOnce { path });
            }
            if matches!(runner.runs, Runs::Group { .. }) {
                self.check_names(found);
            }
            let again = again || comes_back(&runner.again);
            for part in &self.parts {
                part.refused(found, again);
            }
        });
    }

    fn check_names(&self, found: &mut Found) {
        let mut seen = HashSet::new();
        for (position, part) in self.parts.iter().enumerate() {
            let name = part.name().unwrap_or_default();
            if name.is_empty() {
                found.push(|path| Mistake::EmptyName { path, position });
            } else if !seen.insert(name) {
                found.within(part, |found| {
                    found.push(|path| Mistake::DuplicateName { path })
                });
            }
        }
    }
}
