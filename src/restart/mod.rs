//! Running a runner again: [`Restarter`].

mod backoff;
mod budget;
mod policy;

use std::fmt;
use std::time::{Duration, Instant};

pub use backoff::Backoff;
pub use budget::Budget;
pub use policy::Restart;

pub(crate) use backoff::Delays;
pub(crate) use budget::Account;
pub(crate) use policy::Policy;

use crate::clock::Clock;
use crate::error::{Error, Exit, Result, catch, exit_of, leaves_threads};
use crate::plan::Plan;
use crate::process::{Core, Frame, with_host};
use crate::ready::{Announce, ReadySender};
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex};

/// How long an incarnation must have been ready, unless set, for the delays to begin anew.
pub(crate) const RESET_AFTER: Duration = Duration::from_secs(60);

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
pub struct Restarter<R> {
    runner: R,
    load: Load<R>,
    backoff: Backoff,
    budget: Option<Budget>,
    reset_after: Duration,
}

type Load<R> = Box<dyn FnMut(&mut R, &Exit) -> Next + Send>;

impl<R: Runner> Restarter<R> {
    /// Asks `load` after each end. It may put another runner in the place of the one that has ended.
    ///
    /// There is no delay and no budget, unless set.
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
            load: Box::new(load),
            backoff: Backoff::none(),
            budget: None,
            reset_after: RESET_AFTER,
        }
    }

    fn with_defaults(runner: R, again: impl FnMut(&Exit) -> bool + Send + 'static) -> Self {
        let mut again = again;
        let load = move |_: &mut R, exit: &Exit| if again(exit) { Next::Again } else { Next::End };
        Restarter::new(runner, load)
            .backoff(Backoff::default())
            .budget(Budget::default())
    }

    /// Runs it again after every end, with the default [`Backoff`] and [`Budget`].
    pub fn always(runner: R) -> Self {
        Restarter::with_defaults(runner, |_| true)
    }

    /// Runs it again after every error, panics among them, with the default [`Backoff`] and [`Budget`].
    pub fn on_error(runner: R) -> Self {
        Restarter::with_defaults(runner, |exit| exit.is_err())
    }

    /// Runs it again after those errors of which `is_worth_it` is true, with the default [`Backoff`] and [`Budget`].
    pub fn on_error_if(
        runner: R,
        is_worth_it: impl FnMut(&Error) -> bool + Send + 'static,
    ) -> Self {
        let mut is_worth_it = is_worth_it;
        Restarter::with_defaults(runner, move |exit| {
            exit.as_ref().err().is_some_and(&mut is_worth_it)
        })
    }

    /// Runs it again after every panic, with the default [`Backoff`] and [`Budget`].
    pub fn on_panic(runner: R) -> Self {
        Restarter::on_error_if(runner, |error| matches!(error, Error::Panicked(_)))
    }

    /// How long to wait before each restart.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How many restarts are too many.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How long an incarnation must have been ready for the delays to begin anew. Unset, 60 s.
    #[must_use]
    pub fn reset_after(mut self, ready_for: Duration) -> Self {
        self.reset_after = ready_for;
        self
    }

    fn supervise(&mut self, host: &Arc<Core>, ready: ReadySender) -> Exit {
        let ready = Arc::new(Mutex::new(Some(ready)));
        let mut delays = self.backoff.delays();
        // Only delays that grow ask how long it has been ready; the time is not read for nothing.
        let timed = self.backoff.grows();
        let mut account = Account::new(self.budget);
        loop {
            let Some(frame) = Frame::push(host) else {
                return Ok(());
            };
            let incarnation = Arc::new(Incarnation::new(
                Arc::clone(&ready),
                timed.then(|| host.clock.clone()),
            ));
            let sender = ReadySender::new(Arc::clone(&incarnation) as _);
            let exit = exit_of(|| self.runner.run(frame.signals.clone(), sender));
            drop(frame);
            let ready_since = incarnation.end();
            if host.was_told() || matches!(exit, Err(Error::AlreadyRan)) || leaves_threads(&exit) {
                return exit;
            }
            if catch(|| (self.load)(&mut self.runner, &exit))? == Next::End {
                return exit;
            }
            if ready_since.is_some_and(|since| {
                host.clock.now().saturating_duration_since(since) >= self.reset_after
            }) {
                delays.reset();
            }
            account.spend(&host.clock, &host.name, &exit)?;
            let delay = delays.next();
            if delay.is_zero() {
                continue;
            }
            if host.told_before(host.clock.deadline(delay)) {
                return Ok(());
            }
        }
    }
}

