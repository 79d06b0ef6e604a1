//! One run of a fake, in the hands of the test: [`Call`].

use std::fmt;

use super::waiting::patience;
use crate::error::Result;
use crate::ready::ReadySender;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Mutex};

/// One run of a [`FakeRunner`](super::FakeRunner), in the hands of the test. Clones are the same run.
///
/// ```
/// use ifrit::testing::{FakeRunner, Waiting};
/// use ifrit::Error;
///
/// let fake = FakeRunner::new();
/// let process = ifrit::background(fake.clone());
/// let call = fake.wait_for_call();
/// assert!(call.signals().is_empty());
/// call.trigger_panic("as told");
/// assert!(matches!(process.expect_exit(), Err(Error::Panicked(_))));
/// ```
#[derive(Clone)]
pub struct Call(Arc<Args>);

struct Args {
    signals: Receiver<Signal>,
    ready: Mutex<Option<ReadySender>>,
    end: Mutex<Option<Sender<Told>>>,
}

pub(super) enum Told {
    Return(Result<()>),
    Panic(String),
}

impl Call {
    /// A run with these signals, which the test cannot tell anything yet.
    pub(super) fn new(signals: Receiver<Signal>) -> Self {
        Call(Arc::new(Args {
            signals,
            ready: Mutex::new(None),
            end: Mutex::new(None),
        }))
    }

    /// From now on the test says when it is ready, and how it ends: that comes out of the channel.
    pub(super) fn hand_over(&self, ready: ReadySender) -> Receiver<Told> {
        let (end, told) = bounded(1);
        *self.0.ready.lock() = Some(ready);
        *self.0.end.lock() = Some(end);
        told
    }

    /// Blocks until the test has said how the run ends, and ends so.
    pub(super) fn wait_for_end(&self, told: &Receiver<Told>) -> Result<()> {
        let told = told.recv();
        // It says nothing any more, and would keep the process.
        let _ready = self.0.ready.lock().take();
        match told {
            Ok(Told::Return(result)) => result,
            Ok(Told::Panic(message)) => panic!("{message}"),
            Err(_) => Ok(()), // cannot be: the sender is kept until it is used
        }
    }

    /// Says ready. A second time does nothing.
    pub fn trigger_ready(&self) {
        let ready = self.0.ready.lock().take();
        if let Some(ready) = ready {
            ready.notify();
        }
    }

    /// Makes the run return this.
    ///
    /// # Panics
    ///
    /// If it was told how to end before, or ends by itself.
    #[track_caller]
    pub fn trigger_exit(&self, exit: Result<()>) {
        self.end(Told::Return(exit));
    }

    /// Makes the run panic with this message.
    ///
    /// # Panics
    ///
    /// If it was told how to end before, or ends by itself.
    #[track_caller]
    pub fn trigger_panic(&self, message: impl Into<String>) {
        self.end(Told::Panic(message.into()));
    }

    #[track_caller]
    fn end(&self, end: Told) {
        assert!(
            self.end_unless_told(end),
            "this run was told how to end before"
        );
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.0.end.lock().is_some()
    }

    pub(super) fn end_unless_told(&self, end: Told) -> bool {
        let sender = self.0.end.lock().take();
        sender.is_some_and(|sender| sender.send(end).is_ok())
    }

    /// The signals the run was given.
    pub fn signals(&self) -> &Receiver<Signal> {
        &self.0.signals
    }

    /// Blocks until the next signal.
    ///
    /// # Panics
    ///
    /// When the [`patience`](super::patience) is over, or when the signals are disconnected.
    #[track_caller]
    pub fn wait_for_signal(&self) -> Signal {
        match self.0.signals.recv_timeout(patience()) {
            Ok(signal) => signal,
            Err(error) => panic!("no signal: {error}"),
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
