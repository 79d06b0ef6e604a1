//! A set-up step that is tried again: [`Retry`].

use std::fmt;

use crate::draw::Lasting;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::process::note;
use crate::process::until::until_stop_for;
use crate::ready::ReadySender;
use crate::restart::Backoff;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// A step that is tried until it succeeds: to connect, to take a lock, to register.
///
/// - As a runner it is done when the step has succeeded: it says ready, and ends Ok at once. So it is a
///   [one-shot](crate::grouper::Member::one_shot) member, or a step of a [`Serial`](super::Serial).
/// - Inside of a runner, [`until_done`](Retry::until_done) returns what the step has made.
/// - After an error it waits for the delay of its [`backoff`](Retry::backoff), on the clock of its process, and
///   [notes](crate::process::note) the error. A stop ends the wait at once, with Ok. **An attempt that is going on is not
///   interrupted.**
/// - A [fatal](crate::fatal) error is the exit at once, a panic too, and any error of the last of its
///   [`attempts`](Retry::attempts).
///
/// To run a whole runner again is what a [`Restarter`](crate::restart::Restarter) does.
///
/// # Errors
///
/// Before the first attempt: [`Error::InvalidBackoff`]; [`Error::ZeroDeadline`], for no attempts.
///
/// ```
/// use ifrit::{prelude::*, restart::Backoff, runners::Retry};
/// use std::time::Duration;
///
/// let mut attempts = 0;
/// let register = Retry::new(move || {
///     attempts += 1;
///     if attempts < 3 { Err("not yet".into()) } else { Ok(()) }
/// });
/// let register = register.backoff(Backoff::constant(Duration::from_millis(1)));
/// let app = Ordered::new([
///     Member::new("register", register).one_shot(),
///     Member::new("web", ifrit::runners::Noop),
/// ]);
/// let app = ifrit::invoke(app).started()?;
/// # app.signal(Signal::TERMINATE);
/// # app.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[must_use = "it tries nothing until it is run or asked"]
#[doc(alias("reconnect", "try again"))]
pub struct Retry<F> {
    step: F,
    backoff: Backoff,
    attempts: Option<usize>,
}

impl<T, F: FnMut() -> Result<T>> Retry<F> {
    /// Tries `step`, with the default [`Backoff`] and any number of times.
    pub fn new(step: F) -> Self {
        Retry {
            step,
            backoff: Backoff::default(),
            attempts: None,
        }
    }

    /// Tries until the step succeeds, and returns what it has made; `None` if a stop signal has come instead, which was
    /// read.
    ///
    /// Blocks for as long. Notifications that come meanwhile are read, and do nothing. Each call begins with the first
    /// attempt and the first delay.
    ///
    /// # Errors
    ///
    /// As for the run, that of the step.
    ///
    /// ```
    /// use ifrit::{prelude::*, runners::Retry};
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// let server = TcpListener::bind("127.0.0.1:0")?;
    /// let address = server.local_addr()?;
    /// let client = ifrit::run_fn(move |signals, ready| {
    ///     let mut connect = Retry::new(|| Ok(TcpStream::connect(address)?));
    ///     let Some(socket) = connect.until_done(&signals)? else {
    ///         return Ok(()); // told to stop
    ///     };
    ///     ready.notify();
    ///     drop(socket);
    ///     Ok(())
    /// });
    /// ifrit::invoke(client).join()?;
    /// # Ok::<(), ifrit::BoxError>(())
    /// ```
    pub fn until_done(&mut self, signals: &Receiver<Signal>) -> Result<Option<T>> {
        self.backoff.check()?;
        if self.attempts == Some(0) {
            return Err(Error::ZeroDeadline {
                who: "retry".to_owned(),
                option: "attempts",
            }
            .into());
        }
        let mut delays = self.backoff.delays();
        let mut attempt = 1_usize;
        loop {
            let error = match (self.step)() {
                Ok(made) => return Ok(Some(made)),
                Err(error) => Error::from_runner(error),
            };
            if error.is_fatal() || Some(attempt) == self.attempts {
                return Err(error.into());
            }
            let delay = delays.next().unwrap_or_default();
            let of = Of(self.attempts);
            let next = Lasting::new(delay);
            note(format_args!(
                "attempt {attempt}{of} failed, the next in {next}: {error}"
            ));
            drop(error);
            if until_stop_for(signals, delay).is_some() {
                return Ok(None);
            }
            attempt = attempt.saturating_add(1);
        }
    }
}

/// How many attempts there are in all.
struct Of(Option<usize>);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(attempts) => write!(f, " of {attempts}"),
            None => Ok(()),
        }
    }
}

impl<F> Retry<F> {
    /// How long to wait after each error. Default: 100 ms, growing to 30 s, with a jitter of 0.1.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How often it is tried, the first time included. Default: until it succeeds.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = Some(attempts);
        self
    }
}

impl<F: FnMut() -> Result<()> + Send> Runner for Retry<F> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        if self.until_done(&signals)?.is_some() {
            ready.notify();
        }
        Ok(())
    }

    fn plan(&self) -> Plan {
        match self.attempts {
            Some(1) => Plan::new("retry").note("1 attempt"),
            Some(attempts) => Plan::new("retry").note(format!("{attempts} attempts")),
            None => Plan::new("retry"),
        }
    }
}

impl<F> fmt::Debug for Retry<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("backoff", &self.backoff)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
