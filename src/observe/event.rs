//! One thing that has happened: [`Event`].
//!
//! Invariant: nothing in an event is foreign, and each of its texts is bounded. It is dropped on any thread, under any
//! lock, and the newest ones are kept.

use std::fmt;
use std::time::{Duration, Instant};

use super::path::Path;
use crate::draw::{LINE, Lasting, line_of};
use crate::error::{Cause, NotRestarted};
use crate::id::ProcessId;
use crate::signal::Signal;
use crate::sync::Arc;

/// One thing that has happened to a process; see [`events`](super::events).
///
/// The events of one process come in this order: it has [started](What::Started); it may become [ready](What::Ready), once;
/// it has [exited](What::Exited) or was [given up](What::Abandoned), one of them and once. A process that was given up may
/// [exit late](What::ExitedLate). Signals, notes, stalls and the like come in between; notes and stalls also after it was
/// given up, since its thread still runs.
/// That the runner of a group's member is to be [restarted](What::Restarting) comes after the exit, with the number and
/// the path of the process that has ended.
///
/// An event is published before its effect can be seen: with [`join`](crate::Process::join) returned, the exit has been
/// said, and with [`wait_ready`](crate::Process::wait_ready), that it is ready.
///
/// Its `Display` is a line, such as `app/web: ready after 20 ms`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// When, by the clock of the process.
    pub at: Instant,
    /// The number of the process.
    pub id: ProcessId,
    /// Where the process stands.
    pub path: Path,
    /// What has happened.
    pub what: What,
}

/// What has happened to a process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    /// It is there: it hears signals, and is about to get its thread. If it gets none, its exit says so.
    Started,
    /// It is ready.
    Ready {
        /// Since it has started.
        after: Duration,
    },
    /// It was told a signal, by whatever means, and had not exited yet. Its runner has not read it yet.
    #[non_exhaustive]
    Signalled {
        /// The signal.
        signal: Signal,
        /// When KILL follows, if it has not exited by then; `None` where that is not limited, or known from an earlier
        /// event.
        kill_at: Option<Instant>,
        /// When it is given up, if it has not exited by then; `None` where that is not limited.
        give_up_at: Option<Instant>,
    },
    /// It waits for another process, and has done so for long: for 5 s, and again after twice as long each time.
    ///
    /// It is published by the thread with which [`main`](crate::main()) speaks, so only where there is one: not outside of
    /// `main`, nor where that is [quiet](crate::Main::quiet) and dumps nothing.
    #[non_exhaustive]
    Waiting {
        /// Where that process stands.
        for_whom: Path,
        /// Since when.
        since: Instant,
        /// When the limit of that wait is over; `None` without a limit.
        limit: Option<Instant>,
    },
    /// A run in it, or its own, has ended and is to be followed by another.
    Restarting {
        /// Which restart this is, counted as its [budget](crate::restart::Budget) does: from 1, those that count still. Of a
        /// job that is [tried again](crate::grouper::Batch::retry): which attempt, the first run included.
        attempt: usize,
        /// How many the budget allows, or of a job, how often it is tried; `None` without either.
        of: Option<usize>,
        /// How long until then.
        delay: Duration,
        /// How the run has ended.
        why: Outcome,
    },
    /// It has said something of itself; see [`note`](crate::process::note).
    Note(Arc<str>),
    /// It stops what it has started.
    Stopping {
        /// What began that.
        why: Why,
    },
    /// Its run has ended, and its runner was dropped or has gone home to the group.
    Exited {
        /// How.
        exit: Outcome,
        /// Why, as far as the process itself knows. [`Stopped`](Cause::Stopped): it had been told a stop signal.
        /// [`Completed`](Cause::Completed): it ended Ok by itself. [`Independent`](Cause::Independent): it ended with an
        /// error by itself. In the trace of a group, what was stopped because of another member is a
        /// [`Consequence`](Cause::Consequence), and the member because of which that was is the
        /// [`Initiator`](Cause::Initiator): here, the [`Stopping`](What::Stopping) of the group names it.
        cause: Cause,
        /// Since it has started.
        took: Duration,
    },
    /// It did not stop in time and was given up. Its thread still runs.
    #[non_exhaustive]
    Abandoned {
        /// Its exit, which names who is stuck. Its cause in the trace of a group is [`Abandoned`](Cause::Abandoned).
        exit: Outcome,
        /// The stop signal that it was told: KILL, or else the latest.
        told: Option<Signal>,
        /// The limit for its start, as it was set, if it was stopped because it was not ready by then.
        start_within: Option<Duration>,
        /// Since it has started.
        took: Duration,
    },
    /// The thread of a process that was given up has ended after all.
    #[non_exhaustive]
    ExitedLate {
        /// How its run has ended. To all others its exit is that of a process that was given up.
        exit: Outcome,
        /// Since it has started.
        took: Duration,
    },
    /// It has promised to say that it makes progress, and does not; see [`beat_within`](crate::process::beat_within).
    #[non_exhaustive]
    Stalled {
        /// When it last did.
        since: Instant,
    },
    /// It had stalled, and says again that it makes progress.
    #[non_exhaustive]
    Recovered {
        /// Since it last did before.
        after: Duration,
    },
}

