//! Running a runner again: [`Restarter`].

use std::fmt;
use std::time::Duration;

use super::again::{Asks, Ended};
use super::backoff::Backoff;
use super::budget::{Account, Budget};
use super::incarnation::{Incarnation, Life};
use super::policy::{Policy, Restart};
use crate::error::{Error, Exit, Result, catch, exit_of, leaves_threads};
use crate::plan::{Plan, Runs};
use crate::process::last_exit::LastExit;
use crate::process::{Core, Frame, is_worth_it, line_of, say_here_at, with_host};
use crate::ready::ReadySender;
use crate::runner::{BoxRunner, Runner};
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex};

/// How long an incarnation must have been ready for the delays to begin anew, by default.
pub(super) const RESET_AFTER: Duration = Duration::from_secs(60);

/// What a load function decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// Run it again.
    Again,
    /// Return the exit.
    End,
}

/// A runner that runs another one again when it ends.
///
/// - It is ready when the first incarnation that becomes ready is: once, whichever that is.
/// - A stop signal ends it, with what the incarnation returns; in the middle of a delay at once, and Ok. After that
///   nothing starts, and the load function is not asked. Other signals reach the incarnation and end nothing.
/// - Each incarnation gets signals and a [`ReadySender`] of its own; what a dead one has leaked is worth nothing.
/// - The child runs on the restarter's own thread. So there are never two incarnations at once, and a child that does not
///   return cannot be restarted: it is given up together with the restarter. A group that had to give up a member, whose
///   thread still runs, is not run again either: its exit is the restarter's.
///
/// ```
/// use ifrit::restart::{Backoff, Budget, Restarter};
/// use ifrit::prelude::*;
/// use std::time::Duration;
///
/// let mut attempts = 0;
/// let flaky = ifrit::run_fn(move |signals, ready| {
///     attempts += 1;
///     if attempts < 3 {
///         return Err("not yet".into());
///     }
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let steady = Restarter::on_error(flaky)
///     .backoff(Backoff::constant(Duration::from_millis(1)))
///     .budget(Budget::new(5, Duration::from_secs(60)));
/// let process = ifrit::invoke(steady).started()?;
/// process.signal(Signal::TERMINATE);
/// process.join()
/// # ?; Ok::<(), ifrit::Error>(())
/// ```
#[doc(alias("supervisor", "retry"))]
#[must_use = "it starts nothing until it is run"]
pub struct Restarter<R> {
    runner: R,
    /// Where there is one, it takes the place of the policy.
    load: Option<Load<R>>,
    restart: Restart,
    budget: Option<Budget>,
    /// How often it runs at most, the first time included, where `load` sees to that.
    runs: Option<usize>,
}

type Load<R> = Box<dyn FnMut(&mut R, &Exit) -> Next + Send>;

impl<R: Runner> Restarter<R> {
    /// Runs it again as `restart` says, as a group does with a member that has this value: the same code judges. There is
    /// the default [`Budget`].
    ///
    /// ```
    /// use ifrit::restart::{Restart, Restarter};
    /// use ifrit::{Error, prelude::*};
    ///
    /// fn is_panic(error: &Error) -> bool {
    ///     matches!(error, Error::Panicked(_))
    /// }
    ///
    /// let worker = ifrit::run_fn(|_, _| Err("not worth it".into()));
    /// let worker = Restarter::with(worker, Restart::transient().only_if(is_panic));
    /// assert_eq!(ifrit::invoke(worker).join().unwrap_err().to_string(), "not worth it");
    /// ```
    pub fn with(runner: R, restart: Restart) -> Self {
        Restarter {
            runner,
            load: None,
            restart,
            budget: Some(Budget::default()),
            runs: None,
        }
    }

    /// Asks `load` after each end. It may put another runner in the place of the one that has ended.
    ///
    /// It is called on the thread on which the runner ran. If it panics, the panic is the exit. After a fatal error, or a
    /// group that had to leave a thread behind, it is not asked. Default: no delay and no budget.
    ///
    /// ```
    /// use ifrit::restart::{Next, Restarter};
    /// use ifrit::{BoxRunner, prelude::*};
    ///
    /// let first: BoxRunner = Box::new(ifrit::run_fn(|_, _| Err("use the other".into())));
    /// let fallback = Restarter::new(first, |runner, exit| match exit {
    ///     Ok(()) => Next::End,
    ///     Err(_) => {
    ///         *runner = Box::new(ifrit::run_fn(|_, _| Ok(())));
    ///         Next::Again
    ///     }
    /// });
    /// assert!(ifrit::invoke(fallback).join().is_ok());
    /// ```
    pub fn new(runner: R, load: impl FnMut(&mut R, &Exit) -> Next + Send + 'static) -> Self {
        Restarter {
            runner,
            load: Some(Box::new(load)),
            restart: Restart::permanent().backoff(Backoff::none()),
            budget: None,
            runs: None,
        }
    }

    /// Runs it again after every end, with the default [`Backoff`] and [`Budget`].
    pub fn always(runner: R) -> Self {
        Restarter::with(runner, Restart::permanent())
    }

    /// Runs it again after every error, panics among them, with the default [`Backoff`] and [`Budget`].
    pub fn on_error(runner: R) -> Self {
        Restarter::with(runner, Restart::transient())
    }

