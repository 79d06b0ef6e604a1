//! A runner that does what the test says.
//!
//! Invariants:
//! 1. Every run becomes one `Call`, announced in order; none is missed, however late the test looks.
//! 2. A run ends when its call is told to exit, or at once while the fake returns at once; which comes first is decided
//!    under the lock of that call, so neither can miss the other.
//! 3. A stub is called under no lock.

use std::fmt;

use super::call::{Call, Told};
use super::waiting::patience;
use crate::error::{Error, Exit, Result};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
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
        let call = Call::new(signals.clone());
        let mut state = self.0.state.lock();
        let go_on: Box<dyn FnOnce() -> Result<()>> = match state.every_run.clone() {
            EveryRun::WaitsForTheTest => {
                let told = call.hand_over(ready);
                state.under_way.retain(Call::is_under_way);
                state.under_way.push(call.clone());
                let call = call.clone();
                Box::new(move || call.wait_for_end(&told))
            }
            EveryRun::Returns(exit) => Box::new(|| Ok(exit?)),
            EveryRun::Calls(run) => Box::new(move || run(signals, ready)),
        };
        state.calls.push(call);
        drop(state); // Invariant 3
        self.0.called.notify_all();
        go_on()
    }
}

impl fmt::Debug for FakeRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeRunner")
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}
