//! Putting a runner on a thread.

use std::io;
use std::time::Duration;

use super::core::{Core, Limits, inherited, registry};
use super::current::{as_current, current_core, take_unread};
use super::link::Link;
use super::pool::{Job, Pool};
use super::threads;
use crate::ancestor::Ancestor;
use crate::clock::Clock;
use crate::disposal;
use crate::error::{self, Error, Exit};
use crate::limit::{Limit, Span};
use crate::observe::{self, InSpan, What};
use crate::ready::ReadySender;
use crate::runner::{self, BoxRunner, Runner};
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::Receiver;
use crate::sync::thread::Scope;

/// What is asked for a process before it starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) starter: Starter,
    pub(crate) stack_size: Option<usize>,
    pub(crate) clock: Option<Clock>,
    pub(crate) kill_grace: Option<Duration>,
    pub(crate) start_within: Option<Duration>,
    /// It counts as being started until it ends.
    pub(crate) starts_until_its_end: bool,
    /// The limit of the group that starts it.
    pub(crate) start_limit: Option<Limit>,
    /// How long any stop of the process may take; the process itself sees to it.
    pub(crate) stop_within: Option<Duration>,
    /// How long a stop that begins inside may take; the group that starts it sees to the others.
    pub(crate) stop_inside: Option<Span>,
}

/// Which process a new one is a child of and inherits from what is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) enum Starter {
    /// The process on whose thread it is started, if any.
    #[default]
    ThisThread,
    /// The process in which a group runs, if any. The group asks for the rest itself.
    Group(Option<Arc<Ancestor>>),
}

impl Request {
    /// The state of the process to be; what is not asked for is inherited from the process that starts it. It is said to
    /// have started, so it must come to an end, also where it gets no thread.
    pub(crate) fn core<R: Runner + ?Sized>(&self, runner: &R, link: Option<Link>) -> Arc<Core> {
        let (here, above) = match &self.starter {
            Starter::ThisThread => {
                let here = current_core();
                let above = here.as_deref().map(Core::as_ancestor);
                (here, above)
            }
            Starter::Group(above) => (None, above.clone()),
        };
        let (clock, grace) = inherited(here.as_deref());
        let clock = self.clock.clone().unwrap_or(clock);
        let grace = self.kill_grace.unwrap_or(grace);
        let now = clock.now();
        let own_start = self.start_within;
        let own_start = own_start.and_then(|set| Limit::new(now, set));
        let limits = Limits {
            grace,
            start: Limit::earlier(own_start, self.start_limit),
            start_is_all: self.starts_until_its_end,
            stop: self.stop_inside,
        };
        let name = self.name.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| runner::name_of(runner).into());
        let core = Core::new(name, above, clock, limits, link, Some(now));
        if self.stop_within.is_some() {
            core.set_stop_within(self.stop_within);
        }
        core.say_at(now, What::Started);
        core
    }

    /// Starts what is asked for, if it makes sense.
    fn start<'r>(&self, life: Life<'r>, thread: impl Launch<'r>) {
        let limits = [
            ("start_within", self.start_within),
            ("stop_within", self.stop_within),
        ];
        let zero = limits
            .iter()
            .find(|(_, limit)| *limit == Some(Duration::ZERO));
        if let Some((option, _)) = zero {
            let who = life.core.name.to_string();
            return life.end(Err(Error::ZeroDeadline { who, option }), InSpan::none());
        }
        launch(life, self.stack_size, thread);
    }
}

/// What becomes of the exit and the runner when the run has ended, or the thread has not started.
pub(crate) type AtTheEnd<'r> = fn(&Core, Exit, Box<dyn Runner + 'r>, InSpan);

/// The process owned its runner: the runner is dropped before the exit is published.
pub(crate) fn drop_runner(core: &Core, exit: Exit, runner: Box<dyn Runner + '_>, span: InSpan) {
    let exit = exit.and(error::drop_caught(runner));
    span.leave(); // what waits for the exit finds the span closed
    core.finish(exit, None);
}

/// The runner goes home to the group with the exit.
fn send_home(core: &Core, exit: Exit, runner: BoxRunner, span: InSpan) {
    span.leave();
    core.finish(exit, Some(runner));
}

/// Starts a process that owns its runner. A thread that does not start is an exit.
pub(super) fn spawn<R: Runner + 'static>(request: Request, runner: R) -> Arc<Core> {
    let core = request.core(&runner, None);
    let life = Life::new(&core, Box::new(runner), drop_runner);
    request.start(life, Detached);
    core
}

/// Starts a process that may borrow what outlives `scope`. It has been introduced to those who hear of its end.
pub(super) fn spawn_scoped<'scope, R: Runner + 'scope>(
    request: &Request,
    runner: R,
    scope: &'scope Scope<'scope, '_>,
    link: Link,
    introduce: impl FnOnce(&Arc<Core>),
) -> Arc<Core> {
    let core = request.core(&runner, Some(link));
    introduce(&core);
    let life = Life::new(&core, Box::new(runner), drop_runner);
    request.start(life, scope);
    core
}

