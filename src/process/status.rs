//! How far a process has come: [`Status`].

use std::fmt;

/// How far a process has come.
///
/// ```
/// use ifrit::{prelude::*, process::Status};
///
/// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// process.join().unwrap();
/// assert_eq!(process.status(), Status::Exited);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It has not been started yet: a member whose turn is still to come. Only in a [`Tree`](crate::Tree): there is no
    /// process yet.
    Waiting,
    /// It runs and has not said that it is ready.
    Starting,
    /// It is ready.
    Ready,
    /// What it ran has ended, and waits to be run again.
    Restarting,
    /// It has ended and is to be started again: a member of a group. Only in a [`Tree`](crate::Tree): there is no process
    /// meanwhile.
    Down,
    /// It was told to stop and still runs.
    Stopping,
    /// It has exited.
    Exited,
    /// It was given up: its exit has been published, and its thread still runs.
    Abandoned,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Waiting => "waiting",
            Status::Starting => "starting",
            Status::Ready => "ready",
            Status::Restarting => "restarting",
            Status::Down => "down",
            Status::Stopping => "stopping",
            Status::Exited => "exited",
            Status::Abandoned => "abandoned",
        })
    }
}
