//! A runner on its thread, seen from outside: [`Process`].

use std::convert::Infallible;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use super::builder::Builder;
use super::core::Core;
use super::status::Status;
use super::wait::Wait;
use crate::clock::Clock;
use crate::error::{Error, Exit};
use crate::id::ProcessId;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Select};
use crate::sync::{Arc, now};

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
pub struct Process(Arc<Core>);

// What can be seen through a handle is never left half-changed by a panic: see the invariants of `Core`.
impl UnwindSafe for Process {}
impl RefUnwindSafe for Process {}

/// Starts `runner` on a thread of its own and returns at once.
///
/// Never fails: a thread that does not start is the exit of the process, [`Error::Spawn`].
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
/// process, [`Error::Spawn`].
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
    pub(crate) fn from_core(core: Arc<Core>) -> Self {
        Process(core)
    }

    /// Options for a process that is yet to start.
    ///
    /// ```
    /// let process = ifrit::Process::builder().name("db").background(ifrit::run_fn(|_, _| Ok(())));
    /// assert_eq!(process.name(), "db");
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
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

    /// A new channel that emits the exit, once; at once if the process has exited already. Never blocks.
    pub fn wait(&self) -> Wait {
        Wait::new(&self.0)
    }

    /// Sends `signal` to the runner.
    ///
    /// Never blocks. Signals arrive in the order in which they were sent. One equal to a signal the runner has not yet
    /// read is coalesced with it. After the exit it does nothing.
    pub fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    /// This process, if it is or has been ready, or why it is not. Blocks until either is known.
    ///
    /// # Errors
    ///
    /// The error with which it exited; [`Error::ExitedBeforeReady`] if it exited well, but unready.
    ///
    /// ```
    /// use ifrit::{Error, prelude::*};
    ///
    /// let nothing = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
    /// assert!(matches!(nothing.started(), Err(Error::ExitedBeforeReady { .. })));
    /// ```
    pub fn started(&self) -> Result<Process, Error> {
        self.wait_ready().map(|()| self.clone())
    }

    /// Blocks until the process is ready.
    ///
    /// A process that was ready and has exited since was ready: that is Ok.
    ///
    /// # Errors
    ///
    /// The error with which it exited unready; [`Error::ExitedBeforeReady`] if it exited well, but unready.
    pub fn wait_ready(&self) -> Result<(), Error> {
        self.outcome_of_start(self.0.wait_ready(None) == Some(true))
    }

    /// As [`wait_ready`](Process::wait_ready), but blocks no longer than `patience` of real time, whatever the clock of
    /// the process says. `None` when that is over; the process is left alone.
    ///
    /// # Errors
    ///
    /// Those of [`wait_ready`](Process::wait_ready).
    ///
    /// ```
    /// use ifrit::testing::never_ready;
    /// use std::time::Duration;
    ///
    /// let process = ifrit::background(never_ready());
    /// assert!(process.wait_ready_timeout(Duration::from_millis(1)).is_none());
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn wait_ready_timeout(&self, patience: Duration) -> Option<Result<(), Error>> {
        let ready = self.0.wait_ready(now().checked_add(patience))?;
        Some(self.outcome_of_start(ready))
    }

    fn outcome_of_start(&self, ready: bool) -> Result<(), Error> {
        if ready {
            return Ok(());
        }
        self.0.exit().unwrap_or(Ok(()))?;
        Err(Error::ExitedBeforeReady {
            name: self.name().to_owned(),
        })
    }

    pub(super) fn wait_ready_or_exit(&self) {
        self.0.wait_ready(None);
    }

    /// Blocks until the process has exited and returns its exit.
    ///
    /// # Errors
    ///
    /// The exit itself; [`Error::WouldDeadlock`] at once when called on the process's own thread.
    ///
    /// ```
    /// use ifrit::Error;
    ///
    /// let process = ifrit::background(ifrit::run_fn(|_, _| {
    ///     let me = ifrit::current().expect("a thread of ours");
    ///     Ok(me.join()?)
    /// }));
    /// assert!(matches!(process.join(), Err(Error::WouldDeadlock { .. })));
    /// ```
    pub fn join(&self) -> Exit {
        self.join_until(None).unwrap_or(Ok(()))
    }

    /// As [`join`](Process::join), but blocks no longer than `patience` of real time, whatever the clock of the process
    /// says. `None` when that is over; the process is left alone.
    ///
    /// # Errors
    ///
    /// Those of [`join`](Process::join).
    ///
    /// ```
    /// use ifrit::testing::never_ready;
    /// use std::time::Duration;
    ///
    /// let process = ifrit::background(never_ready());
    /// assert!(process.join_timeout(Duration::from_millis(1)).is_none());
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn join_timeout(&self, patience: Duration) -> Option<Exit> {
        self.join_until(now().checked_add(patience))
    }

    fn join_until(&self, limit: Option<Instant>) -> Option<Exit> {
        if let Some(exit) = self.0.exit() {
            return Some(exit);
        }
        self.not_on_its_own_thread()
            .map_or_else(|error| Some(Err(error)), |()| self.0.wait_exit(limit))
    }

    fn not_on_its_own_thread(&self) -> Result<(), Error> {
        if self.0.runs_on_this_thread() {
            return Err(Error::WouldDeadlock {
                name: self.name().to_owned(),
            });
        }
        Ok(())
    }

    /// The exit, if there is one yet. Never blocks.
    pub fn try_exit(&self) -> Option<Exit> {
        self.0.exit()
    }

    /// Stops the process: sends `signal`, KILL when `within` has passed, and waits for the exit until the
    /// [grace](Builder::kill_grace) after that is over.
    ///
    /// Blocks for `within` and the grace at most, by the clock of the process. A group inside keeps its own time limits
    /// so much shorter that it can still say who is stuck.
    ///
    /// # Errors
    ///
    /// The exit itself; [`Error::StopTimeout`] if it has not exited (it runs on, and its exit comes when it comes);
    /// [`Error::WouldDeadlock`] when called on the process's own thread.
    ///
    /// ```
    /// use ifrit::prelude::*;
    /// use std::time::Duration;
    ///
    /// let process = ifrit::invoke(ifrit::run_fn(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// }));
    /// assert!(process.stop(Signal::TERMINATE, Duration::from_secs(5)).is_ok());
    /// ```
    pub fn stop(&self, signal: Signal, within: Duration) -> Exit {
        if let Some(exit) = self.try_exit() {
            return exit; // its thread may be that of another process by now
        }
        self.not_on_its_own_thread()?;
        let clock = &self.0.clock;
        let kill_at = clock.deadline(within);
        self.0.tell(signal, kill_at);
        if !self.exits_before(kill_at) {
            self.0.signal(Signal::KILL);
            let give_up_at = kill_at.and_then(|at| at.checked_add(self.0.grace()));
            self.exits_before(give_up_at);
        }
        self.0.exit().unwrap_or_else(|| {
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
