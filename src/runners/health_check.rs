//! Asking again and again whether something is well: [`HealthCheck`].

use std::error::Error as StdError;
use std::fmt;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::draw::Lasting;
use crate::error::{BoxError, Error, Exit, Result};
use crate::plan::Plan;
use crate::process::until::until_stop_for;
use crate::process::{Process, current_core, current_host, inherited, note};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::Receiver;

/// A runner that asks again and again whether something is well, and fails when it is not.
///
/// As a member of a group it ends the group, or is restarted with the others, as its policy says. It says what it finds:
/// that something is down, and that it is up again, are [notes](crate::process::note).
///
/// - The first check comes at the start, each further one a period after the end of the one before. It is ready when a
///   check has succeeded for the first time.
/// - It is **down** when so many checks in a row have failed ([`retries`](HealthCheck::retries)), and ends then, with
///   [`Unhealthy`]. Or it [only reports](HealthCheck::only_reports), goes on, and is ready at once.
/// - Before the first success, failures count only when the [grace](HealthCheck::start_grace) of the start is over.
/// - A check that takes longer than its [limit](HealthCheck::check_within) has failed, whatever it returns. **It is not
///   interrupted**: that it has not answered is noted when the limit is over, and counts when it returns. A check that can
///   hang sets a time-out of its own.
/// - A [fatal](crate::fatal) error of a check is the exit at once, and so is a panic.
/// - A stop is heard between checks. Time is that of the clock of its process.
///
/// # Errors
///
/// Before the first check: [`Error::ZeroDeadline`], for a period, a limit or a number of retries of zero; [`Error::Spawn`],
/// if there is a limit, and the thread for time limits, which all share, does not start.
///
/// ```
/// use ifrit::{prelude::*, runners::{HealthCheck, Noop, Unhealthy}};
/// use std::time::Duration;
///
/// let mut answers = [true, false, false].into_iter();
/// let check = HealthCheck::new(Duration::from_millis(1), move || match answers.next() {
///     Some(true) => Ok(()),
///     _ => Err("connection refused".into()),
/// });
/// let app = Parallel::new(Members::new().add("db", Noop).add("db-check", check.retries(2)));
/// let error = ifrit::background(app).join().unwrap_err();
/// assert_eq!(error.downcast_ref::<Unhealthy>().unwrap().failures(), 2);
/// assert!(error.to_string().contains("connection refused"));
/// ```
#[must_use = "a runner does nothing until it is started or run"]
#[doc(alias("liveness", "probe", "watchdog"))]
pub struct HealthCheck<F> {
    check: F,
    period: Duration,
    retries: u32,
    check_within: Option<Duration>,
    start_grace: Duration,
    only_reports: bool,
    up: Arc<AtomicBool>,
}

impl<F: FnMut() -> Result<()> + Send> HealthCheck<F> {
    /// Calls `check` every `period`.
    pub fn new(period: Duration, check: F) -> Self {
        HealthCheck {
            check,
            period,
            retries: 3,
            check_within: None,
            start_grace: Duration::ZERO,
            only_reports: false,
            up: Arc::default(),
        }
    }
}

impl<F> HealthCheck<F> {
    /// So many checks in a row have to fail until it is down. Default: 3.
    pub fn retries(mut self, failures: u32) -> Self {
        self.retries = failures;
        self
    }

    /// How long a check may take. Default: no limit.
    pub fn check_within(mut self, limit: Duration) -> Self {
        self.check_within = Some(limit);
        self
    }

    /// For how long from the start failures do not count, unless a check has succeeded before. Default: they count from the
    /// beginning.
    pub fn start_grace(mut self, grace: Duration) -> Self {
        self.start_grace = grace;
        self
    }

    /// Says when something is down or up again, and does not fail.
    pub fn only_reports(mut self) -> Self {
        self.only_reports = true;
        self
    }

    /// A view of what was found last, which stays up to date, in every run.
    pub fn health(&self) -> Health {
        Health(Arc::clone(&self.up))
    }

    fn check(&self) -> Exit {
        let options = [
            ("period", self.period.is_zero()),
            ("check_within", self.check_within == Some(Duration::ZERO)),
            ("retries", self.retries == 0),
        ];
        match options.into_iter().find(|(_, is_zero)| *is_zero) {
            None => Ok(()),
            Some((option, _)) => Err(Error::ZeroDeadline {
                who: "health check".to_owned(),
                option,
            }),
        }
    }
}

/// What a [`HealthCheck`] has found last; see [`HealthCheck::health`]. Clones are the same view.
#[derive(Clone, Debug)]
pub struct Health(Arc<AtomicBool>);

