//! A ticker from outside: [`TickerHandle`].
//!
//! Invariant: what was changed under the lock is told in the channel afterwards, so the ticker that is woken finds it.
//! At most one telling is pending, and one is enough: the ticker takes in all that has changed.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Mutex};

/// Looks after a [`Ticker`](super::Ticker), also while it runs; made by [`handle`](super::Ticker::handle). Clones are the
/// same.
///
/// No method blocks.
#[derive(Clone)]
#[must_use = "a handle does nothing by itself"]
pub struct TickerHandle(pub(super) Arc<Shared>);

pub(super) struct Shared {
    state: Mutex<State>,
    changed: Sender<()>,
    pub(super) is_changed: Receiver<()>,
}

#[derive(Clone, Copy, Default)]
struct State {
    interval: Duration,
    tick_now: bool,
    counts: Counts,
}

/// What has been, since the ticker was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) ticks: u64,
    pub(super) failures: u64,
    pub(super) missed: u64,
}

impl Shared {
    pub(super) fn new(interval: Duration) -> Arc<Self> {
        let (changed, is_changed) = bounded(1);
        let state = State {
            interval,
            ..State::default()
        };
        Arc::new(Shared {
            state: Mutex::new(state),
            changed,
            is_changed,
        })
    }

    pub(super) fn interval(&self) -> Duration {
        self.state.lock().interval
    }

    /// Whether a tick was asked for since this was asked last.
    pub(super) fn takes_tick(&self) -> bool {
        std::mem::take(&mut self.state.lock().tick_now)
    }

    pub(super) fn counts(&self) -> Counts {
        self.state.lock().counts
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.state.lock().counts);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        let _ = self.changed.try_send(()); // where one is pending, that one tells it
    }
}

impl TickerHandle {
    /// Lets it tick at once, in addition to the ticks that are due.
    ///
    /// While a tick is going on, another one follows it. Several that are asked for meanwhile are one. Before the ticker
    /// has been started, it is the first thing it does.
    ///
    /// ```
    /// use ifrit::{prelude::*, runners::Ticker};
    /// use std::time::Duration;
    ///
    /// let (tell, told) = ifrit::crossbeam_channel::unbounded();
    /// let hourly = Ticker::new(Duration::from_secs(3600), move || Ok(tell.send("tick")?));
    /// let handle = hourly.handle();
    /// let process = ifrit::invoke(hourly);
    /// handle.tick_now();
    /// assert_eq!(told.recv(), Ok("tick"));
    /// # process.signal(Signal::TERMINATE);
    /// # process.join()?;
    /// # Ok::<(), ifrit::Error>(())
    /// ```
    pub fn tick_now(&self) {
        self.0.change(|state| state.tick_now = true);
    }

    /// Changes the interval. The next tick comes that long after the one that was due last, or at once where that has
    /// passed.
    ///
    /// A ticker that follows a time table goes on to do so.
    ///
    /// # Errors
    ///
    /// [`Error::ZeroDeadline`], if it is zero; nothing is changed.
    pub fn set_interval(&self, interval: Duration) -> Result<(), Error> {
        check(interval)?;
        self.0.change(|state| state.interval = interval);
        Ok(())
    }

    /// The interval as it is now.
    pub fn interval(&self) -> Duration {
        self.0.interval()
    }

    /// How many ticks have ended, those that failed included, in all runs.
    pub fn ticks(&self) -> u64 {
        self.0.counts().ticks
    }

    /// How many ticks have failed, in all runs.
    pub fn failures(&self) -> u64 {
        self.0.counts().failures
    }

    /// How many ticks were left out because an earlier one took too long, in all runs.
    pub fn missed(&self) -> u64 {
        self.0.counts().missed
    }
}

pub(super) fn check(interval: Duration) -> Result<(), Error> {
    match interval.is_zero() {
        false => Ok(()),
        true => Err(Error::ZeroDeadline {
            who: "ticker".to_owned(),
            option: "interval",
        }),
    }
}

impl fmt::Debug for TickerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = *self.0.state.lock();
        f.debug_struct("TickerHandle")
            .field("interval", &state.interval)
            .field("ticks", &state.counts.ticks)
            .field("failures", &state.counts.failures)
            .field("missed", &state.counts.missed)
            .finish()
    }
}
