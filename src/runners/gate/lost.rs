//! How a lease ends badly: [`Lost`], [`LeaseTooShort`].

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::term::Over;
use crate::error::Error;

/// The lease was held and is lost; of the run of a [`Gate`](super::Gate).
///
/// It is an error as any other to a restarter, which runs the gate again, so that it waits for the lease anew.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lost {
    /// What was lost, as [`Lease::name`](super::Lease::name) says.
    pub lease: String,
    /// Why it was lost; `None`: its time ran out, since it was not renewed. The source of this error.
    pub why: Option<Error>,
    /// The error that what was behind the gate returned when it was told to stop because of the loss.
    pub then: Option<Error>,
}

impl Lost {
    pub(super) fn new(lease: &str, over: Over, then: Option<Error>) -> Self {
        Lost {
            lease: lease.to_owned(),
            why: match over {
                Over::RanOut => None,
                Over::Lost(why) => Some(why),
            },
            then,
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {}", self.lease)?;
        if self.why.is_none() {
            f.write_str(", which was not renewed in time")?;
        }
        match &self.then {
            Some(error) => write!(f, " (what was behind it ended with: {error})"),
            None => Ok(()),
        }
    }
}

impl StdError for Lost {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.why.as_ref().map(|why| why as _)
    }
}

/// The lease lasts for less time than is needed to let go of it in time; of the run of a [`Gate`](super::Gate). It was
/// released, and the gate was not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseTooShort {
    /// Which, as [`Lease::name`](super::Lease::name) says.
    pub lease: String,
    /// How long it lasted when it was acquired.
    pub lasts: Duration,
    /// So long before its end the gate would have to end.
    pub needed: Duration,
}

impl fmt::Display for LeaseTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LeaseTooShort {
            lease,
            lasts,
            needed,
        } = self;
        write!(
            f,
            "{lease} lasts for {lasts:?}, and all must begin to end {needed:?} before it does"
        )
    }
}

impl StdError for LeaseTooShort {}
