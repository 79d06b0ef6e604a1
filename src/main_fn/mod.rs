//! A whole program as one runner: [`main()`], and [`Main`] with options.

mod bursts;
mod lines;
mod out;
mod slow;
mod voice;

use std::env;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, Exit, catch, leaves_threads};
use crate::observe::Event;
use crate::plan::Plan;
use crate::process::Process;
use crate::runner::Runner;
use crate::sigmon::{Escalation, Outcome, Sigmon};
use crate::signal::Signal;
use crate::sync::Arc;
use out::{Out, last_words};
use voice::{Audience, Hints, Voice};

/// What a stop may take under `main` unless set: Kubernetes gives 30 s before it kills.
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// The exit code of a program that panics, as the standard library has it.
const PANICKED: u8 = 101;

/// Runs `runner` as the program: with the operating system's signals, a report if it fails, and an exit code.
///
/// INT and TERM stop it: the first is forwarded to the runner, a second one sends KILL, which means "return now, no
/// draining", and gives up when the [grace](Main::kill_grace) of 1 s is over, and a third one gives up at once. One that
/// comes within 200 ms of the last of these does nothing, so one key press that is heard twice forces nothing. The whole
/// stop has 25 s, KILL and its grace included, wherever it began; then the program is given up as well. One of the two that
/// the program ignored when it started stays ignored, such as INT in a program that a script has started with `&`, unless
/// [`also`](Main::also) or [`only`](Main::only) names it.
///
/// Blocks until the run has ended or has been given up. It never ends the program itself: return what it returns.
///
/// | exit code | when |
/// |---|---|
/// | 0 | the run ended Ok, also where nothing had told it to: see [`essential`](crate::grouper::Member::essential) |
/// | 1 | it ended with an error |
/// | 101 | it ended with a panic |
/// | 128 + n | it was forced, or given up, after signal n |
///
/// It says on standard error what an operator must know, a line each, with the program's name and the seconds since its
/// start: restarts and why, ends that were not asked for, what others have been waiting for since 5 s and longer, who was
/// given up, and that a second signal forces the stop. At the end comes the report of what failed. Colour is used only on
/// a terminal, unless the environment variable `NO_COLOR` is set to anything, or `TERM` is `dumb`. A standard error that is closed or full harms nothing, and holds up
/// nothing but the end of the program, for 1 s at most.
///
/// [`Main`] is the same with options.
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
#[doc(alias("ctrl-c", "graceful shutdown"))]
#[must_use = "it is what `main` should return"]
pub fn main(runner: impl Runner + 'static) -> ExitCode {
    Main::new(runner).run()
}

/// [`main()`] with options.
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
///     Main::new(app)
///         .also([Signal::HANGUP])
///         .stop_within(Duration::from_secs(60))
///         .run()
/// }
/// ```
#[must_use = "it starts nothing until `run`"]
pub struct Main<R> {
    sigmon: Sigmon<R>,
    options: Options,
}

struct Options {
    /// None: only the report is printed.
    audience: Option<Audience>,
    dump_on: Vec<Signal>,
    on_ready: Option<Box<dyn FnOnce() + Send>>,
    exit_code: Option<ToExitCode>,
}

type ToExitCode = Box<dyn FnOnce(&Exit) -> ExitCode + Send>;

