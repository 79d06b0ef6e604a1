//! Letting others go on, and waiting for them.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use shuttle::rand::{RngCore, thread_rng};
use shuttle_engine::runtime::execution::ExecutionState;
use shuttle_engine::runtime::task::TaskId;
use shuttle_engine::runtime::thread::continuation::switch;

use super::lock::locks_held;
use super::{late, meter};

/// The scheduler chooses who goes on. Comes before each step that others can see.
pub(super) fn point() {
    meter::steps(1);
    late::step();
    // Not in the middle of a panic: the others would seem to panic as well.
    if !std::thread::panicking() {
        switch();
    }
}

std::thread_local! {
    static CHOICES: Cell<usize> = const { Cell::new(1) };
}

/// One of so many.
pub(super) fn choose(among: usize) -> usize {
    if among < 2 {
        return 0;
    }
    CHOICES.set(among);
    (thread_rng().next_u64() % among as u64) as usize
}

/// Among how many a scheduler is to choose when it is asked for a number.
pub(crate) fn choices() -> usize {
    CHOICES.get()
}

/// Those that wait for a change. The thread that makes it wakes all of them, and each looks again.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Vec<TaskId>>);

impl Waiters {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<TaskId>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn wake(&self) {
        for waiter in self.with(std::mem::take) {
            wake(waiter);
        }
    }
}

pub(super) fn wake(waiter: TaskId) {
    ExecutionState::with(|state| {
        if let Some(task) = state.try_get_mut(waiter)
            && !task.finished()
        {
            task.unblock();
        }
    });
}

/// Who waits is on these lists, also while a torn-down execution unwinds it.
struct Registered<'w> {
    lists: &'w [&'w Waiters],
    me: TaskId,
}

impl<'w> Registered<'w> {
    fn on(lists: &'w [&'w Waiters]) -> Self {
        let me = ExecutionState::me();
        for list in lists {
            list.with(|waiters| waiters.push(me));
        }
        Registered { lists, me }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        for list in self.lists {
            list.with(|waiters| waiters.retain(|waiter| *waiter != self.me));
        }
    }
}

/// Blocks until one of the lists is woken.
pub(super) fn wait_for(lists: &[&Waiters]) {
    let _registered = Registered::on(lists);
    block();
}

/// The same, where what is waited for does not wait itself.
pub(super) fn wait_for_lock(unlocked: &Waiters) {
    let lists = [unlocked];
    let _registered = Registered::on(&lists);
    switch_until_woken();
}

pub(super) fn block() {
    assert_eq!(locks_held(), 0, "invariant 2: it waits under a lock");
    meter::wait();
    switch_until_woken();
}

fn switch_until_woken() {
    ExecutionState::with(|state| state.current_mut().block(false));
    switch();
}

/// Waits for a time, which may come at once.
pub(super) fn doze() {
    assert_eq!(locks_held(), 0, "invariant 2: it waits under a lock");
    meter::wait();
    ExecutionState::request_yield();
    switch();
}
