//! Something to be done at a stop: [`Closer`].

use std::fmt;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::process::{StopLimits, with_host};
use crate::ready::ReadySender;
use crate::runner::{Runner, until_stop};
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// A runner that waits for its stop, and then does something: flush, deregister, remove a file.
///
/// - **It is done in the turn of the stop that its place in the group gives it.** The first member of an
///   [`Ordered`](crate::grouper::Ordered) is stopped last: there stands what flushes the telemetry of all others.
/// - It is ready at once. What it does is given the stop signal that has come, so that it can do less for
///   [`Signal::KILL`]. Its error, or its panic, is the exit.
/// - It is done once in each run, also where nothing else ran, or where the group ends because another member has failed.
///   It is not done where the stop came before the runner was started.
/// - [`stop_within`](Closer::stop_within) bounds it. A thread cannot be killed: what is over its limit is given up and named
///   ([`Error::Abandoned`]), and goes on until it is done.
///
/// # Errors
///
/// Before it waits: [`Error::ZeroDeadline`], for a limit of zero; [`Error::Spawn`], if the thread for time limits, which all
/// share, does not start.
///
/// ```
/// use ifrit::{prelude::*, runners::{Closer, Noop}};
/// use std::time::Duration;
///
/// let telemetry = Closer::new(|_signal| {
///     println!("flushed");
///     Ok(())
/// });
/// let app = Ordered::new(
///     Members::new()
///         .add("telemetry", telemetry.stop_within(Duration::from_secs(3)))
///         .add("web", Noop),
/// );
/// let app = ifrit::invoke(app).started()?;
/// app.signal(Signal::TERMINATE); // web, and then the telemetry
/// app.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[must_use = "a runner does nothing until it is started or run"]
#[doc(alias("cleanup", "shutdown hook", "finalizer"))]
pub struct Closer<F> {
    close: F,
    stop_within: Option<Duration>,
}

impl<F: FnMut(Signal) -> Result<()> + Send> Closer<F> {
    /// Calls `close` when a stop comes.
    pub fn new(close: F) -> Self {
        Closer {
            close,
            stop_within: None,
        }
    }
}

impl<F> Closer<F> {
    /// How long the whole stop may take, as for a [member](crate::grouper::Member::stop_within). Default: no limit.
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.stop_within = Some(limit);
        self
    }
}

impl<F: FnMut(Signal) -> Result<()> + Send> Runner for Closer<F> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let wait_and_close = |signals: &Receiver<Signal>| {
            ready.notify();
            (self.close)(until_stop(signals))
        };
        match self.stop_within {
            None => wait_and_close(&signals),
            Some(Duration::ZERO) => Err(Error::ZeroDeadline {
                who: "closer".to_owned(),
                option: "stop_within",
            }
            .into()),
            Some(limit) => with_host(signals, |host, signals| {
                let _limits = StopLimits::set(host, Some(limit), None)?;
                wait_and_close(&signals)
            })?,
        }
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::new("closer").limits(&[("stop", self.stop_within)]);
        plan.runner.stop_within = self.stop_within;
        plan
    }
}

impl<F> fmt::Debug for Closer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer")
            .field("stop_within", &self.stop_within)
            .finish_non_exhaustive()
    }
}
