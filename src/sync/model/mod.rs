//! Behind the door while the crate is checked under a model.
//!
//! All threads of an execution are tasks on one thread of the system, and the scheduler of the model chooses who goes
//! on, at every point: before whatever others can see, and wherever a thread waits. What stands between two points is
//! one step. The state of what is here is therefore never contended, and the locks around it are there for the types.
//!
//! Invariants:
//! 1. A thread that waits for others is blocked for the scheduler, so that a wait that does not end is found as a
//!    deadlock. One that waits for a time as well is not: its time may come at any step.
//! 2. Time moves only when the time of a thread has come, and then to it. It is the same in each execution of a schedule.
//! 3. What is chosen at random elsewhere is chosen by the scheduler here.

mod atomics;
pub(crate) mod channel;
pub(crate) mod fault;
mod late;
mod lock;
mod meter;
pub(crate) mod os_signals;
mod select;
mod statics;
pub(crate) mod thread;
mod time;
mod wait;

pub(crate) use lock::{Condvar, Mutex, MutexGuard, OnceLock, locks_held};
pub(crate) use meter::{Cost, cost, threads};
pub(crate) use shuttle::thread_local;
pub(crate) use statics::statics;
pub(crate) use std::sync::LazyLock;
pub(crate) use time::{elapsed, now};
pub(crate) use wait::choices;

pub(crate) mod atomic {
    pub(crate) use super::atomics::{AtomicBool, AtomicU64, AtomicUsize};
    pub(crate) use std::sync::atomic::Ordering;
}

pub(crate) const SPINS: usize = 1;

/// An execution begins.
pub(crate) fn begin() {
    late::begin();
    lock::begin();
    meter::begin();
    time::begin();
}
