//! Something again and again: [`Ticker`].

mod grid;
mod handle;

use std::fmt;
use std::time::{Duration, Instant};

pub use grid::Missed;
pub use handle::TickerHandle;

use handle::{Shared, check};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::process::{current_host, inherited, note};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::{self, Signal};
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select};

/// A runner that does something at regular intervals.
///
/// - **A tick that is going on is not interrupted.** A stop is heard between ticks: what takes long belongs in a runner of
///   its own.
/// - The first tick comes after one interval, or at once ([`at_once`](Ticker::at_once)). It is ready before that, or when
///   the first tick has succeeded ([`ready_after_first`](Ticker::ready_after_first)).
/// - Ticks never overlap and do not drift: the third one is due three intervals after the start, however long the others
///   took. What becomes of those whose time has passed meanwhile is set with [`missed`](Ticker::missed).
/// - An error of a tick is counted and [noted](crate::process::note), and so is the first success after it; the ticker goes
///   on. A [fatal](crate::fatal) error is its exit, and so is a panic.
/// - A [`handle`](Ticker::handle) lets it tick now, changes the interval while it runs, and has the counts.
/// - Time is that of the clock of its process, which a test moves by hand. Between ticks it sleeps.
///
/// # Errors
///
/// [`Error::ZeroDeadline`], for an interval of zero; nothing was done.
///
/// ```
/// use ifrit::{prelude::*, runners::Ticker, testing::ManualClock};
/// use std::time::Duration;
///
/// let (tell, told) = ifrit::crossbeam_channel::unbounded();
/// let hourly = Ticker::new(Duration::from_secs(3600), move || {
///     tell.send("an hour has passed")?;
///     Ok(())
/// });
/// let clock = ManualClock::new();
/// let process = Process::builder().clock(clock.clock()).invoke(hourly);
/// clock.advance_to_next();
/// assert_eq!(told.recv()?, "an hour has passed");
/// process.signal(Signal::TERMINATE);
/// process.join()?;
/// # Ok::<(), ifrit::BoxError>(())
/// ```
#[doc(alias("interval", "schedule", "periodic", "timer", "poll"))]
#[must_use = "a runner does nothing until it is started or run"]
pub struct Ticker<F> {
    work: F,
    shared: Arc<Shared>,
    at_once: bool,
    ready_after_first: bool,
    missed: Missed,
}

impl<F: FnMut() -> Result<()> + Send> Ticker<F> {
    /// Calls `work` whenever `interval` has passed. One beyond what time can count to comes never.
    pub fn new(interval: Duration, work: F) -> Self {
        Ticker {
            work,
            shared: Shared::new(interval),
            at_once: false,
            ready_after_first: false,
            missed: Missed::default(),
        }
    }
}

impl<F> Ticker<F> {
    /// Ticks when it starts, too.
    pub fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// Is ready only when a tick has succeeded, for the first time in this run: what starts after it in its group relies
    /// on what the tick brings.
    pub fn ready_after_first(mut self) -> Self {
        self.ready_after_first = true;
        self
    }

    /// What becomes of ticks whose time came while an earlier one was still going on. Default: [`Missed::Skip`].
    pub fn missed(mut self, policy: Missed) -> Self {
        self.missed = policy;
        self
    }

    /// A handle that works while it runs, in every run.
    pub fn handle(&self) -> TickerHandle {
        TickerHandle(Arc::clone(&self.shared))
    }
}

/// What a ticker has waited for.
enum Woken {
    Stop,
    Due,
    Changed,
}

/// One run of a ticker.
struct Run<'t> {
    shared: &'t Shared,
    clock: Clock,
    signals: Receiver<Signal>,
    /// When a tick was due last, or the start.
    last: Instant,
    /// When the next one is; `None`: never.
    due: Option<Instant>,
    interval: Duration,
    ready: Option<ReadySender>,
    failures_in_a_row: u64,
}

impl Run<'_> {
    /// Blocks until there is something to do. A stop comes before a tick.
    fn wait(&mut self) -> Woken {
        let alarm = self.clock.at_or_never(self.due);
        loop {
            let mut select = Select::new();
            select.recv(&self.signals);
            select.recv(&self.shared.is_changed);
            select.recv(&alarm);
            select.ready();
            drop(select);
            // No more than are there, or a sender that never rests would keep it from its ticks.
            for _ in 0..self.signals.len().max(1) {
                match signal::try_next(&mut self.signals) {
                    Some(signal) if signal.is_stop() => return Woken::Stop,
                    Some(_) => {}
                    None => break,
                }
            }
            if self.shared.is_changed.try_recv().is_ok() {
                return Woken::Changed;
            }
            if alarm.try_recv().is_ok() {
                return Woken::Due;
            }
        }
    }

    fn tick(&mut self, work: &mut impl FnMut() -> Result<()>) -> Result<()> {
        let result = work().map_err(Error::from_runner);
        self.shared.count(|counts| {
            counts.ticks += 1;
            counts.failures += u64::from(result.is_err());
        });
        match result {
            Ok(()) => {
                match std::mem::take(&mut self.failures_in_a_row) {
                    0 => {}
                    1 => note("ticks again, after 1 failure"),
                    failures => note(format_args!("ticks again, after {failures} failures")),
                }
                if let Some(ready) = self.ready.take() {
                    ready.notify();
                }
            }
            Err(fatal) if fatal.is_fatal() => return Err(fatal.into()),
            Err(error) => {
                self.failures_in_a_row += 1;
                match self.failures_in_a_row {
                    1 => note(format_args!("a tick failed: {error}")),
                    failures => note(format_args!("{failures} ticks in a row failed: {error}")),
                }
            }
        }
        Ok(())
    }

    /// The interval may have been changed.
    fn look_at_interval(&mut self) {
        let interval = self.shared.interval();
        if interval != self.interval {
            self.interval = interval;
            self.due = self.last.checked_add(interval);
        }
    }
}

impl<F: FnMut() -> Result<()> + Send> Runner for Ticker<F> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let interval = self.shared.interval();
        check(interval)?;
        let (clock, _) = inherited(current_host().as_deref());
        let now = clock.now();
        let mut run = Run {
            shared: &self.shared,
            clock,
            signals,
            last: now,
            due: match self.at_once {
                true => Some(now),
                false => now.checked_add(interval),
            },
            interval,
            ready: Some(ready),
            failures_in_a_row: 0,
        };
        if !self.ready_after_first
            && let Some(ready) = run.ready.take()
        {
            ready.notify();
        }
        loop {
            match (run.wait(), run.due) {
                (Woken::Stop, _) => return Ok(()),
                (Woken::Due, Some(due)) => {
                    run.tick(&mut self.work)?;
                    run.last = due;
                    let now = run.clock.now();
                    let next = grid::after(due, now, run.interval, self.missed);
                    run.due = next.due;
                    run.shared.count(|counts| counts.missed += next.missed);
                }
                (Woken::Due, None) => {}
                (Woken::Changed, _) => {
                    run.look_at_interval();
                    if run.shared.takes_tick() {
                        run.tick(&mut self.work)?;
                    }
                }
            }
        }
    }

    fn plan(&self) -> Plan {
        let plan = Plan::new("ticker").note(format!("every {:?}", self.shared.interval()));
        match self.at_once {
            true => plan.note("at once"),
            false => plan,
        }
    }
}

impl<F> fmt::Debug for Ticker<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker")
            .field("interval", &self.shared.interval())
            .field("at_once", &self.at_once)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
