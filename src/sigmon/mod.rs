//! The operating system's signals for a runner: [`Sigmon`].

mod broker;
mod escalation;

use std::fmt;
use std::time::Duration;

use broker::{Subscriber, Subscription};
pub use escalation::{Escalation, Step};

use crate::clock::Clock;
use crate::error::{Error, Exit, Result};
use crate::mailbox::Mailbox;
use crate::plan::Plan;
use crate::process::{Core, current_core};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::channel::{Receiver, Select, bounded};
use crate::sync::{Arc, Mutex, OnceLock, thread};

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
/// ```no_run
/// use ifrit::{Sigmon, prelude::*};
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
/// ifrit::invoke(app).join()?; // ctrl-c ends it
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Debug)]
pub struct Sigmon<R> {
    runner: R,
    signals: Vec<Signal>,
    escalation: Escalation,
    stop_within: Option<Duration>,
    outcome: Arc<Outcome>,
}

/// What came from the operating system in the last run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    first_stop: Mutex<Option<Signal>>,
    forced: AtomicBool,
}

impl Outcome {
    fn reset(&self) {
        *self.first_stop.lock() = None;
        self.forced.store(false, Ordering::SeqCst);
    }

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
            outcome: Arc::default(),
        }
    }

    /// Listens for these signals instead. One that cannot be caught (KILL, STOP, ILL, FPE, SEGV) makes the run fail
    /// with [`Error::UncatchableSignal`] before anything has started.
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
    /// its exit is [`Error::Abandoned`]. A group inside keeps to a little less, so that it can say who is stuck.
    #[must_use]
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.stop_within = Some(limit);
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

    fn listen(&self, target: Target) -> std::result::Result<Subscription, Error> {
        let listener: Arc<dyn Subscriber> = Arc::new(Listener {
            target,
            escalation: self.escalation.clone(),
            stops: AtomicUsize::new(0),
            outcome: Arc::clone(&self.outcome),
        });
        broker::subscribe(&self.signals, &listener).map_err(|(signal, source)| match signal {
            Some(signal) => Error::Listen {
                signal,
                source: Arc::new(source),
            },
            None => Error::Spawn {
                name: "ifrit-signals".to_owned(),
                source: Arc::new(source),
            },
        })
    }

    /// On the process's own thread and channel: the system's signals go to the process.
    fn run_in(
        &mut self,
        host: &Arc<Core>,
        signals: Receiver<Signal>,
        ready: ReadySender,
    ) -> Result {
        if let Some(limit) = self.stop_within {
            host.enforce_stops(limit).map_err(timer_error)?;
        }
        let _listening = self.listen(Target::Process(Arc::clone(host)))?;
        self.runner.run(signals, ready)
    }

    /// By hand: the system's signals and those given meet in a mailbox.
    fn run_by_hand(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result {
        let clock = current_core()
            .map(|core| core.clock.clone())
            .unwrap_or_default();
        let inbox = Arc::new(ByHand {
            mailbox: Mutex::new(Mailbox::new()),
            stop_within: self.stop_within,
            timer: OnceLock::new(),
            clock,
        });
        if self.stop_within.is_some() {
            inbox.clock.start_timer().map_err(timer_error)?;
        }
        let merged = inbox.mailbox.lock().receiver().clone();
        let _listening = self.listen(Target::ByHand(Arc::clone(&inbox)))?;
        thread::scope(|scope| {
            let (_done, done) = bounded(0);
            thread::Builder::new()
                .name("ifrit-sigmon".into())
                .spawn_scoped(scope, move || pump(&signals, &done, &inbox))
                .map_err(|source| Error::Spawn {
                    name: "ifrit-sigmon".to_owned(),
                    source: Arc::new(source),
                })?;
            self.runner.run(merged, ready)
        })
    }
}

fn timer_error(source: std::io::Error) -> Error {
    Error::Spawn {
        name: "ifrit-timer".to_owned(),
        source: Arc::new(source),
    }
}

fn pump(
    signals: &Receiver<Signal>,
    done: &Receiver<std::convert::Infallible>,
    inbox: &Arc<ByHand>,
) {
    let mut select = Select::new();
    let from_outside = select.recv(signals);
    select.recv(done);
    while select.ready() == from_outside {
        match signals.try_recv() {
            Ok(signal) => inbox.signal(signal),
            Err(error) if error.is_disconnected() => return inbox.signal(Signal::INTERRUPT),
            Err(_) => {}
        }
    }
}

impl<R: Runner> Runner for Sigmon<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.check()?;
        self.outcome.reset();
        let host = current_core().filter(|host| {
            let own = host.signals();
            own.is_some_and(|own| own.same_channel(&signals))
        });
        match host {
            Some(host) => self.run_in(&host, signals, ready),
            None => self.run_by_hand(signals, ready),
        }
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

enum Target {
    Process(Arc<Core>),
    ByHand(Arc<ByHand>),
}

struct ByHand {
    mailbox: Mutex<Mailbox>,
    stop_within: Option<Duration>,
    timer: OnceLock<crate::clock::Timer>,
    clock: Clock,
}

impl ByHand {
    fn signal(self: &Arc<Self>, signal: Signal) {
        self.mailbox.lock().push(signal);
        if let (true, Some(limit)) = (signal.is_stop(), self.stop_within)
            && let Some(kill_at) = self.clock.deadline(limit)
        {
            self.timer.get_or_init(|| {
                let weak = Arc::downgrade(self);
                let kill = move || {
                    if let Some(inbox) = weak.upgrade() {
                        inbox.mailbox.lock().push(Signal::KILL);
                    }
                };
                self.clock.schedule(kill_at, Box::new(kill))
            });
        }
    }
}

struct Listener {
    target: Target,
    escalation: Escalation,
    stops: AtomicUsize,
    outcome: Arc<Outcome>,
}

impl Listener {
    fn forward(&self, signal: Signal) {
        match &self.target {
            Target::Process(core) => drop(core.signal(signal)),
            Target::ByHand(inbox) => inbox.signal(signal),
        }
    }
}

impl Subscriber for Listener {
    fn receive(&self, signal: Signal) {
        if !signal.is_stop() {
            return self.forward(signal);
        }
        self.outcome.first_stop.lock().get_or_insert(signal);
        match self
            .escalation
            .step(self.stops.fetch_add(1, Ordering::Relaxed))
        {
            Step::Forward => self.forward(signal),
            Step::Kill => {
                self.outcome.forced.store(true, Ordering::SeqCst);
                self.forward(Signal::KILL);
            }
            Step::GiveUp => {
                self.outcome.forced.store(true, Ordering::SeqCst);
                self.forward(Signal::KILL);
                if let Target::Process(core) = &self.target {
                    core.give_up();
                }
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target")
    }
}
