//! What stands in an exit: the error of a runner, a panic, the exits of a group's members, and the report of it all.
//!
//! [`Error`] and [`Exit`] themselves stand at the root of the crate.

mod catch;
pub(crate) mod exit;
mod failure;
pub(crate) mod fatal;
pub(crate) mod kinds;
mod not_reloaded;
mod panic;
mod report;
mod search;
mod text;
mod trace;

pub use failure::Failure;
pub use not_reloaded::NotReloaded;
pub use panic::Panic;
pub use report::Report;
pub(crate) use trace::MOST_HEALED;
pub use trace::{Cause, ExitTrace, MemberExit, NotRestarted};

pub(crate) use catch::{catch, drop_caught, exit_of};
pub(crate) use exit::{BoxError, Exit, Result};
pub(crate) use kinds::Error;
pub(crate) use search::leaves_threads;
pub(crate) use text::{Itself, UNASKED};