    /// Runs it again after those errors of which `is_worth_it` is true, with the default [`Backoff`] and [`Budget`].
    pub fn on_error_if(
        runner: R,
        is_worth_it: impl FnMut(&Error) -> bool + Send + 'static,
    ) -> Self {
        let mut is_worth_it = is_worth_it;
        let load = move |_: &mut R, exit: &Exit| match exit {
            Err(error) if is_worth_it(error) => Next::Again,
            _ => Next::End,
        };
        Restarter {
            load: Some(Box::new(load)),
            ..Restarter::with(runner, Restart::transient())
        }
    }

    /// Runs it again after every panic, with the default [`Backoff`] and [`Budget`].
    pub fn on_panic(runner: R) -> Self {
        let is_panic: fn(&Error) -> bool = |error| matches!(error, Error::Panicked(_));
        Restarter::with(runner, Restart::transient().only_if(is_panic))
    }

    /// How long to wait before each restart.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.restart.backoff = backoff;
        self
    }

    /// How many restarts are too many.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How long an incarnation must have been ready for the delays to begin anew. Default: 60 s.
    pub fn reset_after(mut self, ready_for: Duration) -> Self {
        self.restart.reset_after = ready_for;
        self
    }

    /// It is said of its restarts that there are so many runs, which its load function sees to.
    pub(crate) fn of_runs(mut self, runs: usize) -> Self {
        self.runs = Some(runs);
        self
    }

    fn supervise(&mut self, host: &Arc<Core>, ready: ReadySender) -> Exit {
        let ready = Arc::new(Mutex::new(Some(ready)));
        let mut delays = self.restart.backoff.delays();
        let mut account = Account::new(self.budget).of_runs(self.runs);
        let mut down = Down {
            host,
            counts: false,
        };
        let mut before: Option<Exit> = None;
        loop {
            let Some(frame) = Frame::push(host) else {
                return Ok(());
            };
            let incarnation = Incarnation::new(&ready, host, delays.grow(), down.counts);
            let incarnation = Arc::new(incarnation);
            let sender = ReadySender::new(Arc::clone(&incarnation) as _);
            let exit = exit_of(|| self.runner.run(frame.signals.clone(), sender));
            drop(frame);
            let ready_since = match incarnation.end() {
                Life::Ready { since } => {
                    down.counts = false; // it has said so itself
                    since
                }
                Life::Starting | Life::Over => None,
            };
            if host.was_told() {
                return exit;
            }
            if matches!(exit, Err(Error::AlreadyRan)) {
                // It can run only once: what counts is how that run ended, not that there was no other.
                return before.unwrap_or(exit);
            }
            let (exit, again) = self.judge(exit);
            if !again {
                return exit;
            }
            let ended = Ended {
                name: &host.name,
                exit: &exit,
                ready_since,
            };
            // Asked for first: it may take its time, and what is told below has happened at one time.
            let line = line_of(&exit);
            let now = host.clock.now();
            let delay = (self.restart).pay(&ended, &mut delays, &mut account, now)?;
            let last = LastExit::new(line, host.id, now);
            say_here_at(now, || account.restarting(delay, last.line()));
            let next_try = (!delay.is_zero()).then(|| now.checked_add(delay));
            host.restarts_after(last, next_try.flatten());
            down.begin();
            if let Some(next_try) = next_try
                && host.told_before(next_try)
            {
                return Ok(());
            }
            before = Some(exit);
        }
    }

    /// The exit, and whether it is followed by another run.
    fn judge(&mut self, mut exit: Exit) -> (Exit, bool) {
        // A second incarnation beside a thread that was left behind, or after an error that nothing is restarted after.
        if leaves_threads(&exit) || exit.as_ref().is_err_and(Error::is_fatal) {
            return (exit, false);
        }
        if let Some(load) = &mut self.load {
            return match catch(|| load(&mut self.runner, &exit)) {
                Ok(next) => (exit, next == Next::Again),
                Err(panic) => (Err(panic), false),
            };
        }
        let worth_it = is_worth_it(&mut exit, self.restart.only_if);
        let again = self.restart.asks(&exit, worth_it) == Asks::Restart;
        (exit, again)
    }
}

/// Between the end of one incarnation and the time when the next one is ready, the host counts as restarting.
struct Down<'h> {
    host: &'h Core,
    counts: bool,
}

impl Down<'_> {
    fn begin(&mut self) {
        if !std::mem::replace(&mut self.counts, true) {
            self.host.begin_restarting();
        }
    }
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        if self.counts {
            self.host.end_restarting();
        }
    }
}

/// A runner that is run again on its own thread as `restart` says, for where no group does that.
pub(crate) fn around(restart: Restart, runner: BoxRunner) -> BoxRunner {
    match restart.policy {
        Policy::Temporary => runner,
        Policy::Permanent | Policy::Transient => Box::new(Restarter::with(runner, restart)),
    }
}

impl<R: Runner> Runner for Restarter<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.restart.backoff.check()?;
        if let Some(budget) = &self.budget {
            budget.check("restarter")?;
        }
        let exit = with_host(signals, |host, _| self.supervise(host, ready))?;
        Ok(exit?)
    }

    fn plan(&self) -> Plan {
        let mut again = self.restart.planned();
        if self.load.is_some() {
            again.only_if = true;
        }
        if self.budget.is_none() {
            again.policy = "as it decides".to_owned();
        }
        let plan = Plan::new("restarter").note(again.to_string());
        let mut plan = match self.budget {
            Some(budget) => plan.budgeted(budget.parts(), budget != Budget::default()),
            None => plan,
        };
        plan.runner.runs = Runs::Inline;
        plan.runner.again = Some(again);
        plan.part(self.runner.plan())
    }
}

impl<R: fmt::Debug> fmt::Debug for Restarter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restarter")
            .field("runner", &self.runner)
            .field("restart", &self.restart)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
