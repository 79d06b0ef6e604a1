//! The one door to channels, locks, threads, atomics, statics, the time and the signals of the operating system.
//!
//! Nothing else in the crate names `std::thread`, `std::sync`, `parking_lot` or `crossbeam_channel`, nor `signal_hook`
//! beyond the numbers it gives signals, so that what stands behind these names can be swapped as a whole when the crate
//! is checked under a model: see `models`.

#[cfg(all(test, ifrit_shuttle))]
mod model;
#[cfg(not(all(test, ifrit_shuttle)))]
mod real;
#[cfg(feature = "cron")]
mod time_of_day;

#[cfg(all(test, ifrit_shuttle))]
pub(crate) use model::*;
#[cfg(not(all(test, ifrit_shuttle)))]
pub(crate) use real::*;

pub(crate) use std::sync::{Arc, Weak};
#[cfg(feature = "cron")]
pub(crate) use time_of_day::time_of_day;
