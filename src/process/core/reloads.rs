//! Who takes part in the reloads of a process, and those who wait for that.
//!
//! Invariants:
//! 1. Each HUP that is delivered to a process asks all its parts, before the runner can read it. A part that is asked
//!    again before it has begun reloads once.
//! 2. A round waits for a part until that has finished a reload that began after a HUP which came after the round did.
//! 3. A part that was dropped, whose run has ended, or whose process was told to stop is waited for no more.
//! 4. The lock of a part is taken under those of its process, and no other under it. Under none of them does anything
//!    foreign run, or block.

use std::time::Instant;

use super::Core;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Condvar, Mutex};

/// One that takes part.
pub(in crate::process) struct Part {
    due: Sender<()>,
    is_due: Receiver<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How often it was asked.
    asked: u64,
    /// How often it had been asked when it began last.
    begun: u64,
    over: bool,
    awaited: Vec<Awaited>,
}

/// A round that waits for it to have begun when it was asked so often, and to have finished.
struct Awaited {
    mark: u64,
    round: Arc<Round>,
    place: usize,
}

/// What came of one part in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) enum Outcome {
    Pending,
    Done,
    Failed(Arc<str>),
    /// It takes part no more.
    Gone,
}

/// One wait for several parts.
pub(in crate::process) struct Round {
    state: Mutex<RoundState>,
    changed: Condvar,
}

struct RoundState {
    pending: usize,
    outcomes: Vec<Outcome>,
}

impl Part {
    fn new() -> Arc<Self> {
        let (due, is_due) = bounded(1);
        let state = Mutex::default();
        Arc::new(Part { due, is_due, state })
    }

    pub(in crate::process) fn due(&self) -> &Receiver<()> {
        &self.is_due
    }

    fn ask(&self) {
        let mut state = self.state.lock();
        if state.over {
            return; // it stops, and has better to do
        }
        state.asked += 1;
        let _ = self.due.try_send(()); // where it is full, that was not read yet
    }

    pub(in crate::process) fn is_due(&self) -> bool {
        let state = self.state.lock();
        state.asked > state.begun
    }

    /// A reload begins; it answers all that was asked until now. Returns the mark to finish it with.
    pub(in crate::process) fn begin(&self) -> u64 {
        let mut state = self.state.lock();
        let _ = self.is_due.try_recv();
        state.begun = state.asked;
        state.begun
    }

    pub(in crate::process) fn finish(&self, mark: u64, outcome: &Outcome) {
        let mut state = self.state.lock();
        let those = state
            .awaited
            .extract_if(.., |awaited| awaited.mark <= mark) // Invariant 2
            .collect::<Vec<_>>();
        drop(state);
        for Awaited { round, place, .. } in those {
            round.hear(place, outcome.clone());
        }
    }

    /// Invariant 3
    pub(in crate::process) fn end(&self) {
        self.state.lock().over = true;
        self.finish(u64::MAX, &Outcome::Gone);
    }

    pub(in crate::process) fn let_wait(&self, round: &Arc<Round>, place: usize) {
        let mut state = self.state.lock();
        if state.over {
            drop(state);
            return round.hear(place, Outcome::Gone);
        }
        let mark = state.asked + 1;
        let round = Arc::clone(round);
        state.awaited.push(Awaited { mark, round, place });
    }

    pub(in crate::process) fn wait_no_more(&self, round: &Arc<Round>) {
        let mut state = self.state.lock();
        state
            .awaited
            .retain(|awaited| !Arc::ptr_eq(&awaited.round, round));
    }
}

impl Round {
    /// Of so many parts.
    pub(in crate::process) fn new(parts: usize) -> Arc<Self> {
        Arc::new(Round {
            state: Mutex::new(RoundState {
                pending: parts,
                outcomes: vec![Outcome::Pending; parts],
            }),
            changed: Condvar::new(),
        })
    }

    fn hear(&self, place: usize, outcome: Outcome) {
        let mut state = self.state.lock();
        state.outcomes[place] = outcome;
        state.pending -= 1;
        if state.pending == 0 {
            self.changed.notify_all();
        }
    }

    /// Blocks until all have finished or gone, or `limit` of real time has come; what came of each.
    pub(in crate::process) fn wait(&self, limit: Option<Instant>) -> Vec<Outcome> {
        let mut state = self.state.lock();
        while state.pending > 0 {
            match limit {
                None => self.changed.wait(&mut state),
                Some(limit) => {
                    if self.changed.wait_until(&mut state, limit).timed_out() {
                        break;
                    }
                }
            }
        }
        state.outcomes.clone()
    }
}

impl Core {
    /// A part of this process, until it is told to stop, or its run ends.
    pub(in crate::process) fn take_part(&self) -> Arc<Part> {
        let part = Part::new();
        self.reload_parts().lock().push(Arc::clone(&part));
        if self.was_told() {
            part.end(); // after it was added: a stop that came before has not seen it
        }
        part
    }

    pub(in crate::process) fn part_ends(&self, part: &Arc<Part>) {
        part.end();
        if let Some(parts) = self.reload_parts_if_any() {
            parts.lock().retain(|other| !Arc::ptr_eq(other, part));
        }
    }

    /// Those of this process that can be waited for.
    pub(in crate::process) fn parts(&self) -> Vec<Arc<Part>> {
        let parts = self.reload_parts_if_any();
        let mut parts = parts.map_or_else(Vec::new, |parts| parts.lock().clone());
        parts.retain(|part| !part.state.lock().over);
        parts
    }

    /// It was told this, and has not exited.
    pub(super) fn reloads_hear(&self, signal: Signal) {
        let Some(parts) = self.reload_parts_if_any() else {
            return;
        };
        for part in &*parts.lock() {
            match signal {
                Signal::HANGUP => part.ask(), // Invariant 1
                _ if signal.is_stop() => part.end(),
                _ => {}
            }
        }
    }

    /// The run has ended.
    pub(super) fn reloads_end(&self) {
        if let Some(parts) = self.reload_parts_if_any() {
            let parts = std::mem::take(&mut *parts.lock());
            parts.iter().for_each(|part| part.end());
        }
    }
}
