//! Ready-made runners, and wrappers that add one thing to a runner.
//!
//! [`Actor`] runs code that blocks and cannot look at its signals; [`Ticker`] does something at regular intervals;
//! [`Noop`] does nothing until it is told to stop.
//!
//! Each can be run again: what belongs to a run is made when it begins.

// The files import downward only, and know nothing of each other unless it is said here.

mod actor;
mod noop;
mod ticker;

pub use actor::{Actor, Interrupt, Interrupting, NoInterrupt, Stopping};
pub use noop::Noop;
pub use ticker::{Missed, Ticker, TickerHandle};
