//! Catching panics, and knowing where they came from.
//!
//! The place of a panic is known only inside a panic hook, so one is installed when the first runner runs. It is
//! chained to the hook that was there, which prints the panic at once as it always did. On threads that are not ours
//! the hook does nothing of its own.
//!
//! Invariants:
//! 1. A place belongs to the panic whose text it was noted with; a panic that came without a call of the hook gets none.
//! 2. To catch is possible everywhere, also while a thread's own storage is going.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

use super::kinds::Error;
use super::panic::Panic;
use super::{BoxError, Exit};
use crate::sync::LazyLock;
use crate::unwind::text;

struct Place {
    text: Option<String>,
    location: Option<String>,
    backtrace: Backtrace,
}

// The standard one, not that of `sync`: a hook is the program's, and runs on one thread to its end.
std::thread_local! {
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
    let swap = |new| PLACE.try_with(|place| place.replace(new)).ok().flatten(); // Invariant 2
    let outer = swap(Some(None));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let place = swap(outer).flatten();
    result.map_err(|payload| {
        let place = place.filter(|place| place.text.as_deref() == text(&*payload)); // Invariant 1
        let (location, backtrace) = match place {
            Some(place) => (place.location, Some(place.backtrace)),
            None => (None, None),
        };
        Error::Panicked(Panic::new(payload, location, backtrace))
    })
}

/// The exit of a run that `run` is: what it returns, or its panic.
pub(crate) fn exit_of(run: impl FnOnce() -> Result<(), BoxError>) -> Exit {
    catch(run)?.map_err(Error::from_runner)
}

/// Drops `value`; if its destructor panics, says so.
pub(crate) fn drop_caught<T>(value: T) -> Result<(), Error> {
    catch(|| drop(value))
}
