//! What a group has refused, and why: [`Refusal`].

use std::error::Error;
use std::fmt;

use crate::grouper::Member;
use crate::id::Stuck;
use crate::sync::Mutex;

/// Something that a group did not do for a member, and why: admit it, restart it, terminate it, remove it, or tell of it.
///
/// [`Admin`](super::Admin) and [`DynamicClient`](super::DynamicClient) refuse alike. A member that was not admitted is in
/// it and comes back.
///
/// ```
/// use ifrit::grouper::{Capacity, Dynamic, Reason};
/// use ifrit::prelude::*;
///
/// let group = Dynamic::new(Capacity::at_most(1));
/// let client = group.client();
/// drop(group);
/// let refused = client.insert(Member::new("late", ifrit::run_fn(|_, _| Ok(())))).unwrap_err();
/// assert_eq!((refused.name(), refused.reason()), ("late", Reason::Closed));
/// assert_eq!(refused.to_string(), "late: the group takes no more members");
/// assert_eq!(refused.into_member().unwrap().name(), "late");
/// ```
pub struct Refusal(Box<Inner>); // in a box: most answers are no refusals

struct Inner {
    name: String,
    reason: Reason,
    stuck: Vec<Stuck>,
    /// A member can be sent but not shared; the lock makes the error shareable, so that `?` works in a runner.
    member: Mutex<Option<Member>>,
}

impl Refusal {
    /// Concerns the member of this name, or with an empty name the whole group.
    pub(in crate::grouper) fn new(name: &str, reason: Reason) -> Self {
        Refusal(Box::new(Inner {
            name: name.to_owned(),
            reason,
            stuck: Vec::new(),
            member: Mutex::new(None),
        }))
    }

    pub(in crate::grouper) fn of_member(reason: Reason, member: Member) -> Self {
        let mut refusal = Refusal::new(&member.name, reason);
        *refusal.0.member.get_mut() = Some(member);
        refusal
    }

    pub(in crate::grouper) fn abandoned(name: &str, stuck: Vec<Stuck>) -> Self {
        let mut refusal = Refusal::new(name, Reason::Abandoned);
        refusal.0.stuck = stuck;
        refusal
    }

    /// The member's name. Empty if the group was asked for no single member, as by [`Admin::list`](super::Admin::list).
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Why it was refused.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The threads that were given up and still run, where that is the [reason](Reason::Abandoned).
    pub fn stuck(&self) -> &[Stuck] {
        &self.0.stuck
    }

    /// The member, as it was given, if it was not admitted.
    pub fn into_member(self) -> Option<Member> {
        self.0.member.into_inner()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.name.is_empty() {
            write!(f, "{}: ", self.0.name)?;
        }
        self.0.reason.fmt(f)
    }
}

impl Error for Refusal {}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("name", &self.0.name)
            .field("reason", &self.0.reason)
            .finish_non_exhaustive()
    }
}

/// Why a group has refused something; see [`Refusal`].
///
/// ```
/// use ifrit::grouper::Reason;
///
/// assert_eq!(Reason::Full.to_string(), "the group is full");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The group takes no more members: it is closed, was told to stop, has ended, or is gone.
    Closed,
    /// The group does not run, or is being stopped; for [`try_insert`](super::DynamicClient::try_insert), it has not run
    /// yet.
    NotRunning,
    /// As many members live as may, and the caller did not want to wait.
    Full,
    /// The caller's patience was over before there was room.
    TimedOut,
    /// The caller was told to stop before there was room.
    StopPending,
    /// A member of the group has this name; in a dynamic group, a living one.
    DuplicateName,
    /// The member has no name.
    EmptyName,
    /// A limit of the member leaves it no time at all.
    ZeroDeadline(&'static str),
    /// The member's backoff is invalid.
    InvalidBackoff,
    /// The member is essential and one-shot, which contradict each other.
    EssentialOneShot,
    /// The group's capacity is 0.
    ZeroCapacity,
    /// The group has no member of this name.
    Unknown,
    /// The member runs already, or is about to.
    Running,
    /// The member is being terminated or removed for another caller.
    Leaving,
    /// The caller would wait for something that waits for the caller.
    WouldDeadlock,
    /// The member was given up; its thread still runs and has its runner. Or it was asked to go and has gone, and left the
    /// thread of a member of its own behind. [`Refusal::stuck`] names the thread.
    Abandoned,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Reason::Closed => "the group takes no more members",
            Reason::NotRunning => "the group does not run, or is being stopped",
            Reason::Full => "the group is full",
            Reason::TimedOut => "no place became free in time",
            Reason::StopPending => "the caller was told to stop before a place became free",
            Reason::DuplicateName => "a living member has this name",
            Reason::EmptyName => "the member has no name",
            Reason::ZeroDeadline(limit) => return write!(f, "its {limit} is zero"),
            Reason::InvalidBackoff => "its backoff is invalid",
            Reason::EssentialOneShot => "it is essential and one-shot",
            Reason::ZeroCapacity => "the capacity of the group is 0",
            Reason::Unknown => "there is no member of this name",
            Reason::Running => "the member runs, or is about to",
            Reason::Leaving => "the member is being terminated or removed for another caller",
            Reason::WouldDeadlock => "the caller would wait for itself",
            Reason::Abandoned => "the member was given up and still runs",
        };
        f.write_str(text)
    }
}
