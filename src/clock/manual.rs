//! Time moved by hand.

#[cfg(feature = "cron")]
use std::time::Duration;
use std::time::Instant;

use super::queue::{Action, Key, Queue};
use crate::disposal::{defer, defer_quietly};
use crate::sync::{Arc, Condvar, Mutex, now};

/// A clock that moves only when told to.
pub(crate) struct Manual {
    queue: Mutex<Queue>,
    time: Mutex<Instant>,
    scheduled: Condvar,
    /// The time of day at an instant; it goes on from there with the clock.
    #[cfg(feature = "cron")]
    time_of_day: Mutex<(Instant, Duration)>,
}

impl Manual {
    pub(crate) fn new() -> Arc<Self> {
        let now = now();
        Arc::new(Manual {
            queue: Mutex::default(),
            time: Mutex::new(now),
            scheduled: Condvar::new(),
            #[cfg(feature = "cron")]
            time_of_day: Mutex::new((now, Duration::ZERO)),
        })
    }

    #[cfg(feature = "cron")]
    pub(crate) fn time_of_day(&self) -> Duration {
        let (at, time) = *self.time_of_day.lock();
        time.saturating_add(self.now().saturating_duration_since(at))
    }

    #[cfg(feature = "cron")]
    pub(crate) fn set_time_of_day(&self, time: Duration) {
        *self.time_of_day.lock() = (self.now(), time);
    }

    pub(crate) fn now(&self) -> Instant {
        *self.time.lock()
    }

    /// What is due already is done at once, and has no key.
    pub(super) fn schedule(&self, instant: Instant, action: Action) -> Option<Key> {
        let mut queue = self.queue.lock();
        if instant <= self.now() {
            drop(queue);
            let _deferring = defer_quietly();
            action();
            return None;
        }
        let key = queue.insert(instant, action);
        self.scheduled.notify_all();
        Some(key)
    }

    pub(super) fn cancel(&self, key: &Key) -> Option<Action> {
        self.queue.lock().actions.remove(key)
    }

    /// Moves to `target` through every timer on the way, in order, each run at its own time.
    pub(crate) fn advance_to(&self, target: Instant) {
        let _deferring = defer(); // an action that waits would keep the others from their time
        loop {
            let mut queue = self.queue.lock();
            let mut time = self.time.lock();
            let at = queue.earliest().map_or(target, |at| at.min(target));
            *time = at.max(*time);
            drop(time);
            let action = queue.take_due(at);
            drop(queue);
            match action {
                Some(action) => action(),
                None => return, // nothing is set before `target`
            }
        }
    }

    /// The earliest timer, once at least `count` are set; `None` if they are not when `limit` of real time has come.
    pub(crate) fn wait_for_timers(&self, count: usize, limit: Instant) -> Option<Instant> {
        let mut queue = self.queue.lock();
        while queue.actions.len() < count {
            if self.scheduled.wait_until(&mut queue, limit).timed_out() {
                break;
            }
        }
        queue.earliest().filter(|_| queue.actions.len() >= count)
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use std::time::Duration;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    fn wait(manual: &Manual, count: usize) -> Option<Instant> {
        manual.wait_for_timers(count, now() + MOMENT)
    }

    #[test]
    fn who_waits_for_a_timer_in_vain_is_told() {
        let manual = Manual::new();
        assert_eq!(wait(&manual, 1), None);
        let at = manual.now() + MOMENT;
        manual.schedule(at, Box::new(|| {}));
        assert_eq!(wait(&manual, 1), Some(at));
        assert_eq!(wait(&manual, 2), None);
    }
}
