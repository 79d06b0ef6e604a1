//! The operating system's signals for a runner: [`Sigmon`], and what repeated ones do: [`Escalation`].

mod broker;
mod escalation;
mod listener;

use std::collections::BTreeSet;
use std::time::Duration;

pub use escalation::{Escalation, Step};
pub(crate) use listener::Outcome;

use broker::Subscription;
use listener::Listener;

use crate::error::{Error, Exit, Result};
use crate::plan::{Plan, Runs};
use crate::process::{Core, StopLimits, current_core, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex};

/// What is listened for unless [`only`](Sigmon::only) says otherwise.
const DEFAULT_SET: [Signal; 2] = [Signal::INTERRUPT, Signal::TERMINATE];

/// A runner that hands the operating system's signals to another one.
///
/// Default: INT and TERM, unless the program ignored them when it started. They are listened for before the runner
/// starts, so one that comes early is kept; when the runner has returned, the program treats them as it did before. The
/// runner is run on the thread of the sigmon; one thread, shared by the whole program, receives the signals.
///
/// - A stop signal of the operating system is a stop of the whole process this runs in. By default the first is
///   forwarded, the second sends KILL, the third gives the process up; one that comes within 200 ms of the last of
///   these steps does nothing. [`escalate`](Sigmon::escalate) changes that.
/// - A process hears each signal once, however many sigmons stand in it. Of those that stand in each other the innermost
///   that listens for the signal decides and counts. Sigmons of different processes all get every signal they listen
///   for.
/// - A signal that was ignored when the program started stays so: a shell lets the programs it starts with `&` ignore
///   INT, `nohup` lets them ignore HUP. [`also`](Sigmon::also) and [`only`](Sigmon::only) name it, and so listen for it.
/// - Driven by hand, with signals that are not those of the current process, it needs a helper thread to hear both. By
///   hand on a thread of no process there is nothing to give up.
///
/// Between two reads of the shared thread, equal signals are coalesced by the operating system.
///
/// Its run ends as that of its runner, or, before that has started, with an error:
/// [`Error::UncatchableSignal`]; [`Error::ZeroDeadline`]; [`Error::Listen`], if the system refuses a signal;
/// [`Error::Spawn`], if a thread it needs does not start.
///
/// ```
/// use ifrit::{prelude::*, sigmon::Sigmon};
/// use std::time::Duration;
///
/// let app = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     for signal in signals {
///         match signal {
///             Signal::HANGUP => println!("reading the settings again"),
///             stop if stop.is_stop() => break,
///             _ => {}
///         }
///     }
///     Ok(())
/// });
/// let app = Sigmon::new(app)
///     .also([Signal::HANGUP])
///     .stop_within(Duration::from_secs(10));
/// let app = ifrit::invoke(app); // ctrl-c would end it
/// # app.signal(Signal::INTERRUPT);
/// app.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it listens to nothing until it runs"]
#[doc(alias("ctrl-c", "signal handler"))]
pub struct Sigmon<R> {
    runner: R,
    /// Those of the default set, unless they are ignored.
    defaults: &'static [Signal],
    /// Those that were named.
    named: BTreeSet<Signal>,
    escalation: Escalation,
    stop_within: Option<Duration>,
    kill_grace: Option<Duration>,
    outcome: Arc<Outcome>,
}

impl<R: Runner> Sigmon<R> {
    /// Listens for INT and TERM around `runner`.
    pub fn new(runner: R) -> Self {
        Sigmon {
            runner,
            defaults: &DEFAULT_SET,
            named: BTreeSet::new(),
            escalation: Escalation::default(),
            stop_within: None,
            kill_grace: None,
            outcome: Arc::default(),
        }
    }

    /// Listens for these signals besides, also for those of them that were ignored when the program started.
    ///
    /// One that cannot be caught (KILL, STOP, ILL, FPE, SEGV) makes the run fail with [`Error::UncatchableSignal`] before
    /// anything has started.
    ///
    /// ```
    /// use ifrit::{prelude::*, sigmon::Sigmon};
    ///
    /// let app = ifrit::run_fn(|_signals, ready| {
    ///     ready.notify();
    ///     Ok(())
    /// });
    /// let app = Sigmon::new(app).also([Signal::HANGUP, Signal::USER1]);
    /// assert_eq!(app.plan().to_string().lines().next(), Some("sigmon (SIGHUP SIGINT SIGUSR1 SIGTERM)"));
    /// ```
    pub fn also(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.named.extend(signals);
        self
    }

