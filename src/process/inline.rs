//! Running a child on the thread of its wrapper.
//!
//! A wrapper around one runner (sigmon, a restarter) costs no thread: it calls its child's `run` itself. What it needs
//! for that is a host: the process it runs in, if it was called there with the process's own signals. Otherwise (a test
//! drives it by hand, or somebody passes filtered signals) a host is made for the call, which is a process without a
//! thread; a helper thread brings it the signals. Either way there is one code path.
//!
//! Invariants:
//! 1. Signals reach the innermost child: a frame is a fresh mailbox on top of the host's. What is pending moves in when a
//!    frame is pushed, and back when it is popped, in order.
//! 2. A stop that was asked for before a push prevents it; one that comes later lands in the child's mailbox. Both are
//!    decided under the host's lock.
//! 3. What a child leaks is worth nothing once its frame is popped: its signals are disconnected.

use std::convert::Infallible;

use super::core::Core;
use super::current::{as_host, current_core, current_host};
use super::threads;
use crate::error::Error;
use crate::signal::{self, Signal};
use crate::sync::channel::{Receiver, Select, bounded};
use crate::sync::{Arc, thread};

/// Calls `work` with a host and the signals to read from it.
///
/// # Errors
///
/// The helper's thread did not start, where one is needed; `work` was not called.
pub(crate) fn with_host<T>(
    signals: Receiver<Signal>,
    work: impl FnOnce(&Arc<Core>, Receiver<Signal>) -> T,
) -> Result<T, Error> {
    if let Some(host) = current_host().filter(|host| host.reads(&signals)) {
        return Ok(work(&host, signals));
    }
    let process = current_core();
    let (host, inbox) = Core::by_hand(process.as_deref());
    thread::scope(|scope| {
        let (_done, done) = bounded(0);
        let helper = Arc::clone(&host);
        let name = "ifrit-by-hand";
        let pump = move |()| pump(signals, &done, process.as_deref(), &helper);
        threads::start_scoped(scope, name, None, (), pump)
            .map_err(|(source, ())| Error::spawn(name, source))?;
        Ok(as_host(&host, || work(&host, inbox)))
    })
}

/// A stop comes with the time that the process around it was given for it.
fn pump(
    mut signals: Receiver<Signal>,
    done: &Receiver<Infallible>,
    process: Option<&Core>,
    host: &Arc<Core>,
) {
    loop {
        let mut select = Select::new();
        let from_outside = select.recv(&signals);
        select.recv(done);
        if select.ready() != from_outside {
            return;
        }
        if let Some(signal) = signal::try_next(&mut signals) {
            host.tell(signal, process.and_then(Core::stop_by));
        }
    }
}

/// A child's place on its host, for one run of it.
pub(crate) struct Frame<'h> {
    host: &'h Core,
    pub(crate) signals: Receiver<Signal>,
}

impl<'h> Frame<'h> {
    /// A place for a child, unless a stop was asked for.
    pub(crate) fn push(host: &'h Core) -> Option<Self> {
        let signals = host.push_mailbox()?;
        Some(Frame { host, signals })
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.host.pop_mailbox();
    }
}
