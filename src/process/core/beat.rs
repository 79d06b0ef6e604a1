//! Beats: a runner's promise to say that it makes progress.
//!
//! Invariants:
//! 1. While a promise is out, one timer runs for it, and it runs out no later than the promise does. A beat moves the
//!    promise and leaves the timer alone: that looks again when it has run out. So a beat costs a look at the clock and a
//!    lock, however often it comes, and wakes the timer's thread no more than once in the time that was promised.
//!    A timer is set under no lock, so it may run out before it is kept, or another may be set meanwhile: which one counts
//!    is decided under the lock, before it is set, and one that does not count does nothing and is not kept.
//! 2. A stall is said once, and so is its end, which is the next beat.
//! 3. No promise outlives the run.
//! 4. Under the lock here an event is said, so that the two of invariant 2 come in their order; no timer is set or dropped.

use std::time::{Duration, Instant};

use super::Core;
use crate::clock::Timer;
use crate::observe::What;
use crate::sync::Arc;

#[derive(Default)]
pub(super) struct Beats {
    last: Option<Instant>,
    /// When the next beat is due; `None` where none is promised.
    due: Option<Instant>,
    /// When the timer runs out that counts.
    watched: Option<Instant>,
    /// That timer, once it is kept.
    timer: Option<Timer>,
    stalled: bool,
}

impl Beats {
    /// When a timer is to run out that does not run yet. From now on it is the one that counts.
    fn lacks_timer(&mut self) -> Option<Instant> {
        let due = self.due.filter(|_| !self.stalled)?;
        let runs = self.watched.is_some_and(|at| at <= due);
        (!runs).then(|| *self.watched.insert(due))
    }
}

impl Core {
    /// It makes progress, and says so again within that time; not, if that is further off than time goes.
    pub(crate) fn beat(self: &Arc<Self>, within: Duration) {
        let now = self.clock.now();
        let beats = self.beats();
        let mut state = beats.lock();
        if std::mem::take(&mut state.stalled) {
            let silent = state.last.map(|last| now.saturating_duration_since(last));
            let after = silent.unwrap_or_default();
            self.say(|_| What::Recovered { after }); // Invariant 2
        }
        state.last = Some(now);
        state.due = now.checked_add(within);
        let lacks = state.lacks_timer();
        drop(state);
        match lacks {
            Some(due) if self.clock.start_timer().is_ok() => self.watch_beats(due),
            Some(_) => self.beats().lock().watched = None, // the next beat tries again
            None => {}
        }
    }

    /// The run has ended.
    pub(super) fn beats_end(&self) {
        if let Some(beats) = self.beats_if_any() {
            let ended = std::mem::take(&mut *beats.lock());
            drop(ended); // with its timer, under no lock
        }
    }

    /// Since when it has made no progress although it had promised to say so.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        let beats = self.beats_if_any()?.lock();
        beats.last.filter(|_| beats.stalled)
    }

    /// Sets the timer that counts from now on.
    fn watch_beats(self: &Arc<Self>, due: Instant) {
        let weak = Arc::downgrade(self);
        let look = move || {
            if let Some(core) = weak.upgrade() {
                core.look_for_beat(due);
            }
        };
        let timer = self.clock.schedule(due, Box::new(look));
        let mut state = self.beats().lock();
        // Invariant 1: it may have run out already, or another may count.
        let unwanted = match state.watched == Some(due) {
            true => state.timer.replace(timer),
            false => Some(timer),
        };
        drop(state);
        drop(unwanted);
    }

    /// The timer of that time has run out; on its thread.
    fn look_for_beat(self: &Arc<Self>, ran_out_at: Instant) {
        let now = self.clock.now();
        let mut state = self.beats().lock();
        if state.watched != Some(ran_out_at) {
            return; // Invariant 1: another counts, or none
        }
        state.watched = None;
        let ran_out = state.timer.take();
        if let Some(since) = state
            .last
            .filter(|_| state.due.is_some_and(|due| due <= now))
        {
            state.stalled = true;
            self.say(|_| What::Stalled { since }); // Invariant 2: no timer runs until the next beat
        }
        let lacks = state.lacks_timer();
        drop(state);
        drop(ran_out);
        if let Some(due) = lacks {
            self.watch_beats(due);
        }
    }
}
