//! Who stands above a process, and who below: parents, roots, paths.

use std::hash::{Hash, Hasher};

use super::core::{Core, registry};
use super::handle::Process;
use super::status::Status;
use crate::ancestor;
use crate::disposal::defer_quietly;
use crate::id::ProcessId;
use crate::sync::Arc;

/// Paths and finding. A process stands below the one on whose thread it was started; a member, below the process in
/// which its group runs.
impl Process {
    /// The process that has started this one, while that one lives: `None` once it has exited, and for a process that
    /// was started outside of any process.
    ///
    /// Never blocks.
    ///
    /// ```
    /// use ifrit::prelude::*;
    ///
    /// let idle = ifrit::run_fn(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// });
    /// let app = ifrit::invoke(Ordered::new(Members::new().add("db", idle)));
    /// let db = app.find("db").expect("it is ready");
    /// assert_eq!(db.parent(), Some(app.clone()));
    /// assert_eq!(app.parent(), None);
    /// # app.signal(Signal::INTERRUPT);
    /// # app.join().unwrap();
    /// ```
    pub fn parent(&self) -> Option<Process> {
        let _deferring = defer_quietly();
        living(self.0.above.as_ref()?.id).map(Process::from_core)
    }

    /// The highest of the living processes above this one, as the [tree](crate::tree()) shows them; this one itself, if
    /// there is none above it.
    ///
    /// Never blocks.
    ///
    /// ```
    /// use ifrit::testing::never_ready;
    ///
    /// let process = ifrit::background(never_ready());
    /// assert_eq!(process.root(), process);
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn root(&self) -> Process {
        let _deferring = defer_quietly();
        let above = |core: &Arc<Core>| core.parent().and_then(living);
        let line = std::iter::successors(Some(Arc::clone(&self.0)), above);
        line.last().map_or_else(|| self.clone(), Process::from_core)
    }

    /// The names of the processes above it at its start, and its own, such as `app/web/listener`.
    ///
    /// It is fixed at the start, and stays the same when those above have gone. In a name, `/` is written as `%2F`, `%` as
    /// `%25`, and so are control characters, as `%0A`; so a path can be split at each `/` and stands on one line. A name
    /// of more than 1,000 bytes is cut, with `…`. A path has at most about 1,000 names: below the thousandth it begins
    /// anew, with `…/`. Never blocks; takes time that grows with the depth.
    ///
    /// ```
    /// use ifrit::prelude::*;
    ///
    /// let name = ifrit::run_fn(|_, _| Err(ifrit::current().expect("a process").path().into()));
    /// let group = Parallel::new(Members::new().add("1/2", name));
    /// let app = Process::builder().name("app").background(group);
    /// assert!(app.join().unwrap_err().to_string().contains("app/1%2F2"));
    /// ```
    pub fn path(&self) -> String {
        self.0.path().to_string()
    }

    /// The living process whose [path](Process::path) is that of this one, a `/`, and `path`.
    ///
    /// Of several, one that has not been given up is preferred, and of these the one started first. Every process that
    /// it finds is in the [tree](crate::tree()). Never blocks; takes time that grows with the number of all processes.
    ///
    /// ```
    /// use ifrit::testing::signal_recorder;
    /// use ifrit::prelude::*;
    ///
    /// let (listener, _) = signal_recorder();
    /// let web = Parallel::new(Members::new().add("listener", listener));
    /// let app = ifrit::invoke(Ordered::new(Members::new().add("web", web)));
    /// let listener = app.find("web/listener").expect("it is ready");
    /// assert_eq!(listener.name(), "listener");
    /// assert!(app.find("listener").is_none());
    /// # app.signal(Signal::INTERRUPT);
    /// # app.join().unwrap();
    /// ```
    pub fn find(&self, path: &str) -> Option<Process> {
        let _deferring = defer_quietly(); // the last handle to a process that has exited may fall here
        let mut found = None;
        for core in registry::living() {
            if !ancestor::leads(self.id(), path, &core.name, core.above.as_ref()) {
                continue;
            }
            match core.status() {
                Status::Exited => {}
                Status::Abandoned => {
                    found.get_or_insert(core);
                }
                _ => return Some(Process::from_core(core)),
            }
        }
        found.map(Process::from_core)
    }
}

/// An exit is published a moment before its thread is done.
fn living(id: ProcessId) -> Option<Arc<Core>> {
    registry::get(id).filter(|core| core.status() != Status::Exited)
}

/// Handles to the same process are equal. Only the [id](Process::id), which never changes, is compared and hashed; so a
/// `Process` is a sound key, also where clippy's `mutable_key_type` asks.
impl PartialEq for Process {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Process {}

impl Hash for Process {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.id().hash(hasher);
    }
}
