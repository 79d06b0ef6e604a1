//! When a member of a group is started again: [`Restart`].

use std::fmt;
use std::time::Duration;

use super::Restarter;
use super::backoff::Backoff;
use crate::runner::BoxRunner;

/// When a member of a group is started again after its end; see [`Member::restart`](crate::grouper::Member::restart).
///
/// Unset, the delays grow from 100 ms to 30 s with a jitter of 0.1, and begin anew when the member has been ready for
/// 60 s.
///
/// ```
/// use ifrit::restart::{Backoff, Restart};
/// use ifrit::prelude::*;
/// use std::time::Duration;
///
/// let db = Member::new("db", ifrit::run_fn(|_, _| Ok(())))
///     .restart(Restart::permanent().backoff(Backoff::constant(Duration::from_secs(1))));
/// # let _ = db;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restart {
    pub(crate) policy: Policy,
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

    /// After an error, a panic among them. An Ok end stops nobody.
    pub fn transient() -> Self {
        Restart::new(Policy::Transient)
    }

    /// Never, and no end of it stops anybody. It does not come back when others are restarted, either.
    pub fn temporary() -> Self {
        Restart::new(Policy::Temporary)
    }

    /// A runner that restarts itself on its own thread as this policy says, for where nobody else does it.
    pub(crate) fn around(self, runner: BoxRunner) -> BoxRunner {
        let restarter = match self.policy {
            Policy::Permanent => Restarter::always(runner),
            Policy::Transient => Restarter::on_error(runner),
            Policy::Temporary => return runner,
        };
        Box::new(
            restarter
                .backoff(self.backoff)
                .reset_after(self.reset_after),
        )
    }

    fn new(policy: Policy) -> Self {
        Restart {
            policy,
            backoff: Backoff::default(),
            reset_after: super::RESET_AFTER,
        }
    }

    /// How long to wait before each restart.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long it must have been ready for the delays to begin anew.
    #[must_use]
    pub fn reset_after(mut self, ready_for: Duration) -> Self {
        self.reset_after = ready_for;
        self
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
