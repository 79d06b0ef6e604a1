//! How a member's last run ended, in text: [`LastExit`].

use std::fmt;
use std::time::Instant;

use crate::id::ProcessId;
use crate::sync::Arc;

/// How the last run of a member ended: as text, which keeps nothing of the error alive.
///
/// Its `Display` is `ok`, or the error in one line of at most 1,000 bytes. It is in
/// [`MemberStatus::last_exit`](crate::grouper::MemberStatus::last_exit), also of a member that runs again; and in a member that was
/// [removed](crate::grouper::Admin::remove).
///
/// ```
/// use ifrit::grouper::Parallel;
/// use ifrit::prelude::*;
///
/// let careless = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Err("lost the last records".into())
/// });
/// let group = Parallel::new(Members::new().add("careless", careless));
/// let admin = group.admin();
/// let group = ifrit::invoke(group);
///
/// let member = admin.remove("careless")?;
/// let last = member.last_exit().unwrap();
/// assert!(last.is_err());
/// assert_eq!(last.to_string(), "lost the last records");
/// # group.signal(Signal::INTERRUPT);
/// # group.join()?;
/// # Ok::<(), ifrit::BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LastExit(Arc<Told>); // shared: a status is a copy

#[derive(Debug)]
struct Told {
    error: Option<Arc<str>>,
    id: ProcessId,
    at: Instant,
}

impl LastExit {
    pub(crate) fn new(error: Option<Arc<str>>, id: ProcessId, at: Instant) -> Self {
        LastExit(Arc::new(Told { error, id, at }))
    }

    pub(crate) fn line(&self) -> Option<Arc<str>> {
        self.0.error.clone()
    }

    /// Whether the run ended well.
    pub fn is_ok(&self) -> bool {
        self.0.error.is_none()
    }

    /// Whether the run ended with an error, a panic among them.
    pub fn is_err(&self) -> bool {
        !self.is_ok()
    }

    /// The process it was.
    pub fn id(&self) -> ProcessId {
        self.0.id
    }

    /// When it ended, by the clock of the group.
    pub fn at(&self) -> Instant {
        self.0.at
    }
}

impl fmt::Display for LastExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.error.as_deref().unwrap_or("ok"))
    }
}
