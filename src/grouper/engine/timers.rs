//! What is due in a run, and when.
//!
//! Invariants:
//! 1. For each member, for the start of the group and for a round, one thing at most is due. `due` and `set` have the same
//!    things in them.
//! 2. Each step costs O(log n), where n is how many things are due.

use std::collections::BTreeMap;
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The stop delay of a member is over.
    Tell(usize),
    Kill(usize),
    GiveUp(usize),
    /// The delay before a member's restart is over.
    Restart(usize),
    /// The limit of the group's start is over.
    StartOver,
    /// The delay before the restarts of a round is over.
    Resume,
}

/// What a timer belongs to. Of those that are due at the same time, the one that stands first here comes first: a member
/// whose restart is due when the start is over is not started, for it cannot be ready in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Start,
    Member(usize),
    Round,
}

impl Due {
    fn owner(self) -> Owner {
        match self {
            Due::Tell(index) | Due::Kill(index) | Due::GiveUp(index) | Due::Restart(index) => {
                Owner::Member(index)
            }
            Due::StartOver => Owner::Start,
            Due::Resume => Owner::Round,
        }
    }
}

#[derive(Default)]
pub(super) struct Timers {
    due: BTreeMap<(Instant, Owner), Due>,
    set: BTreeMap<Owner, Instant>,
}

impl Timers {
    /// From now on this, and nothing else, is due for its owner.
    pub(super) fn set(&mut self, at: Instant, due: Due) {
        let owner = due.owner();
        if let Some(before) = self.set.insert(owner, at) {
            self.due.remove(&(before, owner));
        }
        self.due.insert((at, owner), due);
    }

    pub(super) fn clear(&mut self, owner: Owner) {
        if let Some(at) = self.set.remove(&owner) {
            self.due.remove(&(at, owner));
        }
    }

    /// When something is due for this owner.
    pub(super) fn when(&self, owner: Owner) -> Option<Instant> {
        self.set.get(&owner).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    pub(super) fn earliest(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out what is due first, if it is due at `now`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Due> {
        let entry = self
            .due
            .first_entry()
            .filter(|entry| entry.key().0 <= now)?;
        self.set.remove(&entry.key().1);
        Some(entry.remove())
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_thing_is_due_for_an_owner_and_the_last_that_was_set_counts() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut timers = Timers::default();
        timers.set(at(1), Due::Tell(7));
        timers.set(at(3), Due::Kill(7));
        timers.set(at(2), Due::Resume);
        timers.set(at(2), Due::Restart(8));
        timers.set(at(4), Due::StartOver);
        timers.clear(Owner::Start);
        timers.clear(Owner::Member(1)); // which has none
        assert_eq!(timers.earliest(), Some(at(2)));
        assert_eq!(timers.pop(at(1)), None, "it was replaced");
        let popped: Vec<_> = std::iter::from_fn(|| timers.pop(at(9))).collect();
        assert_eq!(popped, [Due::Restart(8), Due::Resume, Due::Kill(7)]);
        assert!(timers.is_empty() && timers.set.is_empty());
    }
}
