//! The operating system's signals: their handlers, and the one thread that receives them.
//!
//! The thread sleeps in a read. An idle handler acts as the system's default would, unless the signal was ignored or
//! handled by somebody else when the handler was installed.

use std::fs;
use std::io;

use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{emulate_default_handler, unregister};

use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::start_forever;

pub(super) struct System(Handle);

/// The handler of one signal, which stays installed.
pub(super) struct Handler {
    signal: Signal,
    idle: Arc<AtomicBool>,
    emulates: bool,
}

impl System {
    /// Calls `receive` for every signal that has a handler, on the thread that is started here.
    pub(super) fn start(receive: fn(Signal)) -> io::Result<Self> {
        let mut signals = Signals::new(std::iter::empty::<i32>())?;
        let handle = signals.handle();
        start_forever("ifrit-signals", move || {
            for raw in signals.forever() {
                if let Some(signal) = Signal::from_raw(raw) {
                    receive(signal);
                }
            }
        })?;
        Ok(System(handle))
    }

    /// Installs the handler of a signal. It is idle.
    pub(super) fn install(&self, signal: Signal) -> io::Result<Handler> {
        let idle = Arc::new(AtomicBool::new(true));
        let mut emulated = None;
        if Disposition::now()?.is_default(signal) {
            // A real-time signal has no default that could be emulated; once subscribed to, it is ignored when idle.
            let default = flag::register_conditional_default(signal.as_raw(), Arc::clone(&idle));
            emulated = default.ok();
        }
        self.0.add_signal(signal.as_raw()).inspect_err(|_| {
            emulated.map(unregister);
        })?;
        Ok(Handler {
            signal,
            idle,
            emulates: emulated.is_some(),
        })
    }
}

impl Handler {
    pub(super) fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }

    /// Does what an idle handler would have done.
    pub(super) fn act_as_before(&self) {
        if self.emulates {
            let _ = emulate_default_handler(self.signal.as_raw());
        }
    }
}

/// Which signals the program ignores or handles, as masks with a bit for each.
struct Disposition {
    ignored: u64,
    caught: u64,
}

impl Disposition {
    /// As the system tells; one that keeps no such account has everything count as default.
    ///
    /// # Errors
    ///
    /// It cannot be read now. That is no time to guess: a signal that was ignored would end the program later.
    fn now() -> io::Result<Self> {
        let status = match fs::read_to_string("/proc/self/status") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            status => status?,
        };
        let mask = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
                .unwrap_or(0)
        };
        Ok(Disposition {
            ignored: mask("SigIgn:"),
            caught: mask("SigCgt:"),
        })
    }

    fn is_default(&self, signal: Signal) -> bool {
        let bit = 1 << (signal.as_raw() - 1);
        (self.ignored | self.caught) & bit == 0
    }
}
