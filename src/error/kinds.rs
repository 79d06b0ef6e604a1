//! Every way a run can end badly: [`Error`].

use std::io;
use std::time::Duration;

use super::exit::{BoxError, Exit};
use super::{ExitTrace, Failure, NotReloaded, Panic};
use crate::id::Stuck;
use crate::signal::Signal;
use crate::sync::Arc;

/// Every way a run can end badly.
///
/// It is cheap to clone, since every waiter receives one. Its `Display` says all that it knows, and ends with the error
/// that the runner returned and the sources of that error, each once. So its own `source()` is always `None`, and whatever
/// prints a chain of sources prints nothing twice. [`downcast_ref`](Error::downcast_ref) finds the runner's error, through
/// groups, restarts and panics.
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
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The runner returned this error.
    Runner(Failure),

    /// The runner panicked.
    Panicked(Panic),

    /// A group ended, and not every member ended well.
    Group(ExitTrace),

    /// Members share a name. Nothing was started. Every repeat is listed, in order.
    DuplicateNames(Vec<String>),

    /// Members have an empty name. Nothing was started.
    EmptyNames {
        /// Their places among the members, from 0.
        positions: Vec<usize>,
    },

    /// A deadline of no length was asked for, or none of what there must be at least one. Nothing was started.
    ZeroDeadline {
        /// The member or process it was asked for.
        who: String,
        /// The option, such as `stop_within` or `attempts`.
        option: &'static str,
    },

    /// A dynamic group was given room for no member.
    ZeroCapacity,

    /// The operating system gave no thread, or the program has as many as it can bear.
    Spawn {
        /// The process that was to run on it.
        name: String,
        /// What the operating system said.
        source: Arc<io::Error>,
    },

    /// The run ended well, but the one who waited for it to become ready waited in vain.
    ExitedBeforeReady {
        /// The process.
        name: String,
    },

    /// The process was not ready in time and was told to stop because of it.
    StartTimeout {
        /// The process.
        name: String,
        /// How long it was given: the limit that was set, for the process or for a group above it.
        after: Duration,
        /// Its thread, if that would not stop either.
        stuck: Option<Stuck>,
        /// What its run returned once it was told to stop, if that was an error; or the failure after which it waited
        /// for its restart.
        source: Option<Box<Error>>,
    },

    /// The job did not end in time and was told to stop because of it; see
    /// [`Batch::job_within`](crate::grouper::Batch::job_within).
    TimedOut {
        /// The job. Its `Display` does not say it, as that of no other error of a job does.
        name: String,
        /// How long it was given.
        after: Duration,
        /// Its thread, if that would not stop either.
        stuck: Option<Stuck>,
        /// What its run returned once it was told to stop, if that was an error.
        source: Option<Box<Error>>,
    },

    /// The process did not stop in time, although it was told KILL before the end. It still runs.
    StopTimeout {
        /// How long it was given, KILL and what comes after it included: the limit that was set.
        after: Duration,
        /// Who it is.
        stuck: Stuck,
    },

    /// Told to stop, told KILL, past every deadline: these threads were given up and still run.
    Abandoned(Vec<Stuck>),

    /// One restart too many.
    RestartBudget {
        /// Who was restarted, or whose members were.
        name: String,
        /// How many restarts were allowed.
        restarts: usize,
        /// Within which time.
        within: Duration,
        /// The last error, unless the last end was Ok.
        source: Option<Box<Error>>,
        /// The ends that asked for those restarts, oldest first, the last one included.
        history: Arc<[Exit]>,
    },

    /// An [essential](crate::grouper::Member::essential) member ended Ok, and was not told to.
    EndedUnasked {
        /// The member.
        name: String,
    },

    /// A member is [essential](crate::grouper::Member::essential) and one-shot, which contradict each other. Nothing was
    /// started.
    EssentialOneShot {
        /// The member.
        name: String,
    },

    /// A backoff that makes no sense. Nothing was started.
    InvalidBackoff(&'static str),

    /// The caller would wait for itself: this is its own process, or one that cannot end, or become ready,
    /// before the caller has.
    WouldDeadlock {
        /// The process.
        name: String,
    },

    /// Not all that take part in a [reload](crate::Process::reload) have reloaded.
    NotReloaded {
        /// How long the caller has waited at most.
        within: Duration,
        /// Those that have not.
        failed: Vec<NotReloaded>,
    },

    /// It was not started, because a stop came before its turn.
    NotStarted,

    /// A runner made by [`run_once`](crate::run_once) was run a second time.
    AlreadyRan,

    /// So many runners that run others on their own thread, restarters and sigmons, stand in each other that the stack might
    /// not suffice. The innermost was not started. Nothing is restarted after it.
    TooDeep {
        /// How many may.
        limit: usize,
    },

    /// The operating system lets no program handle this signal.
    UncatchableSignal(Signal),

    /// The operating system refused to hand over a signal.
    Listen {
        /// The signal.
        signal: Signal,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
}

impl Error {
    /// Wraps what a runner returned. An `Error` of ours stays what it is.
    pub(crate) fn from_runner(error: BoxError) -> Self {
        match error.downcast::<Error>() {
            Ok(ours) => *ours,
            // `?` on an error that was boxed for its size boxes it once more.
            Err(theirs) => match theirs.downcast::<Box<Error>>() {
                Ok(boxed) => **boxed,
                Err(theirs) => Error::Runner(theirs.into()),
            },
        }
    }

    /// The thread `name` did not start.
    pub(crate) fn spawn(name: &str, source: io::Error) -> Self {
        Error::Spawn {
            name: name.to_owned(),
            source: Arc::new(source),
        }
    }
}
