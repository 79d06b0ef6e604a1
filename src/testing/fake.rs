//! A runner that does what the test says.
//!
//! Invariants:
//! 1. Every run becomes one `Call`, announced in order; none is missed, however late the test looks.
//! 2. A run ends when its call is told to exit, or at once while the fake returns at once; which comes first is decided
//!    under the lock of that call, so neither can miss the other.
//! 3. A stub is called under no lock.

use std::fmt;

use super::waiting::patience;
use crate::error::{Error, Exit, Result};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Condvar, Mutex};

/// A runner that waits for the test to tell it what to do, over any number of runs.
///
/// Clones are the same fake: one is put to run, another stays with the test. A fake never reads its signals by itself
/// and returns only when told to, unless it has been told what every run does: [`returns`](FakeRunner::returns),
/// [`stub`](FakeRunner::stub), [`ensure_exit`](FakeRunner::ensure_exit). All calls are kept for as long as the fake.
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
pub struct FakeRunner(Arc<Runs>);

#[derive(Default)]
struct Runs {
    state: Mutex<RunsSoFar>,
    called: Condvar,
}

#[derive(Default)]
struct RunsSoFar {
    calls: Vec<Call>,
    /// How many of them the test has been handed by `wait_for_call`.
    seen: usize,
    /// Not yet told how to end; several, when clones run at the same time.
    under_way: Vec<Call>,
    every_run: EveryRun,
}

type Stub = dyn Fn(Receiver<Signal>, ReadySender) -> Result<()> + Send + Sync;

#[derive(Clone, Default)]
enum EveryRun {
    #[default]
    WaitsForTheTest,
    Returns(Exit),
    Calls(Arc<Stub>),
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
    /// When the [`patience`](super::patience) is over.
    #[track_caller]
    pub fn wait_for_call(&self) -> Call {
        let patience = patience();
        let mut state = self.0.state.lock();
        loop {
            if let Some(call) = state.calls.get(state.seen).cloned() {
                state.seen += 1;
                return call;
            }
            if self.0.called.wait_for(&mut state, patience).timed_out() {
                panic!("the fake was not run within {patience:?}");
            }
        }
    }

    /// How often it has been run. Never blocks.
    pub fn calls(&self) -> usize {
        self.0.state.lock().calls.len()
    }

    /// The `n`-th run, counted from 0, with the signals that it was given; `None` if there was none yet. Never blocks.
    ///
    /// ```
    /// use ifrit::testing::{FakeRunner, Waiting};
    /// use ifrit::Signal;
    ///
    /// let fake = FakeRunner::new();
    /// fake.returns(Ok(()));
    /// ifrit::background(fake.clone()).expect_exit().unwrap();
    /// assert!(fake.call(0).unwrap().signals().is_empty());
    /// assert!(fake.call(1).is_none());
    /// ```
    pub fn call(&self, n: usize) -> Option<Call> {
        self.0.state.lock().calls.get(n).cloned()
    }

    /// From now on every run returns this at once. Those under way are left alone. Never blocks.
    ///
    /// ```
    /// use ifrit::testing::{FakeRunner, Waiting};
    ///
    /// let fake = FakeRunner::new();
    /// fake.returns(Err("no disk".into()));
    /// for _ in 0..2 {
    ///     let exit = ifrit::background(fake.clone()).expect_exit();
    ///     assert_eq!(exit.unwrap_err().to_string(), "no disk");
    /// }
    /// ```
    pub fn returns(&self, result: Result<()>) {
        self.set(EveryRun::Returns(result.map_err(Error::from_runner)));
    }

    /// From now on every run is a call of `run`. Those under way are left alone. Never blocks.
    ///
    /// [`Call::trigger_ready`], [`Call::trigger_exit`] and [`Call::trigger_panic`] do nothing to such a run: the closure
    /// says ready and returns by itself.
    ///
    /// ```
    /// use ifrit::testing::{FakeRunner, Waiting};
    ///
    /// let fake = FakeRunner::new();
    /// fake.stub(|signals, ready| {
    ///     ready.notify();
    ///     Err(format!("told {}", ifrit::until_stop(&signals)).into())
    /// });
    /// let process = ifrit::invoke(fake.clone());
    /// let exit = process.interrupt();
    /// assert_eq!(exit.unwrap_err().to_string(), "told SIGINT");
    /// assert_eq!(fake.calls(), 1);
    /// ```
    pub fn stub(
        &self,
        run: impl Fn(Receiver<Signal>, ReadySender) -> Result<()> + Send + Sync + 'static,
    ) {
        self.set(EveryRun::Calls(Arc::new(run)));
    }

    fn set(&self, every_run: EveryRun) {
        let mut state = self.0.state.lock();
        let before = std::mem::replace(&mut state.every_run, every_run);
        drop(state); // before what a stub has captured
        drop(before);
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
        self.set(EveryRun::Returns(Ok(())));
        let under_way = std::mem::take(&mut self.0.state.lock().under_way);
        for call in under_way {
            call.end_unless_told(Told::Return(Ok(())));
        }
    }
}

#[diagnostic::do_not_recommend]
impl Runner for FakeRunner {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let (end, told) = bounded(1);
        let call = Call(Arc::new(Args {
            signals: signals.clone(),
            ready: Mutex::new(None),
            end: Mutex::new(None),
        }));
        let mut state = self.0.state.lock();
        let every_run = state.every_run.clone();
        let mut ready = Some(ready);
        if matches!(every_run, EveryRun::WaitsForTheTest) {
            *call.0.end.lock() = Some(end);
            *call.0.ready.lock() = ready.take();
            state.under_way.retain(Call::is_under_way);
            state.under_way.push(call.clone());
        }
        state.calls.push(call.clone());
        drop(state);
        self.0.called.notify_all();
        let told = match (every_run, ready) {
            (EveryRun::Calls(run), Some(ready)) => return run(signals, ready),
            (EveryRun::Returns(exit), _) => return Ok(exit?),
            _ => told.recv(),
        };
        let _ready = call.0.ready.lock().take(); // it says nothing any more, and would keep the process
        match told {
            Ok(Told::Return(result)) => result,
            Ok(Told::Panic(message)) => panic!("{message}"),
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
pub struct Call(Arc<Args>);

struct Args {
    signals: Receiver<Signal>,
    ready: Mutex<Option<ReadySender>>,
    end: Mutex<Option<Sender<Told>>>,
}

enum Told {
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

    fn is_under_way(&self) -> bool {
        self.0.end.lock().is_some()
    }

    fn end_unless_told(&self, end: Told) -> bool {
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
