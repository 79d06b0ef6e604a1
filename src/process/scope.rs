//! Runners that borrow: [`scope`].
//!
//! Invariant: nothing is dropped under the lock.

use std::fmt;

use super::builder::Builder;
use super::handle::Process;
use super::spawn::{self, Request};
use super::status::Status;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::{Mutex, thread};

/// Processes whose runners may borrow from the caller; see [`scope`].
pub struct Scope<'scope, 'env> {
    threads: &'scope thread::Scope<'scope, 'env>,
    processes: Mutex<Started>,
}

/// The processes to stop at the end. Those that have exited are let go whenever their number may have doubled, so that
/// a scope that starts many, one after the other, does not grow.
#[derive(Default)]
struct Started {
    processes: Vec<Process>,
    prune_at: usize,
}

/// Calls `f` with a [`Scope`], in which runners may borrow what outlives this call.
///
/// When `f` returns or panics, every process of the scope that still runs is told INT, and the call blocks until all
/// of them have returned; a runner that never returns blocks it for ever, since what it borrows must outlive it. The
/// panic goes on afterwards.
///
/// ```
/// use ifrit::prelude::*;
/// use std::sync::Mutex;
///
/// let log = Mutex::new(Vec::new());
/// ifrit::scope(|scope| {
///     scope.invoke(ifrit::run_fn(|signals, ready| {
///         ready.notify();
///         log.lock().unwrap().push(ifrit::until_stop(&signals));
///         Ok(())
///     }));
/// });
/// assert_eq!(log.into_inner().unwrap(), [Signal::INTERRUPT]);
/// ```
pub fn scope<'env, T>(f: impl for<'scope> FnOnce(&Scope<'scope, 'env>) -> T) -> T {
    thread::scope(|threads| {
        let scope = Scope {
            threads,
            processes: Mutex::default(),
        };
        f(&scope)
        // The scope is dropped here, on a panic too: that tells them to stop. Then the threads are joined.
    })
}

impl<'scope> Scope<'scope, '_> {
    /// Starts `runner` on a thread of its own and returns at once, as [`background`](crate::background) does.
    pub fn background(&self, runner: impl Runner + 'scope) -> Process {
        Builder::default().background_scoped(self, runner)
    }

    /// Starts `runner` on a thread of its own; blocks until it is ready or has exited, as [`invoke`](crate::invoke) does.
    pub fn invoke(&self, runner: impl Runner + 'scope) -> Process {
        Builder::default().invoke_scoped(self, runner)
    }

    pub(super) fn start(&self, request: Request, runner: impl Runner + 'scope) -> Process {
        let process = Process::from_core(spawn::spawn_scoped(request, runner, self.threads));
        // Dropped when the lock is released: what is let go may be the last that is left of somebody's error.
        let _gone = self.processes.lock().add(process.clone());
        process
    }
}

impl Builder {
    /// As [`background`](Builder::background), with a runner that may borrow what outlives the scope.
    pub fn background_scoped<'scope>(
        self,
        scope: &Scope<'scope, '_>,
        runner: impl Runner + 'scope,
    ) -> Process {
        scope.start(self.0, runner)
    }

    /// As [`invoke`](Builder::invoke), with a runner that may borrow what outlives the scope.
    pub fn invoke_scoped<'scope>(
        self,
        scope: &Scope<'scope, '_>,
        runner: impl Runner + 'scope,
    ) -> Process {
        let process = self.background_scoped(scope, runner);
        process.wait_ready_or_exit();
        process
    }
}

impl Started {
    /// Returns those that are let go.
    fn add(&mut self, process: Process) -> Vec<Process> {
        let mut gone = Vec::new();
        if self.processes.len() >= self.prune_at {
            let has_exited = |process: &mut Process| process.status() == Status::Exited;
            gone = self.processes.extract_if(.., has_exited).collect();
            self.prune_at = (self.processes.len() * 2).max(16);
        }
        self.processes.push(process);
        gone
    }
}

impl Drop for Scope<'_, '_> {
    fn drop(&mut self) {
        for process in &self.processes.get_mut().processes {
            process.signal(Signal::INTERRUPT);
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}
