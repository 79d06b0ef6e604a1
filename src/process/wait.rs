//! Waiting for a process: until it is ready, until it has exited, and with a channel, [`Wait`].

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

use super::core::Core;
use super::handle::Process;
use super::waits;
use crate::error::{Error, Exit};
use crate::sync::channel::Receiver;
use crate::sync::{Arc, now};

/// A channel that emits the exit of a process, once; see [`Process::wait`](crate::Process::wait).
///
/// It derefs to the channel. Dropping it leaves nothing behind. A clone is a channel of its own and emits the exit, too.
///
/// A bare [`Receiver`](crate::Receiver) that is cloned out of it (`Receiver::clone(&wait)`) shares its channel: one of
/// the two gets the exit. It lives as long as the `Wait` does: when that is dropped before the exit, it is disconnected.
///
/// ```
/// use ifrit::crossbeam_channel::{after, select};
/// use ifrit::prelude::*;
/// use std::time::Duration;
///
/// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// let wait = process.wait();
/// select! {
///     recv(wait) -> exit => assert!(exit.unwrap().is_ok()),
///     recv(after(Duration::from_secs(60))) -> _ => panic!("still running"),
/// }
/// ```
pub struct Wait {
    receiver: Receiver<Exit>,
    process: Arc<Core>,
    /// Of its registration.
    key: u64,
}

impl Process {
    /// A new channel that emits the exit, once; at once if the process has exited already. Never blocks.
    ///
    /// The exit comes when the runner has returned and was dropped. The thread itself ends a moment later: the destructors
    /// of its thread-locals run after the exit.
    #[doc(alias = "monitor")]
    pub fn wait(&self) -> Wait {
        Wait::new(&self.0)
    }

    /// This process, if it is or has been ready, or why it is not. Blocks until either is known.
    ///
    /// # Errors
    ///
    /// The error with which it exited; [`Error::ExitedBeforeReady`] if it exited well, but unready;
    /// [`Error::WouldDeadlock`] where [`wait_ready`](Process::wait_ready) says so.
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
    /// The error with which it exited unready; [`Error::ExitedBeforeReady`] if it exited well, but unready;
    /// [`Error::WouldDeadlock`] at once while it is not ready, when called on the process's own thread, and for a group
    /// by a member, or inside one, that is not ready yet. A caller that has made its
    /// [`ReadySender`](crate::ReadySender) another thread's business is refused, too.
    ///
    /// ```
    /// use ifrit::Error;
    ///
    /// let process = ifrit::background(ifrit::run_fn(|_, _| {
    ///     let me = ifrit::current().expect("a thread of ours");
    ///     Ok(me.wait_ready()?)
    /// }));
    /// assert!(matches!(process.wait_ready(), Err(Error::WouldDeadlock { .. })));
    /// ```
    pub fn wait_ready(&self) -> Result<(), Error> {
        if waits::waits_to_start(&self.0) {
            return Err(self.would_deadlock());
        }
        self.outcome_of_start(self.0.wait_ready(None) == Some(true))
    }

    /// As [`wait_ready`](Process::wait_ready), but blocks no longer than `patience` of real time, whatever the clock of
    /// the process says. `None` when that is over; the process is left alone.
    ///
    /// # Errors
    ///
    /// Those of [`wait_ready`](Process::wait_ready), but for [`Error::WouldDeadlock`]: this wait has an end.
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
        self.0.deliver().unwrap_or(Ok(()))?;
        Err(Error::ExitedBeforeReady {
            name: self.name().to_owned(),
        })
    }

    pub(super) fn wait_ready_or_exit(&self) {
        self.0.wait_ready(None);
    }

    /// Blocks until the process has exited and returns its exit.
    ///
    /// As with [`wait`](Process::wait), the thread itself ends a moment later, with the destructors of its thread-locals.
    /// This is not `std::thread::JoinHandle::join`.
    ///
    /// # Errors
    ///
    /// The exit itself; [`Error::WouldDeadlock`] at once when called on the process's own thread, and where the wait could
    /// never be over: for a group or a scope by what runs inside it, and for a process that is itself blocked in a wait
    /// like this for the caller, or in one for a member through an [`Admin`](crate::grouper::Admin).
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
    /// The exit itself; [`Error::WouldDeadlock`] at once when called on the process's own thread.
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
        if let Some(exit) = self.0.deliver() {
            return Some(exit);
        }
        let waiting = match limit {
            None => self.begin_to_wait().map(Some),
            Some(_) => self.not_on_its_own_thread().map(|()| None),
        };
        match waiting {
            Ok(_waiting) => self.0.wait_exit(limit),
            Err(error) => Some(Err(error)),
        }
    }

    /// The exit, if there is one yet. Never blocks.
    pub fn try_exit(&self) -> Option<Exit> {
        self.0.deliver()
    }
}

impl Wait {
    fn new(process: &Arc<Core>) -> Self {
        let (receiver, key) = process.register_waiter();
        Wait {
            receiver,
            process: Arc::clone(process),
            key,
        }
    }
}

/// A new channel for the same process. Each emits the exit, also if the other has emitted it before.
impl Clone for Wait {
    fn clone(&self) -> Self {
        Wait::new(&self.process)
    }
}

impl Deref for Wait {
    type Target = Receiver<Exit>;

    fn deref(&self) -> &Receiver<Exit> {
        &self.receiver
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.process.forget_waiter(self.key);
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wait({})", self.process.id)
    }
}
