//! What names a process, while it runs and after: [`ProcessId`], [`Stuck`].

use std::fmt;
use std::time::Duration;

use crate::limit::Limit;
use crate::signal::Signal;
use crate::sync::thread::ThreadId;

/// The number of a process, unique in this program.
///
/// ```
/// use ifrit::prelude::*;
///
/// let one = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// let two = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// assert!(one.id() < two.id());
/// println!("{}", one.id());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub(crate) u64);

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A thread that did not stop: the answer to "who is stuck?".
///
/// A thread cannot be killed. It is named here, and it stays in the process [`tree`](crate::tree()) until it is gone.
///
/// ```
/// use ifrit::{Error, prelude::*};
/// use std::time::Duration;
///
/// let (release, released) = ifrit::crossbeam_channel::bounded::<()>(0);
/// let deaf = ifrit::Process::builder()
///     .name("deaf")
///     .kill_grace(Duration::from_millis(1))
///     .background(ifrit::run_fn(move |_, _| Ok(released.recv().unwrap_or(()))));
/// match deaf.stop(Signal::TERMINATE, Duration::from_millis(1)) {
///     Err(Error::StopTimeout { stuck, .. }) => assert_eq!(stuck.name, "deaf"),
///     other => panic!("{other:?}"),
/// }
/// drop(release);
/// assert!(deaf.join().is_ok());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stuck {
    /// The name of the process, which is the name of its thread.
    pub name: String,
    /// Its number.
    pub id: ProcessId,
    /// Its thread, once that has started to run.
    pub thread: Option<ThreadId>,
    /// The number of that thread at the operating system: what `ps -L`, `top -H` and debuggers call it. On Linux.
    pub os_thread_id: Option<u32>,
    pub(crate) seen: Box<Seen>,
}

/// What was seen of a stuck thread when it was given up. In a box, since errors are to be small.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) kernel_state: Option<String>,
    pub(crate) told: Option<Signal>,
    pub(crate) killed: bool,
    pub(crate) limit: Option<Limit>,
    pub(crate) last_event: Option<String>,
}

impl Stuck {
    /// Its path, as [`Process::path`](crate::Process::path) has it.
    pub fn path(&self) -> &str {
        &self.seen.path
    }

    /// What the kernel said of its thread when that was given up, such as `sleeping in read of file descriptor 7`.
    ///
    /// In brackets may stand the kernel's own word for the place. It is read from `/proc`; `None` where there is none, or
    /// where very many threads were given up at once.
    pub fn kernel_state(&self) -> Option<&str> {
        self.seen.kernel_state.as_deref()
    }

    /// What it did last of itself, and how long before it was given up, such as
    /// `9 s before it was given up: it became ready`. The signals it was told are none of its own doing. `None` where that
    /// is too long ago to be known.
    pub fn last_event(&self) -> Option<&str> {
        self.seen.last_event.as_deref()
    }

    /// The latest stop signal before KILL that it was told.
    pub fn told(&self) -> Option<Signal> {
        self.seen.told
    }

    /// The limit that was over then, as it was set, wherever that was; or the grace, where KILL came early. `None` if it
    /// was given up without one.
    pub fn limit(&self) -> Option<Duration> {
        self.seen.limit.map(|limit| limit.set)
    }

    /// Whether it was told KILL.
    pub fn was_killed(&self) -> bool {
        self.seen.killed
    }
}
