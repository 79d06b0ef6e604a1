//! What a process says of itself.
//!
//! Invariants:
//! 1. An event is published under the lock of the process, by the step that it tells of; so the events of a process have
//!    the order of its states. Where another one tells of it (a group, of the restart of a member), it comes after the exit.
//! 2. The start is said when the process is made, so before any other has a handle to it. What only hosts something that is
//!    driven by hand says nothing.
//! 3. The exit is said before its latch opens, and before the group hears of it.

use std::fmt::Display;
use std::time::{Duration, Instant};

use super::{Core, State};
use crate::error::Cause;
use crate::observe::{self, Event, Outcome, Path, What};
use crate::process::findings::{Findings, line};
use crate::process::link::Exited;
use crate::signal::Signal;
use crate::sync::Arc;

impl Core {
    /// Says something of this process. `what` is given the time, and is not asked for where nothing is said.
    pub(crate) fn say(&self, what: impl FnOnce(Instant) -> What) {
        if self.says_nothing() {
            return;
        }
        let at = self.clock.now();
        self.say_at(at, what(at));
    }

    /// The same, where the time is known already, and the event is the next thing that happens.
    pub(crate) fn say_at(&self, at: Instant, what: What) {
        if self.says_nothing() {
            return;
        }
        observe::publish(Event {
            at,
            id: self.id,
            path: self.path(),
            what,
        });
    }

    pub(crate) fn path(&self) -> Path {
        Path::new(&self.name, self.above.as_ref())
    }

    fn says_nothing(&self) -> bool {
        cfg!(ifrit_no_events) || self.started.is_none() // Invariant 2
    }

    /// How long it has been there.
    fn age(&self, now: Instant) -> Duration {
        let started = self.started;
        started.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    pub(super) fn say_ready(&self) {
        self.say(|at| What::Ready {
            after: self.age(at),
        });
    }

    pub(super) fn say_exit(&self, state: &State, end: &Exited) {
        self.say(|at| {
            let (outcome, took) = (Outcome::new(end.findings.line.clone()), self.age(at));
            if end.given_up {
                return What::Abandoned {
                    exit: outcome,
                    told: state.stop_signal,
                    start_within: match state.start_overdue {
                        true => self.limits.start.map(|limit| limit.set),
                        false => None,
                    },
                    took,
                };
            }
            let cause = match &end.exit {
                _ if state.told() => Cause::Stopped,
                Ok(()) => Cause::Completed,
                Err(_) => Cause::Independent,
            };
            What::Exited {
                exit: outcome,
                cause,
                took,
            }
        });
    }

    pub(super) fn say_exit_late(&self, found: &Findings) {
        self.say(|at| What::ExitedLate {
            exit: Outcome::new(found.line.clone()),
            took: self.age(at),
        });
    }

    pub(super) fn say_signalled(
        &self,
        signal: Signal,
        kill_at: Option<Instant>,
        give_up_at: Option<Instant>,
    ) {
        self.say(|_| What::Signalled {
            signal,
            kill_at,
            give_up_at,
        });
    }

    /// Says `text`, and keeps it, while its thread lives. Calls the `Display` of the text, under no lock.
    pub(in crate::process) fn note(&self, text: impl Display) {
        let text: Arc<str> = line(text).into();
        let state = self.state.lock();
        if state.mailbox.is_none() {
            return;
        }
        let before = self.keep_note(Arc::clone(&text)); // Invariant 1: which of two is the last is one thing
        self.say(|_| What::Note(text));
        drop(state);
        drop(before);
    }
}
