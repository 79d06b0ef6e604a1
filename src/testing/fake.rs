//! A runner that does what the test says.
//!
//! Invariants:
//! 1. Every run becomes one `Call`, announced in order; none is missed, however late the test looks.
//! 2. A run ends when its call is told to exit, or at once while `ensure_exit` holds; whichever comes first is decided
//!    under the lock of that call, so neither can miss the other.

use std::collections::VecDeque;
use std::fmt;

use super::waiting::PATIENCE;
use crate::error::Result;
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Condvar, Mutex};

/// A runner that waits for the test to tell it what to do, over any number of runs.
///
/// Clones are the same fake: one is put to run, another stays with the test. A fake never reads its signals by itself
/// and returns only when told to.
///
/// ```
/// use ifrit::testing::{FakeRunner, Waiting};
/// use ifrit::prelude::*;
///
/// let fake = FakeRunner::new();
/// let process = ifrit::background(fake.clone());
/// let call = fake.wait_for_call();
/// assert!(!process.is_ready());
/// call.trigger_ready();
/// process.expect_ready();
/// process.signal(Signal::HANGUP);
/// assert_eq!(call.wait_for_signal(), Signal::HANGUP);
/// call.trigger_exit(Err("as told".into()));
/// assert_eq!(process.expect_exit().unwrap_err().to_string(), "as told");
/// ```
#[derive(Clone, Default)]
#[doc(alias = "mock")]
pub struct FakeRunner(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Default)]
struct State {
    calls: usize,
    /// Not yet handed to the test.
    unseen: VecDeque<Call>,
    /// Not yet told how to end; several, when clones run at the same time.
    under_way: Vec<Call>,
    exit_at_once: bool,
}

impl FakeRunner {
    /// A fake that has not been run.
    pub fn new() -> Self {
        FakeRunner::default()
    }

    /// The next run the test has not seen yet. Blocks until there is one.
    ///
    /// # Panics
    ///
    /// When [`PATIENCE`] is over.
    #[track_caller]
    pub fn wait_for_call(&self) -> Call {
        let mut state = self.0.state.lock();
        loop {
            if let Some(call) = state.unseen.pop_front() {
                return call;
            }
            if self.0.called.wait_for(&mut state, PATIENCE).timed_out() {
                panic!("the fake was not run within {PATIENCE:?}");
            }
        }
    }

    /// How often it has been run. Never blocks.
    pub fn calls(&self) -> usize {
        self.0.state.lock().calls
    }

    /// From now on every run returns Ok at once, those under way included, unless they were told otherwise before.
    ///
    /// Never blocks.
    ///
    /// ```
    /// use ifrit::testing::{FakeRunner, Waiting};
    ///
    /// let fake = FakeRunner::new();
    /// fake.ensure_exit();
    /// for _ in 0..3 {
    ///     assert!(ifrit::background(fake.clone()).expect_exit().is_ok());
    /// }
    /// assert_eq!(fake.calls(), 3);
    /// ```
    pub fn ensure_exit(&self) {
        let under_way = {
            let mut state = self.0.state.lock();
            state.exit_at_once = true;
            std::mem::take(&mut state.under_way)
        };
        for call in under_way {
            call.end_unless_told(End::Return(Ok(())));
        }
    }
}

impl Runner for FakeRunner {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let (end, told) = bounded(1);
        let call = Call(Arc::new(CallShared {
            signals,
            ready: Mutex::new(Some(ready)),
            end: Mutex::new(Some(end)),
        }));
        {
            let mut state = self.0.state.lock();
            state.calls += 1;
            state.unseen.push_back(call.clone());
            if state.exit_at_once {
                call.end_unless_told(End::Return(Ok(())));
            } else {
                state.under_way.retain(Call::is_under_way);
                state.under_way.push(call.clone());
            }
        }
        self.0.called.notify_all();
        match told.recv() {
            Ok(End::Return(result)) => result,
            Ok(End::Panic(message)) => panic!("{message}"),
            Err(_) => Ok(()), // cannot be: `call` holds the sender until it is used
        }
    }
}

impl fmt::Debug for FakeRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeRunner")
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

/// One run of a [`FakeRunner`], in the hands of the test. Clones are the same run.
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
pub struct Call(Arc<CallShared>);

struct CallShared {
    signals: Receiver<Signal>,
    ready: Mutex<Option<ReadySender>>,
    end: Mutex<Option<Sender<End>>>,
}

enum End {
    Return(Result<()>),
    Panic(String),
}

impl Call {
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
    /// If it was told how to end before.
    #[track_caller]
    pub fn trigger_exit(&self, exit: Result<()>) {
        self.end(End::Return(exit));
    }

    /// Makes the run panic with this message.
    ///
    /// # Panics
    ///
    /// If it was told how to end before.
    #[track_caller]
    pub fn trigger_panic(&self, message: impl Into<String>) {
        self.end(End::Panic(message.into()));
    }

    #[track_caller]
    fn end(&self, end: End) {
        assert!(
            self.end_unless_told(end),
            "this run was told how to end before"
        );
    }

    fn is_under_way(&self) -> bool {
        self.0.end.lock().is_some()
    }

    fn end_unless_told(&self, end: End) -> bool {
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
    /// When [`PATIENCE`] is over, or when the signals are disconnected.
    #[track_caller]
    pub fn wait_for_signal(&self) -> Signal {
        match self.0.signals.recv_timeout(PATIENCE) {
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
