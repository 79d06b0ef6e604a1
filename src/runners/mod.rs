//! Ready-made runners, and wrappers that add one thing to a runner.
//!
//! | | |
//! |--|--|
//! | [`Actor`] | runs code that blocks and cannot look at its signals |
//! | [`Ticker`] | does something at regular intervals |
//! | [`HealthCheck`] | asks again and again whether something is well, and fails or says so |
//! | [`Retry`] | tries a set-up step until it succeeds |
//! | [`Closer`] | does something when a stop comes |
//! | [`Gate`] | is ready once it holds a [`Lease`]: a lock, the leadership; and ends when that is lost |
//! | [`Noop`] | does nothing until it is told to stop |
//!
//! Around runners, which run on the same thread:
//!
//! | | |
//! |--|--|
//! | [`Timeout`] | limits for the start, the run and the stop |
//! | [`Delay`] | hands a stop on after a while |
//! | [`MapSignals`] | lets it hear other signals than those that come |
//! | [`Hooks`] | calls what was set for the start, ready, each signal and the end |
//! | [`Serial`] | several, one after the other |
//! | [`Throttle`] | so many at a time across the program |
//!
//! Each can be run again: what belongs to a run is made when it begins.

// The files import downward only, and know nothing of each other unless it is said here.

mod actor;
mod closer;
mod delay;
mod gate;
mod health_check;
mod hooks;
mod map_signals;
mod noop;
mod on_ready;
mod retry;
mod serial;
mod throttle;
mod ticker;
mod timeout;

pub use actor::{Actor, Interrupt, Interrupting, NoInterrupt, Stopping};
pub use closer::Closer;
pub use delay::Delay;
pub use gate::{Claim, Gate, Guarded, Lease, LeaseTooShort, Lost};
pub use health_check::{Health, HealthCheck, Unhealthy};
pub use hooks::Hooks;
pub use map_signals::MapSignals;
pub use noop::Noop;
pub use retry::Retry;
pub use serial::Serial;
pub use throttle::{NoRoom, Throttle, Throttled};
#[cfg(feature = "cron")]
pub use ticker::InvalidCron;
pub use ticker::{Missed, Ticker, TickerHandle};
pub use timeout::Timeout;
