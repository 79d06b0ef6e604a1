//! The one door to channels, locks, threads, atomics, statics and the time.
//!
//! Nothing else in the crate names `std::thread`, `std::sync`, `parking_lot` or `crossbeam_channel`, so that what
//! stands behind these names can be swapped as a whole when the crate is checked under a model.

mod real;

pub(crate) use real::*;
pub(crate) use std::sync::{Arc, Weak};
