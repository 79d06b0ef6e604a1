//! The operating system's signals: their handlers, and the one thread that receives them.
//!
//! The thread sleeps in a read. An idle handler acts as the system's default would, unless the signal was ignored, or
//! had a handler of the program's own, when ours was installed.

use std::fs;
use std::io;

use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{emulate_default_handler, unregister};

use super::atomic::{AtomicBool, Ordering};
use super::thread::start_forever;
use crate::sync::Arc;

/// The signals that have handlers of ours.
pub(crate) struct OsSignals {
    handle: Handle,
    /// As it was before any handler of ours was installed, which takes a signal out of the kernel's mask.
    at_start: Disposition,
}

/// The handler of one signal, which stays installed.
pub(crate) struct Handler {
    raw: i32,
    idle: Arc<AtomicBool>,
    emulates: bool,
}

impl OsSignals {
    /// Calls `receive` with the number of every signal that has a handler, on the thread that is started here.
    ///
    /// # Errors
    ///
    /// The thread does not start, no descriptor is left for what wakes it, or it cannot be read what is ignored.
    pub(crate) fn start(receive: fn(i32)) -> io::Result<Self> {
        let at_start = Disposition::now()?;
        let mut signals = Signals::new(std::iter::empty::<i32>())?;
        let handle = signals.handle();
        start_forever("ifrit-signals", move || {
            signals.forever().for_each(receive);
        })?;
        Ok(OsSignals { handle, at_start })
    }

    /// Whether the program ignored the signal before `start`, as it does when it inherits that from `nohup` or from a
    /// shell that runs it in the background.
    pub(crate) fn was_ignored(&self, raw: i32) -> bool {
        self.at_start.ignored & bit(raw) != 0
    }

    /// Installs the handler of a signal. It is idle.
    ///
    /// # Errors
    ///
    /// The system refuses it, or it cannot be read what an idle handler has to do.
    pub(crate) fn install(&self, raw: i32) -> io::Result<Handler> {
        let idle = Arc::new(AtomicBool::new(true));
        let mut emulated = None;
        // Read again: the program may have a handler of its own since.
        if Disposition::now()?.is_default(raw) {
            // A real-time signal has no default that could be emulated; once subscribed to, it is ignored when idle.
            emulated = flag::register_conditional_default(raw, Arc::clone(&idle)).ok();
        }
        self.handle.add_signal(raw).inspect_err(|_| {
            emulated.map(unregister);
        })?;
        Ok(Handler {
            raw,
            idle,
            emulates: emulated.is_some(),
        })
    }
}

impl Handler {
    pub(crate) fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }

    /// Does what an idle handler would have done.
    pub(crate) fn act_as_before(&self) {
        if self.emulates {
            let _ = emulate_default_handler(self.raw);
        }
    }
}

/// Which signals the program ignores or handles, as masks with a bit for each.
struct Disposition {
    ignored: u64,
    caught: u64,
}

impl Disposition {
    /// As the system tells. On a system that keeps no such account every signal counts as default.
    ///
    /// # Errors
    ///
    /// It cannot be read now. A guess would be wrong in the worst way: a signal that was ignored would end the program.
    fn now() -> io::Result<Self> {
        let status = match fs::read("/proc/self/status") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            status => status?,
        };
        Ok(Disposition::read(&status))
    }

    /// The text is not always UTF-8: it begins with the program's name, cut to 15 bytes.
    fn read(status: &[u8]) -> Self {
        let status = String::from_utf8_lossy(status);
        let mask = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
                .unwrap_or(0)
        };
        Disposition {
            ignored: mask("SigIgn:"),
            caught: mask("SigCgt:"),
        }
    }

    fn is_default(&self, raw: i32) -> bool {
        (self.ignored | self.caught) & bit(raw) == 0
    }
}

fn bit(raw: i32) -> u64 {
    1 << (raw - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_and_what_is_caught_is_read_from_the_kernels_account() {
        let status = b"Name:\tapp\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001002\nSigCgt:\t0000000000004000\n";
        let read = Disposition::read(status);
        assert_eq!((read.ignored, read.caught), (0x1002, 0x4000));
        assert!(!read.is_default(2) && !read.is_default(13) && !read.is_default(15));
        assert!(read.is_default(1) && read.is_default(64));
    }

    #[test]
    fn a_name_that_is_cut_within_a_character_hides_nothing() {
        let read = Disposition::read(b"Name:\tgr\xc3\nSigIgn:\t0000000000000002\n");
        assert_eq!(read.ignored, 2);
    }

    #[test]
    fn without_an_account_everything_is_default() {
        assert!((1..=64).all(|raw| Disposition::read(b"").is_default(raw)));
    }
}
