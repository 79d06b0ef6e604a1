//! What a piece of work costs the thread that does it.

use std::cell::Cell;

use shuttle_engine::runtime::execution::ExecutionState;
use shuttle_engine::runtime::task::TaskId;

/// What one thread has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// What others could see, each lock, channel, notification and variable; and each channel that was looked at.
    pub(crate) steps: usize,
    /// How often it waited for something to happen. A lock is not counted: no thread that holds one waits, see `wait`.
    pub(crate) waits: usize,
    /// How many it has started, without those that stay for as long as the program.
    pub(crate) threads: usize,
}

std::thread_local! {
    static METER: Cell<Option<(TaskId, Cost)>> = const { Cell::new(None) };
    static THREADS: Cell<usize> = const { Cell::new(0) };
}

/// An execution begins.
pub(super) fn begin() {
    METER.set(None);
    THREADS.set(0);
}

/// Does the work, and says what it has cost. One at a time in an execution.
pub(crate) fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    METER.set(Some((ExecutionState::me(), Cost::default())));
    let result = work();
    let cost = METER.take().map_or(Cost::default(), |(_, cost)| cost);
    (result, cost)
}

/// How many threads this execution has started by now. Those that stay for as long as the program are not among them.
pub(crate) fn threads() -> usize {
    THREADS.get()
}

fn add(count: impl FnOnce(&mut Cost)) {
    if let Some((who, mut cost)) = METER.get()
        && who == ExecutionState::me()
    {
        count(&mut cost);
        METER.set(Some((who, cost)));
    }
}

pub(super) fn steps(number: usize) {
    add(|cost| cost.steps += number);
}

pub(super) fn wait() {
    add(|cost| cost.waits += 1);
}

pub(super) fn thread() {
    THREADS.set(THREADS.get() + 1);
    add(|cost| cost.threads += 1);
}
