//! Other signals than those that come: [`MapSignals`].

use crate::error::{Error, Exit, Result};
use crate::plan::{Plan, Runs};
use crate::process::{Hook, Layer, Table, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::Receiver;

/// A runner that runs another one, which hears other signals than those that come.
///
/// It is a table: each signal becomes another one, or none. What is not in it stays as it is.
///
/// - A notification that becomes a stop signal stops what runs inside, as a stop does that was asked for: a group inside
///   stops its members, a restarter inside restarts nothing. What stands around sees that the run has ended, and decides
///   what that means: a restarter around it runs it again.
/// - **A stop signal that becomes something else is a stop all the same** for what stands around: its limits run, KILL
///   comes, and a restarter inside restarts nothing. The runner inside must know what it is told to do.
/// - What the runner has not read when it ends is heard around it as it came; a stop that was made of something else is
///   over with the run.
/// - KILL stays KILL. To name it makes the run fail with [`Error::UncatchableSignal`], before anything has started.
/// - The runner inside runs on the same thread. Driven by hand, with signals that are not those of the current process, it
///   needs a helper thread, as a [`Sigmon`](crate::sigmon::Sigmon) does.
///
/// ```
/// use ifrit::{prelude::*, runners::MapSignals};
///
/// let app = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     assert_eq!(signals.recv()?, Signal::TERMINATE);
///     Ok(())
/// });
/// let app = MapSignals::new(app)
///     .map(Signal::USER1, Signal::TERMINATE)
///     .swallow(Signal::HANGUP);
/// let app = ifrit::invoke(app);
/// app.signal(Signal::HANGUP);
/// app.signal(Signal::USER1);
/// app.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a runner does nothing until it is started or run"]
pub struct MapSignals<R> {
    runner: R,
    table: Arc<Table>,
    /// For the plan, in the order in which they were said.
    said: Vec<(Signal, Option<Signal>)>,
}

impl<R: Runner> MapSignals<R> {
    /// Changes nothing yet.
    pub fn new(runner: R) -> Self {
        MapSignals {
            runner,
            table: Arc::default(),
            said: Vec::new(),
        }
    }

    /// Where `from` comes, the runner hears `to`. What was said of `from` before is forgotten.
    pub fn map(self, from: Signal, to: Signal) -> Self {
        self.set(from, Some(to))
    }

    /// The runner does not hear `signal`.
    pub fn swallow(self, signal: Signal) -> Self {
        self.set(signal, None)
    }

    fn set(mut self, from: Signal, to: Option<Signal>) -> Self {
        Arc::make_mut(&mut self.table).set(from, to);
        self.said.retain(|(said, _)| *said != from);
        self.said.push((from, to));
        self
    }

    fn check(&self) -> Exit {
        match self.table.get(Signal::KILL) {
            Some(Signal::KILL) => Ok(()),
            _ => Err(Error::UncatchableSignal(Signal::KILL)),
        }
    }
}

impl<R: Runner> Runner for MapSignals<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.check()?;
        with_host(signals, |host, _| {
            let layer = Layer::enter(host, Hook::Map(Arc::clone(&self.table)));
            self.runner.run(layer.signals.clone(), ready)
        })?
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::new("signals");
        for (from, to) in &self.said {
            plan = plan.note(match to {
                Some(to) => format!("{from} as {to}"),
                None => format!("no {from}"),
            });
        }
        plan.runner.runs = Runs::Inline;
        plan.part(self.runner.plan())
    }
}