/// How a run has ended, as text: it holds no error of a user's.
///
/// Its `Display` is `ok`, or the error in one line of at most 1,000 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome(Option<Arc<str>>);

impl Outcome {
    pub(crate) fn new(error: Option<Arc<str>>) -> Self {
        Outcome(error)
    }

    /// Whether it ended well.
    pub fn is_ok(&self) -> bool {
        self.0.is_none()
    }

    /// Whether it ended with an error, a panic among them.
    pub fn is_err(&self) -> bool {
        !self.is_ok()
    }

    /// The error in one line; `None` after an Ok end.
    pub fn error(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl What {
    /// As what the process did.
    pub(crate) fn as_a_deed(&self) -> impl fmt::Display + '_ {
        Deed(self)
    }
}

struct Deed<'w>(&'w What);

impl fmt::Display for Deed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            What::Started => f.write_str("it started"),
            What::Ready { .. } => f.write_str("it became ready"),
            What::Note(text) => write!(f, "it noted: {text}"),
            What::Stopping { why } => write!(f, "it began to stop what it had started: {why}"),
            What::Restarting { why, .. } => write!(f, "a run in it ended, to be restarted: {why}"),
            What::Recovered { .. } => f.write_str("it made progress again"),
            what => write!(f, "{what}"),
        }
    }
}

impl Why {
    pub(crate) fn member(
        name: &str,
        id: ProcessId,
        exit: Outcome,
        not_restarted: Option<NotRestarted>,
    ) -> Self {
        Why::Member {
            name: line_of(name, LINE).into(),
            id,
            exit,
            not_restarted,
        }
    }
}

/// Why a group, or another process that has started others, stops them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Why {
    /// It was told this signal.
    Signal(Signal),
    /// The end of one of them stops the others.
    #[non_exhaustive]
    Member {
        /// The name of that one, in one line of at most 1,000 bytes.
        name: Arc<str>,
        /// The number of the process it was.
        id: ProcessId,
        /// How it ended.
        exit: Outcome,
        /// Why that is not followed by another run of it, where one might be expected.
        not_restarted: Option<NotRestarted>,
    },
    /// The closure of a scope has returned or panicked.
    ScopeEnded,
    /// As many of them have ended as its [auto-shutdown](crate::grouper::AutoShutdown) asks for.
    AutoShutdown,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Started => f.write_str("started"),
            What::Ready { after } => write!(f, "ready after {}", Lasting::new(*after)),
            What::Signalled { signal, .. } => write!(f, "told {signal}"),
            What::Waiting { for_whom, .. } => write!(f, "still waiting for {for_whom}"),
            What::Restarting {
                attempt,
                of,
                delay,
                why,
            } => {
                match delay.is_zero() {
                    true => f.write_str("restarts now")?,
                    false => write!(f, "restarts in {}", Lasting::new(*delay))?,
                }
                write!(f, " (attempt {attempt}")?;
                if let Some(of) = of {
                    write!(f, " of {of}")?;
                }
                write!(f, "): {why}")
            }
            What::Note(text) => write!(f, "note: {text}"),
            What::Stopping { why } => write!(f, "stops: {why}"),
            What::Exited { exit, took, .. } => {
                write!(f, "exited after {}: {exit}", Lasting::new(*took))
            }
            What::Abandoned { exit, .. } => write!(f, "given up: {exit}"),
            What::ExitedLate { exit, .. } => write!(f, "exited after it was given up: {exit}"),
            What::Stalled { .. } => f.write_str("stalled"),
            What::Recovered { after } => {
                write!(f, "makes progress again, after {}", Lasting::new(*after))
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.error().unwrap_or("ok"))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Signal(signal) => write!(f, "told {signal}"),
            Why::Member {
                name,
                exit,
                not_restarted,
                ..
            } => {
                write!(f, "{name} ended: {exit}")?;
                match not_restarted {
                    // Which the error says.
                    None | Some(NotRestarted::TooOften) => Ok(()),
                    Some(why) => write!(f, "; it is not restarted, since {why}"),
                }
            }
            Why::ScopeEnded => f.write_str("its scope has ended"),
            Why::AutoShutdown => f.write_str("its significant members have ended"),
        }
    }
}
