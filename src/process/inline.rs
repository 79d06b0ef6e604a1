//! Running a child on the thread of its wrapper.
//!
//! A wrapper around one runner (sigmon, a restarter) costs no thread: it calls its child's `run` itself. What it needs
//! for that is a host: the process it runs in, if it was called there with the process's own signals. Otherwise (a test
//! drives it by hand, or the runner around it passes filtered signals) a host is made for the call, which is a process without a
//! thread; a helper thread brings it the signals. Either way there is one code path.
//!
//! Invariants:
//! 1. Signals reach the innermost child: a frame is a fresh mailbox on top of the host's. What is pending moves in when a
//!    frame is pushed, and back when it is popped, in order.
//! 2. A stop that was asked for before a push prevents it; one that comes later lands in the child's mailbox. Both are
//!    decided under the host's lock.
//! 3. What a child leaks is worth nothing once its frame is popped: its signals are disconnected.
//! 4. A signal that the helper has taken and the child has not read is not lost, also where that panics: it is kept for the next wrapper that is
//!    driven by hand, on the same thread and with the same channel. It cannot be given back to the channel, so a runner
//!    that reads that channel itself does not see it.

use std::convert::Infallible;

use super::core::Core;
use super::current::{as_host, current_core, current_host, keep_unread, take_unread};
use super::threads;
use crate::error::Error;
use crate::nesting::{self, DEEPEST, Work};
use crate::on_drop::OnDrop;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{Receiver, Select, TryRecvError, bounded};
use crate::sync::{Arc, thread};

/// Calls `work` with a host and the signals to read from it.
///
/// # Errors
///
/// Too many stand in each other already, or the helper's thread did not start, where one is needed; `work` was not called.
pub(crate) fn with_host<T>(
    signals: Receiver<Signal>,
    work: impl FnOnce(&Arc<Core>, Receiver<Signal>) -> T,
) -> Result<T, Error> {
    let _level = nesting::enter(Work::Run).ok_or(Error::TooDeep { limit: DEEPEST })?;
    if let Some(host) = current_host().filter(|host| host.reads(&signals)) {
        return Ok(work(&host, signals));
    }
    let process = current_core();
    let (host, inbox) = Core::by_hand(process.as_deref());
    for signal in take_unread(&signals) {
        host.tell(signal, process.as_deref().and_then(Core::stop_end)); // Invariant 4
    }
    let made_up = AtomicBool::default();
    let _kept = OnDrop(|| {
        let mut unread: Vec<_> = inbox.try_iter().collect();
        if made_up.load(Ordering::Relaxed) {
            unread.retain(|signal| *signal != Signal::INTERRUPT);
        }
        keep_unread(signals.clone(), unread); // Invariant 4
    });
    thread::scope(|scope| {
        let (_done, done) = bounded(0);
        let pump = Pump {
            signals: signals.clone(),
            done,
            process: process.as_deref(),
            host: &host,
            made_up: &made_up,
        };
        let name = "ifrit-by-hand";
        threads::start_scoped(scope, name, None, pump, Pump::run)
            .map_err(|(source, _)| Error::spawn(name, source))?;
        Ok(as_host(&host, || work(&host, inbox.clone())))
    })
}

/// Brings a host the signals of a channel.
struct Pump<'h> {
    signals: Receiver<Signal>,
    done: Receiver<Infallible>,
    process: Option<&'h Core>,
    host: &'h Arc<Core>,
    /// An INT is pending that was not sent: the channel is disconnected.
    made_up: &'h AtomicBool,
}

impl Pump<'_> {
    fn run(self) {
        let mut select = Select::new();
        let from_outside = select.recv(&self.signals);
        select.recv(&self.done);
        while select.ready() == from_outside {
            match self.signals.try_recv() {
                Ok(signal) => {
                    // A stop comes with the end that the process around it was given for it.
                    let end = self.process.and_then(Core::stop_end);
                    self.host.tell(signal, end);
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    let is_pending = self.host.has_pending(Signal::INTERRUPT);
                    self.made_up.store(!is_pending, Ordering::Relaxed);
                    self.host.signal(Signal::INTERRUPT);
                    return;
                }
            }
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
