//! Locks, and waiting under them.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{self, Arc, PoisonError};
use std::time::Instant;

use shuttle_engine::runtime::execution::ExecutionState;
use shuttle_engine::runtime::task::TaskId;

use super::fault::{Fault, is_seeded};
use super::wait::{Waiters, block, choose, doze, point, wait_for_lock, wake};
use super::{late, time};

#[derive(Default)]
pub(crate) struct Mutex<T> {
    gate: Arc<Gate>,
    data: sync::Mutex<T>,
}

/// Who has it locked, and who waits for it.
#[derive(Default)]
pub(super) struct Gate {
    holder: sync::Mutex<Option<TaskId>>,
    unlocked: Waiters,
}

std::thread_local! {
    /// Who holds a lock, once for each.
    static HOLDERS: RefCell<Vec<TaskId>> = const { RefCell::new(Vec::new()) };
}

/// An execution begins.
pub(super) fn begin() {
    HOLDERS.take();
}

/// How many locks are held by the thread that runs.
pub(crate) fn locks_held() -> usize {
    let me = ExecutionState::me();
    HOLDERS.with_borrow(|holders| holders.iter().filter(|holder| **holder == me).count())
}

impl Gate {
    fn holder(&self) -> sync::MutexGuard<'_, Option<TaskId>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False if it is closed.
    fn close(&self) -> bool {
        let mut holder = self.holder();
        if holder.is_some() {
            return false;
        }
        let me = ExecutionState::me();
        *holder = Some(me);
        HOLDERS.with_borrow_mut(|holders| holders.push(me));
        true
    }

    pub(super) fn open(&self) {
        let holder = self.holder().take();
        HOLDERS.with_borrow_mut(|holders| {
            let place = holders.iter().position(|one| Some(*one) == holder);
            place.map(|place| holders.swap_remove(place));
        });
        self.unlocked.wake();
    }
}

pub(crate) struct MutexGuard<'m, T> {
    mutex: &'m Mutex<T>,
    /// None only while the guard waits for its lock.
    data: Option<sync::MutexGuard<'m, T>>,
    torn: bool,
    kept: bool,
}

impl<T> Mutex<T> {
    pub(crate) fn new(data: T) -> Self {
        Mutex {
            gate: Arc::default(),
            data: sync::Mutex::new(data),
        }
    }

    #[track_caller]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let torn = is_seeded(Fault::Torn, Location::caller());
        let kept = is_seeded(Fault::Kept, Location::caller());
        point();
        let data = Some(self.acquire());
        MutexGuard {
            mutex: self,
            data,
            torn,
            kept,
        }
    }

    fn try_acquire(&self) -> Option<sync::MutexGuard<'_, T>> {
        self.gate
            .close()
            .then(|| self.data.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn acquire(&self) -> sync::MutexGuard<'_, T> {
        loop {
            match self.try_acquire() {
                Some(data) => return data,
                None => wait_for_lock(&self.gate.unlocked),
            }
        }
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.data.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn into_inner(self) -> T {
        self.data
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> MutexGuard<'_, T> {
    fn release(&mut self) {
        if self.data.take().is_some() {
            self.mutex.gate.open();
        }
    }

    fn retake(&mut self) {
        self.data = Some(self.mutex.acquire());
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data.as_ref().expect("locked")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        if self.torn {
            self.release();
            point();
            self.retake();
        }
        self.data.as_mut().expect("locked")
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        match self.kept {
            false => self.release(),
            true => late::keep(Arc::clone(&self.mutex.gate)),
        }
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Mutex<Vec<TaskId>>);

pub(crate) struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar::default()
    }

    fn with<R>(&self, work: impl FnOnce(&mut Vec<TaskId>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let waiting = Waiting::on(self);
        guard.release();
        block();
        drop(waiting);
        guard.retake();
    }

    pub(crate) fn wait_until<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        limit: Instant,
    ) -> WaitTimeoutResult {
        let waiting = Waiting::on(self);
        guard.release();
        doze();
        let timed_out = waiting.still();
        drop(waiting);
        if timed_out {
            time::reach(limit);
        }
        guard.retake();
        WaitTimeoutResult(timed_out)
    }

    pub(crate) fn wait_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        patience: std::time::Duration,
    ) -> WaitTimeoutResult {
        self.wait_until(guard, time::now() + patience)
    }

    #[track_caller]
    pub(crate) fn notify_one(&self) {
        let forgotten = is_seeded(Fault::Forgotten, Location::caller());
        point();
        let chosen = self.with(|waiters| {
            (!forgotten && !waiters.is_empty()).then(|| waiters.remove(choose(waiters.len())))
        });
        chosen.inspect(|waiter| wake(*waiter));
    }

    #[track_caller]
    pub(crate) fn notify_all(&self) {
        let forgotten = is_seeded(Fault::Forgotten, Location::caller());
        point();
        if !forgotten {
            self.with(std::mem::take).into_iter().for_each(wake);
        }
    }
}

/// A thread that waits, until notified.
struct Waiting<'c> {
    condvar: &'c Condvar,
    me: TaskId,
}

impl<'c> Waiting<'c> {
    fn on(condvar: &'c Condvar) -> Self {
        let me = ExecutionState::me();
        condvar.with(|waiters| waiters.push(me));
        Waiting { condvar, me }
    }

    fn still(&self) -> bool {
        self.condvar.with(|waiters| waiters.contains(&self.me))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.condvar
            .with(|waiters| waiters.retain(|waiter| *waiter != self.me));
    }
}

/// Filled once; a thread that comes while it is being filled waits.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    filling: Mutex<()>,
    cell: sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        OnceLock {
            filling: Mutex::default(),
            cell: sync::OnceLock::new(),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        point();
        self.cell.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let _filling = self.filling.lock();
        self.cell.set(value)
    }

    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _filling = self.filling.lock();
        match self.cell.get() {
            Some(value) => value,
            None => {
                let value = init();
                self.cell.get_or_init(|| value)
            }
        }
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        OnceLock::new()
    }
}
