//! A member that was not admitted: [`Refusal`].

use std::fmt;

use crate::grouper::Member;
use crate::sync::Mutex;

/// A member that was not admitted, and why. It gives the member back.
///
/// ```
/// use ifrit::grouper::{Capacity, Dynamic, Reason};
/// use ifrit::prelude::*;
///
/// let group = Dynamic::new(Capacity::at_most(1));
/// let client = group.client();
/// drop(group);
/// let error = client.insert(Member::new("late", ifrit::run_fn(|_, _| Ok(())))).unwrap_err();
/// assert_eq!(error.reason(), Reason::Closed);
/// assert_eq!(error.into_member().name(), "late");
/// ```
#[derive(thiserror::Error)]
#[error("{name}: {reason}")]
pub struct Refusal {
    name: String,
    reason: Reason,
    /// A member can be sent but not shared; the lock makes the error shareable, so that `?` works in a runner.
    member: Mutex<Member>,
}

impl Refusal {
    pub(in crate::grouper) fn new(reason: Reason, member: Member) -> Box<Self> {
        Box::new(Refusal {
            name: member.name.to_string(),
            reason,
            member: Mutex::new(member),
        })
    }

    /// Why it was not admitted.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The member, as it was given.
    pub fn into_member(self) -> Member {
        self.member.into_inner()
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("name", &self.name)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// Why a member was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The group is closed, was told to stop, has ended and is not run again yet, or is gone.
    #[error("the group takes no more members")]
    Closed,
    /// The group has not run yet, and the caller did not want to wait.
    #[error("the group does not run")]
    NotRunning,
    /// As many members live as may, and the caller did not want to wait.
    #[error("the group is full")]
    Full,
    /// The caller has waited as long as it wanted to.
    #[error("no place became free in time")]
    TimedOut,
    /// A living member has this name.
    #[error("a living member has this name")]
    DuplicateName,
    /// The member has no name.
    #[error("the member has no name")]
    EmptyName,
    /// A limit of the member leaves it no time at all.
    #[error("its {0} is zero")]
    ZeroDeadline(&'static str),
    /// Its backoff is invalid.
    #[error("its backoff is invalid")]
    InvalidBackoff,
    /// The group's capacity is 0.
    #[error("the capacity of the group is 0")]
    ZeroCapacity,
}