impl Health {
    /// Whether a check has succeeded, and not too many after it have failed. False while none runs. Never blocks.
    ///
    /// ```
    /// use ifrit::runners::HealthCheck;
    /// use std::time::Duration;
    ///
    /// let check = HealthCheck::new(Duration::from_secs(10), || Ok(()));
    /// let health = check.health();
    /// assert!(!health.is_up());
    /// let process = ifrit::invoke(check);
    /// assert!(health.is_up());
    /// # process.signal(ifrit::Signal::TERMINATE);
    /// # process.join()?;
    /// # Ok::<(), ifrit::Error>(())
    /// ```
    pub fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// So many checks in a row have failed; the exit of a [`HealthCheck`]. Its source is the error of the last one.
#[derive(Debug)]
pub struct Unhealthy {
    failures: u32,
    last: BoxError,
}

impl Unhealthy {
    /// How many checks in a row have failed.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures {
            1 => f.write_str("down, a check failed"),
            failures => write!(f, "down, {failures} checks in a row failed"),
        }
    }
}

impl StdError for Unhealthy {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.last)
    }
}

/// A check has taken too long.
#[derive(Debug)]
struct Late {
    limit: Duration,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it took longer than {:?}", self.limit)
    }
}

impl StdError for Late {}

/// One run.
struct Run {
    clock: Clock,
    process: Option<Process>,
    up: Arc<AtomicBool>,
    begin: Instant,
    has_succeeded: bool,
    failures: u32,
    /// Since when it is down.
    down: Option<Instant>,
}

impl Run {
    /// Calls `check`, with an eye on its limit.
    fn check(&self, check: &mut impl FnMut() -> Result<()>, limit: Option<Duration>) -> Result<()> {
        let at = limit.and_then(|limit| self.clock.deadline(limit));
        let (Some(limit), Some(at)) = (limit, at) else {
            return check();
        };
        let process = self.process.clone();
        let say = move || {
            if let Some(process) = process {
                process.note(format_args!("the check has not answered within {limit:?}"));
            }
        };
        let timer = self.clock.schedule(at, Box::new(say));
        let result = check();
        drop(timer);
        match result {
            Ok(()) if self.clock.now() > at => Err(Late { limit }.into()),
            result => result,
        }
    }

    fn succeeded(&mut self) {
        self.has_succeeded = true;
        self.failures = 0;
        self.up.store(true, Ordering::Relaxed);
        if let Some(since) = self.down.take() {
            let after = self.clock.now().saturating_duration_since(since);
            note(format_args!("up again, after {}", Lasting::new(after)));
        }
    }

    /// Whether it is down from now on.
    fn failed(&mut self, error: &BoxError, retries: u32, grace: Duration) -> bool {
        let now = self.clock.now();
        if !self.has_succeeded && now.saturating_duration_since(self.begin) < grace {
            note(format_args!("not up yet: {error}"));
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        let failures = self.failures;
        if self.down.is_some() {
            return false;
        }
        if failures < retries {
            note(format_args!(
                "a check failed ({failures} of {retries}): {error}"
            ));
            return false;
        }
        self.up.store(false, Ordering::Relaxed);
        self.down = Some(now);
        note(format_args!("down: {error}"));
        true
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.up.store(false, Ordering::Relaxed);
    }
}

impl<F: FnMut() -> Result<()> + Send> Runner for HealthCheck<F> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        HealthCheck::check(self)?;
        let (clock, _) = inherited(current_host().as_deref());
        if self.check_within.is_some() {
            clock
                .start_timer()
                .map_err(|source| Error::spawn("ifrit-timer", source))?;
        }
        let mut run = Run {
            begin: clock.now(),
            clock,
            process: current_core().map(Process::from_core),
            up: Arc::clone(&self.up),
            has_succeeded: false,
            failures: 0,
            down: None,
        };
        let mut ready = Some(ready);
        if let Some(ready) = ready.take_if(|_| self.only_reports) {
            ready.notify();
        }
        loop {
            match run.check(&mut self.check, self.check_within) {
                Ok(()) => run.succeeded(),
                Err(error) => {
                    let error: BoxError = match Error::from_runner(error) {
                        fatal if fatal.is_fatal() => return Err(fatal.into()),
                        error => error.into(),
                    };
                    let is_down = run.failed(&error, self.retries, self.start_grace);
                    if is_down && !self.only_reports {
                        let failures = run.failures;
                        return Err(Unhealthy {
                            failures,
                            last: error,
                        }
                        .into());
                    }
                }
            }
            if let Some(ready) = ready.take_if(|_| run.has_succeeded) {
                ready.notify();
            }
            if until_stop_for(&signals, self.period).is_some() {
                return Ok(());
            }
        }
    }

    fn plan(&self) -> Plan {
        let plan = Plan::new("health check").note(format!("every {:?}", self.period));
        let plan = match self.only_reports {
            true => plan.note("only reports"),
            false => plan.note(format!("down after {} failures", self.retries)),
        };
        plan.limits(&[("check", self.check_within)])
    }
}

impl<F> fmt::Debug for HealthCheck<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthCheck")
            .field("period", &self.period)
            .field("retries", &self.retries)
            .field("check_within", &self.check_within)
            .field("start_grace", &self.start_grace)
            .field("only_reports", &self.only_reports)
            .field("is_up", &self.up.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
