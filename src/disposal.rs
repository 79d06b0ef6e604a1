//! Letting go of foreign values: the errors of runners, the payloads of panics, runners.
//!
//! Their destructors may do anything: block, panic, ask the group in which they lay. So none of them runs on a thread that
//! others wait for. Such a thread is marked, for as long as others do, and what falls there goes to a thread that only
//! drops. That one is shared by all, and waits for them; nothing waits for it.
//!
//! Invariants:
//! 1. No value that comes through [`dispose`] is dropped on a marked thread. Each is dropped once, and panics of its
//!    destructor end with it.
//! 2. A thread that is not marked drops at once, and pays one look at a thread-local for that. One that is marked waits for
//!    no destructor: it takes a lock under which nothing foreign runs.
//! 3. The shared thread is started when it is first needed, and stays. Where it does not start, the values are kept, and
//!    each later need, each start and each end of a process is another attempt.
//! 4. A thread marked with [`defer_quietly`] starts no other: what falls there is kept until the next attempt.
//! 5. Values that lie in each other deeper than a stack may bear are dropped in parts, each on an empty stack.

use std::cell::Cell;
use std::collections::VecDeque;
use std::marker::PhantomData;

use crate::nesting::{self, Work};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::start_forever;
use crate::sync::{Condvar, LazyLock, Mutex, statics, thread_local};
use crate::unwind::drop_quietly;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Free,
    Deferring,
    Quiet,
}

thread_local! {
    static MARK: Cell<Mark> = const { Cell::new(Mark::Free) };
}

/// The thread's mark, until it is dropped. Marks may be nested.
#[must_use = "the thread is marked until this is dropped"]
pub(crate) struct Deferring {
    outer: Mark,
    /// It belongs to its thread.
    not_send: PhantomData<*const ()>,
}

/// Marks this thread: others wait for it.
pub(crate) fn defer() -> Deferring {
    let outer = mark();
    set(outer.max(Mark::Deferring));
    Deferring {
        outer,
        not_send: PhantomData,
    }
}

/// The same on a thread of the caller's, inside a call that promises to start no thread.
pub(crate) fn defer_quietly() -> Deferring {
    let outer = mark();
    set(Mark::Quiet);
    Deferring {
        outer,
        not_send: PhantomData,
    }
}

impl Drop for Deferring {
    fn drop(&mut self) {
        set(self.outer);
    }
}

impl Mark {
    fn max(self, other: Mark) -> Mark {
        if self == Mark::Free { other } else { self }
    }
}

/// A thread whose storage is going already is at its end: nothing waits for it any more.
fn mark() -> Mark {
    MARK.try_with(Cell::get).unwrap_or(Mark::Free)
}

fn set(mark: Mark) {
    let _ = MARK.try_with(|cell| cell.set(mark));
}

/// Drops `value`: at once, or on the shared thread if this one is marked.
pub(crate) fn dispose(value: impl Send + 'static) {
    match mark() {
        Mark::Free => match nesting::enter(Work::Drop) {
            Some(_level) => drop_quietly(value),
            None => DISPOSAL.take(Box::new(value), Mark::Deferring), // Invariant 5
        },
        mark => DISPOSAL.take(Box::new(value), mark), // Invariant 1
    }
}

/// Another attempt to start the thread, if anything is kept because it did not start.
pub(crate) fn start_if_needed() {
    if IS_NEEDED.load(Ordering::Relaxed) {
        DISPOSAL.start(&mut DISPOSAL.state.lock());
    }
}

statics! {
    /// Something is kept, and there is no thread.
    static IS_NEEDED: AtomicBool = AtomicBool::new(false);
    static DISPOSAL: LazyLock<Disposal> = LazyLock::new(Disposal::default);
}

#[derive(Default)]
struct Disposal {
    state: Mutex<State>,
    /// There is something to drop.
    fallen: Condvar,
}

#[derive(Default)]
struct State {
    values: VecDeque<Box<dyn Send>>,
    has_thread: bool,
}

impl Drop for Disposal {
    fn drop(&mut self) {
        // A static is dropped in models only, at the end of an execution, when no code of a user can run any more.
        std::mem::forget(std::mem::take(&mut self.state.lock().values));
    }
}

impl Disposal {
    fn take(&'static self, value: Box<dyn Send>, mark: Mark) {
        let mut state = self.state.lock();
        state.values.push_back(value);
        if !state.has_thread {
            IS_NEEDED.store(true, Ordering::Relaxed);
            if mark == Mark::Quiet {
                return; // Invariant 4
            }
            self.start(&mut state);
        }
        drop(state);
        self.fallen.notify_one();
    }

    /// Invariant 3. What is there already is found when the thread first looks.
    fn start(&'static self, state: &mut State) {
        if !state.has_thread {
            state.has_thread = start_forever("ifrit-disposal", || self.run()).is_ok();
            IS_NEEDED.store(!state.has_thread, Ordering::Relaxed);
        }
    }

    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            match state.values.pop_front() {
                Some(value) => {
                    drop(state); // Invariant 2
                    drop_quietly(value);
                    state = self.state.lock();
                }
                None => self.fallen.wait(&mut state),
            }
        }
    }
}
