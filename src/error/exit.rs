//! What runs return, and what waiters receive: [`Result`] and [`Exit`].

use std::error::Error as StdError;

use super::kinds::Error;

/// Any error a runner may return; `?` converts into it.
///
/// ```
/// fn read() -> Result<String, ifrit::BoxError> {
///     Ok(std::fs::read_to_string("/proc/self/comm")?)
/// }
/// # let _ = read();
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What a runner returns. It is not in the prelude, so that it never shadows the standard one.
///
/// ```
/// fn parse(text: &str) -> ifrit::Result<u32> {
///     Ok(text.parse::<u32>()?)
/// }
/// assert!(parse("seven").is_err());
/// ```
pub type Result<T = ()> = std::result::Result<T, BoxError>;

/// What those who wait for a process receive: how its run ended.
///
/// ```
/// use ifrit::{Exit, prelude::*};
///
/// let exit: Exit = ifrit::background(ifrit::run_fn(|_, _| Err("no disk".into()))).join();
/// assert_eq!(exit.unwrap_err().to_string(), "no disk");
/// ```
pub type Exit = std::result::Result<(), Error>;
