//! Hearing of the exit of one member: [`Watcher`].

use crate::error::Exit;
use crate::sync::channel::Sender;

/// Says that a member has exited, once no lock is held, and once the member's name and its place are free.
///
/// What it says is said when it is dropped: the exit is heard under locks, and what was kept for the member is dropped after
/// those were released.
pub(in crate::grouper) struct Watcher {
    number: usize,
    exits: Sender<(usize, Exit)>,
    exit: Option<Exit>,
}

impl Watcher {
    /// Says it to `exits`, with this number.
    pub(in crate::grouper) fn new(number: usize, exits: Sender<(usize, Exit)>) -> Self {
        Watcher {
            number,
            exits,
            exit: None,
        }
    }

    pub(super) fn hear(&mut self, exit: &Exit) {
        self.exit = Some(exit.clone());
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(exit) = self.exit.take() {
            let _ = self.exits.send((self.number, exit));
        }
    }
}
