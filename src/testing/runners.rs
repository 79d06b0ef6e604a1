//! Small runners with one behaviour each.

use super::waiting::patience;
use crate::error::Result;
use crate::ready::ReadySender;
use crate::runner::{Runner, until_stop};
use crate::signal::{self, Signal};
use crate::sync::channel::{Receiver, Select, Sender, bounded};
use crate::sync::{Arc, Condvar, Mutex};

/// A runner that never becomes ready and returns when told to stop; see [`never_ready`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NeverReady;

/// A runner that never becomes ready and returns Ok when told to stop.
///
/// ```
/// use ifrit::testing::{Harness, never_ready};
/// use ifrit::Signal;
///
/// let outcome = Harness::new().signal(Signal::TERMINATE).run(&mut never_ready());
/// assert!(outcome.exit.is_ok() && !outcome.ready);
/// ```
pub fn never_ready() -> NeverReady {
    NeverReady
}

#[diagnostic::do_not_recommend]
impl Runner for NeverReady {
    fn run(&mut self, signals: Receiver<Signal>, _ready: ReadySender) -> Result<()> {
        until_stop(&signals);
        Ok(())
    }
}

/// A runner that returns at once and is never ready; see [`exits_unready`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExitsUnready;

/// A runner that returns Ok at once, without having been ready.
///
/// ```
/// use ifrit::{Error, testing::exits_unready};
///
/// let process = ifrit::background(exits_unready());
/// assert!(matches!(process.started(), Err(Error::ExitedBeforeReady { .. })));
/// ```
pub fn exits_unready() -> ExitsUnready {
    ExitsUnready
}

#[diagnostic::do_not_recommend]
impl Runner for ExitsUnready {
    fn run(&mut self, _signals: Receiver<Signal>, _ready: ReadySender) -> Result<()> {
        Ok(())
    }
}

/// Makes its [`PingRunner`] return; see [`ping_runner`]. Clones make the same one return.
#[derive(Clone, Debug)]
pub struct Ping {
    sender: Sender<()>,
    ends: Ends,
}

/// How the runs ended, in their order.
type Ends = Arc<Mutex<Vec<PingEnd>>>;

/// Why a run of a [`PingRunner`] ended; see [`Ping::ends`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PingEnd {
    /// A ping.
    Ping,
    /// This stop signal.
    Signal(Signal),
}

impl Ping {
    /// Makes the run under way return Ok, or the next one if there is none. Never blocks.
    pub fn ping(&self) {
        // One pending ping is enough.
        let _ = self.sender.try_send(());
    }

    /// Why each run ended that has ended, in order. A run is among them before its exit is. Never blocks.
    ///
    /// ```
    /// use ifrit::testing::{PingEnd, Waiting, ping_runner};
    /// use ifrit::Signal;
    ///
    /// let (runner, ping) = ping_runner();
    /// ifrit::invoke(runner).interrupt().unwrap();
    /// assert_eq!(ping.ends(), [PingEnd::Signal(Signal::INTERRUPT)]);
    /// ```
    pub fn ends(&self) -> Vec<PingEnd> {
        self.ends.lock().clone()
    }
}

/// A runner that is ready at once and returns on a ping, or when told to stop; see [`ping_runner`].
#[derive(Debug)]
pub struct PingRunner {
    pings: Receiver<()>,
    ends: Ends,
}

/// A runner that is ready at once and returns Ok on a ping, or when told to stop; [`Ping::ends`] tells which.
///
/// ```
/// use ifrit::testing::{Waiting, ping_runner};
///
/// let (runner, ping) = ping_runner();
/// let process = ifrit::invoke(runner);
/// ping.ping();
/// assert!(process.expect_exit().is_ok());
/// ```
pub fn ping_runner() -> (PingRunner, Ping) {
    let (sender, pings) = bounded(1);
    let ends = Ends::default();
    let runner = PingRunner {
        pings,
        ends: Arc::clone(&ends),
    };
    (runner, Ping { sender, ends })
}

