//! What a process says of itself: notes.

use std::fmt::Display;

use super::current::current_core;
use super::handle::Process;

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

/// What it says of itself.
impl Process {
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
