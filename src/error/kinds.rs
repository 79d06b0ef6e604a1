//! Every way a run can end badly: [`Error`].

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use super::exit::{BoxError, Exit};
use super::{ExitTrace, Failure, Panic};
use crate::id::Stuck;
use crate::signal::Signal;
use crate::sync::Arc;

fn list<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// Every way a run can end badly.
///
/// It is cheap to clone, since every waiter receives one. What a runner itself returned is inside:
/// [`downcast_ref`](Error::downcast_ref) finds it, through groups, restarts and panics.
///
/// ```
/// use ifrit::prelude::*;
/// use std::io;
///
/// let worker = ifrit::run_fn(|_, _| Err(io::Error::from(io::ErrorKind::AddrInUse).into()));
/// let group = ifrit::grouper::Ordered::new(Members::new().add("worker", worker));
/// let error = ifrit::background(group).join().unwrap_err();
/// let cause = error.downcast_ref::<io::Error>().expect("it is inside");
/// assert_eq!(cause.kind(), io::ErrorKind::AddrInUse);
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The runner returned this error.
    #[error("{0}")]
    Runner(#[source] Failure),

    /// The runner panicked.
    #[error("{0}")]
    Panicked(Panic),

    /// A group ended, and not every member ended well.
    #[error("{0}")]
    Group(ExitTrace),

    /// Members share a name. Nothing was started. Every repeat is listed, in order.
    #[error("duplicate member names: {}", list(.0))]
    DuplicateNames(Vec<String>),

    /// Members have an empty name. Nothing was started.
    #[error("members without a name, at positions: {}", list(positions))]
    EmptyNames {
        /// Their places among the members, from 0.
        positions: Vec<usize>,
    },

    /// A deadline of no length was asked for. Nothing was started.
    #[error("{who}: {option} is zero")]
    ZeroDeadline {
        /// The member or process it was asked for.
        who: String,
        /// The option, such as `stop_within`.
        option: &'static str,
    },

    /// A dynamic group was given room for nobody.
    #[error("the capacity of the group is 0")]
    ZeroCapacity,

    /// The operating system gave no thread, or the program has as many as it can bear.
    #[error("{name}: cannot start a thread: {source}")]
    Spawn {
        /// The process that was to run on it.
        name: String,
        /// What the operating system said.
        #[source]
        source: Arc<io::Error>,
    },

    /// The run ended well, but the one who waited for it to become ready waited in vain.
    #[error("{name}: exited before it was ready")]
    ExitedBeforeReady {
        /// The process.
        name: String,
    },

    /// The process was not ready in time and was told to stop because of it.
    #[error("{name}: not ready within {after:?}{}", also(stuck.as_ref(), source.as_deref()))]
    StartTimeout {
        /// The process.
        name: String,
        /// How long it was given.
        after: Duration,
        /// Its thread, if that would not stop either.
        stuck: Option<Stuck>,
        /// What its run returned once it was told to stop, if that was an error.
        #[source]
        source: Option<Box<Error>>,
    },

    /// The process did not stop in time, was told KILL, and did not return within the grace after that either. It
    /// still runs.
    #[error("{stuck}: did not stop within {after:?}, nor when told KILL")]
    StopTimeout {
        /// How long it was given before KILL.
        after: Duration,
        /// Who it is.
        stuck: Stuck,
    },

    /// Told to stop, told KILL, past every deadline: these threads were given up and still run.
    #[error("abandoned, still running: {}", list(.0))]
    Abandoned(Vec<Stuck>),

    /// One restart too many.
    #[error("{name}: more than {restarts} restarts within {within:?}{}", also(None, source.as_deref()))]
    RestartBudget {
        /// Who was restarted, or whose members were.
        name: String,
        /// How many restarts were allowed.
        restarts: usize,
        /// Within which time.
        within: Duration,
        /// The last error, unless the last end was Ok.
        #[source]
        source: Option<Box<Error>>,
        /// The ends that asked for those restarts, oldest first, the last one included.
        history: Arc<[Exit]>,
    },

    /// A backoff that makes no sense. Nothing was started.
    #[error("the backoff is invalid: {0}")]
    InvalidBackoff(&'static str),

    /// The process was asked to wait for itself.
    #[error("{name}: a process cannot wait for itself")]
    WouldDeadlock {
        /// The process.
        name: String,
    },

    /// It was not started, because a stop came before its turn.
    #[error("stopped before it was started")]
    NotStarted,

    /// A runner made by [`run_once`](crate::run_once) was run a second time.
    #[error("this runner can run only once, and has")]
    AlreadyRan,

    /// The operating system lets no program handle this signal.
    #[error("{0} cannot be caught")]
    UncatchableSignal(Signal),

    /// The operating system refused to hand over a signal.
    #[error("cannot listen for {signal}: {source}")]
    Listen {
        /// The signal.
        signal: Signal,
        /// What the operating system said.
        #[source]
        source: Arc<io::Error>,
    },
}

/// Whether somebody was given up in this run, and is still running.
pub(crate) fn leaves_threads(exit: &Exit) -> bool {
    exit.as_ref().is_err_and(|error| !error.stuck().is_empty())
}

fn also(stuck: Option<&Stuck>, source: Option<&Error>) -> String {
    match (stuck, source) {
        (Some(stuck), _) => format!(", and still running: {stuck}"),
        (None, Some(source)) => format!(": {source}"),
        (None, None) => String::new(),
    }
}

impl Error {
    /// Wraps what a runner returned. An `Error` of ours stays what it is.
    pub(crate) fn from_runner(error: BoxError) -> Self {
        match error.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(theirs) => Error::Runner(theirs.into()),
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
        if let Some(this) = (self as &dyn StdError).downcast_ref() {
            return Some(this);
        }
        match self {
            Error::Runner(failure) => find(&***failure),
            Error::Panicked(panic) => panic.payload_ref().or_else(|| panic.error().and_then(find)),
            Error::Group(trace) => trace
                .iter()
                .filter_map(|member| member.exit.as_ref().err())
                .find_map(Error::downcast_ref),
            Error::StartTimeout {
                source: Some(source),
                ..
            }
            | Error::RestartBudget {
                source: Some(source),
                ..
            } => source.downcast_ref(),
            // Their `source()` is the `Arc`, which is not what anybody looks for.
            Error::Spawn { source, .. } | Error::Listen { source, .. } => find(&**source),
            other => StdError::source(other).and_then(find),
        }
    }

    /// Every thread this error knows to be still running, at any depth.
    ///
    /// ```
    /// let error = ifrit::Error::AlreadyRan;
    /// assert!(error.stuck().is_empty());
    /// ```
    pub fn stuck(&self) -> Vec<&Stuck> {
        match self {
            Error::Abandoned(stuck) => stuck.iter().collect(),
            Error::StopTimeout { stuck, .. } => vec![stuck],
            Error::StartTimeout { stuck, source, .. } => {
                let inner = source.iter().flat_map(|source| source.stuck());
                stuck.iter().chain(inner).collect()
            }
            Error::Group(trace) => trace
                .iter()
                .filter_map(|member| member.exit.as_ref().err())
                .flat_map(Error::stuck)
                .collect(),
            Error::RestartBudget {
                source: Some(source),
                ..
            } => source.stuck(),
            _ => Vec::new(),
        }
    }
}

/// Searches a chain of sources, entering every `Error` of ours on the way.
fn find<'e, E: StdError + Send + Sync + 'static>(
    error: &'e (dyn StdError + 'static),
) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // `?` on an error that was boxed for its size boxes it once more.
        if let Some(found) = error.downcast_ref::<Box<E>>() {
            return Some(found);
        }
        if let Some(ours) = error.downcast_ref::<Error>() {
            return ours.downcast_ref();
        }
        next = error.source();
    }
    None
}
