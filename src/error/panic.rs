//! A panic, kept: what was said, where, and how it came to that.

#![allow(unsafe_code)] // one line, for `Payload`

use std::any::Any;
use std::backtrace::Backtrace;
use std::error::Error as StdError;
use std::fmt;

use super::BoxError;
use super::kinds::Error;
use super::search::Marks;
use super::text::text_of_chain;
use crate::disposal::dispose;
use crate::sync::Arc;
use crate::unwind::text;

/// What is known of a panic. Clones share it.
///
/// ```
/// use ifrit::{Error, prelude::*};
///
/// let exit = ifrit::background(ifrit::run_fn(|_, _| panic!("out of luck"))).join();
/// let Err(Error::Panicked(panic)) = exit else { panic!() };
/// assert_eq!(panic.message(), "out of luck");
/// assert!(panic.location().is_some());
/// ```
#[derive(Clone)]
pub struct Panic(Arc<Record>);

struct Record {
    message: String,
    location: Option<String>,
    backtrace: Option<Backtrace>,
    marks: Marks,
    payload: Payload,
}

impl Panic {
    pub(super) fn new(
        payload: Box<dyn Any + Send>,
        location: Option<String>,
        backtrace: Option<Backtrace>,
    ) -> Self {
        let payload = Payload(Some(payload));
        Panic(Arc::new(Record {
            message: payload.message(),
            location,
            backtrace,
            marks: payload.error().map(Marks::of).unwrap_or_default(),
            payload,
        }))
    }

    /// What the panic said, or a note that its payload is no text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The place in the source, as `file:line:column`. None if the program has replaced the panic hook, or if the panic
    /// was passed on from elsewhere.
    pub fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// The calls that led to it, whatever `RUST_BACKTRACE` says. None where [`location`](Panic::location) is.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.0.backtrace.as_ref()
    }

    pub(super) fn payload_ref<E: Any + Send + Sync>(&self) -> Option<&E> {
        self.0.payload.get()
    }

    pub(super) fn error(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.payload.error()
    }

    pub(super) fn marks(&self) -> Marks {
        self.0.marks
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic")
            .field("message", &self.0.message)
            .field("location", &self.0.location)
            .finish_non_exhaustive()
    }
}

/// A panic's payload, which is `Send` but need not be `Sync`.
struct Payload(Option<Box<dyn Any + Send>>);

// SAFETY: a shared reference to the payload leaves this type only through `get`, as `&E` with `E: Sync`.
unsafe impl Sync for Payload {}

impl Payload {
    fn get<E: Any + Send + Sync>(&self) -> Option<&E> {
        self.0.as_ref()?.downcast_ref()
    }

    /// It, if it is an error of ours or a boxed one, as a panic with one that was boxed before has it.
    fn error(&self) -> Option<&(dyn StdError + 'static)> {
        let boxed = self.get::<BoxError>().map(|error| &**error as _);
        boxed.or_else(|| self.get::<Error>().map(|error| error as _))
    }

    fn message(&self) -> String {
        let said = self.0.as_deref().and_then(text).map(str::to_owned);
        let said = said.or_else(|| self.error().map(text_of_chain));
        said.unwrap_or_else(|| "a payload that is no text".to_owned())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        // The last clone of an exit may die anywhere.
        if let Some(payload) = self.0.take() {
            dispose(payload);
        }
    }
}
