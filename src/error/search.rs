//! What is found inside an error, at any depth.
//!
//! Invariants:
//! 1. To look inside calls the code of users (an error's `source()`), which may do anything; it is caught. So what the
//!    crate itself must know on threads that others wait for is looked up once, when the error is made, on the thread of
//!    the process that failed: [`Marks`].
//! 2. Nothing recurses: errors may be nested as deep as processes are.

use std::error::Error as StdError;

use super::Exit;
use super::fatal::is_marked;
use super::kinds::Error;
use super::panic::Panic;
use super::text::{chain, raw_chain};
use crate::id::Stuck;
use crate::sync::Arc;

/// What must be known of an error of a user without a look inside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    pub(super) fatal: bool,
    /// It passes on an error of ours that names threads which still run.
    pub(super) leaves_threads: bool,
}

impl Marks {
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        let ours = chain(error).find_map(as_ours);
        Marks {
            fatal: raw_chain(error).any(is_marked) || ours.is_some_and(Error::is_fatal),
            leaves_threads: ours.is_some_and(leaves_threads_here),
        }
    }
}

/// An error of ours, also where `?` has boxed it once more.
pub(super) fn as_ours<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Error> {
    let boxed = || error.downcast_ref::<Box<Error>>().map(|error| &**error);
    let shared = || error.downcast_ref::<Arc<Error>>().map(|error| &**error);
    error.downcast_ref().or_else(boxed).or_else(shared)
}

fn as_theirs<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let boxed = || error.downcast_ref::<Box<E>>().map(|error| &**error);
    let shared = || error.downcast_ref::<Arc<E>>().map(|error| &**error);
    error.downcast_ref().or_else(boxed).or_else(shared)
}

/// An error of ours and all that are inside it, each before those inside it, members in the order of their exits.
struct Within<'e> {
    /// Beside the list, which takes no memory then: most errors have nothing of ours inside.
    first: Option<&'e Error>,
    next: Vec<&'e Error>,
    /// Whether it looks inside the errors of users.
    into_theirs: bool,
}

impl<'e> Iterator for Within<'e> {
    type Item = &'e Error;

    fn next(&mut self) -> Option<&'e Error> {
        let error = self.first.take().or_else(|| self.next.pop())?;
        match error {
            Error::Group(trace) => {
                let members = trace.iter().rev();
                self.next
                    .extend(members.filter_map(|member| member.exit.as_ref().err()));
            }
            Error::StartTimeout { source, .. }
            | Error::TimedOut { source, .. }
            | Error::RestartBudget { source, .. } => {
                self.next.extend(source.as_deref());
            }
            Error::Runner(failure) if self.into_theirs => {
                self.next.extend(chain(&***failure).find_map(as_ours));
            }
            Error::Panicked(panic) if self.into_theirs => {
                let error = panic.error();
                self.next
                    .extend(error.and_then(|error| chain(error).find_map(as_ours)));
            }
            _ => {}
        }
        Some(error)
    }
}

impl Error {
    fn within(&self, into_theirs: bool) -> Within<'_> {
        Within {
            first: Some(self),
            next: Vec::new(),
            into_theirs,
        }
    }

    /// The first error of type `E` inside this one: what a runner returned or panicked with, at any depth.
    ///
    /// Members of a group are searched in the order of their exit. Never blocks.
    ///
    /// ```
    /// use ifrit::{Error, prelude::*};
    ///
    /// let exit = ifrit::background(ifrit::run_fn(|_, _| Ok(drop("x".parse::<u8>()?)))).join();
    /// assert!(exit.unwrap_err().downcast_ref::<std::num::ParseIntError>().is_some());
    /// ```
    pub fn downcast_ref<E: StdError + Send + Sync + 'static>(&self) -> Option<&E> {
        self.within(true).find_map(Error::find_here)
    }

    fn find_here<E: StdError + Send + Sync + 'static>(&self) -> Option<&E> {
        if let Some(this) = (self as &dyn StdError).downcast_ref() {
            return Some(this);
        }
        // Errors of ours below an error of a user are searched when their turn comes.
        let in_chain = |error| {
            chain(error)
                .take_while(|error| as_ours(*error).is_none())
                .find_map(as_theirs)
        };
        match self {
            Error::Runner(failure) => in_chain(&***failure),
            Error::Panicked(panic) => {
                let payload = panic.payload_ref();
                payload.or_else(|| panic.error().and_then(in_chain))
            }
            Error::Spawn { source, .. } | Error::Listen { source, .. } => in_chain(&**source),
            _ => None,
        }
    }

    /// The panic it is, also one that came once the process had been told to stop for not having been ready in time.
    pub(crate) fn as_panic(&self) -> Option<&Panic> {
        match self {
            Error::Panicked(panic) => Some(panic),
            Error::StartTimeout {
                source: Some(source),
                ..
            } => source.as_panic(),
            _ => None,
        }
    }

    /// Every thread this error knows to be still running, at any depth.
    ///
    /// ```
    /// let error = ifrit::Error::AlreadyRan;
    /// assert!(error.stuck().is_empty());
    /// ```
    pub fn stuck(&self) -> Vec<&Stuck> {
        self.within(true).flat_map(Error::stuck_here).collect()
    }

    pub(super) fn stuck_here(&self) -> &[Stuck] {
        match self {
            Error::Abandoned(stuck) => stuck,
            Error::StopTimeout { stuck, .. } => std::slice::from_ref(stuck),
            Error::StartTimeout { stuck, .. } | Error::TimedOut { stuck, .. } => stuck.as_slice(),
            _ => &[],
        }
    }

    /// Whether a runner has marked its error with [`fatal`](crate::fatal), at any depth. [`TooDeep`](Error::TooDeep) is
    /// fatal, too.
    ///
    /// Never blocks.
    ///
    /// ```
    /// let error = ifrit::background(ifrit::run_fn(|_, _| Err(ifrit::fatal("no license")))).join().unwrap_err();
    /// assert!(error.is_fatal());
    /// assert_eq!(error.to_string(), "no license");
    /// ```
    pub fn is_fatal(&self) -> bool {
        // Invariant 1: the marks say it.
        self.within(false).any(|error| match error {
            Error::Runner(failure) => failure.marks().fatal,
            Error::Panicked(panic) => panic.marks().fatal,
            Error::TooDeep { .. } => true, // each of those around would try again
            _ => false,
        })
    }
}

/// Whether a thread was given up in this run, and is still running.
pub(crate) fn leaves_threads(exit: &Exit) -> bool {
    exit.as_ref().is_err_and(leaves_threads_here)
}

fn leaves_threads_here(error: &Error) -> bool {
    error.within(false).any(|error| {
        let passed_on = match error {
            Error::Runner(failure) => failure.marks().leaves_threads,
            Error::Panicked(panic) => panic.marks().leaves_threads,
            _ => false,
        };
        passed_on || !error.stuck_here().is_empty()
    })
}
