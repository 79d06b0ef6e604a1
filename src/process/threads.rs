//! Getting threads from the operating system.
//!
//! Invariant: there are never so many of ours that the standard library aborts the program when it starts one more. Each
//! takes four of the kernel's memory mappings: its stack, its alternative signal stack, and their guard pages.

use std::fs;
use std::io;

use crate::sync::LazyLock;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::thread::{Builder, Scope};

const MAPPINGS_PER_THREAD: usize = 4;
/// For the program itself, its libraries, heaps and files.
const MAPPINGS_KEPT_FREE: usize = 2_000;

/// What the kernel allows unless somebody has set something else.
const USUAL_LIMIT: usize = 65_530;

static MOST: LazyLock<usize> =
    LazyLock::new(|| most(fs::read_to_string("/proc/sys/vm/max_map_count")));

fn most(limit: io::Result<String>) -> usize {
    let limit = match limit {
        // A system that has no such limit.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return usize::MAX,
        Ok(limit) => limit.trim().parse().unwrap_or(USUAL_LIMIT),
        Err(_) => USUAL_LIMIT, // such as while the program may open no more files
    };
    limit.saturating_sub(MAPPINGS_KEPT_FREE) / MAPPINGS_PER_THREAD
}

static TAKEN: AtomicUsize = AtomicUsize::new(0);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_cannot_be_read_is_taken_to_be_the_usual_one() {
        let usual = most(Ok("65530\n".to_owned()));
        assert_eq!(usual, (65_530 - 2_000) / 4);
        assert_eq!(most(Err(rustix::io::Errno::MFILE.into())), usual);
        assert_eq!(most(Ok("1000\n".to_owned())), 0);
        assert_eq!(most(Err(io::ErrorKind::NotFound.into())), usize::MAX);
    }
}
