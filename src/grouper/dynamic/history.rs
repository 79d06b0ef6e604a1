//! What a dynamic group remembers of its members' exits.
//!
//! Invariants:
//! 1. It has room for so many exits and no more. One that does not find room is counted.
//! 2. An Ok exit never takes the room of a failure. So a failure falls out only where as many newer ones came.
//! 3. A run that has seen a failure ends with an error, also where that failure is not kept.

use std::collections::VecDeque;

use crate::error::{Error, Exit, ExitTrace, MemberExit};

/// The newest exits, failures in preference.
#[derive(Default)]
pub(super) struct History {
    oks: Kept,
    failures: Kept,
    /// The place of the next exit in the order of exits.
    next: u64,
}

#[derive(Default)]
struct Kept {
    exits: VecDeque<(u64, MemberExit)>,
    omitted: u64,
}

impl Kept {
    fn omit_oldest(&mut self) -> Option<MemberExit> {
        let (_, exit) = self.exits.pop_front()?;
        self.omitted += 1;
        Some(exit)
    }
}

impl History {
    /// Takes in an exit. Returns what has fallen out, to be dropped where that is safe.
    pub(super) fn push(
        &mut self,
        failed: bool,
        room: usize,
        record: impl FnOnce() -> MemberExit,
    ) -> Option<MemberExit> {
        let is_full = self.oks.exits.len() + self.failures.exits.len() >= room;
        let fallen = match is_full {
            false => None,
            true => match self.oks.omit_oldest() {
                None if failed => self.failures.omit_oldest(),
                oldest => oldest, // Invariant 2
            },
        };
        let kept = match failed {
            true => &mut self.failures,
            false => &mut self.oks,
        };
        if is_full && fallen.is_none() {
            kept.omitted += 1;
            return None;
        }
        kept.exits.push_back((self.next, record()));
        self.next += 1;
        fallen
    }

    /// The exit of the group.
    pub(super) fn into_exit(self) -> Exit {
        let History { oks, failures, .. } = self;
        let omitted = (oks.omitted, failures.omitted);
        if failures.exits.is_empty() && failures.omitted == 0 {
            return Ok(()); // Invariant 3
        }
        let mut exits: Vec<_> = oks.exits.into_iter().chain(failures.exits).collect();
        exits.sort_unstable_by_key(|(place, _)| *place);
        let exits = exits.into_iter().map(|(_, exit)| exit).collect();
        Err(Error::Group(
            ExitTrace::new(exits).omitting(omitted.0, omitted.1),
        ))
    }
}
