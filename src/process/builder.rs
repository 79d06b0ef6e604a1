//! What can be set before a process starts: [`Builder`].

use std::time::Duration;

use super::handle::Process;
use super::spawn::{self, Request};
use crate::clock::Clock;
use crate::runner::Runner;

/// The options of a process; see [`Process::builder`].
///
/// Starting never fails here: a thread that does not start is the exit of the process,
/// [`Error::Spawn`](crate::Error::Spawn).
///
/// ```
/// use ifrit::{Error, prelude::*};
/// use std::time::Duration;
///
/// let slow = ifrit::run_fn(|signals, _ready| {
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let process = Process::builder()
///     .name("slow")
///     .start_within(Duration::from_millis(5))
///     .invoke(slow);
/// assert!(matches!(process.join(), Err(Error::StartTimeout { .. })));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it starts nothing until `background` or `invoke`"]
pub struct Builder(pub(super) Request);

/// Starts `runner` on a thread of its own and returns at once.
///
/// Never fails: a thread that does not start is the exit of the process,
/// [`Error::Spawn`](crate::Error::Spawn).
///
/// ```
/// use ifrit::prelude::*;
///
/// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// assert!(process.join().is_ok());
/// ```
pub fn background(runner: impl Runner + 'static) -> Process {
    Process::builder().background(runner)
}

/// Starts `runner` on a thread of its own; blocks until it is ready or has exited.
///
/// [`started`](Process::started) tells the two apart. Never fails: a thread that does not start is the exit of the
/// process, [`Error::Spawn`](crate::Error::Spawn).
///
/// ```
/// use ifrit::prelude::*;
///
/// # fn main() -> Result<(), ifrit::Error> {
/// let db = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let db = ifrit::invoke(db).started()?;
/// # db.signal(Signal::INTERRUPT);
/// # db.join()
/// # }
/// ```
pub fn invoke(runner: impl Runner + 'static) -> Process {
    Process::builder().invoke(runner)
}

impl Process {
    /// Options for a process that is yet to start.
    ///
    /// ```
    /// let process = ifrit::Process::builder().name("db").background(ifrit::run_fn(|_, _| Ok(())));
    /// assert_eq!(process.name(), "db");
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Builder {
    /// The name of the process and of its thread. The thread's is cut to what the system takes (15 bytes on Linux).
    ///
    /// Default, also where it is empty: the type of the runner.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into().into());
        self
    }

    /// The size of the thread's stack, in bytes. Default: that of the standard library. A size that cannot be had is [`Error::Spawn`](crate::Error::Spawn).
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.0.stack_size = Some(bytes);
        self
    }

    /// How long the runner may take to say that it is ready. Default: no limit.
    ///
    /// Past that it is told INT, after the [grace](Builder::kill_grace) KILL, and after the grace again it is given up;
    /// the exit is [`Error::StartTimeout`](crate::Error::StartTimeout) each time. If it has been told to stop before, it
    /// is told KILL at once, and the exit is `StartTimeout` unless it had returned by then. Zero is
    /// [`Error::ZeroDeadline`](crate::Error::ZeroDeadline).
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.0.start_within = Some(limit);
        self
    }

    /// How long any stop of the process may take, whatever asks for it: from the first stop signal until all is over.
    /// Default: no limit.
    ///
    /// KILL is sent the [grace](Builder::kill_grace), or a tenth of the limit where that is less, before the end; at the
    /// end the process is given up, and its exit is [`Error::Abandoned`](crate::Error::Abandoned). A group inside is over
    /// so much earlier that it can still say which of its members is stuck. Zero is
    /// [`Error::ZeroDeadline`](crate::Error::ZeroDeadline).
    ///
    /// ```
    /// use ifrit::{Error, Process, Signal};
    /// use std::time::Duration;
    ///
    /// let (_gate, gate) = ifrit::crossbeam_channel::bounded::<()>(0);
    /// let deaf = ifrit::run_fn(move |_signals, ready| {
    ///     ready.notify();
    ///     let _ = gate.recv();
    ///     Ok(())
    /// });
    /// let deaf = Process::builder().stop_within(Duration::from_millis(20)).invoke(deaf);
    /// deaf.signal(Signal::TERMINATE);
    /// assert!(matches!(deaf.join(), Err(Error::Abandoned(_))));
    /// ```
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.0.stop_within = Some(limit);
        self
    }

    /// How long the process may take to return after KILL, here and in what it starts. Default: that of the process
    /// that starts it, and 1 s at the top.
    ///
    /// Then it is given up, if it has a limit or is a member of a group; any other process is given up only by its
    /// waiters, as [`Process::stop`] does.
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.0.kill_grace = Some(grace);
        self
    }

    /// The clock of this process and of what it starts.
    ///
    /// Default: that of the process that starts it; the system's outside of any.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.0.clock = Some(clock);
        self
    }

    /// Starts `runner` on a thread of its own and returns at once.
    pub fn background(self, runner: impl Runner + 'static) -> Process {
        Process::from_core(spawn::spawn(self.0, runner))
    }

    /// Starts `runner` on a thread of its own; blocks until it is ready or has exited.
    pub fn invoke(self, runner: impl Runner + 'static) -> Process {
        let process = self.background(runner);
        process.wait_ready_or_exit();
        process
    }
}
