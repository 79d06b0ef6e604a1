//! When and how often something is run again, as a plan has it: [`Again`].

use std::fmt;
use std::time::Duration;

/// When something is run again after its end, and after which delays.
///
/// ```
/// use ifrit::prelude::*;
/// use ifrit::restart::{Backoff, Restart};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let db = Member::new("db", ifrit::run_fn(|_, _| Ok(())))
///     .restart(Restart::permanent().backoff(Backoff::constant(second)));
/// let plan = Ordered::new([db]).plan();
/// let again = plan.find("db").unwrap().restart().unwrap();
/// assert_eq!((again.policy.as_str(), again.first_delay), ("permanent", second));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Again {
    /// `permanent`, `transient`, `temporary`, or `as it decides` where a function of the program does.
    pub policy: String,
    /// A function of the program says after which errors.
    pub only_if: bool,
    /// A start that fails is tried again, too, while the group's start waits.
    pub from_the_start: bool,
    /// How long it waits before the first restart, without jitter.
    pub first_delay: Duration,
    /// How long it waits at most, without jitter.
    pub longest_delay: Duration,
    /// The delays are not those by default.
    pub(crate) delays_set: bool,
    /// Why the delays make no sense.
    pub(crate) invalid: Option<&'static str>,
}

impl Again {
    /// Whether anything comes back at all.
    pub(super) fn comes_back(&self) -> bool {
        self.policy != "temporary"
    }
}

/// The policy, and the delays where they were set.
impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.policy)?;
        if self.from_the_start {
            f.write_str(" from the start")?;
        }
        if !self.delays_set {
            return Ok(());
        }
        let (first, longest) = (self.first_delay, self.longest_delay);
        if longest.is_zero() {
            f.write_str(", without delay")
        } else if first == longest {
            write!(f, ", after {first:?}")
        } else {
            write!(f, ", after {first:?} to {longest:?}")
        }
    }
}
