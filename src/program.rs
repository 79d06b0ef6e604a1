//! A whole program as one runner: [`main`].

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::error::{Error, catch, leaves_threads};
use crate::process::Process;
use crate::runner::Runner;
use crate::sigmon::{Escalation, Sigmon};
use crate::signal::Signal;

/// What a stop may take under `main` unless set: Kubernetes gives 30 s before it kills.
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// Runs `runner` as the program: with the operating system's signals, a report if it fails, and an exit code.
///
/// INT and TERM stop it; the second one sends KILL, the third gives up waiting. The whole stop has 25 s, whoever began
/// it. Blocks until the run has ended or has been given up. It never ends the program itself: return what it returns.
///
/// | exit code | when |
/// |---|---|
/// | 0 | the run ended Ok |
/// | 1 | it ended with an error |
/// | 101 | it ended with a panic |
/// | 128 + n | it was forced or given up after signal n |
///
/// The report goes to standard error. [`Main`] is the same with options.
///
/// ```
/// use ifrit::prelude::*;
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     ifrit::main(ifrit::run_fn(|_signals, ready| {
///         ready.notify();
///         Ok(()) // or wait for a signal
///     }))
/// }
/// ```
pub fn main(runner: impl Runner + 'static) -> ExitCode {
    Main::new(runner).run()
}

/// [`main`] with options.
///
/// ```
/// use ifrit::{Main, prelude::*};
/// use std::process::ExitCode;
/// use std::time::Duration;
///
/// fn main() -> ExitCode {
///     let app = ifrit::run_fn(|_signals, ready| {
///         ready.notify();
///         Ok(())
///     });
///     Main::new(app).stop_within(Duration::from_secs(60)).run()
/// }
/// ```
#[derive(Debug)]
#[must_use = "it starts nothing until `run`"]
pub struct Main<R>(Sigmon<R>);

impl<R: Runner + 'static> Main<R> {
    /// The program `runner`, with the defaults of [`main`].
    pub fn new(runner: R) -> Self {
        Main(Sigmon::new(runner).stop_within(STOP_WITHIN))
    }

    /// Signals to listen for besides INT and TERM; see [`Sigmon::also`].
    pub fn also(self, signals: impl IntoIterator<Item = Signal>) -> Self {
        Main(self.0.also(signals))
    }

    /// The only signals to listen for; see [`Sigmon::only`].
    pub fn only(self, signals: impl IntoIterator<Item = Signal>) -> Self {
        Main(self.0.only(signals))
    }

    /// What repeated stop signals do; see [`Sigmon::escalate`].
    pub fn escalate(self, escalation: Escalation) -> Self {
        Main(self.0.escalate(escalation))
    }

    /// How long a stop may take; see [`Sigmon::stop_within`].
    pub fn stop_within(self, limit: Duration) -> Self {
        Main(self.0.stop_within(limit))
    }

    /// How long after KILL the program is given up; see [`Sigmon::kill_grace`].
    pub fn kill_grace(self, grace: Duration) -> Self {
        Main(self.0.kill_grace(grace))
    }

    /// Runs the program; see [`main`]. Blocks until it has ended or has been given up.
    #[must_use = "it is what `main` should return"]
    pub fn run(self) -> ExitCode {
        let outcome = self.0.outcome();
        let exit = Process::builder().name("main").background(self.0).join();
        let forced = outcome.forced_after();
        // To print an error is to call its author, who may panic.
        let report = exit.as_ref().err().map(|error| {
            catch(|| error.report().to_string())
                .unwrap_or_else(|panic| format!("the error cannot be printed: {panic}"))
        });
        // Not `eprintln`, which panics where standard error is closed.
        let mut stderr = io::stderr().lock();
        if let Some(signal) = forced {
            let _ = writeln!(stderr, "ifrit: the stop begun by {signal} was forced");
        }
        if let Some(report) = report {
            let _ = writeln!(stderr, "ifrit: {report}");
        }
        let given_up = outcome.first_stop().filter(|_| leaves_threads(&exit));
        ExitCode::from(match (forced.or(given_up), &exit) {
            (Some(signal), _) => 128 + signal.as_raw() as u8,
            (None, Ok(())) => 0,
            // Also one that was restarted after until the budget for that was used up.
            (None, Err(error)) if matches!(error.root_cause(), Error::Panicked(_)) => 101,
            (None, Err(_)) => 1,
        })
    }
}
