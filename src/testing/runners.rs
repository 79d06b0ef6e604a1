//! Small runners with one behaviour each.

use super::waiting::PATIENCE;
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

impl Runner for NeverReady {
    fn run(&mut self, signals: Receiver<Signal>, _ready: ReadySender) -> Result<()> {
        until_stop(&signals);
        Ok(())
    }
}

/// Makes its [`PingRunner`] return; see [`ping_runner`]. Clones make the same one return.
#[derive(Clone, Debug)]
pub struct Ping(Sender<()>);

impl Ping {
    /// Makes the run under way return Ok, or the next one if there is none. Never blocks.
    pub fn ping(&self) {
        // One pending ping is enough.
        let _ = self.0.try_send(());
    }
}

/// A runner that is ready at once and returns on a ping, or when told to stop; see [`ping_runner`].
#[derive(Debug)]
pub struct PingRunner(Receiver<()>);

/// A runner that is ready at once and returns Ok on a ping, or when told to stop.
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
    let (sender, receiver) = bounded(1);
    (PingRunner(receiver), Ping(sender))
}

impl Runner for PingRunner {
    fn run(&mut self, mut signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        ready.notify();
        loop {
            let mut select = Select::new();
            select.recv(&self.0);
            let told = select.recv(&signals);
            if select.ready() == told {
                if signal::try_next(&mut signals).is_some_and(Signal::is_stop) {
                    return Ok(());
                }
            } else if self.0.try_recv().is_ok() {
                return Ok(());
            } else {
                // Nobody is left to ping.
                until_stop(&signals);
                return Ok(());
            }
        }
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
    /// When [`PATIENCE`] is over.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Signal> {
        let (signals, recorded) = &*self.0;
        let mut signals = signals.lock();
        while signals.len() < count {
            if recorded.wait_for(&mut signals, PATIENCE).timed_out() {
                panic!("not {count} signals within {PATIENCE:?}, only {signals:?}");
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
pub struct SignalRecorder(RecordedSignals);

/// A runner that is ready at once, records its signals in order, and returns Ok after a stop signal.
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
    (SignalRecorder(recorded.clone()), recorded)
}

impl Runner for SignalRecorder {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        ready.notify();
        for signal in signals {
            self.0.record(signal);
            if signal.is_stop() {
                break;
            }
        }
        Ok(())
    }
}
