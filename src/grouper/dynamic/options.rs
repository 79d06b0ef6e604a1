//! What a dynamic group is built with.

use super::capacity::Capacity;

/// Which ends of members stop a dynamic group; see [`Dynamic::stop_on_exit`](super::Dynamic::stop_on_exit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ends {
    /// Every end.
    Any,
    /// Ends with an error.
    Errors,
}

/// What the group was built with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) capacity: Capacity,
    pub(super) event_buffer: usize,
    pub(super) history: usize,
    pub(super) reuse_threads: bool,
    pub(super) ends: Option<Ends>,
}
