//! Exits as the model knows them, and whether a real one is the same.

use std::fmt;
use std::time::Duration;

use ifrit::error::{Cause, ExitTrace, MemberExit};
use ifrit::{Error, process::Stuck};

use crate::kit::How;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Exit {
    Ok,
    Broken,
    Panicked,
    Fatal,
    /// An essential member that ended Ok.
    Unasked,
    Group(Vec<Record>),
    /// Who is stuck.
    Abandoned(Vec<String>),
    StartTimeout {
        /// As it was set.
        after: Option<Duration>,
        stuck: bool,
        source: Option<Box<Exit>>,
    },
    Budget {
        source: Option<Box<Exit>>,
    },
}

/// What the trace of a group says of one exit.
#[derive(Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) name: String,
    /// Which of the processes that the member has been.
    pub(crate) number: usize,
    pub(crate) exit: Exit,
    pub(crate) cause: Cause,
    pub(crate) time_to_stop: Option<Duration>,
    /// Exits of one batch may come in any order: nothing that happened in between made one wait for the other.
    pub(crate) batch: (usize, usize),
}

impl From<How> for Exit {
    fn from(how: How) -> Self {
        match how {
            How::Ok => Exit::Ok,
            How::Err => Exit::Broken,
            How::Panic => Exit::Panicked,
            How::Fatal => Exit::Fatal,
        }
    }
}

impl Exit {
    pub(crate) fn is_ok(&self) -> bool {
        *self == Exit::Ok
    }

    pub(crate) fn error(self) -> Option<Box<Exit>> {
        (!self.is_ok()).then(|| Box::new(self))
    }

    /// Whether a thread was given up that may still run.
    pub(crate) fn leaves_threads(&self) -> bool {
        match self {
            Exit::Ok | Exit::Broken | Exit::Panicked | Exit::Fatal | Exit::Unasked => false,
            Exit::Abandoned(_) => true,
            Exit::Group(trace) => trace.iter().any(|record| record.exit.leaves_threads()),
            Exit::StartTimeout { stuck, source, .. } => {
                *stuck || source.as_ref().is_some_and(|exit| exit.leaves_threads())
            }
            Exit::Budget { source } => source.as_ref().is_some_and(|exit| exit.leaves_threads()),
        }
    }

    /// Whether there is an error in it that nothing is restarted after.
    pub(crate) fn is_fatal(&self) -> bool {
        match self {
            Exit::Fatal => true,
            Exit::Group(trace) => trace.iter().any(|record| record.exit.is_fatal()),
            Exit::StartTimeout { source, .. } | Exit::Budget { source } => {
                source.as_ref().is_some_and(|exit| exit.is_fatal())
            }
            Exit::Ok | Exit::Broken | Exit::Panicked | Exit::Unasked | Exit::Abandoned(_) => false,
        }
    }

    pub(crate) fn is(&self, real: &ifrit::Exit) -> bool {
        let Err(error) = real else {
            return self.is_ok();
        };
        match (self, error) {
            (Exit::Broken, Error::Runner(error)) => error.to_string() == "broken",
            (Exit::Panicked, Error::Panicked(_)) => true,
            (Exit::Fatal, Error::Runner(_)) => {
                error.to_string() == "no license" && error.is_fatal()
            }
            (Exit::Unasked, Error::EndedUnasked { .. }) => true,
            (Exit::Group(model), Error::Group(real)) => is_trace(model, real),
            (Exit::Abandoned(names), Error::Abandoned(stuck)) => *names == names_of(stuck),
            (
                Exit::StartTimeout {
                    after,
                    stuck,
                    source,
                },
                Error::StartTimeout {
                    after: really_after,
                    stuck: really,
                    source: real,
                    ..
                },
            ) => {
                *after == Some(*really_after)
                    && *stuck == really.is_some()
                    && is_source(source, real)
            }
            (Exit::Budget { source }, Error::RestartBudget { source: real, .. }) => {
                is_source(source, real)
            }
            _ => false,
        }
    }
}

fn is_source(model: &Option<Box<Exit>>, real: &Option<Box<Error>>) -> bool {
    match (model, real) {
        (None, None) => true,
        (Some(model), Some(real)) => model.is(&Err((**real).clone())),
        _ => false,
    }
}

fn names_of(stuck: &[Stuck]) -> Vec<String> {
    let mut names: Vec<_> = stuck.iter().map(|stuck| stuck.name.clone()).collect();
    names.sort();
    names
}

fn is_trace(model: &[Record], real: &ExitTrace) -> bool {
    if model.len() != real.len() {
        return false;
    }
    let mut rest = &real[..];
    for batch in model.chunk_by(|one, other| one.batch == other.batch) {
        let (of_batch, others) = rest.split_at(batch.len());
        rest = others;
        let mut of_batch: Vec<_> = of_batch.iter().collect();
        of_batch.sort_by(|one, other| one.name.cmp(&other.name));
        if !batch
            .iter()
            .zip(of_batch)
            .all(|(model, real)| model.is(real))
        {
            return false;
        }
    }
    true
}

impl Record {
    pub(crate) fn unasked(self) -> Self {
        let exit = Exit::Unasked;
        Record { exit, ..self }
    }

    fn is(&self, real: &MemberExit) -> bool {
        self.name == real.name
            && self.cause == real.cause
            && self.time_to_stop == real.time_to_stop
            && self.exit.is(&real.exit)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} [{}", self.name, self.exit, self.cause)?;
        match self.time_to_stop {
            Some(time) => write!(f, ", {time:?}]"),
            None => f.write_str("]"),
        }
    }
}
