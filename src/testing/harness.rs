//! Driving a runner by hand, without a thread.

use crate::error::{Exit, exit_of};
use crate::mailbox::Mailbox;
use crate::ready::ready_channel;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::TryRecvError;

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
#[derive(Clone, Debug, Default)]
pub struct Harness {
    signals: Vec<Signal>,
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
    /// No signals yet.
    pub fn new() -> Self {
        Harness::default()
    }

    /// Adds a signal. As on a process, one equal to another that is still unread is coalesced with it.
    #[must_use]
    pub fn signal(mut self, signal: Signal) -> Self {
        self.signals.push(signal);
        self
    }

    /// Runs it, and returns when it does: a runner that does not keep the contract blocks this for ever.
    pub fn run(self, runner: &mut (impl Runner + ?Sized)) -> Outcome {
        let mut mailbox = Mailbox::default();
        for signal in self.signals {
            mailbox.push(signal);
        }
        let signals = mailbox.receiver();
        drop(mailbox);
        let (ready, is_ready) = ready_channel();
        let exit = exit_of(|| runner.run(signals.clone(), ready));
        Outcome {
            exit,
            ready: is_ready.try_recv() == Err(TryRecvError::Disconnected),
            unread: signals.try_iter().collect(),
        }
    }
}
