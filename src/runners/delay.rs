//! A while between "take no more" and "stop": [`Delay`].

use std::time::Duration;

use crate::error::{Error, Result};
use crate::plan::{Plan, Runs};
use crate::process::{Hook, Layer, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// A runner that runs another one, and hands a stop on to it only after a while.
///
/// Between "take no more" and "stop", those who send work learn that no more is wanted: a load balancer asks for the health
/// of a service every few seconds, and sends requests until it has asked again.
///
/// - The first stop signal begins the delay. Further ones do not end it; the latest is handed on. **KILL is handed on at
///   once**, and ends it. Notifications pass as ever.
/// - [`tell_first`](Delay::tell_first) has the runner told something when the delay begins.
/// - The limit of a stop counts from its beginning: the delay is a part of it, and KILL comes in time whatever is left of
///   the delay.
/// - While it lasts, what runs inside counts as told to stop: a restarter inside restarts nothing.
/// - A runner that ends during the delay has ended.
/// - The runner inside runs on the same thread. Driven by hand, with signals that are not those of the current process, it
///   needs a helper thread, as a [`Sigmon`](crate::sigmon::Sigmon) does.
///
/// A delay of zero is none. One beyond what time can count to waits for KILL.
///
/// # Errors
///
/// [`Error::Spawn`], if the thread for time limits, which all share, does not start.
///
/// ```
/// use ifrit::{prelude::*, runners::Delay, testing::ManualClock};
/// use std::time::Duration;
///
/// let web = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     assert_eq!(signals.recv()?, Signal::USER2); // from now on the health page says no
///     assert_eq!(signals.recv()?, Signal::TERMINATE); // 5 s later
///     Ok(())
/// });
/// let web = Delay::new(web, Duration::from_secs(5)).tell_first(Signal::USER2);
/// let clock = ManualClock::new();
/// let web = Process::builder().clock(clock.clock()).invoke(web);
/// web.signal(Signal::TERMINATE);
/// clock.advance_to_next();
/// web.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a runner does nothing until it is started or run"]
#[doc(alias("drain", "preStop"))]
pub struct Delay<R> {
    runner: R,
    delay: Duration,
    first: Option<Signal>,
}

impl<R: Runner> Delay<R> {
    /// Hands a stop on to `runner` after `delay`.
    pub fn new(runner: R, delay: Duration) -> Self {
        Delay {
            runner,
            delay,
            first: None,
        }
    }

    /// The runner is told this notification when the delay begins, so that it takes no more. Default: nothing.
    ///
    /// A stop signal in its place would make the delay none: the run fails with [`Error::UncatchableSignal`] then, before
    /// anything has started.
    pub fn tell_first(mut self, signal: Signal) -> Self {
        self.first = Some(signal);
        self
    }
}

impl<R: Runner> Runner for Delay<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        if let Some(stop) = self.first.filter(|signal| signal.is_stop()) {
            return Err(Error::UncatchableSignal(stop).into());
        }
        with_host(signals, |host, _| {
            host.clock
                .start_timer()
                .map_err(|source| Error::spawn("ifrit-timer", source))?;
            let layer = Layer::enter(host, Hook::hold(self.delay, self.first));
            self.runner.run(layer.signals.clone(), ready)
        })?
    }

    fn plan(&self) -> Plan {
        let plan = Plan::new("delay").note(format!("stop after {:?}", self.delay));
        let mut plan = match self.first {
            Some(first) => plan.note(format!("{first} at once")),
            None => plan,
        };
        plan.runner.runs = Runs::Inline;
        plan.part(self.runner.plan())
    }
}
