//! Code that blocks and cannot look at its signals: [`Actor`].
//!
//! Invariants:
//! 1. A stop signal that was taken out of the channel has interrupted the run; one that the run was too early for stays
//!    in the channel.
//! 2. The second thread has ended when the run returns, also by a panic.

mod interrupt;
mod stopping;

use std::convert::Infallible;
use std::fmt;

pub use interrupt::{Interrupt, NoInterrupt};
pub use stopping::{Interrupting, Stopping};

use crate::error::{Error, Result};
use crate::on_drop::OnDrop;
use crate::plan::Plan;
use crate::process::threads::start_scoped;
use crate::process::{Process, current_core};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Select, bounded};
use crate::sync::thread;

/// A runner of code that blocks where it cannot look at its signals: in a read, in the call of a library. Another thread
/// hears the signals, and interrupts it.
///
/// - **It costs a second thread while it runs**: something has to wait for the signals while the code blocks, and what
///   interrupts is the code of a user, which no thread of others may run. The thread sleeps until a stop.
/// - `execute` is called on the thread of the runner. It is given a [`Stopping`], which it can ask whether a stop has begun
///   and tell what else to interrupt, and says ready itself.
/// - **`interrupt` is called once, for the first stop signal, and a second time for KILL**, if that comes later. Other stop
///   signals, and notifications, do nothing. It may come before `execute` has begun to block, so what it does must last;
///   see [`Interrupt`].
/// - An error that `execute` returns after it has been interrupted is what the interrupt has caused: the process
///   [notes](crate::process::note) it, and the exit is Ok. [`keep_errors`](Actor::keep_errors) changes that. A
///   [fatal](crate::fatal) error and a panic are always the exit. So is an error of before: of an interrupt and an end
///   that come at once, one is first.
/// - A panic of `interrupt` is the exit, unless `execute` has panicked or failed itself. `execute` is waited for all the
///   same.
/// - The run returns when both have returned. **If `execute` does not return although it was interrupted**, the thread
///   cannot be killed: the process is given up and named at the end of its [limit](crate::grouper::Member::stop_within).
///
/// Where the run needs what is made anew each time, such as a socket, it is registered inside: see [`Actor::with`].
///
/// # Errors
///
/// [`Error::Spawn`], if the second thread does not start; `execute` was not called.
///
/// ```
/// use ifrit::{prelude::*, runners::Actor};
/// use std::sync::mpsc;
///
/// // A consumer that knows nothing of signals, and ends when it is told so in its own way.
/// let (jobs, inbox) = mpsc::channel::<Option<u32>>();
/// let consumer = Actor::new(
///     move |_stopping, ready| {
///         ready.notify();
///         while let Ok(Some(job)) = inbox.recv() {
///             println!("job {job}");
///         }
///         Ok(())
///     },
///     move |_signal| Ok(jobs.send(None)?),
/// );
/// let consumer = ifrit::invoke(consumer).started()?;
/// consumer.signal(Signal::TERMINATE);
/// assert!(consumer.join().is_ok());
/// # Ok::<(), ifrit::Error>(())
/// ```
#[doc(alias("blocking", "interrupt", "cancel"))]
#[must_use = "a runner does nothing until it is started or run"]
pub struct Actor<E, I> {
    execute: E,
    interrupt: I,
    keep_errors: bool,
}

impl<E, I> Actor<E, I>
where
    E: FnMut(&Stopping, ReadySender) -> Result<()> + Send,
    I: Interrupt,
{
    /// Runs `execute`, which `interrupt` makes return.
    pub fn new(execute: E, interrupt: I) -> Self {
        Actor {
            execute,
            interrupt,
            keep_errors: false,
        }
    }
}

impl<E> Actor<E, NoInterrupt>
where
    E: FnMut(&Stopping, ReadySender) -> Result<()> + Send,
{
    /// Runs `execute`, which registers itself what is to be interrupted, or looks often enough whether a stop has begun.
    ///
    /// So each run can have a socket of its own; see [`Stopping`]. With a read that has a time-out nothing needs to be
    /// registered, and the stop takes as long as one read:
    ///
    /// ```
    /// use ifrit::{prelude::*, runners::Actor};
    /// use std::{io::ErrorKind, net::UdpSocket, time::Duration};
    ///
    /// let receiver = Actor::with(|stopping, ready| {
    ///     let socket = UdpSocket::bind("127.0.0.1:0")?;
    ///     socket.set_read_timeout(Some(Duration::from_millis(10)))?;
    ///     ready.notify();
    ///     let mut packet = [0; 1500];
    ///     while !stopping.has_begun() {
    ///         match socket.recv(&mut packet) {
    ///             Ok(length) => println!("{:?}", &packet[..length]),
    ///             Err(error) if error.kind() == ErrorKind::WouldBlock => {}
    ///             Err(error) => return Err(error.into()),
    ///         }
    ///     }
    ///     Ok(())
    /// });
    /// let receiver = ifrit::invoke(receiver).started()?;
    /// receiver.signal(Signal::TERMINATE);
    /// assert!(receiver.join().is_ok());
    /// # Ok::<(), ifrit::Error>(())
    /// ```
    pub fn with(execute: E) -> Self {
        Actor::new(execute, NoInterrupt)
    }
}

impl<E, I> Actor<E, I> {
    /// Lets an error that comes after the interrupt be the exit, as one of before is: where `execute` has work to finish
    /// after it, and that may fail.
    pub fn keep_errors(mut self) -> Self {
        self.keep_errors = true;
        self
    }
}

impl<E, I> Runner for Actor<E, I>
where
    E: FnMut(&Stopping, ReadySender) -> Result<()> + Send,
    I: Interrupt,
{
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let process = current_core().map(Process::from_core);
        let stopping = Stopping::new(process.clone());
        let (execute, interrupt) = (&mut self.execute, &mut self.interrupt);
        let (exit, interrupted) = thread::scope(|scope| {
            let (_done, done) = bounded(0); // Invariant 2
            let watch = Watch {
                signals,
                done,
                stopping: &stopping,
                interrupt,
            };
            let name = "ifrit-actor";
            start_scoped(scope, name, None, watch, Watch::run)
                .map_err(|(source, _)| Error::spawn(name, source))?;
            let mut interrupted = false;
            let exit = {
                let _ended = OnDrop(|| interrupted = stopping.end());
                execute(&stopping, ready)
            };
            Ok::<_, Error>((exit, interrupted))
        })?;
        if let Err(error) = exit {
            let error = Error::from_runner(error);
            if !interrupted || self.keep_errors || error.is_fatal() {
                return Err(error.into());
            }
            if let Some(process) = process {
                process.note(format_args!("ended after it was interrupted: {error}"));
            }
        }
        Ok(stopping.panicked()?)
    }

    fn plan(&self) -> Plan {
        Plan::new("actor")
    }
}

/// Hears the signals while the code blocks.
struct Watch<'r, I> {
    signals: Receiver<Signal>,
    done: Receiver<Infallible>,
    stopping: &'r Stopping,
    interrupt: &'r mut I,
}

impl<I: Interrupt> Watch<'_, I> {
    fn run(self) {
        let mut signals = self.signals;
        loop {
            let mut select = Select::new();
            let told = select.recv(&signals);
            select.recv(&self.done);
            if select.ready() != told {
                return;
            }
            drop(select);
            if !self.stopping.hear(&mut signals, self.interrupt) {
                return;
            }
        }
    }
}

impl<E, I: fmt::Debug> fmt::Debug for Actor<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("interrupt", &self.interrupt)
            .field("keep_errors", &self.keep_errors)
            .finish_non_exhaustive()
    }
}