/// A runner made of a factory: each run is one of a fresh runner; see [`Restarter::from_factory`].
pub struct Fresh<F>(F);

impl<F, R> Restarter<Fresh<F>>
where
    F: FnMut() -> R + Send,
    R: Runner,
{
    /// Runs a fresh runner for each incarnation, again after every end, with the default [`Backoff`] and [`Budget`].
    ///
    /// A factory that panics counts as an incarnation that panicked.
    ///
    /// ```
    /// use ifrit::restart::Restarter;
    /// use ifrit::prelude::*;
    ///
    /// let workers = Restarter::from_factory(|| ifrit::run_once(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// }));
    /// let process = ifrit::invoke(workers);
    /// process.signal(Signal::TERMINATE);
    /// assert!(process.join().is_ok());
    /// ```
    pub fn from_factory(factory: F) -> Self {
        Restarter::always(Fresh(factory))
    }
}

impl<F, R> Runner for Fresh<F>
where
    F: FnMut() -> R + Send,
    R: Runner,
{
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        (self.0)().run(signals, ready)
    }

    fn plan(&self) -> Plan {
        Plan::of_type::<R>()
    }
}

impl<F> fmt::Debug for Fresh<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh")
    }
}

/// Whom an incarnation tells that it is ready: the restarter's own sender, the first time, while it lives.
struct Incarnation {
    outer: Arc<Mutex<Option<ReadySender>>>,
    /// Reads since when it is ready, where somebody wants to know.
    clock: Option<Clock>,
    state: Mutex<Life>,
}

#[derive(Clone, Copy)]
enum Life {
    Starting,
    Ready { since: Option<Instant> },
    Over,
}

impl Incarnation {
    fn new(outer: Arc<Mutex<Option<ReadySender>>>, clock: Option<Clock>) -> Self {
        Incarnation {
            outer,
            clock,
            state: Mutex::new(Life::Starting),
        }
    }

    /// Since when it was ready, if it was and that is known.
    fn end(&self) -> Option<Instant> {
        match std::mem::replace(&mut *self.state.lock(), Life::Over) {
            Life::Ready { since } => since,
            _ => None,
        }
    }
}

impl Announce for Incarnation {
    fn ready(&self) {
        let mut state = self.state.lock();
        if !matches!(*state, Life::Starting) {
            return;
        }
        let since = self.clock.as_ref().map(Clock::now);
        *state = Life::Ready { since };
        drop(state); // what is told of it may drop something foreign
        let outer = self.outer.lock().take();
        if let Some(outer) = outer {
            outer.notify();
        }
    }
}

impl<R: Runner> Runner for Restarter<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.backoff.check()?;
        if let Some(budget) = &self.budget {
            budget.check("restarter")?;
        }
        let exit = with_host(signals, |host, _| self.supervise(host, ready))?;
        Ok(exit?)
    }

    fn plan(&self) -> Plan {
        Plan::new("restarter").part(self.runner.plan())
    }
}

impl<R: fmt::Debug> fmt::Debug for Restarter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restarter")
            .field("runner", &self.runner)
            .field("backoff", &self.backoff)
            .field("budget", &self.budget)
            .field("reset_after", &self.reset_after)
            .finish_non_exhaustive()
    }
}
