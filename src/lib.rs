//! Threads that start in order, stay up and stop cleanly.
//!
#![doc = include_str!("../README.md")]

mod clock;
mod error;
pub mod grouper;
pub mod guide;
mod latch;
mod mailbox;
#[cfg(all(test, ifrit_shuttle))]
mod models;
mod outline;
mod plan;
mod process;
mod program;
mod ready;
pub mod restart;
mod runner;
pub mod sigmon;
mod signal;
mod sync;
pub mod testing;
mod tree;

pub use clock::{Alarm, Clock};
pub use crossbeam_channel;
pub use crossbeam_channel::Receiver;
pub use error::{BoxError, Error, Exit, Failure, Panic, ProcessId, Report, Result, Stuck};
pub use grouper::{
    Admin, AdminError, AutoShutdown, Batch, Capacity, Cause, Counts, Dynamic, DynamicClient, Ends,
    Entrance, Events, ExitEvent, ExitTrace, Group, InsertError, Member, MemberExit, MemberState,
    MemberStatus, Members, Order, Ordered, Parallel, Progress, QueueOrdered, Refusal, Strategy,
};
pub use plan::Plan;
pub use process::{Builder, Process, Scope, Status, Wait, background, current, invoke, scope};
pub use program::{Main, main};
pub use ready::{ReadySender, ready_channel};
pub use restart::{Backoff, Budget, Next, Restart, Restarter};
pub use runner::{BoxRunner, RunFn, RunOnce, Runner, run_fn, run_once, until_stop};
pub use sigmon::{Escalation, Sigmon, Step};
pub use signal::{ParseSignalError, Signal};
pub use tree::{Tree, TreeNode, tree};

/// What a program that writes runners needs. It has no `Result` in it, which would shadow the standard one.
///
/// ```
/// use ifrit::prelude::*;
///
/// struct Idle;
///
/// impl Runner for Idle {
///     fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
///         ready.notify();
///         ifrit::until_stop(&signals);
///         Ok(())
///     }
/// }
/// ```
pub mod prelude {
    pub use crate::grouper::{Member, Members};
    pub use crate::process::Process;
    pub use crate::ready::ReadySender;
    pub use crate::runner::Runner;
    pub use crate::signal::Signal;
    pub use crossbeam_channel::Receiver;
}
