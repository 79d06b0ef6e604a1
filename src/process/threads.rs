//! Getting threads from the operating system.
//!
//! Invariant: there are never so many of ours that the standard library aborts the program when it starts one more. Each
//! takes four of the kernel's memory mappings: its stack, its alternative signal stack, and their guard pages.

use std::fs;
use std::io;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::thread::{Builder, Scope};
use crate::sync::{Arc, LazyLock, Mutex, statics};

const MAPPINGS_PER_THREAD: usize = 4;
/// For the program itself, its libraries and files.
const MAPPINGS_KEPT_FREE: usize = 2_000;
/// The GNU C library has up to eight heaps for each core, in two mappings each.
const MAPPINGS_PER_CORE: usize = 16;

/// The limit of Linux where no other is set. Where the limit cannot be read, this one is kept to.
const USUAL_LIMIT: usize = 65_530;

static MOST: LazyLock<usize> = LazyLock::new(|| {
    let [limit, cores] = [
        "/proc/sys/vm/max_map_count",
        "/sys/devices/system/cpu/online",
    ]
    .map(|path| fs::read_to_string(path).ok());
    most(limit.as_deref(), cores.as_deref())
});

/// `cores` is a list such as `0-3,8-11`. Either may be hidden from the program, or it may open no more files.
fn most(limit: Option<&str>, cores: Option<&str>) -> usize {
    let limit = limit.and_then(|limit| limit.trim().parse().ok());
    let last_core = cores.and_then(|cores| cores.trim().rsplit([',', '-']).next()?.parse().ok());
    let cores = match last_core {
        Some(last) => 1_usize.saturating_add(last),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let others = MAPPINGS_PER_CORE
        .saturating_mul(cores)
        .saturating_add(MAPPINGS_KEPT_FREE);
    limit.unwrap_or(USUAL_LIMIT).saturating_sub(others) / MAPPINGS_PER_THREAD
}

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

/// Shows this thread under another name in the operating system, which cuts it to what it takes.
///
/// On Linux; elsewhere a thread keeps its name. A file of the kernel's would do it too, but has to be opened and kept.
pub(crate) fn rename_this(name: &str) {
    #[cfg(target_os = "linux")]
    {
        let mut shown = [0; 16]; // with the NUL at its end
        let bytes = name.bytes().filter(|byte| *byte != 0);
        shown
            .iter_mut()
            .take(15)
            .zip(bytes)
            .for_each(|(to, byte)| *to = byte);
        linux::rename_this(&shown);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)] // one call, which the standard library does not offer
mod linux {
    use std::ffi::{c_int, c_ulong};

    const PR_SET_NAME: c_int = 15;

    unsafe extern "C" {
        fn prctl(option: c_int, ...) -> c_int;
    }

    pub(super) fn rename_this(name: &[u8; 16]) {
        let unused: c_ulong = 0;
        // SAFETY: the kernel reads 16 bytes at most, which are there, and keeps a copy. It changes nothing else.
        let _ = unsafe { prctl(PR_SET_NAME, name.as_ptr(), unused, unused, unused) };
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

/// What a new thread is to work on. If it does not start, the standard library drops its closure; this is kept.
struct Load<T>(Arc<Mutex<Option<T>>>);

impl<T: Send> Load<T> {
    /// The load, and what the thread does with it.
    fn new<'r>(
        load: T,
        body: impl FnOnce(T) + Send + 'r,
    ) -> Result<(Self, impl FnOnce() + Send + 'r), (io::Error, T)>
    where
        T: 'r,
    {
        let seat = match Seat::take() {
            Ok(seat) => seat,
            Err(refused) => return Err((refused, load)),
        };
        let slot = Arc::new(Mutex::new(Some(load)));
        let on_the_thread = Arc::clone(&slot);
        let work = move || {
            let _seat = seat;
            // Not in the condition: the lock would be held for as long as the body works.
            let load = on_the_thread.lock().take();
            drop(on_the_thread); // or its memory would be kept for as long as the body works
            if let Some(load) = load {
                body(load);
            }
        };
        Ok((Load(slot), work))
    }

    fn unless_started<H>(self, started: io::Result<H>) -> Result<(), (io::Error, T)> {
        match started {
            Ok(_) => Ok(()),
            Err(refused) => self
                .0
                .lock()
                .take()
                .map_or(Ok(()), |load| Err((refused, load))),
        }
    }
}

/// Lets `body` work on `load` on a new thread that is never joined; hands `load` back if there is none to be had.
pub(crate) fn start<T: Send + 'static>(
    name: &str,
    stack_size: Option<usize>,
    load: T,
    body: impl FnOnce(T) + Send + 'static,
) -> Result<(), (io::Error, T)> {
    let (load, work) = Load::new(load, body)?;
    load.unless_started(builder(name, stack_size).spawn(work))
}

/// The same on a thread that is joined at the end of `scope`.
pub(crate) fn start_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    stack_size: Option<usize>,
    load: T,
    body: impl FnOnce(T) + Send + 'scope,
) -> Result<(), (io::Error, T)> {
    let (load, work) = Load::new(load, body)?;
    load.unless_started(builder(name, stack_size).spawn_scoped(scope, work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_cannot_be_read_is_taken_to_be_the_usual_one() {
        let usual = most(Some("65530\n"), Some("0-1\n"));
        assert_eq!(usual, (65_530 - 2_000 - 2 * 16) / 4);
        for hidden in [None, Some(""), Some("-1"), Some("many")] {
            assert_eq!(most(hidden, Some("0-1\n")), usual);
        }
        assert_eq!(most(Some("1000\n"), Some("0\n")), 0);
    }

    #[test]
    fn each_core_may_have_heaps() {
        let limit = |cores| most(Some("65530\n"), Some(cores));
        for (list, cores) in [("0\n", 1), ("0-127\n", 128), ("0-3,8,10-11\n", 12)] {
            assert_eq!(limit(list), (65_530 - 2_000 - cores * 16) / 4);
        }
        assert_eq!(limit(&usize::MAX.to_string()), 0);
        let here = std::thread::available_parallelism().unwrap().get();
        for hidden in [None, Some(""), Some("all")] {
            assert_eq!(most(None, hidden), (65_530 - 2_000 - here * 16) / 4);
        }
    }
}
