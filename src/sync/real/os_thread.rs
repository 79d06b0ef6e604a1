//! The number of this thread at the operating system.

use std::cell::Cell;

thread_local! {
    /// Asked for once, since a thread may run many processes one after the other. 0: not yet.
    static ID: Cell<u32> = const { Cell::new(0) };
}

/// What `ps -L`, `top -H` and `/proc` call this thread; `None` where that is not known.
///
/// In a child that the program has forked, the thread that did it has the number of its parent.
pub(crate) fn os_id() -> Option<u32> {
    let id = ID.try_with(|id| {
        if id.get() == 0 {
            id.set(ask().unwrap_or(0));
        }
        id.get()
    });
    id.ok().filter(|id| *id != 0)
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)] // one call, which the standard library does not offer
fn ask() -> Option<u32> {
    use std::ffi::c_long;

    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }

    // By its number, since the C libraries of some systems in use do not have `gettid` yet.
    const GETTID: Option<c_long> = if cfg!(all(target_arch = "x86_64", target_pointer_width = "64"))
    {
        Some(186)
    } else if cfg!(any(target_arch = "aarch64", target_arch = "riscv64")) {
        Some(178)
    } else if cfg!(any(target_arch = "x86", target_arch = "arm")) {
        Some(224)
    } else {
        None
    };
    // SAFETY: this system call takes nothing, changes nothing, and cannot fail.
    let id = unsafe { syscall(GETTID?) };
    u32::try_from(id).ok()
}

#[cfg(not(target_os = "linux"))]
fn ask() -> Option<u32> {
    None
}
