//! Threads that are refused, exactly when a test wants it.
//!
//! This program has a `pthread_create` of its own in front of that of the C library, so the standard library calls this
//! one. It passes the call on, or answers as the system does when it has no more threads. No limit of the system is
//! that exact: room for one stack more becomes free whenever some other thread happens to end.
//!
//! Sanitizers put themselves in that same place, so this program does not run under them.

#![allow(unsafe_code)] // two foreign functions

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::mem;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Which threads are refused, counted from one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refuse {
    Only(usize),
    From(usize),
}

/// The first and the last thread to be refused.
static FIRST: AtomicUsize = AtomicUsize::new(usize::MAX);
static LAST: AtomicUsize = AtomicUsize::new(0);
static ASKED_FOR: AtomicUsize = AtomicUsize::new(0);

/// Refuses threads for as long as `work` takes. Returns how many were asked for, too.
pub(crate) fn refusing<T>(which: Refuse, work: impl FnOnce() -> T) -> (T, usize) {
    let (first, last) = match which {
        Refuse::Only(one) => (one, one),
        Refuse::From(first) => (first, usize::MAX),
    };
    ASKED_FOR.store(0, Ordering::SeqCst);
    LAST.store(last, Ordering::SeqCst);
    FIRST.store(first, Ordering::SeqCst);
    let result = work();
    FIRST.store(usize::MAX, Ordering::SeqCst);
    (result, ASKED_FOR.load(Ordering::SeqCst))
}

fn is_refused() -> bool {
    let number = ASKED_FOR.fetch_add(1, Ordering::SeqCst) + 1;
    (FIRST.load(Ordering::SeqCst)..=LAST.load(Ordering::SeqCst)).contains(&number)
}

type Create = unsafe extern "C" fn(
    *mut c_ulong,
    *const c_void,
    extern "C" fn(*mut c_void) -> *mut c_void,
    *mut c_void,
) -> c_int;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

/// The function of this name that comes after this program's own.
const NEXT: *mut c_void = -1_isize as *mut c_void;

fn of_the_c_library() -> Create {
    static CREATE: OnceLock<Create> = OnceLock::new();
    *CREATE.get_or_init(|| {
        // SAFETY: the name ends with a NUL; the handle is one of those that are always valid.
        let found = unsafe { dlsym(NEXT, c"pthread_create".as_ptr()) };
        assert!(!found.is_null(), "a C library with threads");
        // SAFETY: it is the function of this name, and not null; `Create` is its type.
        unsafe { mem::transmute::<*mut c_void, Create>(found) }
    })
}

/// What the standard library calls for each thread.
// SAFETY: the name is that of a function of the C library, which this one stands in for with the same contract.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut c_ulong,
    attributes: *const c_void,
    start: extern "C" fn(*mut c_void) -> *mut c_void,
    argument: *mut c_void,
) -> c_int {
    if is_refused() {
        return rustix::io::Errno::AGAIN.raw_os_error();
    }
    // SAFETY: the arguments are passed on as they came.
    unsafe { of_the_c_library()(thread, attributes, start, argument) }
}
