//! Limits as instants: when something must be over, and when KILL comes before that.
//!
//! All arithmetic on limits is here. One rule serves twice. A limit ends with KILL and, a little later, with giving up;
//! and a limit that is handed down a tree ends a little earlier below than above, so that what is inside can still say
//! who was slow. "A little" is the grace, or a tenth of the time that is left where that is less ([`kept_back`]). A plan
//! foretells with the same arithmetic how long a stop may take.

use std::time::{Duration, Instant};

/// How long a process may take to return after KILL. Default: 1 s.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(1);

/// A limit and the instant at which it is over. Errors show what was set, also far below in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// As the user has set it.
    pub(crate) set: Duration,
    pub(crate) end: Instant,
    /// It is the grace, which began with KILL.
    pub(crate) after_kill: bool,
}

impl Limit {
    /// The limit `set` that begins at `now`; `None` where it ends further off than time goes.
    pub(crate) fn new(now: Instant, set: Duration) -> Option<Self> {
        let end = now.checked_add(set)?;
        Some(Limit::ending(set, end))
    }

    /// What is left of the limit `set`: it is over at `end`.
    pub(crate) fn ending(set: Duration, end: Instant) -> Self {
        Limit {
            set,
            end,
            after_kill: false,
        }
    }

    /// What is left of it for those below.
    pub(crate) fn hand_down(self, now: Instant, grace: Duration) -> Self {
        Limit {
            end: hand_down(now, self.end, grace),
            ..self
        }
    }

    /// The one that is over first, where there are any.
    pub(crate) fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.sooner(other)),
            (one, other) => one.or(other),
        }
    }

    /// The one that is over first; of two that end together, this one.
    fn sooner(self, other: Self) -> Self {
        if other.end < self.end { other } else { self }
    }
}

/// What is left for those below of a limit that has not begun to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// As the user has set it.
    pub(crate) set: Duration,
    left: Duration,
}

impl Span {
    pub(crate) fn new(set: Duration) -> Self {
        Span { set, left: set }
    }

    /// It begins to run; `None` where it ends further off than time goes.
    pub(crate) fn begin(self, now: Instant) -> Option<Limit> {
        let end = now.checked_add(self.left)?;
        Some(Limit::ending(self.set, end))
    }

    pub(crate) fn hand_down(self, grace: Duration) -> Self {
        Span {
            left: self.left - kept_back(self.left, grace),
            ..self
        }
    }

    /// The lesser of two, where there are any.
    pub(crate) fn lesser(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if other.left < one.left => Some(other),
            (one, other) => one.or(other),
        }
    }
}

/// The two ends of a stop: when KILL is told, and when all is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) kill_at: Instant,
    pub(crate) end: Limit,
}

impl Deadline {
    /// A stop that is over at `end`, KILL and grace included.
    pub(crate) fn new(now: Instant, end: Limit, grace: Duration) -> Self {
        Deadline {
            kill_at: hand_down(now, end.end, grace),
            end,
        }
    }

    /// KILL is told now, and the grace begins.
    pub(crate) fn killed(now: Instant, grace: Duration) -> Option<Self> {
        let end = Limit {
            after_kill: true,
            ..Limit::new(now, grace)?
        };
        Some(Deadline { kill_at: now, end })
    }

    /// The sooner of each.
    pub(crate) fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(Deadline {
                kill_at: one.kill_at.min(other.kill_at),
                end: one.end.sooner(other.end),
            }),
            (one, other) => one.or(other),
        }
    }
}

/// The end that those below are given of what is to be over at `end`.
pub(crate) fn hand_down(now: Instant, end: Instant, grace: Duration) -> Instant {
    end - kept_back(end.saturating_duration_since(now), grace)
}

/// How much of a time that is left is kept back from its end.
pub(crate) fn kept_back(left: Duration, grace: Duration) -> Duration {
    grace.min(left / 10)
}

/// The lesser of two, where there are any.
pub(crate) fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// [`hand_down`] where no clock has begun to run: both are counted from the same beginning.
pub(crate) fn hand_down_from(at: Duration, end: Duration, grace: Duration) -> Duration {
    end - kept_back(end.saturating_sub(at), grace)
}
