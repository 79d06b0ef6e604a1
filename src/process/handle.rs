//! A runner on its thread, seen from outside: [`Process`].

use std::convert::Infallible;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use super::core::Core;
use super::current::current_core;
use super::status::Status;
use super::waits::{self, Waiting};
use crate::clock::Clock;
use crate::error::{Error, Exit};
use crate::id::ProcessId;
use crate::limit::{Deadline, Limit};
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select};

/// A runner on a thread of its own, seen from outside: is it ready, has it exited, tell it something.
///
/// Clones are handles to the same process. Dropping them does nothing to it: it runs on.
///
/// ```
/// use ifrit::prelude::*;
///
/// let process = ifrit::invoke(ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// }));
/// assert!(process.is_ready());
/// process.signal(Signal::TERMINATE);
/// assert!(process.join().is_ok());
/// ```
#[derive(Clone)]
#[doc(alias("thread", "JoinHandle"))]
pub struct Process(pub(super) Arc<Core>);

// What can be seen through a handle is never left half-changed by a panic: see the invariants of `Core`.
impl UnwindSafe for Process {}
impl RefUnwindSafe for Process {}

/// The process whose thread this is, or `None` on a thread that is not ours.
///
/// Never blocks.
///
/// ```
/// use ifrit::prelude::*;
///
/// assert!(ifrit::current().is_none());
/// let process = ifrit::Process::builder().name("db").background(ifrit::run_fn(|_, _| {
///     let me = ifrit::current().expect("a thread of ours");
///     assert_eq!(me.name(), "db");
///     Ok(())
/// }));
/// assert!(process.join().is_ok());
/// ```
pub fn current() -> Option<Process> {
    current_core().map(Process::from_core)
}

impl Process {
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    pub(crate) fn from_core(core: Arc<Core>) -> Self {
        Process(core)
    }

    /// A channel that is disconnected once the process is ready: the disconnection is the news.
    ///
    /// It fires for ever once it has, and never falsely: not when the process exits without having been ready, and not
    /// when everything else is dropped. With [`exited`](Process::exited) in one `select!`, both may be pending, and one
    /// is picked at random; [`wait_ready`](Process::wait_ready) keeps the order. A channel that was asked for and never
    /// fires keeps about 200 bytes when the process goes. Never blocks.
    ///
    /// ```
    /// use ifrit::crossbeam_channel::select;
    /// use ifrit::prelude::*;
    ///
    /// let process = ifrit::background(ifrit::run_fn(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// }));
    /// select! {
    ///     recv(process.ready()) -> _ => println!("ready"),
    ///     recv(process.exited()) -> _ => println!("exited instead"),
    /// }
    /// # process.signal(Signal::INTERRUPT);
    /// ```
    pub fn ready(&self) -> &Receiver<Infallible> {
        self.0.ready.receiver()
    }

    /// A channel that is disconnected once the process has exited. As [`ready`](Process::ready), otherwise. Never blocks.
    ///
    /// ```
    /// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
    /// assert!(process.exited().recv().is_err()); // blocks until it is disconnected
    /// assert!(process.try_exit().is_some());
    /// ```
    pub fn exited(&self) -> &Receiver<Infallible> {
        self.0.exited.receiver()
    }

    /// Sends `signal` to the runner.
    ///
    /// Never blocks. Signals arrive in the order in which they were sent. One equal to a signal the runner has not yet
    /// read is coalesced with it. After the exit it does nothing. KILL and notifications go on to the processes of each
    /// [`scope`](crate::scope) that is open in it; the call takes time that grows with their number.
    pub fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    pub(super) fn not_on_its_own_thread(&self) -> Result<(), Error> {
        if self.0.runs_on_this_thread() {
            return Err(self.would_deadlock());
        }
        Ok(())
    }

    /// A wait for its end by the process of this thread, unless that could never be over.
    pub(super) fn begin_to_wait(&self) -> Result<Waiting, Error> {
        self.not_on_its_own_thread()?;
        waits::begin(waits::here(), self.0.id).ok_or_else(|| self.would_deadlock())
    }

    pub(super) fn would_deadlock(&self) -> Error {
        Error::WouldDeadlock {
            name: self.name().to_owned(),
        }
    }

    /// Stops the process: sends `signal`, then KILL, and waits for the exit.
    ///
    /// Blocks for `within` at most, by the clock of the process: that is the whole stop, KILL and what comes after it
    /// included. KILL is sent the [grace](crate::process::Builder::kill_grace), or a tenth of `within` where that is less, before the
    /// end. A group inside is over so much earlier that it can still say which of its members is stuck.
    ///
    /// # Errors
    ///
    /// The exit itself; [`Error::StopTimeout`] if it has not exited by then (it runs on, and its exit comes when it
    /// comes; a process with a limit of its own is given up instead, which is an exit, [`Error::Abandoned`]);
    /// [`Error::WouldDeadlock`] at once, and nothing is sent, where [`join`](Process::join) says so.
    ///
    /// ```
    /// use ifrit::prelude::*;
    /// use std::time::{Duration, Instant};
    ///
    /// let process = ifrit::invoke(ifrit::run_fn(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// }));
    /// assert!(process.stop(Signal::TERMINATE, Duration::from_secs(5)).is_ok());
    /// ```
    pub fn stop(&self, signal: Signal, within: Duration) -> Exit {
        if let Some(exit) = self.0.deliver() {
            return exit; // its thread may be that of another process by now
        }
        // It is refused where a wait without a limit would be. It is not kept in mind: since it has a limit, no other wait
        // is refused because of it.
        drop(self.begin_to_wait()?);
        let now = self.0.clock.now();
        let end = Limit::new(now, within);
        let deadline = end.map(|end| Deadline::new(now, end, self.0.grace()));
        self.0.tell(signal, end);
        if !self.exits_before(deadline.map(|deadline| deadline.kill_at)) {
            self.0.tell(Signal::KILL, end);
            if !self.exits_before(end.map(|end| end.end)) && self.0.keeps_limits() {
                self.0.give_up();
            }
        }
        self.0.deliver().unwrap_or_else(|| {
            Err(Error::StopTimeout {
                after: within,
                stuck: self.0.stuck(),
            })
        })
    }

    fn exits_before(&self, limit: Option<Instant>) -> bool {
        let alarm = self.0.clock.at_or_never(limit);
        let mut select = Select::new();
        let exited = select.recv(self.exited());
        select.recv(&alarm);
        select.ready() == exited || self.0.exit().is_some()
    }

    /// Whether it is, or was when it exited, ready. Never blocks.
    pub fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    /// Its name, which is also the name of its thread.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its number, unique in this program.
    pub fn id(&self) -> ProcessId {
        self.0.id
    }

    /// How far it has come. Never blocks.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// The clock by which its deadlines run; a runner finds it through [`current`](crate::current).
    pub fn clock(&self) -> Clock {
        self.0.clock.clone()
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name())
            .field("id", &self.id())
            .field("status", &self.status())
            .finish()
    }
}
