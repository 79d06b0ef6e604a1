//! How many members a dynamic group has room for: [`Capacity`].

use std::fmt;

/// How many members of a dynamic group may live at the same time.
///
/// ```
/// use ifrit::grouper::{Capacity, Dynamic};
///
/// let workers = Dynamic::new(Capacity::at_most(64));
/// let connections = Dynamic::new(Capacity::unlimited());
/// # let _ = (workers, connections);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capacity(pub(super) Option<usize>);

impl Capacity {
    /// At most so many; a further one waits. None at all is refused, by the run and by every insert.
    pub const fn at_most(members: usize) -> Self {
        Capacity(Some(members))
    }

    /// As many as there are threads to be had.
    pub const fn unlimited() -> Self {
        Capacity(None)
    }

    /// Whether one more may live beside so many others.
    pub(crate) fn has_room_beside(self, others: usize) -> bool {
        self.0.is_none_or(|limit| others < limit)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == Some(0)
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(members) => write!(f, "at most {members}"),
            None => f.write_str("unlimited"),
        }
    }
}
