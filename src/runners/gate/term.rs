//! Until when a lease lasts: [`Term`].
//!
//! Invariants:
//! 1. What comes first counts: that the lease is over, or the end of the work that relies on it. It is decided under the
//!    lock, once.
//! 2. A renewal that comes before the lease counts as over moves the time; one that comes later does nothing.
//! 3. Timers are set and dropped, and what is told because of them, under no lock.

use std::time::{Duration, Instant};

use crate::clock::{Clock, Timer};
use crate::error::Error;
use crate::sync::{Arc, Mutex};

/// The term of a lease that is held.
pub(super) struct Term {
    pub(super) clock: Clock,
    /// So long before its end the lease counts as over.
    ahead: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    until: Option<Instant>,
    over: Option<Over>,
    ended: bool,
    alarm: Option<Arc<dyn Alarm>>,
    timer: Option<Timer>,
}

/// Why a lease is over.
#[derive(Clone, Debug)]
pub(super) enum Over {
    /// It was not renewed in time.
    RanOut,
    /// It is lost for certain.
    Lost(Error),
}

/// Told when the lease is over, on the thread on which it is found out.
pub(super) trait Alarm: Send + Sync {
    /// `end` is when the lease ends by itself.
    fn is_over(&self, now: Instant, over: &Over, end: Option<Instant>);
}

impl Term {
    pub(super) fn new(clock: Clock, ahead: Duration) -> Arc<Self> {
        Arc::new(Term {
            clock,
            ahead,
            state: Mutex::default(),
        })
    }

    /// When the lease counts as over. A time so early that there is none is the earliest one that matters.
    fn due(&self, until: Instant) -> Instant {
        until
            .checked_sub(self.ahead)
            .unwrap_or_else(|| self.clock.now().min(until))
    }

    /// When it counts as over; `None` where it has no end.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let until = self.state.lock().until;
        until.map(|until| self.due(until))
    }

    /// How much of it is left, and how much there must be, where that is not less.
    pub(super) fn too_short(&self) -> Option<(Duration, Duration)> {
        let until = self.state.lock().until?;
        let left = until.saturating_duration_since(self.clock.now());
        (left <= self.ahead).then_some((left, self.ahead))
    }

    /// From now on the lease lasts until then.
    pub(super) fn lasts_until(self: &Arc<Self>, until: Instant) {
        {
            let mut state = self.state.lock();
            if state.over.is_some() {
                return; // Invariant 2
            }
            state.until = Some(until);
        }
        self.set_timer();
    }

    /// `alarm` is told when the lease is over, until the work has ended. The clock's timer must have been started.
    pub(super) fn watch(self: &Arc<Self>, alarm: Arc<dyn Alarm>) {
        self.state.lock().alarm = Some(alarm);
        self.set_timer();
    }

    fn set_timer(self: &Arc<Self>) {
        let (until, before) = {
            let mut state = self.state.lock();
            let wanted = state.alarm.is_some() && !state.ended;
            (state.until.filter(|_| wanted), state.timer.take())
        };
        drop(before); // Invariant 3; and first, so that a clock moved by hand has one of its timers at most
        let Some(until) = until else { return };
        let term = Arc::downgrade(self);
        let look = move || {
            if let Some(term) = term.upgrade() {
                term.look();
            }
        };
        let timer = self.clock.schedule(self.due(until), Box::new(look));
        let mut state = self.state.lock();
        if !state.ended {
            state.timer = Some(timer);
            return;
        }
        drop(state);
        drop(timer); // Invariant 3
    }

    /// The time of a timer has come.
    fn look(&self) {
        let now = self.clock.now();
        self.find_over(now, Over::RanOut);
    }

    /// The lease is lost for certain; says whether that was not known, and the work goes on.
    pub(super) fn lose(&self, why: Error) -> bool {
        self.find_over(self.clock.now(), Over::Lost(why))
    }

    fn find_over(&self, now: Instant, over: Over) -> bool {
        let mut state = self.state.lock();
        let is_now = match (&over, state.until) {
            (Over::Lost(_), _) => true,
            // It may have been renewed.
            (Over::RanOut, until) => until.is_some_and(|until| self.due(until) <= now),
        };
        if state.ended || state.over.is_some() || !is_now {
            drop(state); // before what is foreign
            return false; // Invariant 1
        }
        state.over = Some(over.clone());
        let (end, alarm) = (state.until, state.alarm.clone());
        drop(state);
        if let Some(alarm) = alarm {
            alarm.is_over(now, &over, end); // Invariant 3
        }
        true
    }

    /// Whether it is held still.
    pub(super) fn is_held(&self) -> bool {
        let state = self.state.lock();
        state.over.is_none() && !state.ended
    }

    /// Whether it has run out by now; asked where no timer tells it.
    pub(super) fn has_run_out(&self) -> bool {
        self.look();
        self.state.lock().over.is_some()
    }

    /// The work that relies on it has ended; why the lease was over before that, if it was.
    pub(super) fn end(&self) -> Option<Over> {
        let mut state = self.state.lock();
        state.ended = true;
        let (alarm, timer) = (state.alarm.take(), state.timer.take());
        let over = state.over.clone();
        drop(state);
        drop((alarm, timer)); // Invariant 3
        over
    }
}
