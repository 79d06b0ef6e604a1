//! Locks that are given up too late: a bug that is put in on purpose.
//!
//! A thread that held such a lock keeps it for some steps more. Others wait for that long; a thread that needs it again
//! itself, as the user's code may, waits for ever.

use std::cell::RefCell;
use std::sync::Arc;

use shuttle_engine::runtime::execution::ExecutionState;
use shuttle_engine::runtime::task::TaskId;

use super::lock::Gate;

/// How many steps of its own it is kept for: enough to come to what is done next, and to call the user's code there.
const STEPS: usize = 40;

struct Kept {
    by: TaskId,
    steps: usize,
    gate: Arc<Gate>,
}

std::thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// An execution begins.
pub(super) fn begin() {
    KEPT.take();
}

pub(super) fn keep(gate: Arc<Gate>) {
    let by = ExecutionState::me();
    let steps = STEPS;
    KEPT.with_borrow_mut(|kept| kept.push(Kept { by, steps, gate }));
}

/// The thread that runs takes a step.
pub(super) fn step() {
    give_up(|kept| {
        kept.steps -= 1;
        kept.steps == 0
    });
}

/// The thread that runs is at its end.
pub(super) fn end() {
    give_up(|_| true);
}

fn give_up(is_due: impl Fn(&mut Kept) -> bool) {
    let due: Vec<Kept> = KEPT.with_borrow_mut(|kept| {
        if kept.is_empty() {
            return Vec::new();
        }
        let me = ExecutionState::me();
        kept.extract_if(.., |kept| kept.by == me && is_due(kept))
            .collect()
    });
    for kept in due {
        kept.gate.open();
    }
}
