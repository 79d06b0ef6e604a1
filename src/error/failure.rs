//! What a runner returned, shared by all clones of its exit: [`Failure`].

use std::fmt;
use std::mem;
use std::ops::Deref;

use super::BoxError;
use super::fatal::inside;
use super::kinds::Error;
use super::search::{Marks, as_ours};
use crate::disposal::dispose;
use crate::sync::Arc;

/// The error that a runner returned. It derefs to it; clones share it.
///
/// Its destructor runs where the last clone is dropped, on a thread of the program or of a process. Where that is a thread
/// that others wait for, such as that of a group or of the timers, it runs on a thread that is there for nothing else.
/// A destructor that panics is caught.
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

struct Held {
    error: BoxError,
    marks: Marks,
}

impl Failure {
    pub(super) fn marks(&self) -> Marks {
        self.0.marks
    }

    /// The error, if it is one of ours.
    pub(super) fn ours(&self) -> Option<&Error> {
        as_ours(inside(&*self.0.error))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What takes its place has no size, so it costs nothing.
        let error = mem::replace(&mut self.error, Box::new(fmt::Error));
        dispose(error);
    }
}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        let marks = Marks::of(&*error);
        Failure(Arc::new(Held { error, marks }))
    }
}

impl Deref for Failure {
    type Target = BoxError;

    fn deref(&self) -> &BoxError {
        &self.0.error
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
