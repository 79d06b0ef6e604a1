//! What a process says of itself: notes and events.

use std::fmt::Display;

use super::current::current_core;
use super::handle::Process;
use crate::observe::{self, CriticalChain, Event, Events};

/// Notes something of the process on whose thread it is called: an [event](crate::observe::What::Note) for those who
/// listen, and the last note is shown in the [tree](crate::tree()).
///
/// It is one line of at most 1,000 bytes: control characters are escaped, and what is longer is cut. On a thread that
/// belongs to no process it does nothing, and the text is not asked for. Never blocks.
///
/// ```
/// use ifrit::process::note;
/// use ifrit::prelude::*;
///
/// let consumer = ifrit::invoke(ifrit::run_fn(|signals, ready| {
///     note(format_args!("offset {}", 42));
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// }));
/// let tree = ifrit::tree();
/// assert_eq!(tree.get(consumer.id()).unwrap().note.as_deref(), Some("offset 42"));
/// # consumer.signal(Signal::INTERRUPT);
/// # consumer.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
pub fn note(text: impl Display) {
    if let Some(core) = current_core() {
        core.note(text);
    }
}

/// What a process says.
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

    /// Notes something of this process, as [`note`](crate::process::note) does of the one that calls it. Once its thread
    /// has ended it does nothing. Never blocks.
    ///
    /// ```
    /// use ifrit::testing::never_ready;
    ///
    /// let process = ifrit::background(never_ready());
    /// process.note("two\nlines");
    /// assert_eq!(ifrit::tree().get(process.id()).unwrap().note.as_deref(), Some(r"two\nlines"));
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn note(&self, text: impl Display) {
        self.core().note(text);
    }
}
