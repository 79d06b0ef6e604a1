//! A fresh runner for each incarnation: [`Restarter::from_factory`].

use std::fmt;

use super::restarter::Restarter;
use crate::error::Result;
use crate::plan::Plan;
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// A runner made of a factory: each run is one of a fresh runner; see [`Restarter::from_factory`].
pub struct Fresh<F>(F);

impl<F, R> Restarter<Fresh<F>>
where
    F: FnMut() -> R + Send,
    R: Runner,
{
    /// Runs a fresh runner for each incarnation, again after every end, with the default [`Backoff`](super::Backoff) and
    /// [`Budget`](super::Budget).
    ///
    /// A factory that panics counts as an incarnation that panicked.
    ///
    /// ```
    /// use ifrit::restart::Restarter;
    /// use ifrit::prelude::*;
    ///
    /// let workers = Restarter::from_factory(|| ifrit::run_once(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// }));
    /// let process = ifrit::invoke(workers);
    /// process.signal(Signal::TERMINATE);
    /// assert!(process.join().is_ok());
    /// ```
    pub fn from_factory(factory: F) -> Self {
        Restarter::always(Fresh(factory))
    }
}

impl<F, R> Runner for Fresh<F>
where
    F: FnMut() -> R + Send,
    R: Runner,
{
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        (self.0)().run(signals, ready)
    }

    fn plan(&self) -> Plan {
        Plan::of_type::<R>()
    }
}

impl<F> fmt::Debug for Fresh<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh")
    }
}
