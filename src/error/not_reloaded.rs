//! What has not reloaded: [`NotReloaded`].

use std::fmt;

use crate::draw::{LINE, line_of};

/// A process that takes part in a [reload](crate::Process::reload) and has not reloaded. Its `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotReloaded {
    /// Its [path](crate::Process::path).
    pub path: String,
    /// Why, in one line; `None` if it was not done in time.
    pub why: Option<String>,
}

impl fmt::Display for NotReloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotReloaded { path, why } = self;
        match why {
            Some(why) => write!(f, "{path} ({})", line_of(why, LINE)),
            None => write!(f, "{path} (not done in time)"),
        }
    }
}
