//! The connections of one run.
//!
//! Invariants:
//! 1. Connections are taken in, and the table is closed, on the thread of the run. So each of them hears of the stop: those
//!    that go idle later see it for themselves.
//! 2. A connection leaves the table when its handler has returned, and its socket is closed, as far as it is ours, before the
//!    run is woken because of it: the run may count on the file descriptor.
//! 3. The run is woken only while it waits for what has happened. What has happened before it began to, it sees by the count
//!    of the ends.
//! 4. No socket is touched under the lock, and nothing foreign runs under it.

use std::collections::HashMap;

use super::connection::{Line, Stop};
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Mutex};

pub(super) struct Table {
    state: Mutex<State>,
    pub(super) stop: Arc<Stop>,
    nudge: Sender<()>,
}

#[derive(Default)]
struct State {
    lines: HashMap<u64, Arc<Line>>,
    ends: u64,
    awaited: Awaited,
}

/// How many connections there are, and how many have ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) open: usize,
    pub(super) ends: u64,
}

impl State {
    fn look(&self) -> Look {
        Look {
            open: self.lines.len(),
            ends: self.ends,
        }
    }
}

/// What the run waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Awaited {
    #[default]
    Nothing,
    /// The end of any connection.
    AnEnd,
    /// The end of all.
    TheLast,
}

impl Table {
    /// An empty one, and what wakes its run.
    pub(super) fn new() -> (Arc<Self>, Receiver<()>) {
        let (nudge, nudges) = bounded(1);
        let table = Table {
            state: Mutex::default(),
            stop: Arc::default(),
            nudge,
        };
        (Arc::new(table), nudges)
    }

    pub(super) fn look(&self) -> Look {
        self.state.lock().look()
    }

    /// Takes it in.
    pub(super) fn enter(&self, line: &Arc<Line>) {
        let line = Arc::clone(line);
        self.state.lock().lines.insert(line.number, line);
    }

    /// Its handler has returned, or does not run.
    pub(super) fn leave(&self, line: Arc<Line>) {
        let mut state = self.state.lock();
        let kept = state.lines.remove(&line.number);
        state.ends += 1;
        let is_awaited = match state.awaited {
            Awaited::Nothing => false,
            Awaited::AnEnd => true,
            Awaited::TheLast => state.lines.is_empty(),
        };
        if is_awaited {
            state.awaited = Awaited::Nothing; // Invariant 3
        }
        drop(state);
        drop(kept);
        drop(line); // Invariant 2
        if is_awaited {
            let _ = self.nudge.try_send(()); // one that is pending is as good
        }
    }

    /// From now on the run is woken when that happens. It may have happened already.
    pub(super) fn wait_for(&self, awaited: Awaited) -> Look {
        let mut state = self.state.lock();
        state.awaited = awaited;
        state.look()
    }

    /// Tells all of the stop, and wakes those that are idle. How many there are.
    pub(super) fn close(&self) -> usize {
        self.stop.begin(); // Invariant 1
        let lines = self.lines();
        for line in &lines {
            line.wake_if_idle();
        }
        lines.len()
    }

    /// Cuts them all, and says how many were in a request.
    pub(super) fn cut(&self) -> usize {
        let lines = self.lines();
        let in_a_request = lines.iter().filter(|line| line.is_in_a_request()).count();
        self.stop.kill(); // after they were counted: what waits for it returns at once
        for line in &lines {
            line.cut();
        }
        in_a_request
    }

    /// In the order of their numbers.
    pub(super) fn lines(&self) -> Vec<Arc<Line>> {
        let mut lines: Vec<_> = self.state.lock().lines.values().cloned().collect();
        lines.sort_unstable_by_key(|line| line.number);
        lines
    }
}