#[diagnostic::do_not_recommend]
impl Runner for PingRunner {
    fn run(&mut self, mut signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        ready.notify();
        let end = loop {
            let mut select = Select::new();
            select.recv(&self.pings);
            let told = select.recv(&signals);
            if select.ready() == told {
                let signal = signal::try_next(&mut signals);
                if let Some(stop) = signal.filter(|signal| signal.is_stop()) {
                    break PingEnd::Signal(stop);
                }
            } else if self.pings.try_recv().is_ok() {
                break PingEnd::Ping;
            } else {
                // Nothing is left that could ping.
                break PingEnd::Signal(until_stop(&signals));
            }
        };
        self.ends.lock().push(end);
        Ok(())
    }
}

/// What a [`SignalRecorder`] has read; see [`signal_recorder`]. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct RecordedSignals(Arc<(Mutex<Vec<Signal>>, Condvar)>);

impl RecordedSignals {
    /// The signals read so far, in order, over all runs. Never blocks.
    pub fn so_far(&self) -> Vec<Signal> {
        self.0.0.lock().clone()
    }

    /// Blocks until at least `count` have been read, and returns them.
    ///
    /// # Panics
    ///
    /// When the [`patience`](super::patience) is over.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Signal> {
        let patience = patience();
        let (signals, recorded) = &*self.0;
        let mut signals = signals.lock();
        while signals.len() < count {
            if recorded.wait_for(&mut signals, patience).timed_out() {
                panic!("not {count} signals within {patience:?}, only {signals:?}");
            }
        }
        signals.clone()
    }

    fn record(&self, signal: Signal) {
        self.0.0.lock().push(signal);
        self.0.1.notify_all();
    }
}

/// A runner that is ready at once and records its signals; see [`signal_recorder`].
#[derive(Clone, Debug)]
pub struct SignalRecorder {
    recorded: RecordedSignals,
    /// Those after which it returns; any stop signal, if none are set.
    exit_on: Option<Arc<[Signal]>>,
}

impl SignalRecorder {
    /// Makes it return Ok after one of these signals, and after no other, stop signals included. A disconnected channel
    /// ends it all the same.
    ///
    /// ```
    /// use ifrit::testing::{Waiting, signal_recorder};
    /// use ifrit::Signal;
    ///
    /// let (runner, recorded) = signal_recorder();
    /// let process = ifrit::invoke(runner.exit_on([Signal::USER1]));
    /// process.signal(Signal::TERMINATE);
    /// process.signal(Signal::USER1);
    /// process.expect_exit().unwrap();
    /// assert_eq!(recorded.so_far(), [Signal::TERMINATE, Signal::USER1]);
    /// ```
    #[must_use]
    pub fn exit_on(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.exit_on = Some(signals.into_iter().collect());
        self
    }

    fn ends_on(&self, signal: Signal) -> bool {
        match &self.exit_on {
            Some(signals) => signals.contains(&signal),
            None => signal.is_stop(),
        }
    }
}

/// A runner that is ready at once, records its signals in order, and returns Ok after a stop signal, or after those set
/// with [`exit_on`](SignalRecorder::exit_on).
///
/// ```
/// use ifrit::testing::{Waiting, signal_recorder};
/// use ifrit::Signal;
///
/// let (runner, recorded) = signal_recorder();
/// let process = ifrit::invoke(runner);
/// process.signal(Signal::HANGUP);
/// process.signal(Signal::TERMINATE);
/// process.expect_exit().unwrap();
/// assert_eq!(recorded.so_far(), [Signal::HANGUP, Signal::TERMINATE]);
/// ```
pub fn signal_recorder() -> (SignalRecorder, RecordedSignals) {
    let recorded = RecordedSignals::default();
    let runner = SignalRecorder {
        recorded: recorded.clone(),
        exit_on: None,
    };
    (runner, recorded)
}

#[diagnostic::do_not_recommend]
impl Runner for SignalRecorder {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        ready.notify();
        for signal in signals {
            self.recorded.record(signal);
            if self.ends_on(signal) {
                break;
            }
        }
        Ok(())
    }
}
