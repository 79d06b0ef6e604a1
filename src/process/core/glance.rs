//! What is to be seen of a process at one moment.
//!
//! Invariant: since when a process is in its state is set by the step that brings it there, under the lock.

use std::time::Instant;

use super::{Core, State};
use crate::process::status::Status;
use crate::signal::Signal;

/// One look at a process.
pub(crate) struct Glance {
    pub(crate) status: Status,
    /// By the clock of the process.
    pub(crate) since: Instant,
    /// The signals that its runner has not read, the oldest first.
    pub(crate) pending: Vec<Signal>,
}

impl State {
    pub(super) fn status(&self) -> Status {
        match (&self.exit, &self.mailbox) {
            (Some(_), None) => Status::Exited,
            (Some(_), Some(_)) => Status::Abandoned,
            (None, _) if self.told() => Status::Stopping,
            (None, _) if self.restarting > 0 => Status::Restarting,
            (None, _) if self.ready => Status::Ready,
            (None, _) => Status::Starting,
        }
    }
}

impl Core {
    pub(crate) fn status(&self) -> Status {
        self.state.lock().status()
    }

    /// Makes a change to the state, which may bring the process into another status.
    pub(super) fn change<T>(&self, state: &mut State, change: impl FnOnce(&mut State) -> T) -> T {
        let before = state.status();
        let made = change(state);
        if state.status() != before {
            state.since = self.clock.now();
        }
        made
    }

    /// Never blocks.
    pub(crate) fn glance(&self) -> Glance {
        let mut state = self.state.lock();
        let pending = state.mailbox.as_mut().map(|mailbox| mailbox.pending());
        Glance {
            status: state.status(),
            since: state.since,
            pending: pending.unwrap_or_default(),
        }
    }
}
