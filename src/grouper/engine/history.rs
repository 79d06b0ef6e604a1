//! How the members of one run have ended: what its trace is made of.
//!
//! Invariants:
//! 1. The end of each member that is in the group, and has ended for good, is in it.
//! 2. Of what is past there is so much and no more: of failures of members that were removed or started again since, the
//!    newest [`PAST`]; of failures that did not end their member, the newest [`HEALED`]. Ok ends of either kind are
//!    forgotten. So it does not grow with the time for which a group is looked after.
//! 3. A run that has seen a member fail for good ends with an error, also when that failure is too old to be in it.
//! 4. Each step costs O(log n).

use std::collections::{BTreeMap, VecDeque};

use crate::error::Error;
use crate::error::{Exit, ExitTrace, MemberExit};

const PAST: usize = 1_000;
const HEALED: usize = 100;

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
        if self.healed.len() == HEALED {
            self.healed.pop_front();
        }
        self.healed.push_back(end);
    }

    pub(super) fn ends(&self) -> impl Iterator<Item = &MemberExit> {
        self.ends.values()
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
