//! Getting threads from the operating system.
//!
//! Invariant: there are never so many of ours that the standard library aborts the program when it starts one more. Each
//! takes four of the kernel's memory mappings: its stack, its alternative signal stack, and their guard pages.

use std::fs;
use std::io;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::thread::{Builder, Scope};
use crate::sync::{LazyLock, statics};

const MAPPINGS_PER_THREAD: usize = 4;
/// For the program itself, its libraries, heaps and files.
const MAPPINGS_KEPT_FREE: usize = 2_000;

static MOST: LazyLock<usize> = LazyLock::new(|| {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").ok();
    match limit.and_then(|limit| limit.trim().parse::<usize>().ok()) {
        Some(limit) => limit.saturating_sub(MAPPINGS_KEPT_FREE) / MAPPINGS_PER_THREAD,
        None => usize::MAX,
    }
});

statics! {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
}

/// The right to one thread, given back when dropped.
struct Seat(());

impl Seat {
    fn take() -> io::Result<Self> {
        if TAKEN.fetch_add(1, Ordering::Relaxed) < *MOST {
            return Ok(Seat(()));
        }
        drop(Seat(()));
        Err(io::Error::new(
            io::ErrorKind::QuotaExceeded,
            "as many threads as the limit on memory mappings (vm.max_map_count) allows",
        ))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Ordering::Relaxed);
    }
}

fn builder(name: &str, stack_size: Option<usize>) -> Builder {
    // A NUL cannot stand in a thread's name. The system cuts the name to what it takes.
    let builder = Builder::new().name(name.replace('\0', "\u{fffd}"));
    match stack_size {
        // More than this is no size at all; the standard library would overflow when it rounds it up.
        Some(size) => builder.stack_size(size.min(usize::MAX / 4)),
        None => builder,
    }
}

/// Runs `body` on a new thread that nobody joins.
pub(crate) fn start(
    name: &str,
    stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let seat = Seat::take()?;
    let seated = move || {
        let _seat = seat;
        body();
    };
    builder(name, stack_size).spawn(seated).map(drop)
}

/// Runs `body` on a new thread that is joined at the end of `scope`.
pub(crate) fn start_scoped<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    let seat = Seat::take()?;
    let seated = move || {
        let _seat = seat;
        body();
    };
    builder(name, stack_size)
        .spawn_scoped(scope, seated)
        .map(drop)
}
