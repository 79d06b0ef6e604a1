//! Running a runner again: [`Restarter`], and [`Restart`], which says when.
//!
//! The same [`Restart`] drives a member of a group ([`Member::restart`](crate::grouper::Member::restart)) and a runner that
//! stands alone ([`Restarter::with`]), and the same code does what it says.

mod again;
mod backoff;
mod budget;
mod factory;
mod incarnation;
mod policy;
mod restarter;

pub use backoff::{Backoff, Delays};
pub use budget::Budget;
pub use factory::Fresh;
pub use policy::Restart;
pub use restarter::{Next, Restarter};

pub(crate) use again::{Asks, Ended};
pub(crate) use budget::Account;
pub(crate) use policy::Policy;
pub(crate) use restarter::around;
