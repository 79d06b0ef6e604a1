//! What the clients of a dynamic group hear of its members: [`Entrance`] and [`ExitEvent`].

use crate::error::Exit;
use crate::id::ProcessId;
use crate::process::Process;

/// A member has become ready.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entrance {
    /// Its name.
    pub name: String,
    /// Its process.
    pub process: Process,
}

/// A member has exited.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExitEvent {
    /// Its name.
    pub name: String,
    /// The process it was.
    pub id: ProcessId,
    /// How its run ended.
    pub exit: Exit,
}
