//! An event as a level, a few constant words, and fields: what is the same for every crate that takes those.

use std::time::{Duration, Instant};

use super::event::{Event, Outcome, What, Why};
use super::path::Path;
use crate::error::Cause;
use crate::signal::Signal;

/// As an operator would have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// A run has failed.
    Error,
    /// Something is not as it should be, and is being dealt with.
    Warn,
    /// The life of a process.
    Info,
    /// What explains the rest.
    Debug,
}

/// The fields that an event has; those that it does not have are `None`.
pub(super) struct Fields<'e> {
    pub(super) level: Level,
    /// The same for all events of a kind.
    pub(super) words: &'static str,
    pub(super) path: &'e Path,
    pub(super) id: u64,
    pub(super) signal: Option<Signal>,
    pub(super) kill_in_ms: Option<u64>,
    pub(super) give_up_in_ms: Option<u64>,
    pub(super) ready_after_ms: Option<u64>,
    pub(super) for_whom: Option<&'e Path>,
    pub(super) waited_ms: Option<u64>,
    pub(super) limit_in_ms: Option<u64>,
    pub(super) attempt: Option<u64>,
    pub(super) of: Option<u64>,
    pub(super) delay_ms: Option<u64>,
    pub(super) note: Option<&'e str>,
    pub(super) why: Option<&'static str>,
    pub(super) member: Option<&'e str>,
    pub(super) cause: Option<Cause>,
    pub(super) error: Option<&'e str>,
    pub(super) took_ms: Option<u64>,
    pub(super) silent_ms: Option<u64>,
}

impl<'e> Fields<'e> {
    pub(super) fn of(event: &'e Event) -> Self {
        let at = event.at;
        let none = |level, words| Fields::none(event, level, words);
        match &event.what {
            What::Started => none(Level::Info, "started"),
            What::Ready { after } => Fields {
                ready_after_ms: Some(ms(*after)),
                ..none(Level::Info, "ready")
            },
            What::Signalled {
                signal,
                kill_at,
                give_up_at,
            } => Fields {
                signal: Some(*signal),
                kill_in_ms: kill_at.map(|then| between(at, then)),
                give_up_in_ms: give_up_at.map(|then| between(at, then)),
                ..none(Level::Debug, "told a signal")
            },
            What::Waiting {
                for_whom,
                since,
                limit,
            } => Fields {
                for_whom: Some(for_whom),
                waited_ms: Some(between(*since, at)),
                limit_in_ms: limit.map(|then| between(at, then)),
                ..none(Level::Warn, "still waiting")
            },
            What::Restarting {
                attempt,
                of,
                delay,
                why,
            } => Fields {
                attempt: Some(count(*attempt)),
                of: of.map(count),
                delay_ms: Some(ms(*delay)),
                error: why.error(),
                ..none(Level::Warn, "restarting")
            },
            What::Note(note) => Fields {
                note: Some(note),
                ..none(Level::Debug, "note")
            },
            What::Stopping { why } => none(Level::Info, "stopping").with_why(why),
            What::Exited { exit, cause, took } => Fields {
                cause: Some(*cause),
                error: exit.error(),
                took_ms: Some(ms(*took)),
                ..none(of_an_end(exit), "exited")
            },
            What::Abandoned {
                exit, told, took, ..
            } => Fields {
                signal: *told,
                cause: Some(Cause::Abandoned),
                error: exit.error(),
                took_ms: Some(ms(*took)),
                ..none(Level::Warn, "given up")
            },
            What::ExitedLate { exit, took } => Fields {
                error: exit.error(),
                took_ms: Some(ms(*took)),
                ..none(of_an_end(exit), "exited after it was given up")
            },
            What::Stalled { since } => Fields {
                silent_ms: Some(between(*since, at)),
                ..none(Level::Warn, "stalled")
            },
            What::Recovered { after } => Fields {
                silent_ms: Some(ms(*after)),
                ..none(Level::Info, "makes progress again")
            },
        }
    }

    fn none(event: &'e Event, level: Level, words: &'static str) -> Self {
        Fields {
            level,
            words,
            path: &event.path,
            id: event.id.0,
            signal: None,
            kill_in_ms: None,
            give_up_in_ms: None,
            ready_after_ms: None,
            for_whom: None,
            waited_ms: None,
            limit_in_ms: None,
            attempt: None,
            of: None,
            delay_ms: None,
            note: None,
            why: None,
            member: None,
            cause: None,
            error: None,
            took_ms: None,
            silent_ms: None,
        }
    }

    fn with_why(self, why: &'e Why) -> Self {
        match why {
            Why::Signal(signal) => Fields {
                why: Some("signal"),
                signal: Some(*signal),
                ..self
            },
            Why::Member { name, exit, .. } => Fields {
                why: Some("member"),
                member: Some(name),
                error: exit.error(),
                ..self
            },
            Why::ScopeEnded => Fields {
                why: Some("scope_ended"),
                ..self
            },
            Why::AutoShutdown => Fields {
                why: Some("auto_shutdown"),
                ..self
            },
        }
    }
}

fn of_an_end(exit: &Outcome) -> Level {
    match exit.is_ok() {
        true => Level::Info,
        false => Level::Error,
    }
}

fn between(from: Instant, to: Instant) -> u64 {
    ms(to.saturating_duration_since(from))
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn count(number: usize) -> u64 {
    number as u64
}
