//! Signals from a channel besides those of the process: [`Proxy`].

use std::convert::Infallible;
use std::fmt;

use crate::error::{Error, Exit, Result, exit_of};
use crate::plan::{Plan, Runs};
use crate::process::threads::start_scoped;
use crate::process::{Hook, Inside, Layer, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Select, TryRecvError, bounded};
use crate::sync::thread;

/// A runner that runs another one, which hears what comes out of a channel besides what its process is told.
///
/// - **A stop out of the channel stops what runs inside, and nothing around it**: a restarter around it runs it again. It
///   has no limit; for one, put a [`Timeout`](crate::runners::Timeout) inside, or stop the process instead.
/// - What is in the channel already is heard from the start. What the run was told and has not read goes to what runs next
///   in the same process; but a stop out of the channel that came as the run ended has ended with it.
/// - A channel that is disconnected says nothing more. It is no stop: the run goes on, and ends by itself or by the signals
///   of its process.
/// - **It costs a second thread while it runs**, which takes the signals out of the channel, and ends when that is
///   disconnected. The runner inside runs on the thread of the process.
///
/// A [`Process`](crate::Process) can be told signals without this, from any thread. It is for a runner that is handed the
/// channel of something else before there is a process.
///
/// # Errors
///
/// [`Error::Spawn`], if the second thread does not start; the runner was not called.
///
/// ```
/// use ifrit::{prelude::*, proxy::Proxy};
///
/// let (tell, told) = ifrit::crossbeam_channel::unbounded();
/// let web = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     assert_eq!(signals.recv()?, Signal::HANGUP); // from the channel
///     assert_eq!(signals.recv()?, Signal::TERMINATE); // from the process
///     Ok(())
/// });
/// tell.send(Signal::HANGUP)?;
/// # let (heard, has_heard) = ifrit::crossbeam_channel::bounded(0);
/// # let web = ifrit::runners::Hooks::new(web).on_signal(move |_| drop(heard.send(())));
/// let web = ifrit::invoke(Proxy::new(web, told));
/// # has_heard.recv()?;
/// web.signal(Signal::TERMINATE);
/// # drop(has_heard);
/// web.join()?;
/// # Ok::<(), ifrit::BoxError>(())
/// ```
#[derive(Clone)]
#[must_use = "a runner does nothing until it is started or run"]
pub struct Proxy<R> {
    runner: R,
    signals: Receiver<Signal>,
}

impl<R: Runner> Proxy<R> {
    /// Lets `runner` hear what comes out of `signals`.
    pub fn new(runner: R, signals: Receiver<Signal>) -> Self {
        Proxy { runner, signals }
    }
}

impl<R: Runner> Runner for Proxy<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let exit: Exit = with_host(signals, |host, _| {
            let layer = Layer::enter(host, Hook::Pass);
            thread::scope(|scope| {
                let (_done, done) = bounded(0);
                let forward = Forward {
                    signals: self.signals.clone(),
                    done,
                    inside: layer.inside(),
                };
                let name = "ifrit-proxy";
                start_scoped(scope, name, None, forward, Forward::run)
                    .map_err(|(source, _)| Error::spawn(name, source))?;
                exit_of(|| self.runner.run(layer.signals.clone(), ready))
            })
        })?;
        Ok(exit?)
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::new("proxy");
        plan.runner.runs = Runs::Inline;
        plan.part(self.runner.plan())
    }
}

impl<R: fmt::Debug> fmt::Debug for Proxy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}

/// Brings what runs inside the signals of a channel, on the second thread.
struct Forward {
    signals: Receiver<Signal>,
    /// Disconnected once the run has ended.
    done: Receiver<Infallible>,
    inside: Inside,
}

impl Forward {
    fn run(self) {
        let mut select = Select::new();
        select.recv(&self.signals);
        select.recv(&self.done);
        loop {
            select.ready();
            // Asked for first: what the run does not hear any more is left in the channel for the next one.
            if self.done.try_recv() == Err(TryRecvError::Disconnected) {
                return;
            }
            match self.signals.try_recv() {
                Ok(signal) => self.inside.tell(signal),
                Err(TryRecvError::Empty) => {} // another reader was first
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }
}