/// Starts a member: it reports to its group, and its runner goes home with the exit.
pub(crate) fn spawn_member(request: &Request, runner: BoxRunner, link: Link) -> Arc<Core> {
    let core = request.core(&runner, Some(link));
    launch(
        Life::new(&core, runner, send_home),
        request.stack_size,
        Detached,
    );
    core
}

/// Runs a process here and now, on the thread of the caller, with these signals. Returns it, and what was not read.
pub(crate) fn run_here<R: Runner + ?Sized>(
    request: &Request,
    runner: &mut R,
    signals: &Receiver<Signal>,
) -> (Arc<Core>, Vec<Signal>) {
    let core = request.core(&runner, None);
    registry::enter(&core);
    core.started_on_this_thread();
    let unread = as_current(&core, || {
        let ready = ReadySender::new(Arc::clone(&core) as _);
        let exit = error::exit_of(|| runner.run(signals.clone(), ready));
        core.returned();
        let taken = take_unread(signals);
        core.finish(exit, None);
        taken.into_iter().chain(signals.try_iter()).collect()
    });
    registry::leave(&core);
    (core, unread)
}

/// Puts a life on a thread. If that does not start, the end comes here and now.
pub(crate) fn launch<'r>(life: Life<'r>, stack_size: Option<usize>, thread: impl Launch<'r>) {
    if life.core.keeps_limits()
        && let Err(source) = life.core.clock.start_timer()
    {
        return life.not_started(source);
    }
    disposal::start_if_needed();
    let core = Arc::clone(&life.core);
    registry::enter(&core);
    match thread.launch(life, stack_size) {
        Ok(()) => core.watch_start(),
        Err((source, life)) => {
            registry::leave(&core);
            life.not_started(source);
        }
    }
}

/// A process that is about to live: its state, what it runs, and what becomes of that.
pub(crate) struct Life<'r> {
    core: Arc<Core>,
    runner: Box<dyn Runner + 'r>,
    end: AtTheEnd<'r>,
}

impl<'r> Life<'r> {
    pub(crate) fn new(core: &Arc<Core>, runner: Box<dyn Runner + 'r>, end: AtTheEnd<'r>) -> Self {
        Life {
            core: Arc::clone(core),
            runner,
            end,
        }
    }

    /// Runs it, on its own thread. It catches whatever is not ours.
    pub(crate) fn live(mut self) {
        let core = Arc::clone(&self.core);
        core.started_on_this_thread();
        as_current(&core, || {
            let span = observe::enter(core.id, || core.path());
            let exit = match core.signals() {
                Some(signals) => {
                    let ready = ReadySender::new(Arc::clone(&core) as _);
                    let exit = error::exit_of(|| self.runner.run(signals, ready));
                    core.returned();
                    exit
                }
                None => Ok(()),
            };
            self.end(exit, span);
        });
        registry::leave(&core);
        disposal::start_if_needed();
    }

    fn not_started(self, source: io::Error) {
        let error = Error::spawn(&self.core.name, source);
        self.end(Err(error), InSpan::none());
    }

    fn end(self, exit: Exit, span: InSpan) {
        (self.end)(&self.core, exit, self.runner, span);
    }
}

/// The ways to get a thread for a process.
pub(crate) trait Launch<'r> {
    /// Hands the life back if no thread is to be had.
    fn launch(self, life: Life<'r>, stack_size: Option<usize>)
    -> Result<(), (io::Error, Life<'r>)>;
}

/// A new thread that is never joined: its process says when it is done.
pub(crate) struct Detached;

impl Launch<'static> for Detached {
    fn launch(
        self,
        life: Life<'static>,
        stack_size: Option<usize>,
    ) -> Result<(), (io::Error, Life<'static>)> {
        let name = Arc::clone(&life.core.name);
        threads::start(&name, stack_size, life, Life::live)
    }
}

impl Job for Life<'static> {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.core.name)
    }

    fn work(self) {
        self.live();
    }
}

/// A thread that may have been another process's before.
impl Launch<'static> for &Pool<Life<'static>> {
    fn launch(
        self,
        life: Life<'static>,
        stack_size: Option<usize>,
    ) -> Result<(), (io::Error, Life<'static>)> {
        Pool::launch(self, life, stack_size)
    }
}

impl<'scope> Launch<'scope> for &'scope Scope<'scope, '_> {
    fn launch(
        self,
        life: Life<'scope>,
        stack_size: Option<usize>,
    ) -> Result<(), (io::Error, Life<'scope>)> {
        let name = Arc::clone(&life.core.name);
        threads::start_scoped(self, &name, stack_size, life, Life::live)
    }
}
