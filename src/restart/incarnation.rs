//! One run of what a restarter runs, and what is told that it is ready.

use std::time::Instant;

use crate::process::Core;
use crate::ready::{Announce, ReadySender};
use crate::sync::{Arc, Mutex};

/// Tells the restarter's own sender, the first time, while it lives; and the host that nothing is down any more.
pub(super) struct Incarnation {
    outer: Arc<Mutex<Option<ReadySender>>>,
    host: Arc<Core>,
    /// The time at which it becomes ready is asked for.
    timed: bool,
    /// The host counts as restarting until it is ready.
    ends_restarting: bool,
    state: Mutex<Life>,
}

#[derive(Clone, Copy)]
pub(super) enum Life {
    Starting,
    Ready { since: Option<Instant> },
    Over,
}

impl Incarnation {
    pub(super) fn new(
        outer: &Arc<Mutex<Option<ReadySender>>>,
        host: &Arc<Core>,
        timed: bool,
        ends_restarting: bool,
    ) -> Self {
        Incarnation {
            outer: Arc::clone(outer),
            host: Arc::clone(host),
            timed,
            ends_restarting,
            state: Mutex::new(Life::Starting),
        }
    }

    /// Its run has ended; returns how far it had come.
    pub(super) fn end(&self) -> Life {
        std::mem::replace(&mut *self.state.lock(), Life::Over)
    }
}

impl Announce for Incarnation {
    fn ready(&self) {
        let mut state = self.state.lock();
        if !matches!(*state, Life::Starting) {
            return;
        }
        let since = self.timed.then(|| self.host.clock.now());
        *state = Life::Ready { since };
        drop(state); // what is told of it may drop something foreign
        if self.ends_restarting {
            self.host.end_restarting(); // before ready is seen: then it does not count as restarting any more
        }
        let outer = self.outer.lock().take();
        if let Some(outer) = outer {
            outer.notify();
        }
    }
}
