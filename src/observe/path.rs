//! Where a process stands, as an event says it: [`Path`].

use std::fmt;

use crate::ancestor::{self, Ancestor};
use crate::id::ProcessId;
use crate::sync::Arc;

/// Where a process stands, such as `app/web/listener`: what [`Process::path`](crate::Process::path) says, and the same
/// rules hold.
///
/// It is fixed at the start of the process. Clones are cheap, and so is a path that is never printed: its text is made by
/// `Display`.
///
/// ```
/// let events = ifrit::observe::events();
/// let process = ifrit::Process::builder().name("one/two").background(ifrit::run_fn(|_, _| Ok(())));
/// process.join()?;
/// let event = events.try_iter().find(|event| event.id == process.id()).unwrap();
/// assert_eq!(event.path.name(), "one/two");
/// assert_eq!(event.path.to_string(), "one%2Ftwo");
/// assert_eq!(event.path.to_string(), process.path());
/// assert_eq!(event.path.above().count(), 0);
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Clone)]
pub struct Path {
    name: Arc<str>,
    above: Option<Arc<Ancestor>>,
}

impl Path {
    pub(crate) fn new(name: &Arc<str>, above: Option<&Arc<Ancestor>>) -> Self {
        Path {
            name: ancestor::bounded(name), // the newest events of the program are kept, and their names with them
            above: above.cloned(),
        }
    }

    /// The name of the process, as it is. Where it has more than 1,000 bytes it is cut, with `…`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The numbers of the processes above it at its start, the nearest first.
    pub fn above(&self) -> impl Iterator<Item = ProcessId> {
        ancestor::ids(self.above.as_ref())
    }

    /// Writes the path with `*` in place of each name of a process that comes and goes.
    #[cfg(feature = "metrics")]
    pub(super) fn write_pattern(&self, to: &mut impl fmt::Write) -> fmt::Result {
        ancestor::write_pattern(to, &self.name, self.above.as_ref())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ancestor::write_path(f, &self.name, self.above.as_ref())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
