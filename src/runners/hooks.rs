//! Being called at the start, at ready, for each signal and at the end of a run: [`Hooks`].

use std::fmt;

use super::on_ready::OnReady;
use crate::error::{Error, Exit, Result, catch, exit_of};
use crate::mailbox::Mailbox;
use crate::nesting::{self, DEEPEST, Work};
use crate::plan::{Plan, Runs};
use crate::process::threads::start_scoped;
use crate::process::{Hook, Layer, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex, thread};

type Call = Box<dyn FnMut() + Send>;
type CallAtExit = Box<dyn FnMut(&Exit) + Send>;

/// A runner that runs another one, and calls what was set for its start, for ready, for each signal, and for its end.
///
/// - The hooks of start, ready and end are called on the thread of the runner, and take time from its run: the end of a run
///   comes after its hook. That of ready is called where the runner says ready, right after that was said.
/// - **[`on_signal`](Hooks::on_signal) costs a second thread while the runner runs**: the code of a user is not run on the
///   thread of the one that sends a signal. Without it there is none.
/// - A panic of a hook is the exit, unless the run itself has failed. At the start nothing has run then.
/// - The runner inside runs on the same thread. With `on_signal`, and driven by hand with signals that are not those of
///   the current process, it needs a helper thread, as a [`Sigmon`](crate::sigmon::Sigmon) does.
///
/// What happens to processes can also be heard from outside, as [events](crate::observe::Event).
///
/// # Errors
///
/// [`Error::Spawn`], if the thread for `on_signal` does not start; the runner was not run, and its end is told.
///
/// ```
/// use ifrit::{prelude::*, runners::{Hooks, Noop}};
///
/// let web = Hooks::new(Noop)
///     .on_start(|| println!("web starts"))
///     .on_ready(|| println!("web is ready"))
///     .on_exit(|exit| println!("web has ended: {exit:?}"));
/// let web = ifrit::invoke(web);
/// web.signal(Signal::TERMINATE);
/// web.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[must_use = "a runner does nothing until it is started or run"]
#[doc(alias("callback", "middleware"))]
pub struct Hooks<R> {
    runner: R,
    start: Option<Call>,
    ready: Option<Arc<Mutex<Option<Call>>>>,
    signal: Option<Box<dyn FnMut(Signal) + Send>>,
    exit: Option<CallAtExit>,
}

impl<R: Runner> Hooks<R> {
    /// No hook yet.
    pub fn new(runner: R) -> Self {
        Hooks {
            runner,
            start: None,
            ready: None,
            signal: None,
            exit: None,
        }
    }

    /// Called at the beginning of each run. The last one that is set counts, here and below.
    pub fn on_start(mut self, call: impl FnMut() + Send + 'static) -> Self {
        self.start = Some(Box::new(call));
        self
    }

    /// Called when the runner has said ready, once in each run at most.
    pub fn on_ready(mut self, call: impl FnMut() + Send + 'static) -> Self {
        let call: Call = Box::new(call);
        self.ready = Some(Arc::new(Mutex::new(Some(call))));
        self
    }

    /// Called with each signal that the runner is told, in order, on a thread of its own; the runner may have read it
    /// already. As in the mailbox of a runner, equal signals that wait for the call are one.
    ///
    /// The run ends when it has been called with all that came before its end.
    pub fn on_signal(mut self, call: impl FnMut(Signal) + Send + 'static) -> Self {
        self.signal = Some(Box::new(call));
        self
    }

    /// Called with the exit of each run, a panic included.
    pub fn on_exit(mut self, call: impl FnMut(&Exit) + Send + 'static) -> Self {
        self.exit = Some(Box::new(call));
        self
    }

    fn run_inside(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Exit {
        if let Some(start) = &mut self.start {
            catch(&mut **start)?;
        }
        let Some(hook) = &self.ready else {
            return self.run_heard(signals, ready);
        };
        let at_ready = Arc::new(AtReady {
            hook: Arc::clone(hook),
            state: Mutex::default(),
        });
        let sender = {
            let at_ready = Arc::clone(&at_ready);
            OnReady::sender(ready, move |outer| {
                outer.notify();
                at_ready.call();
            })
        };
        let exit = self.run_heard(signals, sender);
        exit.and(at_ready.end())
    }

    fn run_heard(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Exit {
        let Some(hook) = &mut self.signal else {
            return exit_of(|| self.runner.run(signals, ready));
        };
        let panicked = Mutex::new(None);
        let exit = with_host(signals, |host, _| {
            thread::scope(|scope| {
                let mut tap = Mailbox::default();
                let listen = Listen {
                    told: tap.receiver(),
                    hook,
                    panicked: &panicked,
                };
                let name = "ifrit-hooks";
                start_scoped(scope, name, None, listen, Listen::run)
                    .map_err(|(source, _)| Error::spawn(name, source))?;
                // The thread ends when the layer is gone, and the tap with it.
                let layer = Layer::enter(host, Hook::Tap(tap));
                exit_of(|| self.runner.run(layer.signals.clone(), ready))
            })
        })?;
        exit.and(panicked.into_inner().map_or(Ok(()), Err))
    }
}

/// The hook of ready, for one run.
struct AtReady {
    /// `None` while it is being called.
    hook: Arc<Mutex<Option<Call>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ended: bool,
    panicked: Option<Error>,
}

impl AtReady {
    /// Not once the run has ended: ready is worth nothing then.
    fn call(&self) {
        if self.state.lock().ended {
            return;
        }
        let hook = self.hook.lock().take();
        let Some(mut hook) = hook else { return };
        let called = catch(&mut *hook);
        let none = self.hook.lock().replace(hook);
        drop(none);
        self.state.lock().panicked = called.err();
    }

    /// The run has ended.
    fn end(&self) -> Exit {
        let mut state = self.state.lock();
        state.ended = true;
        state.panicked.take().map_or(Ok(()), Err)
    }
}

/// Calls the hook of signals, on the second thread.
struct Listen<'r> {
    told: Receiver<Signal>,
    hook: &'r mut (dyn FnMut(Signal) + Send),
    panicked: &'r Mutex<Option<Error>>,
}

impl Listen<'_> {
    fn run(self) {
        let called = catch(|| self.told.iter().for_each(self.hook));
        *self.panicked.lock() = called.err();
    }
}

impl<R: Runner> Runner for Hooks<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let _level = nesting::enter(Work::Run).ok_or(Error::TooDeep { limit: DEEPEST })?;
        let exit = self.run_inside(signals, ready);
        let told = match &mut self.exit {
            Some(hook) => catch(|| hook(&exit)),
            None => Ok(()),
        };
        Ok(exit.and(told)?)
    }

    fn plan(&self) -> Plan {
        let set = [
            ("start", self.start.is_some()),
            ("ready", self.ready.is_some()),
            ("signal", self.signal.is_some()),
            ("exit", self.exit.is_some()),
        ];
        let set = set.into_iter().filter(|(_, is_set)| *is_set);
        let mut plan = set.fold(Plan::new("hooks"), |plan, (name, _)| plan.note(name));
        plan.runner.runs = Runs::Inline;
        plan.part(self.runner.plan())
    }
}

impl<R: fmt::Debug> fmt::Debug for Hooks<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}
