//! When something is run again after its end: [`Restart`].

use std::fmt;
use std::time::Duration;

use super::backoff::Backoff;
use crate::error::Error;
use crate::plan::Again;

/// When a runner is run again after its end, and after which delay.
///
/// [`Member::restart`](crate::grouper::Member::restart) and [`Restarter::with`](super::Restarter::with) take the same value
/// and do the same. Default: delays that grow from 100 ms to 30 s with a jitter of 0.1, and begin anew when it has been
/// ready for 60 s. How many restarts are too many is said by the [`Budget`](super::Budget) of the group or the restarter.
///
/// An error marked as fatal is never followed by a restart, whatever the policy. Nor is a member's first start that fails,
/// unless it is to be tried again [`from_the_start`](Restart::from_the_start).
///
/// ```
/// use ifrit::restart::{Backoff, Restart};
/// use ifrit::{Error, prelude::*};
/// use std::io;
/// use std::time::Duration;
///
/// fn is_network(error: &Error) -> bool {
///     error.downcast_ref::<io::Error>().is_some()
/// }
///
/// let db = Member::new("db", ifrit::run_fn(|_, _| Ok(()))).restart(
///     Restart::permanent()
///         .only_if(is_network)
///         .backoff(Backoff::constant(Duration::from_secs(1))),
/// );
/// # let _ = db;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    pub(crate) policy: Policy,
    pub(crate) only_if: Option<fn(&Error) -> bool>,
    pub(crate) from_the_start: bool,
    pub(crate) backoff: Backoff,
    pub(crate) reset_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Permanent,
    Transient,
    Temporary,
}

impl Restart {
    /// After every end.
    pub fn permanent() -> Self {
        Restart::new(Policy::Permanent)
    }

    /// After an error, a panic among them. An Ok end stops nothing.
    pub fn transient() -> Self {
        Restart::new(Policy::Transient)
    }

    /// Never, and no end of it stops the group, but for a fatal error. It does not come back when other members are
    /// restarted, either.
    pub fn temporary() -> Self {
        Restart::new(Policy::Temporary)
    }

    fn new(policy: Policy) -> Self {
        Restart {
            policy,
            only_if: None,
            from_the_start: false,
            backoff: Backoff::default(),
            reset_after: super::restarter::RESET_AFTER,
        }
    }

    /// Restarts only after errors of which `is_worth_it` is true; any other error ends what would have been restarted, as
    /// if there were no policy. Default: all errors are worth it. Of Ok ends it is not asked.
    ///
    /// It is called on the thread of the process that failed, before the exit is seen by others; it may block that process,
    /// and nothing else. If it panics there is no restart, and the panic is the exit. A predicate that captures something
    /// goes to [`Restarter::on_error_if`](super::Restarter::on_error_if) or [`Restarter::new`](super::Restarter::new).
    #[must_use]
    pub fn only_if(mut self, is_worth_it: fn(&Error) -> bool) -> Self {
        self.only_if = Some(is_worth_it);
        self
    }

    /// A member whose first start fails is restarted, too, and the start of its group waits for it meanwhile; the budget
    /// and the group's [`start_within`](crate::grouper::Group::start_within) bound that. Default: a failing first start
    /// fails the group's start.
    ///
    /// This is for members of groups whose members are known before they run. A [`Restarter`](super::Restarter), and with
    /// it a member of a [`Dynamic`](crate::grouper::Dynamic) group, always goes on in this way.
    #[must_use]
    pub fn from_the_start(mut self) -> Self {
        self.from_the_start = true;
        self
    }

    /// How long to wait before each restart. Default: [`Backoff::default`].
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long it must have been ready for the delays to begin anew. Default: 60 s.
    #[must_use]
    pub fn reset_after(mut self, ready_for: Duration) -> Self {
        self.reset_after = ready_for;
        self
    }
}

impl Restart {
    /// As a plan has it.
    pub(crate) fn planned(&self) -> Again {
        let (first_delay, longest_delay) = self.backoff.bounds();
        Again {
            policy: self.policy.to_string(),
            only_if: self.only_if.is_some(),
            from_the_start: self.from_the_start,
            first_delay,
            longest_delay,
            delays_set: self.backoff != Backoff::default(),
            invalid: match self.backoff.check() {
                Err(Error::InvalidBackoff(why)) => Some(why),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Policy::Permanent => "permanent",
            Policy::Transient => "transient",
            Policy::Temporary => "temporary",
        })
    }
}
