//! The one door to channels, locks, threads and atomics.
//!
//! Nothing else in the crate names `std::thread`, `std::sync`, `parking_lot` or `crossbeam_channel`, so that what
//! stands behind these names can be swapped as a whole when the crate is checked under a model.

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
pub(crate) use std::sync::{Arc, LazyLock, OnceLock, Weak};

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}

pub(crate) mod channel {
    pub(crate) use crossbeam_channel::{
        Receiver, Select, Sender, TryRecvError, at, bounded, never, unbounded,
    };
}

pub(crate) mod thread {
    pub(crate) use std::thread::{Builder, Scope, ThreadId, current, scope, yield_now};
}
