//! Something again and again: [`Ticker`].

mod grid;
mod handle;
mod pace;
#[cfg(feature = "cron")]
mod table;

use std::fmt;
use std::time::Duration;

pub use grid::Missed;
pub use handle::TickerHandle;
#[cfg(feature = "cron")]
pub use table::InvalidCron;

use handle::{Shared, check};
use pace::{Pace, Wakes};
#[cfg(feature = "cron")]
use table::Table;

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
    /// In the place of the interval, where there is one.
    #[cfg(feature = "cron")]
    table: Option<Arc<Table>>,
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
            #[cfg(feature = "cron")]
            table: None,
        }
    }

    /// Calls `work` at the times of the day that a cron expression says, in UTC. Needs the feature `cron`.
    ///
    /// An expression has five fields: minute, hour, day of the month, month, day of the week; six with seconds before them.
    /// What [croner](https://docs.rs/croner) takes is taken.
    ///
    /// The time of day is that of the system, which may be set:
    ///
    /// - **It is not watched.** The ticker looks at it when a tick is due and when it has ended; in between it sleeps for as
    ///   long as the next one was off. So after a step forward that tick comes late by the step, and after the machine has
    ///   slept, by as long as that.
    /// - A tick that would come more than three hours late is left out, unless [`missed`](Ticker::missed) says that each is
    ///   made up for.
    /// - After a step back it waits until the time has come. Of a step back of up to three hours no time comes twice; after
    ///   a longer one the times come anew.
    /// - On a clock that a test moves by hand, the time of day begins at zero, and is set with
    ///   [`set_time_of_day`](crate::testing::ManualClock::set_time_of_day).
    ///
    /// [`Missed::Delay`] is the same as [`Missed::Skip`], and [`set_interval`](TickerHandle::set_interval) does nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidCron`], now, if the expression makes no sense; and from the run, if no time to come matches it.
    ///
    /// ```
    /// use ifrit::{prelude::*, runners::Ticker, testing::ManualClock};
    ///
    /// let (tell, told) = ifrit::crossbeam_channel::unbounded();
    /// let nightly = Ticker::cron("30 3 * * *", move || Ok(tell.send("half past three")?))?;
    /// let clock = ManualClock::new();
    /// let process = Process::builder().clock(clock.clock()).invoke(nightly);
    /// assert_eq!(clock.advance_to_next().as_secs(), (3 * 60 + 30) * 60);
    /// assert_eq!(told.recv()?, "half past three");
    /// # process.signal(Signal::TERMINATE);
    /// # process.join()?;
    /// # Ok::<(), ifrit::BoxError>(())
    /// ```
    #[cfg(feature = "cron")]
    pub fn cron(expression: &str, work: F) -> std::result::Result<Self, InvalidCron> {
        Ticker::cron_in(expression, chrono::Utc, work)
    }

    /// The same in a time zone: one of the crate `chrono`, or of one that has zones for that, such as `chrono-tz`.
    ///
    /// Where its clocks are put forward, a time that does not exist that day comes right after; where they are put back, a
    /// time that comes twice is taken once, unless it is one of each hour, minute or second.
    ///
    /// # Errors
    ///
    /// As for [`cron`](Ticker::cron).
    #[cfg(feature = "cron")]
    pub fn cron_in<Z>(expression: &str, zone: Z, work: F) -> std::result::Result<Self, InvalidCron>
    where
        Z: chrono::TimeZone + Send + Sync + 'static,
    {
        Ok(Ticker {
            table: Some(Arc::new(Table::new(expression, zone)?)),
            ..Ticker::new(Duration::MAX, work)
        })
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

    /// When it ticks.
    fn said(&self) -> String {
        #[cfg(feature = "cron")]
        if let Some(table) = &self.table {
            return format!("cron {}", table.expression);
        }
        format!("every {:?}", self.shared.interval())
    }

    /// When it ticks, for a run that begins now.
    fn pace(&self, clock: &Clock) -> Result<Pace> {
        #[cfg(feature = "cron")]
        if let Some(table) = &self.table {
            return Ok(Pace::times(table, clock, self.at_once)?);
        }
        let interval = self.shared.interval();
        Ok(Pace::every(interval, clock.now(), self.at_once))
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
    pace: Pace,
    clock: Clock,
    signals: Receiver<Signal>,
    ready: Option<ReadySender>,
    failures_in_a_row: u64,
}

impl Run<'_> {
    /// Blocks until there is something to do. A stop comes before a tick.
    fn wait(&mut self) -> Woken {
        let alarm = self.clock.at_or_never(self.pace.due());
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
}

impl<F: FnMut() -> Result<()> + Send> Runner for Ticker<F> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        check(self.shared.interval())?;
        let (clock, _) = inherited(current_host().as_deref());
        let pace = self.pace(&clock)?;
        let mut run = Run {
            shared: &self.shared,
            pace,
            clock,
            signals,
            ready: Some(ready),
            failures_in_a_row: 0,
        };
        if let Some(ready) = run.ready.take_if(|_| !self.ready_after_first) {
            ready.notify();
        }
        loop {
            match run.wait() {
                Woken::Stop => return Ok(()),
                Woken::Due => {
                    match run.pace.wakes(&run.clock, self.missed) {
                        Wakes::Tick => run.tick(&mut self.work)?,
                        #[cfg(feature = "cron")]
                        Wakes::Misses => run.shared.count(|counts| counts.missed += 1),
                        #[cfg(feature = "cron")]
                        Wakes::TooEarly => continue,
                    }
                    let missed = run.pace.goes_on(&run.clock, self.missed);
                    run.shared.count(|counts| counts.missed += missed);
                }
                Woken::Changed => {
                    run.pace.changes(run.shared.interval());
                    if run.shared.takes_tick() {
                        run.tick(&mut self.work)?;
                    }
                }
            }
        }
    }

    fn plan(&self) -> Plan {
        let plan = Plan::new("ticker").note(self.said());
        match self.at_once {
            true => plan.note("at once"),
            false => plan,
        }
    }
}

impl<F> fmt::Debug for Ticker<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker")
            .field("ticks", &self.said())
            .field("at_once", &self.at_once)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
