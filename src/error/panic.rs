//! A panic, caught and kept: what was said, where, and how it came to that.
//!
//! The place of a panic is known only inside a panic hook, so one is installed when the first runner runs. It is
//! chained to the hook that was there, which prints the panic at once as it always did. On threads that are not ours
//! the hook does nothing of its own.

#![allow(unsafe_code)] // one line, for `Payload`

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

use super::{BoxError, Error};
use crate::sync::{Arc, LazyLock};

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
    payload: Payload,
}

impl Panic {
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

    /// The payload, if it is an error of ours or a boxed one, as a panic with one that was boxed before has it.
    pub(super) fn error(&self) -> Option<&(dyn StdError + 'static)> {
        let boxed = self.payload_ref::<BoxError>().map(|error| &**error as _);
        boxed.or_else(|| self.payload_ref::<Error>().map(|error| error as _))
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.0.message)?;
        match &self.0.location {
            Some(location) => write!(f, ", at {location}"),
            None => Ok(()),
        }
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
}

impl Drop for Payload {
    fn drop(&mut self) {
        // The last clone of an exit may die anywhere; a payload whose destructor panics must not harm that place.
        if let Some(payload) = self.0.take() {
            drop_payload(payload);
        }
    }
}

struct Place {
    /// Of the panic it is the place of: the next one to be caught may have come without a call of the hook.
    text: Option<String>,
    location: Option<String>,
    backtrace: Backtrace,
}

thread_local! {
    /// `None`: not a thread of ours, or not inside `catch`. `Some(None)`: inside, and nothing has panicked yet.
    static PLACE: RefCell<Option<Option<Box<Place>>>> = const { RefCell::new(None) };
}

/// Makes sure the hook is there. Cheap after the first time.
fn install_hook() {
    static INSTALLED: LazyLock<()> = LazyLock::new(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let _ = PLACE.try_with(|place| {
                if let Ok(mut place) = place.try_borrow_mut()
                    && let Some(place) = place.as_mut()
                {
                    *place = Some(Box::new(Place {
                        text: text(info.payload()).map(str::to_owned),
                        location: info.location().map(ToString::to_string),
                        backtrace: Backtrace::force_capture(),
                    }));
                }
            });
            previous(info);
        }));
    });
    // Taking the hook is refused on a panicking thread; the place of panics stays unknown until a later start.
    if !std::thread::panicking() {
        LazyLock::force(&INSTALLED);
    }
}

/// Runs `work`; a panic becomes `Error::Panicked`.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    install_hook();
    // `try_with`: a destructor may be caught while the thread's own storage is already going.
    let swap = |new| PLACE.try_with(|place| place.replace(new)).ok().flatten();
    let outer = swap(Some(None));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let place = swap(outer).flatten();
    result.map_err(|payload| {
        let place = place.filter(|place| place.text.as_deref() == text(&*payload));
        let (location, backtrace) = match place {
            Some(place) => (place.location, Some(place.backtrace)),
            None => (None, None),
        };
        Error::Panicked(Panic(Arc::new(Record {
            message: message(&*payload),
            location,
            backtrace,
            payload: Payload(Some(payload)),
        })))
    })
}

/// Drops `value`; if its destructor panics, says so.
pub(crate) fn drop_caught<T>(value: T) -> Result<(), Error> {
    catch(|| drop(value))
}

fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)))
        && text(&*again).is_none()
    {
        // Its destructor may panic with another one of its kind, and so on without end.
        mem::forget(again);
    }
}

/// What most panics carry.
fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = text(payload) {
        return text.to_owned();
    }
    // To print an error is to call its author, who may panic again.
    let printed = panic::catch_unwind(AssertUnwindSafe(|| {
        let boxed = payload.downcast_ref::<BoxError>().map(ToString::to_string);
        boxed.or_else(|| payload.downcast_ref::<Error>().map(ToString::to_string))
    }));
    let printed = printed.unwrap_or_else(|again| {
        drop_payload(again);
        None
    });
    printed.unwrap_or_else(|| "a payload that is no text".to_owned())
}