    /// Listens for these signals and no others; for none, if there are none. What was said before with
    /// [`also`](Sigmon::also) is forgotten; what is said after adds to these.
    ///
    /// They are listened for also where they were ignored when the program started. One that cannot be caught fails the
    /// run as in [`also`](Sigmon::also).
    pub fn only(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.defaults = &[];
        self.named = signals.into_iter().collect();
        self
    }

    /// What the first, second, third, … stop signal does.
    ///
    /// Default: the first is forwarded, the second sends KILL, the third gives up waiting. A stop that was asked for
    /// inside the program is not counted.
    pub fn escalate(mut self, escalation: Escalation) -> Self {
        self.escalation = escalation;
        self
    }

    /// How long a whole stop may take, whatever asks for it, KILL and grace included. Default: no limit.
    ///
    /// KILL comes the [grace](Sigmon::kill_grace), or a tenth of the limit where that is less, before the end; at the end
    /// the process is given up, and its exit is [`Error::Abandoned`]. A group inside is over so much earlier that it can
    /// still say which of its members is stuck. Zero is [`Error::ZeroDeadline`], when it runs.
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.stop_within = Some(limit);
        self
    }

    /// How long the process may take to return after KILL, before it is given up. Default: that of the process this runs
    /// in, which is 1 s at the top.
    ///
    /// It begins with KILL, also with one of the [escalation](Sigmon::escalate), if there is a
    /// [limit](Sigmon::stop_within).
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = Some(grace);
        self
    }

    pub(crate) fn outcome(&self) -> Arc<Outcome> {
        Arc::clone(&self.outcome)
    }

    /// Whether a second stop signal of the system forces the stop.
    pub(crate) fn second_forces(&self) -> bool {
        self.escalation.second_forces()
    }

    /// Whether a second one sends KILL, and a third one gives up.
    pub(crate) fn third_gives_up(&self) -> bool {
        self.escalation.third_gives_up()
    }

    fn check(&self) -> Exit {
        if let Some(signal) = self.named.iter().find(|signal| !signal.is_catchable()) {
            return Err(Error::UncatchableSignal(*signal));
        }
        if self.stop_within.is_some_and(|limit| limit.is_zero()) {
            return Err(Error::ZeroDeadline {
                who: "sigmon".to_owned(),
                option: "stop_within",
            });
        }
        Ok(())
    }

    fn listen(&self, host: &Arc<Core>) -> std::result::Result<Subscription, Error> {
        let listener = Listener {
            host: Arc::clone(host),
            process: current_core().unwrap_or_else(|| Arc::clone(host)),
            escalation: self.escalation.clone(),
            counted: Mutex::default(),
            outcome: Arc::clone(&self.outcome),
        };
        let subscription = broker::subscribe(self.defaults, &self.named, Arc::new(listener));
        subscription.map_err(|(signal, source)| match signal {
            Some(signal) => Error::Listen {
                signal,
                source: Arc::new(source),
            },
            None => Error::spawn("ifrit-signals", source),
        })
    }

    fn run_on(
        &mut self,
        host: &Arc<Core>,
        signals: Receiver<Signal>,
        ready: ReadySender,
    ) -> Result {
        let _limits = StopLimits::set(host, self.stop_within, self.kill_grace)?;
        let _listening = self.listen(host)?;
        self.runner.run(signals, ready)
    }
}

impl<R: Runner> Runner for Sigmon<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.check()?;
        with_host(signals, |host, signals| self.run_on(host, signals, ready))?
    }

    fn plan(&self) -> Plan {
        let signals: BTreeSet<_> = self.named.iter().chain(self.defaults).collect();
        let names: Vec<_> = signals.iter().map(ToString::to_string).collect();
        let plan = match names.is_empty() {
            true => Plan::new("sigmon"),
            false => Plan::new("sigmon").note(names.join(" ")),
        };
        let mut plan = plan.limits(&[("stop", self.stop_within), ("kill grace", self.kill_grace)]);
        plan.runner.stop_within = self.stop_within;
        plan.runner.kill_grace = self.kill_grace;
        plan.runner.runs = Runs::Inline;
        plan.part(self.runner.plan())
    }
}
