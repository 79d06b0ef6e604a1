//! Driving a runner by hand, without a thread.

use crate::clock::Clock;
use crate::error::Exit;
use crate::mailbox::Mailbox;
use crate::process::{Request, run_here};
use crate::runner::Runner;
use crate::signal::Signal;

/// Calls a runner's `run` on the thread of the test, with signals that are already there.
///
/// When the runner has read them all it finds its channel disconnected, which counts as a stop; so a run that keeps the
/// contract returns.
///
/// ```
/// use ifrit::testing::Harness;
/// use ifrit::prelude::*;
///
/// let mut reloads = 0;
/// let mut runner = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     for signal in signals {
///         match signal {
///             Signal::HANGUP => reloads += 1,
///             stop if stop.is_stop() => break,
///             _ => {}
///         }
///     }
///     Ok(())
/// });
/// let outcome = Harness::new()
///     .signal(Signal::HANGUP)
///     .signal(Signal::TERMINATE)
///     .signal(Signal::USER1)
///     .run(&mut runner);
///
/// assert!(outcome.exit.is_ok() && outcome.ready);
/// assert_eq!(outcome.unread, [Signal::USER1]);
/// # drop(runner);
/// assert_eq!(reloads, 1);
/// ```
///
/// While it runs, the runner has a [`current`](crate::current) process, with the name and the clock of the harness; what
/// it starts stands below that one. The signals of the harness are all that the runner hears: those that are sent to the
/// process do not come to it.
///
/// A wrapper, such as a restarter, hears the signals through a helper thread, which takes them out of the channel as they
/// come. Those that the wrapped runner did not read are `unread`, too, unless another wrapper that is called with the
/// same channel later in the run reads them; a runner that reads the channel itself does not find them there.
#[derive(Clone, Debug, Default)]
#[must_use = "it runs nothing until `run`"]
pub struct Harness {
    signals: Vec<Signal>,
    request: Request,
}

/// What came of a run by hand; see [`Harness`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended; a panic is an exit, too.
    pub exit: Exit,
    /// Whether it said that it is ready.
    pub ready: bool,
    /// The signals it did not read.
    pub unread: Vec<Signal>,
}

impl Harness {
    /// No signals yet; the system's clock, and the type of the runner for a name.
    pub fn new() -> Self {
        Harness::default()
    }

    /// Adds a signal. As on a process, one equal to another that is still unread is coalesced with it.
    pub fn signal(mut self, signal: Signal) -> Self {
        self.signals.push(signal);
        self
    }

    /// The clock of the process that runs here, and of what it starts. Default: that of the process in which the harness
    /// is used; the system's outside of any.
    ///
    /// A clock by hand is moved by another thread, since this one runs the runner.
    ///
    /// ```
    /// use ifrit::testing::{Harness, ManualClock};
    /// use std::time::Duration;
    ///
    /// let hour = Duration::from_secs(3600);
    /// let clock = ManualClock::new();
    /// let (start, harness) = (clock.now(), Harness::new().clock(clock.clock()));
    /// let mut nap = ifrit::run_fn(|_, _| {
    ///     let (_never, signals) = ifrit::crossbeam_channel::bounded(0);
    ///     assert_eq!(ifrit::until_stop_for(&signals, hour), None);
    ///     Ok(())
    /// });
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| clock.advance_to_next());
    ///     assert!(harness.run(&mut nap).exit.is_ok());
    /// });
    /// assert_eq!(clock.now(), start + hour);
    /// ```
    pub fn clock(mut self, clock: Clock) -> Self {
        self.request.clock = Some(clock);
        self
    }

    /// The name of the process that runs here. Default: the type of the runner.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.request.name = Some(name.into().into());
        self
    }

    /// Runs it, and returns when it does: a runner that does not keep the contract blocks this for ever.
    pub fn run(self, runner: &mut (impl Runner + ?Sized)) -> Outcome {
        let mut mailbox = Mailbox::default();
        for signal in self.signals {
            mailbox.push(signal);
        }
        let signals = mailbox.receiver();
        drop(mailbox); // which disconnects the runner's end
        let (core, unread) = run_here(&self.request, runner, &signals);
        Outcome {
            ready: core.is_ready(),
            exit: core.exit().unwrap_or(Ok(())),
            unread,
        }
    }
}
