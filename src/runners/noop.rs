//! Doing nothing: [`Noop`].

use crate::error::Result;
use crate::plan::Plan;
use crate::ready::ReadySender;
use crate::runner::{Runner, until_stop};
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// A runner that is ready at once and does nothing until it is told to stop. Then it returns Ok.
///
/// It stands where a member is wanted and there is nothing to do: for a part that the settings turn off, or for one that a
/// test does not need.
///
/// ```
/// use ifrit::{prelude::*, runners::Noop};
///
/// fn metrics(on: bool) -> Box<dyn Runner> {
///     match on {
///         true => Box::new(ifrit::run_fn(|_, _| Err("no port to serve them on".into()))),
///         false => Box::new(Noop),
///     }
/// }
///
/// let app = Ordered::new(Members::new().add("metrics", metrics(false)).add("web", Noop));
/// let app = ifrit::invoke(app).started()?;
/// app.signal(Signal::TERMINATE);
/// app.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use = "a runner does nothing until it is started or run"]
pub struct Noop;

impl Runner for Noop {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        ready.notify();
        until_stop(&signals);
        Ok(())
    }

    fn plan(&self) -> Plan {
        Plan::new("noop")
    }
}