impl<R: Runner + 'static> Main<R> {
    /// The program `runner`, with the defaults of [`main()`].
    pub fn new(runner: R) -> Self {
        Main {
            sigmon: Sigmon::new(runner).stop_within(STOP_WITHIN),
            options: Options {
                audience: Some(Audience::Operator { all: false }),
                dump_on: Vec::new(),
                on_ready: None,
                exit_code: None,
            },
        }
    }

    /// Signals to listen for besides INT and TERM; see [`Sigmon::also`].
    pub fn also(self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.with(|sigmon| sigmon.also(signals))
    }

    /// The only signals to listen for; see [`Sigmon::only`].
    pub fn only(self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.with(|sigmon| sigmon.only(signals))
    }

    /// What repeated stop signals do; see [`Sigmon::escalate`].
    pub fn escalate(self, escalation: Escalation) -> Self {
        self.with(|sigmon| sigmon.escalate(escalation))
    }

    /// How long a stop may take; see [`Sigmon::stop_within`]. Default: 25 s.
    pub fn stop_within(self, limit: Duration) -> Self {
        self.with(|sigmon| sigmon.stop_within(limit))
    }

    /// How long after KILL the program is given up; see [`Sigmon::kill_grace`]. Default: 1 s.
    pub fn kill_grace(self, grace: Duration) -> Self {
        self.with(|sigmon| sigmon.kill_grace(grace))
    }

    /// The exit code for an exit, in place of those of [`main()`]; of all of them, those after a signal included.
    ///
    /// It is called on the thread that called [`run`](Main::run), when the report has been written. If it panics, the
    /// code is that of [`main()`].
    ///
    /// ```
    /// use ifrit::{Main, prelude::*};
    /// use std::process::ExitCode;
    ///
    /// let app = ifrit::run_fn(|_signals, _ready| Err(std::io::Error::other("no disk").into()));
    /// let code = Main::new(app)
    ///     .exit_code(|exit| match exit {
    ///         Ok(()) => 0,
    ///         Err(error) if error.downcast_ref::<std::io::Error>().is_some() => 74, // EX_IOERR
    ///         Err(_) => 70, // EX_SOFTWARE
    ///     })
    ///     .run();
    /// assert_eq!(code, ExitCode::from(74));
    /// ```
    pub fn exit_code<C: Into<ExitCode>>(
        mut self,
        code: impl FnOnce(&Exit) -> C + Send + 'static,
    ) -> Self {
        self.options.exit_code = Some(Box::new(|exit| code(exit).into()));
        self
    }

    /// What is going to run, and what is wrong with it. Starts nothing; a unit test can assert on it.
    ///
    /// ```
    /// use ifrit::{Main, prelude::*};
    /// use std::time::Duration;
    ///
    /// let program = Main::new(ifrit::run_fn(|_signals, _ready| Ok(())));
    /// assert_eq!(program.plan().worst_case_stop(), Some(Duration::from_secs(25)));
    /// ```
    pub fn plan(&self) -> Plan {
        self.sigmon.plan().called(lines::ROOT)
    }

    /// Prints nothing while the program runs; at its end the report, if it has failed.
    pub fn quiet(mut self) -> Self {
        self.options.audience = None;
        self
    }

    /// Prints each start, ready, signal, note and exit as well.
    pub fn verbose(mut self) -> Self {
        self.options.audience = Some(Audience::Operator { all: true });
        self
    }

    /// Hands each event to `function`, in place of printing; at the end the report is printed all the same.
    ///
    /// The events are those of the program's own process and of all that stand below it, in the order in which they
    /// happened; see [`observe`](crate::observe). They come on a thread of their own, so that no process waits for
    /// `function`. Where it is slower than they come, some are missed. A panic of it is caught, and the next event comes all
    /// the same. The end of the program waits until it has seen all, but for 1 s at most.
    ///
    /// ```
    /// use ifrit::{Main, observe::What, prelude::*};
    /// use std::sync::{Arc, Mutex};
    ///
    /// let failures = Arc::new(Mutex::new(Vec::new()));
    /// let seen = failures.clone();
    /// let app = Parallel::new(Members::new().add("web", ifrit::run_fn(|_, _| Err("port taken".into()))));
    /// let _code = Main::new(app)
    ///     .on_event(move |event| {
    ///         if let What::Exited { exit, .. } = &event.what
    ///             && exit.is_err()
    ///         {
    ///             seen.lock().unwrap().push(event.path.to_string());
    ///         }
    ///     })
    ///     .run();
    /// assert_eq!(failures.lock().unwrap()[0], "main/web");
    /// ```
    pub fn on_event(mut self, function: impl FnMut(&Event) + Send + 'static) -> Self {
        self.options.audience = Some(Audience::Function(Box::new(function)));
        self
    }

    /// Calls `function` once the runner is ready, on the thread that called [`run`](Main::run). If the runner ends without
    /// having become ready, it is not called.
    ///
    /// The runner goes on meanwhile, but the end of the program waits until `function` has returned. A panic of it is
    /// caught.
    ///
    /// ```
    /// use ifrit::{Main, prelude::*};
    ///
    /// let app = ifrit::run_fn(|_signals, ready| {
    ///     ready.notify();
    ///     Ok(())
    /// });
    /// Main::new(app).on_ready(|| println!("serving")).run();
    /// ```
    pub fn on_ready(mut self, function: impl FnOnce() + Send + 'static) -> Self {
        self.options.on_ready = Some(Box::new(function));
        self
    }

    /// Prints the tree and the newest events when this signal comes. It stops nothing, unless it is a stop signal, which
    /// stops the program as well.
    ///
    /// The signal is listened for, as with [`also`](Main::also), and the runner hears it, too. It may be called more than
    /// once, for more signals. It prints also where the program is [quiet](Main::quiet).
    ///
    /// ```
    /// use ifrit::{Main, prelude::*};
    ///
    /// let app = ifrit::run_fn(|_signals, ready| {
    ///     ready.notify();
    ///     Ok(())
    /// });
    /// Main::new(app).dump_on(Signal::USER1).run(); // kill -USR1 shows what it is doing
    /// ```
    pub fn dump_on(mut self, signal: Signal) -> Self {
        self.options.dump_on.push(signal);
        self.also([signal])
    }

    /// Runs the program; see [`main()`]. Blocks until it has ended or has been given up.
    #[must_use = "it is what `main` should return"]
    pub fn run(self) -> ExitCode {
        let Options {
            audience,
            dump_on,
            on_ready,
            exit_code,
        } = self.options;
        let outcome = self.sigmon.outcome();
        let hints = Hints {
            second_forces: self.sigmon.second_forces(),
            third_gives_up: self.sigmon.third_gives_up(),
            outcome: Arc::clone(&outcome),
        };
        let out = Out::new(program(), Clock::system().now());
        let process = Process::builder().name(lines::ROOT).background(self.sigmon);
        let voice = Voice::begin(&process, audience, dump_on, hints, out);
        if let Some(on_ready) = on_ready
            && process.wait_ready().is_ok()
        {
            let _ = catch(on_ready);
        }
        let exit = process.join();
        match (voice, report(&exit, &outcome)) {
            (Some(voice), report) => voice.end(report),
            (None, Some(report)) => last_words(program(), report),
            (None, None) => {}
        }
        let own = exit_code.map(|code| catch(|| code(&exit)));
        own.and_then(Result::ok)
            .unwrap_or_else(|| exit_code_of(&exit, &outcome).into())
    }

    fn with(self, set: impl FnOnce(Sigmon<R>) -> Sigmon<R>) -> Self {
        Main {
            sigmon: set(self.sigmon),
            ..self
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Main<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Main")
            .field("sigmon", &self.sigmon)
            .finish_non_exhaustive()
    }
}

/// What is said at the end.
fn report(exit: &Exit, outcome: &Outcome) -> Option<Vec<String>> {
    let forced = outcome
        .forced_after()
        .map(|signal| format!("the stop begun by {signal} was forced"));
    let failed = exit.as_ref().err().map(|error| error.report().to_string());
    let texts: Vec<_> = forced.into_iter().chain(failed).collect();
    (!texts.is_empty()).then_some(texts)
}

/// The name by which the program was called, without its path.
fn program() -> String {
    let called = env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "program".to_owned(),
    }
}

fn exit_code_of(exit: &Exit, outcome: &Outcome) -> u8 {
    let given_up = outcome.first_stop().filter(|_| leaves_threads(exit));
    match (outcome.forced_after().or(given_up), exit) {
        (Some(signal), _) => 128 + signal.as_raw() as u8,
        (None, Ok(())) => 0,
        // Also one that was restarted after until the budget for that was used up.
        (None, Err(error)) if matches!(error.root_cause(), Error::Panicked(_)) => PANICKED,
        (None, Err(_)) => 1,
    }
}
