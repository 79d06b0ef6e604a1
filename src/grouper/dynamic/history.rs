//! What a dynamic group remembers of its members' exits.

use std::collections::VecDeque;

use crate::error::MemberExit;

/// The newest exits.
#[derive(Default)]
pub(super) struct History {
    pub(super) exits: VecDeque<MemberExit>,
    pub(super) omitted: u64,
    pub(super) failed: bool,
}

impl History {
    /// Returns what has fallen out.
    pub(super) fn push(
        &mut self,
        failed: bool,
        room: usize,
        record: impl FnOnce() -> MemberExit,
    ) -> Option<MemberExit> {
        self.failed |= failed;
        let is_full = self.exits.len() >= room;
        self.omitted += u64::from(is_full);
        let fallen = is_full.then(|| self.exits.pop_front()).flatten();
        if room > 0 {
            self.exits.push_back(record());
        }
        fallen
    }
}
