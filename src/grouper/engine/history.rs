//! How the members of one run have ended: what its trace is made of.
//!
//! Invariants:
//! 1. The end of each member that is in the group, and has ended for good, is in it.
//! 2. Of what is past there is so much and no more: of failures of members that were removed or started again since, the
//!    newest [`PAST`]; of failures that did not end their member, the newest [`MOST_HEALED`]. Ok ends of either kind are
//!    forgotten. So it does not grow with the time for which a group is looked after.
//! 3. A run that has seen a member fail for good ends with an error, also when that failure is too old to be in it.
//! 4. Each step costs O(log n).

use std::collections::{BTreeMap, VecDeque};

use crate::error::Error;
use crate::error::{Exit, ExitTrace, MOST_HEALED, MemberExit};

const PAST: usize = 1_000;

/// Where the end of a member stands in the history, in the order of the ends.
pub(super) type Entry = u64;

#[derive(Default)]
pub(in crate::grouper) struct History {
    ends: BTreeMap<Entry, MemberExit>,
    next: Entry,
    /// Failures in `ends` that are not the end of a member which is in the group.
    past: VecDeque<Entry>,
    omitted: u64,
    failed: bool,
    healed: VecDeque<MemberExit>,
}

impl History {
    /// A member has ended for good.
    pub(super) fn ended(&mut self, end: MemberExit) -> Entry {
        self.failed |= end.exit.is_err();
        let entry = self.next;
        self.next += 1;
        self.ends.insert(entry, end);
        entry
    }

    /// The member is removed, or started again: an Ok end was not its last, and a failure is past.
    pub(super) fn pass(&mut self, entry: Entry) {
        if self.ends.get(&entry).is_none_or(|end| end.exit.is_ok()) {
            self.ends.remove(&entry);
            return;
        }
        self.past.push_back(entry);
        if self.past.len() > PAST
            && let Some(oldest) = self.past.pop_front()
        {
            self.ends.remove(&oldest);
            self.omitted += 1;
        }
    }

    /// A run of a member has ended, and the member goes on, or was asked to go.
    pub(super) fn healed(&mut self, end: MemberExit) {
        if end.exit.is_ok() {
            return;
        }
        if self.healed.len() == MOST_HEALED {
            self.healed.pop_front();
        }
        self.healed.push_back(end);
    }

    pub(in crate::grouper) fn into_ends(self) -> Vec<MemberExit> {
        self.ends.into_values().collect()
    }

    /// The exit of the group.
    pub(super) fn into_exit(self) -> Exit {
        if !self.failed {
            return Ok(());
        }
        let trace = ExitTrace::new(self.ends.into_values().collect());
        Err(Error::Group(
            trace.omitting(0, self.omitted).healing(self.healed.into()),
        ))
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;
    use crate::error::Cause;
    use crate::id::ProcessId;

    fn end(n: usize, exit: Exit) -> MemberExit {
        MemberExit {
            name: n.to_string(),
            id: ProcessId(0),
            exit,
            cause: Cause::Completed,
            time_to_stop: None,
            not_restarted: None,
        }
    }

    fn failure() -> Exit {
        Err(Error::NotStarted)
    }

    #[test]
    fn a_failure_that_is_too_old_to_be_kept_still_fails_the_group() {
        let mut history = History::default();
        for n in 0..3 * PAST {
            let entry = history.ended(end(n, failure()));
            history.pass(entry);
            let entry = history.ended(end(n, Ok(())));
            history.pass(entry);
        }
        let Err(Error::Group(trace)) = history.into_exit() else {
            panic!("members have failed");
        };
        assert_eq!(trace.len(), PAST);
        assert_eq!(trace.omitted, 2 * PAST as u64);
        assert_eq!(trace[0].name, (2 * PAST).to_string(), "the newest are kept");
    }

    #[test]
    fn the_ends_of_members_that_are_there_are_all_kept() {
        let mut history = History::default();
        for n in 0..3 * PAST {
            history.ended(end(n, Ok(())));
        }
        assert_eq!(history.ends.len(), 3 * PAST);
        assert!(history.into_exit().is_ok());
    }

    #[test]
    fn the_newest_failures_that_were_healed_are_kept() {
        let mut history = History::default();
        for n in 0..3 * MOST_HEALED {
            history.healed(end(n, failure()));
            history.healed(end(n, Ok(())));
        }
        history.ended(end(0, failure()));
        let Err(Error::Group(trace)) = history.into_exit() else {
            panic!("a member has failed");
        };
        assert_eq!(trace.healed.len(), MOST_HEALED);
        assert_eq!(trace.healed[0].name, (2 * MOST_HEALED).to_string());
    }
}
