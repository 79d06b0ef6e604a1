//! How deep runners stand in each other on one thread.
//!
//! A wrapper runs its child on its own thread, so each level takes a part of the stack, and a thread that has none left
//! ends the program. So the levels are counted, and one too many is refused.
//!
//! Invariant: a thread is never in more than [`DEEPEST`] levels of the same kind.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::sync::thread_local;

/// So many wrappers may stand in each other. In a build without optimisation they take 0.4 to 0.7 MB of the stack, which has
/// 2 MB by default.
pub(crate) const DEEPEST: usize = 100;

thread_local! {
    static RUNS: Cell<usize> = const { Cell::new(0) };
    static PLANS: Cell<usize> = const { Cell::new(0) };
    static TEXTS: Cell<usize> = const { Cell::new(0) };
    static DROPS: Cell<usize> = const { Cell::new(0) };
}

/// What is done at each level, inside that of the level above.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Run,
    Plan,
    /// What an error says of those inside it.
    Text,
    Drop,
}

/// A level, until it is dropped.
pub(crate) struct Level {
    work: Work,
    /// It belongs to its thread.
    not_send: PhantomData<*const ()>,
}

/// One level deeper; `None` if that is one too many.
pub(crate) fn enter(work: Work) -> Option<Level> {
    let depth = work.depth();
    (depth < DEEPEST).then(|| {
        work.set_depth(depth + 1);
        Level {
            work,
            not_send: PhantomData,
        }
    })
}

impl Drop for Level {
    fn drop(&mut self) {
        self.work.set_depth(self.work.depth() - 1);
    }
}

impl Work {
    // A thread whose storage is going is at its end, and counts no more.
    fn depth(self) -> usize {
        match self {
            Work::Run => RUNS.try_with(Cell::get),
            Work::Plan => PLANS.try_with(Cell::get),
            Work::Text => TEXTS.try_with(Cell::get),
            Work::Drop => DROPS.try_with(Cell::get),
        }
        .unwrap_or(1)
    }

    fn set_depth(self, depth: usize) {
        let _ = match self {
            Work::Run => RUNS.try_with(|cell| cell.set(depth)),
            Work::Plan => PLANS.try_with(|cell| cell.set(depth)),
            Work::Text => TEXTS.try_with(|cell| cell.set(depth)),
            Work::Drop => DROPS.try_with(|cell| cell.set(depth)),
        };
    }
}
