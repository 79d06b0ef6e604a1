//! One signal: [`Signal`], its number and its name.

use std::fmt;

use signal_hook::consts as os;

/// A signal, as the operating system numbers them: 1 to 64.
///
/// To a runner, a signal is a message in its channel; the runner does what it means. [`Process::signal`] sends one, and
/// [`Sigmon`] hands on those of the operating system.
///
/// - INT, TERM, QUIT and KILL are **stop signals** ([`is_stop`](Signal::is_stop)): they begin or escalate a stop. The
///   first three mean "finish, and return", KILL means "return now, no draining".
/// - Every other signal is a **notification**: nothing stops because of it.
///
/// [`Process::signal`]: crate::Process::signal
/// [`Sigmon`]: crate::sigmon::Sigmon
///
/// ```
/// use ifrit::Signal;
///
/// assert_eq!("TERM".parse(), Ok(Signal::TERMINATE));
/// assert_eq!(Signal::TERMINATE.to_string(), "SIGTERM");
/// assert!(Signal::TERMINATE.is_stop());
/// assert!(!Signal::HANGUP.is_stop());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

const HIGHEST: i32 = 64;

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $os:ident, $text:literal;)*) => {
        impl Signal {
            $($(#[$doc])* pub const $name: Signal = Signal(os::$os as u8);)*
        }

        pub(super) const NAMES: &[(Signal, &str)] = &[$((Signal::$name, $text)),*];
    };
}

signals! {
    /// SIGHUP: by custom, "read the settings again". Also what a closed terminal sends. A notification.
    HANGUP = SIGHUP, "SIGHUP";
    /// SIGINT: what ctrl-c sends. A stop signal.
    INTERRUPT = SIGINT, "SIGINT";
    /// SIGQUIT: what ctrl-\ sends. A stop signal.
    QUIT = SIGQUIT, "SIGQUIT";
    /// SIGILL: raised by the processor; it cannot be caught usefully.
    ILLEGAL = SIGILL, "SIGILL";
    /// SIGTRAP. A notification.
    TRAP = SIGTRAP, "SIGTRAP";
    /// SIGABRT. A notification.
    ABORT = SIGABRT, "SIGABRT";
    /// SIGBUS. A notification.
    BUS = SIGBUS, "SIGBUS";
    /// SIGFPE: raised by the processor; it cannot be caught usefully.
    FLOATING_POINT = SIGFPE, "SIGFPE";
    /// SIGKILL: "return now, no draining". A stop signal. Between threads it is a message like the others, and kills
    /// nothing. From the operating system it cannot be caught: that one kills the program.
    KILL = SIGKILL, "SIGKILL";
    /// SIGUSR1. A notification.
    USER1 = SIGUSR1, "SIGUSR1";
    /// SIGSEGV: raised by the processor; it cannot be caught usefully.
    SEGMENTATION = SIGSEGV, "SIGSEGV";
    /// SIGUSR2. A notification.
    USER2 = SIGUSR2, "SIGUSR2";
    /// SIGPIPE. A notification.
    PIPE = SIGPIPE, "SIGPIPE";
    /// SIGALRM. A notification.
    ALARM = SIGALRM, "SIGALRM";
    /// SIGTERM: what service managers send to stop a program. A stop signal.
    TERMINATE = SIGTERM, "SIGTERM";
    /// SIGCHLD. A notification.
    CHILD = SIGCHLD, "SIGCHLD";
    /// SIGCONT. A notification.
    CONTINUE = SIGCONT, "SIGCONT";
    /// SIGSTOP: suspends a program; it cannot be caught.
    SUSPEND = SIGSTOP, "SIGSTOP";
    /// SIGTSTP: what ctrl-z sends. A notification.
    TERMINAL_STOP = SIGTSTP, "SIGTSTP";
    /// SIGTTIN. A notification.
    TERMINAL_INPUT = SIGTTIN, "SIGTTIN";
    /// SIGTTOU. A notification.
    TERMINAL_OUTPUT = SIGTTOU, "SIGTTOU";
    /// SIGURG. A notification.
    URGENT = SIGURG, "SIGURG";
    /// SIGXCPU. A notification.
    CPU_LIMIT = SIGXCPU, "SIGXCPU";
    /// SIGXFSZ. A notification.
    FILE_SIZE_LIMIT = SIGXFSZ, "SIGXFSZ";
    /// SIGVTALRM. A notification.
    VIRTUAL_ALARM = SIGVTALRM, "SIGVTALRM";
    /// SIGPROF. A notification.
    PROFILE = SIGPROF, "SIGPROF";
    /// SIGWINCH: the terminal changed its size. A notification.
    WINDOW_CHANGE = SIGWINCH, "SIGWINCH";
    /// SIGIO. A notification.
    IO = SIGIO, "SIGIO";
    /// SIGSYS. A notification.
    BAD_SYSTEM_CALL = SIGSYS, "SIGSYS";
}

impl Signal {
    /// The signal with the operating system's number `raw`; `None` if that is not in 1..=64.
    ///
    /// ```
    /// # use ifrit::Signal;
    /// assert_eq!(Signal::from_raw(15), Some(Signal::TERMINATE));
    /// assert_eq!(Signal::from_raw(0), None);
    /// assert_eq!(Signal::from_raw(65), None);
    /// ```
    pub const fn from_raw(raw: i32) -> Option<Signal> {
        if raw >= 1 && raw <= HIGHEST {
            Some(Signal(raw as u8))
        } else {
            None
        }
    }

    /// The operating system's number.
    ///
    /// ```
    /// # use ifrit::Signal;
    /// assert_eq!(Signal::KILL.as_raw(), 9);
    /// ```
    pub const fn as_raw(self) -> i32 {
        self.0 as i32
    }

    /// Whether this is one of INT, TERM, QUIT and KILL, which begin or escalate a stop.
    ///
    /// ```
    /// # use ifrit::Signal;
    /// assert!(Signal::INTERRUPT.is_stop() && Signal::QUIT.is_stop() && Signal::KILL.is_stop());
    /// assert!(!Signal::USER1.is_stop());
    /// ```
    pub const fn is_stop(self) -> bool {
        matches!(
            self,
            Signal::INTERRUPT | Signal::TERMINATE | Signal::QUIT | Signal::KILL
        )
    }

    /// Whether a program may handle this signal: KILL, STOP, ILL, FPE and SEGV it may not.
    pub(crate) fn is_catchable(self) -> bool {
        !os::FORBIDDEN.contains(&self.as_raw())
    }

    fn known_name(self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|(signal, _)| *signal == self)
            .map(|(_, name)| *name)
    }
}

/// A signal as operators say it: `TERM`.
pub(crate) struct Short(pub(crate) Signal);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.to_string();
        f.write_str(name.strip_prefix("SIG").unwrap_or(&name))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known_name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("SIG{}", self.0)),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
