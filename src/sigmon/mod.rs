//! The operating system's signals for a runner: [`Sigmon`], and what repeated ones do: [`Escalation`].

mod broker;
mod escalation;
#[cfg(not(all(test, ifrit_shuttle)))]
mod system;
#[cfg(all(test, ifrit_shuttle))]
use crate::models::system;

use std::time::Duration;

use broker::{Subscriber, Subscription};
pub use escalation::{Escalation, Step};

use crate::error::{Error, Exit, Result};
use crate::plan::Plan;
use crate::process::{Core, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex};

/// A runner that hands the operating system's signals to another one.
///
/// INT and TERM by default. They are listened for before the runner starts, so one that comes early is kept; when the
/// runner has returned, the program treats them as it did before. It runs its child on its own thread; one thread,
/// shared by the whole program, receives the signals.
///
/// - A stop signal of the operating system is a stop of the whole process this runs in. What the second and the third
///   do says [`escalate`](Sigmon::escalate): by default KILL, then giving up.
/// - Two of them, anywhere in the program, both get every signal they listen for.
/// - Driven by hand, with signals that are not those of the current process, it needs a helper thread to hear both, and
///   cannot give up on a child that does not return.
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
///     .signals([Signal::INTERRUPT, Signal::TERMINATE, Signal::HANGUP])
///     .stop_within(Duration::from_secs(10));
/// let app = ifrit::invoke(app); // ctrl-c would end it
/// # app.signal(Signal::INTERRUPT);
/// app.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Debug)]
pub struct Sigmon<R> {
    runner: R,
    signals: Vec<Signal>,
    escalation: Escalation,
    stop_within: Option<Duration>,
    kill_grace: Option<Duration>,
    outcome: Arc<Outcome>,
}

/// What came from the operating system. Who asks for it runs it once.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    first_stop: Mutex<Option<Signal>>,
    forced: AtomicBool,
}

impl Outcome {
    /// The first stop signal.
    pub(crate) fn first_stop(&self) -> Option<Signal> {
        *self.first_stop.lock()
    }

    /// The first stop signal, if a later one forced the stop.
    pub(crate) fn forced_after(&self) -> Option<Signal> {
        let forced = self.forced.load(Ordering::SeqCst);
        self.first_stop().filter(|_| forced)
    }
}

impl<R: Runner> Sigmon<R> {
    /// Listens for INT and TERM around `runner`.
    pub fn new(runner: R) -> Self {
        Sigmon {
            runner,
            signals: vec![Signal::INTERRUPT, Signal::TERMINATE],
            escalation: Escalation::default(),
            stop_within: None,
            kill_grace: None,
            outcome: Arc::default(),
        }
    }

    /// Listens for these signals instead; for none, if there are none. One that cannot be caught (KILL, STOP, ILL, FPE,
    /// SEGV) makes the run fail with [`Error::UncatchableSignal`] before anything has started.
    #[must_use]
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self.signals.sort_unstable();
        self.signals.dedup();
        self
    }

    /// What the second, third, … stop signal does.
    #[must_use]
    pub fn escalate(mut self, escalation: Escalation) -> Self {
        self.escalation = escalation;
        self
    }

    /// How long a stop may take, whoever asks for it; then KILL, and after the grace the process is given up:
    /// its exit is [`Error::Abandoned`]. A group inside keeps to a little less, so that it can say who is stuck. Zero is
    /// [`Error::ZeroDeadline`], when it runs.
    #[must_use]
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.stop_within = Some(limit);
        self
    }

    /// How long after KILL the process is given up. Unset, as for the process this runs in, which is 1 s at the top.
    #[must_use]
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = Some(grace);
        self
    }

    pub(crate) fn outcome(&self) -> Arc<Outcome> {
        Arc::clone(&self.outcome)
    }

    fn check(&self) -> Exit {
        if let Some(signal) = self.signals.iter().find(|signal| !signal.is_catchable()) {
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
        let listener: Arc<dyn Subscriber> = Arc::new(Listener {
            host: Arc::clone(host),
            escalation: self.escalation.clone(),
            stops: AtomicUsize::new(0),
            outcome: Arc::clone(&self.outcome),
        });
        broker::subscribe(&self.signals, &listener).map_err(|(signal, source)| match signal {
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
        let _restored = Limits::around(host);
        if self.kill_grace.is_some() {
            host.set_grace(self.kill_grace);
        }
        if let Some(limit) = self.stop_within {
            host.enforce_stops(limit)
                .map_err(|source| Error::spawn("ifrit-timer", source))?;
        }
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
        let names: Vec<_> = self.signals.iter().map(ToString::to_string).collect();
        let mut plan = Plan::new("sigmon").note(names.join(" "));
        if let Some(limit) = self.stop_within {
            plan = plan.note(format!("stop {limit:?}"));
        }
        plan.part(self.runner.plan())
    }
}

/// The limits of the process as they were before a run, restored after it.
struct Limits<'h> {
    host: &'h Core,
    grace: Option<Duration>,
    stop_within: Option<Duration>,
}

impl<'h> Limits<'h> {
    fn around(host: &'h Core) -> Self {
        let (grace, stop_within) = host.limits_set_inside();
        Limits {
            host,
            grace,
            stop_within,
        }
    }
}

impl Drop for Limits<'_> {
    fn drop(&mut self) {
        self.host.set_grace(self.grace);
        self.host.set_stop_within(self.stop_within);
    }
}

struct Listener {
    host: Arc<Core>,
    escalation: Escalation,
    stops: AtomicUsize,
    outcome: Arc<Outcome>,
}

impl Subscriber for Listener {
    fn receive(&self, signal: Signal) {
        if !signal.is_stop() {
            self.host.signal(signal);
            return;
        }
        self.outcome.first_stop.lock().get_or_insert(signal);
        match self
            .escalation
            .step(self.stops.fetch_add(1, Ordering::Relaxed))
        {
            Step::Forward => {
                self.host.signal(signal);
            }
            Step::Kill => {
                self.outcome.forced.store(true, Ordering::SeqCst);
                self.host.signal(Signal::KILL);
            }
            Step::GiveUp => {
                self.outcome.forced.store(true, Ordering::SeqCst);
                self.host.signal(Signal::KILL);
                self.host.give_up();
            }
        }
    }
}
