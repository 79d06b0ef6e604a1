//! A clock moved by hand.

use std::fmt;
use std::time::{Duration, Instant};

use super::waiting::patience;
use crate::clock::{Clock, Manual};
use crate::sync::{Arc, now};

/// A clock that stands still until it is moved.
///
/// Clones move the same clock. Whatever is due on the way is done on the thread that moves it, in order, each at its
/// own time. What a moved clock sets off on other threads happens a moment later: wait for its effect, not for the
/// clock.
///
/// ```
/// use ifrit::testing::{ManualClock, Waiting, never_ready};
/// use ifrit::{Error, Process};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let process = Process::builder()
///     .clock(clock.clock())
///     .start_within(Duration::from_secs(30))
///     .background(never_ready());
/// clock.advance(Duration::from_secs(30));
/// assert!(matches!(process.expect_exit(), Err(Error::StartTimeout { .. })));
/// ```
#[derive(Clone)]
#[doc(alias("fake clock", "mock"))]
pub struct ManualClock(Arc<Manual>);

impl ManualClock {
    /// A clock that stands at the present moment.
    pub fn new() -> Self {
        ManualClock(Manual::new())
    }

    /// The clock to give to a process; its children inherit it.
    pub fn clock(&self) -> Clock {
        Clock::manual(Arc::clone(&self.0))
    }

    /// The time it shows.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Sets the time of day, forward or back, as the time since 1970-01-01 00:00 UTC. It goes on from there with the clock.
    /// Default: zero, when the clock is made.
    ///
    /// Only what follows a time table looks at it, such as [`Ticker::cron`](crate::runners::Ticker::cron). Needs the feature
    /// `cron`.
    #[cfg(feature = "cron")]
    pub fn set_time_of_day(&self, since_1970: Duration) {
        self.0.set_time_of_day(since_1970);
    }

    /// Moves it on.
    ///
    /// # Panics
    ///
    /// If that is further than time goes.
    pub fn advance(&self, by: Duration) {
        match self.now().checked_add(by) {
            Some(target) => self.0.advance_to(target),
            None => panic!("a clock cannot be moved by {by:?}"),
        }
    }

    /// Blocks until at least `count` timers are set on it: until what is under test has come to wait. For none, it
    /// returns at once.
    ///
    /// # Panics
    ///
    /// When the [`patience`](super::patience) is over.
    pub fn wait_for_timers(&self, count: usize) {
        if count > 0 {
            self.earliest(count);
        }
    }

    /// Blocks until a timer is set on it, moves to the earliest, and returns how far that was.
    ///
    /// # Panics
    ///
    /// When the [`patience`](super::patience) is over.
    pub fn advance_to_next(&self) -> Duration {
        let (before, next) = (self.now(), self.earliest(1));
        self.0.advance_to(next);
        next.saturating_duration_since(before)
    }

    fn earliest(&self, count: usize) -> Instant {
        let patience = patience();
        match self.0.wait_for_timers(count, now() + patience) {
            Some(instant) => instant,
            None => panic!("not {count} timers after {patience:?}"),
        }
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManualClock")
    }
}
