//! What a runner returned, shared by all clones of its exit: [`Failure`].

use std::fmt;
use std::mem;
use std::ops::Deref;

use super::{BoxError, drop_caught};
use crate::sync::Arc;

/// The error that a runner returned. It derefs to it; clones share it.
///
/// A destructor of the error that panics is caught. The last clone may die anywhere, and in a group's trace beside
/// others of its kind, where a second panic would end the program.
///
/// ```
/// use ifrit::Error;
/// use std::num::ParseIntError;
///
/// let exit = ifrit::background(ifrit::run_fn(|_, _| Ok("x".parse::<u8>().map(|_| ())?))).join();
/// let Err(Error::Runner(failure)) = exit else { panic!() };
/// assert!(failure.downcast_ref::<ParseIntError>().is_some());
/// ```
#[derive(Clone)]
pub struct Failure(Arc<Held>);

struct Held(BoxError);

impl Drop for Held {
    fn drop(&mut self) {
        // What takes its place has no size, so it costs nothing.
        let error = mem::replace(&mut self.0, Box::new(fmt::Error));
        let _ = drop_caught(error);
    }
}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        Failure(Arc::new(Held(error)))
    }
}

impl Deref for Failure {
    type Target = BoxError;

    fn deref(&self) -> &BoxError {
        &self.0.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
