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
use std::time::{Duration, Instant};

use super::core::{Core, Hook};
use super::current::{as_host, current_core, current_host, keep_unread, take_unread};
use super::threads;
use crate::error::Error;
use crate::limit::{Deadline, Limit};
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

/// A place for a child that hears something else than what stands around it, for one run; see `core::layers`.
///
/// The child is run also where a stop was asked for: it hears that, if the layer lets it.
pub(crate) struct Layer<'h> {
    host: &'h Arc<Core>,
    key: u64,
    pub(crate) signals: Receiver<Signal>,
}

impl<'h> Layer<'h> {
    pub(crate) fn enter(host: &'h Arc<Core>, hook: Hook) -> Self {
        let (key, signals) = host.enter_layer(hook);
        Layer { host, key, signals }
    }

    /// What runs inside, for other threads.
    pub(crate) fn inside(&self) -> Inside {
        Inside {
            host: Arc::clone(self.host),
            key: self.key,
        }
    }
}

impl Drop for Layer<'_> {
    fn drop(&mut self) {
        self.host.leave_layer();
    }
}

/// What runs inside a layer.
#[derive(Clone)]
pub(crate) struct Inside {
    host: Arc<Core>,
    key: u64,
}

impl Inside {
    /// Tells what runs inside, and nothing around it. Once the layer was left, nothing hears it.
    pub(crate) fn tell(&self, signal: Signal) {
        self.host.tell_inside(self.key, signal, None);
    }

    /// Stops what runs inside, and nothing around it, because the limit `set` is over: INT, then KILL, and at the end the
    /// process is given up. It takes `within`, or the grace before KILL and after it. What was told to stop before is told
    /// KILL at once. Does nothing once the layer was left. The timer must have been started.
    pub(crate) fn stop(&self, set: Duration, within: Option<Duration>) {
        let (now, grace) = (self.host.clock.now(), self.host.grace());
        let (signal, takes) = match self.host.was_told() {
            true => (Signal::KILL, grace),
            false => {
                let takes = within.unwrap_or_else(|| grace.saturating_mul(2));
                (Signal::INTERRUPT, takes)
            }
        };
        let Some(end) = now.checked_add(takes) else {
            self.host.tell_inside(self.key, signal, None);
            return;
        };
        let end = Limit::ending(set, end);
        let kill_at = match within {
            Some(_) => Deadline::new(now, end, grace).kill_at,
            None => now + grace, // which lies no later than the end
        };
        let deadline = Deadline { kill_at, end };
        self.host.stop_inside(self.key, signal, deadline);
    }
}

impl Inside {
    /// The same for what must be over `by` a time, if there is one, however much is left of `set`. What was told to stop
    /// before goes on with that, until KILL comes in time.
    pub(crate) fn stop_by(&self, set: Duration, by: Option<Instant>) {
        let told = self.host.was_told();
        let Some(by) = by else {
            if !told {
                self.host.tell_inside(self.key, Signal::INTERRUPT, None);
            }
            return;
        };
        let (now, grace) = (self.host.clock.now(), self.host.grace());
        let deadline = Deadline::new(now, Limit::ending(set, by), grace);
        match told {
            true => self.host.end_stop_inside(self.key, deadline),
            false => (self.host).stop_inside(self.key, Signal::INTERRUPT, deadline),
        }
    }
}

/// Limits that hold for every stop of the host, until this is dropped.
pub(crate) struct StopLimits<'h> {
    host: &'h Core,
    before: (Option<Duration>, Option<Duration>),
}

impl<'h> StopLimits<'h> {
    /// # Errors
    ///
    /// The timer's thread did not start.
    pub(crate) fn set(
        host: &'h Arc<Core>,
        stop_within: Option<Duration>,
        kill_grace: Option<Duration>,
    ) -> Result<Self, Error> {
        let limits = StopLimits {
            host,
            before: host.limits_set_inside(),
        };
        if kill_grace.is_some() {
            host.set_grace(kill_grace);
        }
        if let Some(limit) = stop_within {
            host.enforce_stops(limit)
                .map_err(|source| Error::spawn("ifrit-timer", source))?;
        }
        Ok(limits)
    }
}

impl Drop for StopLimits<'_> {
    fn drop(&mut self) {
        let (grace, stop_within) = self.before;
        self.host.set_grace(grace);
        self.host.set_stop_within(stop_within);
    }
}
