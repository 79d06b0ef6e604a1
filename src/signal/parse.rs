//! Reading a signal from text.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::word::{NAMES, Signal};

/// The text was no signal: neither a name with or without `SIG`, nor a number in 1..=64.
///
/// ```
/// let error = "SIGNOPE".parse::<ifrit::Signal>().unwrap_err();
/// assert_eq!(error.to_string(), "no such signal: \"SIGNOPE\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseSignalError {
    /// The text that was given.
    pub text: String,
}

impl fmt::Display for ParseSignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such signal: {:?}", self.text)
    }
}

impl Error for ParseSignalError {}

impl FromStr for Signal {
    type Err = ParseSignalError;

    /// Reads a name, in any case, with or without `SIG`, or a number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.trim().to_ascii_uppercase();
        let short = upper.strip_prefix("SIG").unwrap_or(&upper);
        let named = NAMES
            .iter()
            .find(|(_, name)| name[3..] == *short)
            .map(|(signal, _)| *signal);
        named
            .or_else(|| short.parse().ok().and_then(Signal::from_raw))
            .ok_or_else(|| ParseSignalError {
                text: text.to_owned(),
            })
    }
}
