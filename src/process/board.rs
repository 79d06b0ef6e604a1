//! What a group shows of its members besides their processes: [`Board`].
//!
//! Invariants:
//! 1. To look, and to show, waits for no group: the lock is a leaf, and it is held for as long as it takes to change a row or
//!    to copy them all. A row holds nothing foreign.
//! 2. A member without a process that is going to have one has a row, and so has one that was restarted or has failed. A
//!    member that runs for the first time has none: a group that is up and well keeps nothing here.
//! 3. A row is replaced, or taken away, when its member has come to its new place; so for a moment it may stand beside the
//!    process that has just been started, which then counts.

use std::collections::BTreeMap;
use std::time::Instant;

use super::last_exit::LastExit;
use crate::sync::{Arc, Mutex};

/// By the rank of the member in its group.
#[derive(Default)]
pub(crate) struct Board(Mutex<BTreeMap<u64, Row>>);

/// A member that has no process, or one that is not its first.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: Arc<str>,
    pub(crate) standing: Standing,
    /// How often it was restarted in this run of the group.
    pub(crate) restarts: u64,
    pub(crate) last_exit: Option<LastExit>,
}

#[derive(Clone, Copy)]
pub(crate) enum Standing {
    /// It is to be started, when its turn comes.
    Waiting { since: Instant },
    /// It is to be started again: then, or when others have exited where that is not known.
    Down {
        since: Instant,
        next_try: Option<Instant>,
    },
    /// It has a process.
    Up,
}

impl Board {
    /// Where a member stands now.
    pub(crate) fn show(&self, rank: u64, row: Row) {
        self.0.lock().insert(rank, row);
    }

    /// There is nothing to show of it any more.
    pub(crate) fn hide(&self, rank: u64) {
        self.0.lock().remove(&rank);
    }

    /// No member is going to be started any more.
    pub(crate) fn show_living_only(&self) {
        let is_up = |row: &Row| matches!(row.standing, Standing::Up);
        self.0.lock().retain(|_, row| is_up(row));
    }

    /// The run is over.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }

    /// The rows, in the order of the group.
    pub(crate) fn rows(&self) -> Vec<(u64, Row)> {
        let rows = self.0.lock();
        rows.iter()
            .map(|(rank, row)| (*rank, row.clone()))
            .collect()
    }
}
