//! Putting a runner on a thread.

use std::io;
use std::time::Duration;

use super::core::{Core, Limits, earlier};
use super::current::{as_current, current_core};
use super::link::Link;
use super::{registry, threads};
use crate::clock::Clock;
use crate::error::{self, Error, Exit};
use crate::plan;
use crate::ready::ReadySender;
use crate::runner::{BoxRunner, Runner};
use crate::sync::thread::Scope;
use crate::sync::{Arc, Mutex};

/// From KILL to being given up, unless set.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(1);

/// What is asked for a process before it starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) name: Option<Arc<str>>,
    /// Whose child it is. Unset, that of the process on whose thread it is started.
    pub(crate) parent: Option<Arc<Core>>,
    pub(crate) stack_size: Option<usize>,
    pub(crate) clock: Option<Clock>,
    pub(crate) kill_grace: Option<Duration>,
    pub(crate) start_timeout: Option<Duration>,
    /// When the group that starts it wants it ready.
    pub(crate) start_by: Option<std::time::Instant>,
    /// How long a stop that begins inside may take.
    pub(crate) stop_within: Option<Duration>,
}

impl Request {
    /// The state of the process to be; what is not asked for is inherited from the process that starts it.
    pub(crate) fn core(&self, runner_type: &'static str, link: Option<Link>) -> Arc<Core> {
        let parent = self.parent.clone().or_else(current_core);
        let clock = self
            .clock
            .clone()
            .or_else(|| parent.as_ref().map(|parent| parent.clock.clone()))
            .unwrap_or_default();
        let grace = self
            .kill_grace
            .or_else(|| parent.as_ref().map(|parent| parent.grace()))
            .unwrap_or(DEFAULT_GRACE);
        let start_by = earlier(
            self.start_timeout.and_then(|limit| clock.deadline(limit)),
            self.start_by,
        );
        let start = start_by.map(|by| (by.saturating_duration_since(clock.now()), by));
        let limits = Limits {
            grace,
            start,
            stop: self.stop_within,
        };
        let name = self.name.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| runner_type.into());
        Core::new(name, parent.map(|parent| parent.id), clock, limits, link)
    }

    fn zero_deadline(&self) -> Option<&'static str> {
        let zero = self.start_timeout.is_some_and(|limit| limit.is_zero());
        zero.then_some("start_timeout")
    }
}

/// What becomes of the exit and the runner when the run has ended, or the thread has not started.
pub(crate) type End<'r> = fn(&Core, Exit, Box<dyn Runner + 'r>);

/// The process owned its runner: the runner is dropped before the exit is published.
pub(crate) fn drop_runner(core: &Core, exit: Exit, runner: Box<dyn Runner + '_>) {
    let exit = exit.and(error::drop_caught(runner));
    core.finish(exit, None);
}

/// The runner goes home to the group with the exit.
fn send_home(core: &Core, exit: Exit, runner: BoxRunner) {
    core.finish(exit, Some(runner));
}

/// Starts a process that owns its runner. A thread that does not start is an exit.
pub(super) fn spawn<R: Runner + 'static>(request: Request, runner: R) -> Arc<Core> {
    let core = request.core(plan::short_type_name::<R>(), None);
    launch(&core, &request, Box::new(runner), drop_runner, Detached);
    core
}

/// Starts a process that may borrow what outlives `scope`.
pub(super) fn spawn_scoped<'scope, R: Runner + 'scope>(
    request: Request,
    runner: R,
    scope: &'scope Scope<'scope, '_>,
) -> Arc<Core> {
    let core = request.core(plan::short_type_name::<R>(), None);
    launch(&core, &request, Box::new(runner), drop_runner, scope);
    core
}

/// Starts a member: it reports to its group, and its runner goes home with the exit.
pub(crate) fn spawn_member(request: &Request, runner: BoxRunner, link: Link) -> Arc<Core> {
    let core = request.core("member", Some(link));
    launch(&core, request, runner, send_home, Detached);
    core
}

/// Puts `runner` on a thread. If that does not start, the end comes here and now.
pub(crate) fn launch<'r>(
    core: &Arc<Core>,
    request: &Request,
    runner: Box<dyn Runner + 'r>,
    end: End<'r>,
    launch: impl Launch<'r>,
) {
    if let Some(option) = request.zero_deadline() {
        let who = core.name.to_string();
        return end(core, Err(Error::ZeroDeadline { who, option }), runner);
    }

    // If the thread does not start, its body is dropped, but the runner can be taken back.
    let slot = Arc::new(Mutex::new(Some(runner)));
    let body = {
        let (core, slot) = (Arc::clone(core), Arc::clone(&slot));
        move || {
            // Not in the condition: the lock would be held for as long as the runner lives.
            let runner = slot.lock().take();
            if let Some(runner) = runner {
                live(&core, runner, end);
            }
            registry::leave(core.id);
        }
    };
    let started = (|| {
        if core.limits.start.is_some() {
            core.clock.start_timer()?;
        }
        registry::enter(core);
        let launched = launch.launch(&core.name, request.stack_size, body);
        launched.inspect_err(|_| registry::leave(core.id))
    })();
    match started {
        Ok(()) => core.watch_start(),
        Err(source) => {
            let error = Error::Spawn {
                name: core.name.to_string(),
                source: Arc::new(source),
            };
            let runner = slot.lock().take();
            if let Some(runner) = runner {
                end(core, Err(error), runner);
            }
        }
    }
}

/// The life of a process, on its own thread.
fn live<'r>(core: &Arc<Core>, mut runner: Box<dyn Runner + 'r>, end: End<'r>) {
    core.started_on_this_thread();
    as_current(core, || {
        let exit = match core.signals() {
            Some(signals) => {
                let ready = ReadySender::new(Arc::clone(core) as _);
                let result = error::catch(|| runner.run(signals, ready));
                core.returned();
                result.and_then(|result| result.map_err(Error::from_runner))
            }
            None => Ok(()),
        };
        end(core, exit, runner);
    });
}

/// The ways to get a thread for a process.
pub(crate) trait Launch<'r> {
    fn launch(
        self,
        name: &str,
        stack_size: Option<usize>,
        body: impl FnOnce() + Send + 'r,
    ) -> io::Result<()>;
}

/// A new thread that nobody joins: its process says when it is done.
pub(crate) struct Detached;

impl Launch<'static> for Detached {
    fn launch(
        self,
        name: &str,
        stack_size: Option<usize>,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        threads::start(name, stack_size, body)
    }
}

impl<'scope> Launch<'scope> for &'scope Scope<'scope, '_> {
    fn launch(
        self,
        name: &str,
        stack_size: Option<usize>,
        body: impl FnOnce() + Send + 'scope,
    ) -> io::Result<()> {
        threads::start_scoped(self, name, stack_size, body)
    }
}
