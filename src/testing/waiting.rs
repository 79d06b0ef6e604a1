//! Waits with one time-out.

use std::time::Duration;

use crate::error::Exit;
use crate::process::Process;

/// How long a wait in a test goes on before it fails. Generous: a test that passes never waits this long.
pub const PATIENCE: Duration = Duration::from_secs(30);

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
    /// If it exits instead, or when [`PATIENCE`] is over.
    fn expect_ready(&self);

    /// Blocks until it has exited, and returns the exit.
    ///
    /// # Panics
    ///
    /// When [`PATIENCE`] is over.
    fn expect_exit(&self) -> Exit;
}

impl Waiting for Process {
    #[track_caller]
    fn expect_ready(&self) {
        match self.wait_ready_timeout(PATIENCE) {
            Some(Ok(())) => {}
            Some(Err(error)) => panic!("{}: expected ready, but: {error}", self.name()),
            None => panic!("{}: not ready after {PATIENCE:?}", self.name()),
        }
    }

    #[track_caller]
    fn expect_exit(&self) -> Exit {
        match self.join_timeout(PATIENCE) {
            Some(exit) => exit,
            None => panic!("{}: still running after {PATIENCE:?}", self.name()),
        }
    }
}
