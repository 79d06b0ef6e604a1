//! Runners that borrow: [`scope`].

use std::fmt;

use super::builder::Builder;
use super::core::Core;
use super::current::current_host;
use super::handle::Process;
use super::hearing::Hearing;
use super::link::{Awaited, Link};
use super::roster::Roster;
use super::spawn::{self, Request};
use super::waits;
use crate::disposal::defer_quietly;
use crate::error::Error;
use crate::id::ProcessId;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::{Arc, thread};

/// Processes whose runners may borrow from the caller; see [`scope`].
pub struct Scope<'scope, 'env> {
    threads: &'scope thread::Scope<'scope, 'env>,
    roster: Arc<Roster>,
    host: Option<Arc<Core>>,
    /// The process that waits for those of the scope. The host may be another, one without a thread.
    process: Option<ProcessId>,
}

/// Calls `f` with a [`Scope`], in which runners may borrow what outlives this call.
///
/// When `f` returns or panics, every process of the scope that still runs is told INT, and the call blocks until all
/// of them have returned; a runner that never returns blocks it for ever, since what it borrows must outlive it.
///
/// In a runner, the scope takes part in what its process is told, from other threads, while `f` runs or blocks: KILL and
/// notifications reach every process of the scope at once, and a stop signal takes the place of the INT that the end of
/// the scope sends. (`f` reads the signals of its own process, too, and returns when it is told to stop.)
///
/// An exit with an error that was not delivered to anything, by [`join`](Process::join), [`wait`](Process::wait),
/// [`try_exit`](Process::try_exit) or the like, is among the [`failures`](Scope::failures) of the scope.
///
/// # Panics
///
/// With what `f` panicked with, once all have returned; or, as in [`std::thread::scope`], if a process of the scope has
/// panicked and its exit was not delivered. The message names the process and has its panic's message.
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
#[track_caller]
#[doc(alias = "scoped threads")]
pub fn scope<'env, T>(f: impl for<'scope> FnOnce(&Scope<'scope, 'env>) -> T) -> T {
    let roster = Arc::new(Roster::default());
    let host = current_host();
    let result = {
        let _listening = host.as_ref().map(|host| listen(host, &roster));
        thread::scope(|threads| {
            f(&Scope {
                threads,
                roster: Arc::clone(&roster),
                host: host.clone(),
                process: waits::here(),
            })
            // The scope is dropped here, on a panic too: that tells them to stop. Then the threads are joined.
        })
    };
    let failures = Failures(roster);
    if let Some(panicked) = failures.panics() {
        panic!("{panicked}");
    }
    result
}

/// The processes of a scope hear what the host is told.
fn listen<'h>(host: &'h Core, roster: &Arc<Roster>) -> Hearing<'h> {
    let (hearing, told) = Hearing::begin(host, Arc::clone(roster) as _);
    roster.host_was_told(told);
    hearing
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

    /// The processes of this scope that have exited with an error which was not delivered to anything.
    ///
    /// What it returns is a view that stays up to date and outlives the scope: looked at inside the closure, it shows
    /// the failures so far; returned from it, all of them, those at the end included. Never blocks.
    ///
    /// ```
    /// let failures = ifrit::scope(|scope| {
    ///     scope.background(ifrit::run_fn(|_, _| Err("no disk".into())));
    ///     let heard = scope.background(ifrit::run_fn(|_, _| Err("no paper".into())));
    ///     assert!(heard.join().is_err());
    ///     scope.failures()
    /// });
    /// let failures = failures.list();
    /// assert_eq!(failures.len(), 1);
    /// assert_eq!(failures[0].error.to_string(), "no disk");
    /// ```
    pub fn failures(&self) -> Failures {
        Failures(Arc::clone(&self.roster))
    }

    fn start(&self, request: &Request, runner: impl Runner + 'scope) -> Process {
        let parent = Arc::downgrade(&self.roster) as _;
        let link = Link {
            parent,
            index: 0,
            rank: 0,
            // One that is started from another process of the scope is that one's child.
            is_held: self.process == waits::here(),
            awaited: Awaited::No,
            only_if: None,
        };
        let mut killed = false;
        let core = spawn::spawn_scoped(request, runner, self.threads, link, |core| {
            core.track_delivery();
            killed = self.roster.enter(core);
        });
        if killed {
            core.signal(Signal::KILL);
        }
        Process::from_core(core)
    }
}

impl Builder {
    /// As [`background`](Builder::background), with a runner that may borrow what outlives the scope.
    pub fn background_scoped<'scope>(
        self,
        scope: &Scope<'scope, '_>,
        runner: impl Runner + 'scope,
    ) -> Process {
        scope.start(&self.0, runner)
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

impl Drop for Scope<'_, '_> {
    fn drop(&mut self) {
        let end = self.host.as_ref().and_then(|host| host.stop_end());
        self.roster.end(end);
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}

/// The processes of a scope that have failed unheard; see [`Scope::failures`]. Clones are the same view.
#[derive(Clone)]
#[must_use = "it is a view; `list` has the failures"]
pub struct Failures(Arc<Roster>);

/// A process of a scope that has failed, and whose exit was not delivered to anything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScopeFailure {
    /// The name of the process.
    pub name: String,
    /// Its number.
    pub id: ProcessId,
    /// Its exit.
    pub error: Error,
}

impl Failures {
    /// The failures, in the order of the exits. To list them does not count as delivery. Never blocks.
    ///
    /// At most 64 are kept, panics rather than other errors; [`omitted`](Failures::omitted) counts the rest.
    pub fn list(&self) -> Vec<ScopeFailure> {
        let (failed, _) = self.0.failed();
        let failed = failed.into_iter().map(|(core, error)| ScopeFailure {
            name: core.name.to_string(),
            id: core.id,
            error,
        });
        failed.collect()
    }

    /// How many failures are listed. Never blocks.
    pub fn len(&self) -> usize {
        let _deferring = defer_quietly(); // what is let go meanwhile may fall here
        self.0.failed().0.len()
    }

    /// Whether none is listed. Never blocks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many failures there was no room for. Never blocks.
    pub fn omitted(&self) -> usize {
        let _deferring = defer_quietly();
        self.0.failed().1
    }

    /// Says which process has panicked unheard, and how many others.
    fn panics(&self) -> Option<String> {
        let failures = self.list();
        let mut panics = failures
            .iter()
            .filter_map(|failure| Some((&failure.name, failure.error.as_panic()?)));
        let (name, panic) = panics.next()?;
        let others = match panics.count() {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        Some(format!("{name}, a process of this scope, {panic}{others}"))
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failures").field(&self.list()).finish()
    }
}
