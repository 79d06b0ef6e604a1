//! Waits with one time-out.

use std::cell::Cell;
use std::time::Duration;

use crate::error::Exit;
use crate::on_drop::OnDrop;
use crate::process::Process;
use crate::signal::Signal;
use crate::sync::{LazyLock, thread_local};

/// How long a wait in a test goes on before it fails: 30 s, unless another [`patience`] is set. Generous: a test that
/// passes never waits this long.
pub const PATIENCE: Duration = Duration::from_secs(30);

static OF_THE_PROGRAM: LazyLock<Duration> = LazyLock::new(|| {
    let set = std::env::var("IFRIT_PATIENCE").ok();
    set.and_then(|secs| Duration::try_from_secs_f64(secs.trim().parse().ok()?).ok())
        .unwrap_or(PATIENCE)
});

thread_local! {
    static HERE: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// How long waits of this module that begin on this thread go on before they fail.
///
/// That is what [`with_patience`] has set around this call; or else, for the whole test program, the number of seconds in
/// the environment variable `IFRIT_PATIENCE`, as it was at the first wait; or else [`PATIENCE`].
///
/// ```
/// use ifrit::testing::{patience, with_patience};
/// use std::time::Duration;
///
/// let short = Duration::from_millis(100);
/// assert_eq!(with_patience(short, patience), short);
/// ```
pub fn patience() -> Duration {
    HERE.with(Cell::get).unwrap_or_else(|| *OF_THE_PROGRAM)
}

/// Calls `work` with another [`patience`] on this thread: for one wait, or for a whole test.
///
/// Threads that `work` starts have the patience of the program.
///
/// ```
/// use ifrit::testing::{FakeRunner, with_patience};
/// use std::time::Duration;
///
/// let missing = std::panic::catch_unwind(|| {
///     let fake = FakeRunner::new();
///     with_patience(Duration::from_millis(1), || fake.wait_for_call())
/// });
/// assert!(missing.is_err());
/// ```
pub fn with_patience<T>(patience: Duration, work: impl FnOnce() -> T) -> T {
    let before = HERE.with(|here| here.replace(Some(patience)));
    let _restore = OnDrop(|| HERE.with(|here| here.set(before)));
    work()
}

/// Waits that fail the test, on a [`Process`].
///
/// ```
/// use ifrit::testing::{Waiting, never_ready};
/// use ifrit::prelude::*;
///
/// let process = ifrit::background(never_ready());
/// process.signal(Signal::TERMINATE);
/// assert!(process.expect_exit().is_ok());
/// assert!(!process.is_ready());
/// ```
#[doc(alias = "ginkgomon")]
pub trait Waiting {
    /// Blocks until it is ready.
    ///
    /// # Panics
    ///
    /// If it exits instead, or when the [`patience`] is over.
    #[track_caller]
    fn expect_ready(&self);

    /// Blocks until it has exited, and returns the exit.
    ///
    /// # Panics
    ///
    /// When the [`patience`] is over; the message names what still runs below it.
    #[track_caller]
    fn expect_exit(&self) -> Exit;

    /// Sends INT, blocks until it has exited, and returns the exit. At the end of a test.
    ///
    /// # Panics
    ///
    /// When the [`patience`] is over; the message names what still runs below it.
    ///
    /// ```
    /// use ifrit::testing::{Waiting, ping_runner};
    ///
    /// let (runner, _ping) = ping_runner();
    /// let process = ifrit::invoke(runner);
    /// assert!(process.interrupt().is_ok());
    /// ```
    #[track_caller]
    fn interrupt(&self) -> Exit;

    /// Sends KILL, blocks until it has exited, and returns the exit.
    ///
    /// # Panics
    ///
    /// When the [`patience`] is over; the message names what still runs below it.
    #[track_caller]
    fn kill(&self) -> Exit;
}

impl Waiting for Process {
    #[track_caller]
    fn expect_ready(&self) {
        let patience = patience();
        match self.wait_ready_timeout(patience) {
            Some(Ok(())) => {}
            Some(Err(error)) => panic!("{}: expected ready, but: {error}", self.name()),
            None => panic!(
                "{}: not ready after {patience:?}{}",
                self.name(),
                living(self)
            ),
        }
    }

    #[track_caller]
    fn expect_exit(&self) -> Exit {
        exit_of(self, "")
    }

    #[track_caller]
    fn interrupt(&self) -> Exit {
        self.signal(Signal::INTERRUPT);
        exit_of(self, " of INT")
    }

    #[track_caller]
    fn kill(&self) -> Exit {
        self.signal(Signal::KILL);
        exit_of(self, " of KILL")
    }
}

#[track_caller]
fn exit_of(process: &Process, of_what: &str) -> Exit {
    let patience = patience();
    match process.join_timeout(patience) {
        Some(exit) => exit,
        None => panic!(
            "{}: still running after {patience:?}{of_what}{}",
            process.name(),
            living(process)
        ),
    }
}

/// The process and those below it, a line each.
fn living(process: &Process) -> String {
    let tree = crate::tree();
    let node = tree.get(process.id());
    node.map_or_else(String::new, |node| format!(":\n{node}"))
}
