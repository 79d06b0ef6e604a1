//! Behind the door in every build but that of the models.

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
pub(crate) use std::sync::{LazyLock, OnceLock};
pub(crate) use std::thread_local;

pub(crate) mod os_signals;
mod os_thread;

use std::time::Instant;

/// Statics, which a model has anew in each execution.
macro_rules! statics {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = $init:expr;)*) => {
        $($(#[$attr])* $vis static $name: $type = $init;)*
    };
}
pub(crate) use statics;

#[inline]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How often a thread that finds nothing to do, or no place, lets others run before it goes to sleep: a few microseconds
/// where it is alone on its core, and else as long as it takes the others to bring it something. Where work is short, that
/// is much cheaper than to be woken for each piece.
pub(crate) const SPINS: usize = 16;

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}

pub(crate) mod channel {
    pub(crate) use crossbeam_channel::{
        Receiver, Select, Sender, TryRecvError, at, bounded, never, unbounded,
    };
}

pub(crate) mod thread {
    pub(crate) use super::os_thread::os_id;
    pub(crate) use std::thread::{Builder, Scope, ThreadId, current, scope, yield_now};

    use std::io;

    /// Runs `body` on a thread that stays for as long as the program.
    pub(crate) fn start_forever(
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        Builder::new().name(name.to_owned()).spawn(body).map(drop)
    }
}
