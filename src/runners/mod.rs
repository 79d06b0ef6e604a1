//! Ready-made runners, and wrappers that add one thing to a runner.
//!
//! | | |
//! |--|--|
//! | [`Actor`] | runs code that blocks and cannot look at its signals |
//! | [`Ticker`] | does something at regular intervals |
//! | [`Noop`] | does nothing until it is told to stop |
//!
//! Around one runner, which runs on the same thread:
//!
//! | | |
//! |--|--|
//! | [`Timeout`] | limits for the start, the run and the stop |
//! | [`Delay`] | hands a stop on after a while |
//! | [`MapSignals`] | lets it hear other signals than those that come |
//!
//! Each can be run again: what belongs to a run is made when it begins.

// The files import downward only, and know nothing of each other unless it is said here.

mod actor;
mod delay;
mod map_signals;
mod noop;
mod on_ready;
mod ticker;
mod timeout;

pub use actor::{Actor, Interrupt, Interrupting, NoInterrupt, Stopping};
pub use delay::Delay;
pub use map_signals::MapSignals;
pub use noop::Noop;
pub use ticker::{Missed, Ticker, TickerHandle};
pub use timeout::Timeout;
