//! What is heard of a process and of those below it.

use super::handle::Process;
use crate::observe::{self, CriticalChain, Event, Events};

/// What is heard of it.
impl Process {
    /// What happens to this process and to all that stand below it, also those that start later: a stream that begins with
    /// the past events among the newest 1,024 of the program.
    ///
    /// It does not end with the process, since others may stand below it still: its exit is an event. Below the thousandth
    /// level a path begins anew, and so do those who listen. The listener has room for 2,048 events. Never blocks.
    ///
    /// ```
    /// use ifrit::observe::What;
    /// use ifrit::prelude::*;
    ///
    /// let job = ifrit::run_fn(|_, _| Ok(()));
    /// let app = ifrit::background(Parallel::new(Members::new().add("job", job)));
    /// let mut names = Vec::new();
    /// for event in app.events() {
    ///     if let What::Exited { .. } = event.what {
    ///         names.push(event.path.name().to_owned());
    ///         if event.id == app.id() {
    ///             break;
    ///         }
    ///     }
    /// }
    /// assert_eq!(names, ["job", app.name()]);
    /// # app.join()?;
    /// # Ok::<(), ifrit::Error>(())
    /// ```
    pub fn events(&self) -> Events<Event> {
        observe::events_below(self.id())
    }

    /// Who made its start slow, or makes it slow now; see [`CriticalChain`]. It is found in the newest 1,024 events of the
    /// program; `None` if its start is not told of there, or if it has exited without having become ready. Never blocks.
    ///
    /// ```
    /// use ifrit::prelude::*;
    ///
    /// let waits = ifrit::testing::never_ready();
    /// let app = Ordered::new(Members::new().add("forgets to say ready", waits));
    /// let app = ifrit::background(app);
    /// # while ifrit::tree().get(app.id()).is_none_or(|app| app.children.is_empty()) {
    /// #     std::thread::yield_now();
    /// # }
    /// let chain = app.critical_chain().unwrap();
    /// let waits_for = chain.links.last().unwrap();
    /// assert_eq!(waits_for.path.name(), "forgets to say ready");
    /// assert!(waits_for.ready.is_none());
    /// # app.signal(Signal::KILL);
    /// ```
    pub fn critical_chain(&self) -> Option<CriticalChain> {
        let now = self.clock().now();
        observe::timeline().critical_chain_until(self.id(), Some(now))
    }
}
