//! Time, through one door: [`Clock`].
//!
//! A clock belongs to a process and its children inherit it, so a test can hand a whole tree a clock that is moved by
//! hand. Two kinds stand behind it: the system's monotonic clock, and one that moves only when told to.
//!
//! Invariants:
//! 1. Time is monotonic: an [`Instant`], on either clock.
//! 2. An action runs at most once, never under a lock of ours, and never before its time. One that is cancelled before
//!    it was taken out of the queue never runs.
//! 3. Nothing polls: the timer's thread sleeps until the earliest time, and for ever when there is none.

mod manual;
mod queue;
mod system;
mod timer;

use std::fmt;
use std::io;
use std::ops::Deref;
use std::time::{Duration, Instant};

pub(crate) use manual::Manual;
pub(crate) use queue::Action;
pub(crate) use timer::Timer;

use crate::sync::channel::{Receiver, at, bounded, never};
use crate::sync::{Arc, now};
use system::SYSTEM;

/// Where a process reads the time from and lets itself be woken.
///
/// Clones are the same clock. Every process has one; its children inherit it. A clock that a test moves by hand is
/// made by [`testing::ManualClock`](crate::testing::ManualClock).
///
/// ```
/// use ifrit::{clock::Clock, prelude::*, testing::ManualClock};
/// use std::time::Duration;
///
/// let hand = ManualClock::new();
/// let nap = ifrit::run_fn(|signals, ready| {
///     let clock = ifrit::current().map(|process| process.clock()).unwrap_or_default();
///     let hour = clock.after(Duration::from_secs(3600));
///     ready.notify();
///     let _ = hour.recv();
///     Ok(())
/// });
/// let process = Process::builder().clock(hand.clock()).invoke(nap);
/// hand.advance(Duration::from_secs(3600));
/// assert!(process.join().is_ok());
/// ```
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Manual>),
}

impl Clock {
    /// The system's monotonic clock; also the default.
    ///
    /// ```
    /// let clock = ifrit::clock::Clock::system();
    /// assert!(clock.now() <= clock.now());
    /// ```
    pub const fn system() -> Self {
        Clock(Source::System)
    }

    pub(crate) fn manual(manual: Arc<Manual>) -> Self {
        Clock(Source::Manual(manual))
    }

    /// The time on this clock.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System => now(),
            Source::Manual(manual) => manual.now(),
        }
    }

    /// The time since 1970-01-01 00:00 UTC, for time tables. It may be set, forward and back; no limit is kept with it.
    #[cfg(feature = "cron")]
    pub(crate) fn time_of_day(&self) -> Duration {
        match &self.0 {
            Source::System => crate::sync::time_of_day(),
            Source::Manual(manual) => manual.time_of_day(),
        }
    }

    /// An alarm that fires once, at `instant`.
    ///
    /// Never blocks. Dropping the alarm cancels it.
    pub fn at(&self, instant: Instant) -> Alarm {
        self.at_or_never(Some(instant))
    }

    /// An alarm that fires once, when `duration` has passed; never, if that is further off than time goes.
    ///
    /// Never blocks. Dropping the alarm cancels it.
    pub fn after(&self, duration: Duration) -> Alarm {
        self.at_or_never(self.deadline(duration))
    }

    pub(crate) fn at_or_never(&self, instant: Option<Instant>) -> Alarm {
        let (receiver, timer) = match (instant, &self.0) {
            (None, _) => (never(), None),
            (Some(instant), Source::System) => (at(instant), None),
            (Some(instant), Source::Manual(manual)) => {
                let (sender, receiver) = bounded(1);
                let ring = move || {
                    let _ = sender.send(instant);
                };
                (
                    receiver,
                    Some(Timer::manual(manual, instant, Box::new(ring))),
                )
            }
        };
        Alarm {
            receiver,
            instant,
            clock: self.clone(),
            _timer: timer,
        }
    }

    /// `duration` from now; `None` where that is further off than time goes.
    pub(crate) fn deadline(&self, duration: Duration) -> Option<Instant> {
        self.now().checked_add(duration)
    }

    /// Whether waiting for a time on this clock needs a timer: the system cannot wait for it.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Makes sure that `schedule` will find its thread running.
    pub(crate) fn start_timer(&self) -> io::Result<()> {
        match &self.0 {
            Source::System => SYSTEM.start(),
            Source::Manual(_) => Ok(()),
        }
    }

    /// Runs `action` at `instant`, on the timer's thread or the one that moves the clock, unless the timer is dropped
    /// before. `start_timer` must have succeeded. Not to be called under a lock: by hand, what is due runs at once.
    pub(crate) fn schedule(&self, instant: Instant, action: Action) -> Timer {
        match &self.0 {
            Source::System => Timer::system(instant, action),
            Source::Manual(manual) => Timer::manual(manual, instant, action),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

/// A channel that fires once, at a set time; see [`Clock::at`].
///
/// It derefs to the channel, so it can be received from and selected on. A clone is an alarm of its own, which fires at the
/// same instant. A bare `Receiver` that is cloned out of it works as long as the alarm lives.
///
/// ```
/// let alarm = ifrit::clock::Clock::system().after(std::time::Duration::ZERO);
/// let again = alarm.clone();
/// assert!(alarm.recv().is_ok());
/// assert!(again.recv().is_ok());
/// ```
#[must_use = "it is cancelled when it is dropped"]
pub struct Alarm {
    receiver: Receiver<Instant>,
    /// `None`: never.
    instant: Option<Instant>,
    clock: Clock,
    _timer: Option<Timer>,
}

impl Clone for Alarm {
    fn clone(&self) -> Self {
        self.clock.at_or_never(self.instant)
    }
}

impl Deref for Alarm {
    type Target = Receiver<Instant>;

    fn deref(&self) -> &Receiver<Instant> {
        &self.receiver
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}
