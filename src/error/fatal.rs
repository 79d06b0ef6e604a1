//! Errors that nothing is restarted after: [`fatal`].

use std::error::Error as StdError;
use std::fmt;

use super::BoxError;

/// Marks an error: no restarter and no group runs again what returns it.
///
/// Its text, its sources and what [`downcast_ref`](crate::Error::downcast_ref) finds in it stay those of `error`.
/// [`Error::is_fatal`](crate::Error::is_fatal) finds the mark at any depth.
///
/// ```
/// use ifrit::prelude::*;
/// use std::num::ParseIntError;
///
/// let worker = ifrit::run_fn(|_, _| {
///     let port: Result<u16, ParseIntError> = "eighty".parse();
///     port.map(|_| ()).map_err(ifrit::fatal) // to try again would not help
/// });
/// let error = ifrit::background(worker).join().unwrap_err();
/// assert!(error.is_fatal());
/// assert!(error.downcast_ref::<ParseIntError>().is_some());
/// ```
#[doc(alias = "unrecoverable")]
pub fn fatal(error: impl Into<BoxError>) -> BoxError {
    let error = error.into();
    if error.is::<Fatal>() {
        return error;
    }
    Box::new(Fatal(error))
}

/// It looks like the error it marks, from outside: it has the same text and the same source.
struct Fatal(BoxError);

/// The error itself, where this is but a mark.
pub(super) fn inside<'e>(error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    match error.downcast_ref::<Fatal>() {
        Some(Fatal(marked)) => &**marked,
        None => error,
    }
}

pub(super) fn is_marked(error: &(dyn StdError + 'static)) -> bool {
    error.is::<Fatal>()
}

impl StdError for Fatal {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
