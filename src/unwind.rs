//! Calling foreign code that may panic, where nothing is kept of that.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `work` returns; `None` if it panics.
pub(crate) fn attempt<T>(work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(payload) => {
            drop_quietly(payload);
            None
        }
    }
}

/// Drops `value`, whatever its destructor does.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value)))
        && let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
        && text(&*again).is_none()
    {
        // The payload's destructor may panic with another one of its kind, and so on without end.
        mem::forget(again);
    }
}

/// What most panics carry.
pub(crate) fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
