//! Threads that start in order, stay up and stop cleanly.
//!
#![doc = include_str!("../README.md")]

pub mod clock;
mod draw;
pub mod error;
pub mod grouper;
pub mod guide;
mod id;
mod latch;
mod mailbox;
#[cfg(all(test, ifrit_shuttle))]
mod models;
pub mod observe;
mod plan;
pub mod process;
mod program;
mod ready;
pub mod restart;
mod runner;
pub mod sigmon;
pub mod signal;
mod sync;
pub mod testing;
pub mod tree;

pub use crossbeam_channel;
pub use crossbeam_channel::Receiver;
pub use error::exit::{BoxError, Exit, Result};
pub use error::fatal::fatal;
pub use error::kinds::Error;
pub use plan::Plan;
pub use process::builder::{background, invoke};
pub use process::handle::{Process, current};
pub use process::scope::{Scope, scope};
pub use process::until::until_stop_for;
pub use program::{Main, main};
pub use ready::{ReadySender, ready_channel};
pub use runner::{BoxRunner, RunFn, RunOnce, Runner, run_fn, run_once, until_stop};
pub use signal::word::Signal;
pub use tree::Tree;
pub use tree::snapshot::tree;

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
    pub use crate::grouper::{Member, Members, Ordered, Parallel, QueueOrdered};
    pub use crate::process::handle::Process;
    pub use crate::ready::ReadySender;
    pub use crate::runner::Runner;
    pub use crate::signal::word::Signal;
    pub use crossbeam_channel::Receiver;
}
