//! What hands events on to a crate that the program logs or measures with: a thread that listens, and [`Adapter`], the
//! handle to it.
//!
//! Invariants:
//! 1. What is handed events is foreign: it may block, panic, or ask for anything. It is called on the adapter's own thread
//!    only, under no lock, and its panics end with the call.
//! 2. Each event published while the adapter is installed is handed on, or counted as missed, once; in order.
//! 3. Nothing waits for that thread but `flush` and the end of the handle, and these for a bounded time.
//! 4. The thread ends when the handle is dropped, once it has handed on what was published until then. It never polls.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::time::Duration;

use super::event::Event;
use super::recorder::events;
use super::stream::Events;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{Receiver, Select, Sender, bounded, unbounded};
use crate::sync::thread::start_forever;
use crate::unwind::attempt;

/// How long the end of the handle waits for what is still to be handed on.
const AT_THE_END: Duration = Duration::from_secs(1);

/// An adapter that is installed, until this is dropped; what the `install` of `observe::tracing`, `observe::log` and
/// `observe::metrics` returns.
///
/// Keep it in `main` for as long as the program runs. Its thread hands on each event soon after it was published; what is
/// still on its way is handed on when this is dropped, which waits for that, at most 1 s. From then on nothing is handed
/// on, and the adapter can be installed again. Forgotten ([`std::mem::forget`]), it stays for good.
///
/// An adapter listens as any other does: it holds nothing up, has room for 2,048 events, and where it is slower than that
/// for long it misses some, which it says.
#[must_use = "the adapter is taken off when this is dropped"]
pub struct Adapter {
    kind: &'static Kind,
    events: Arc<Events<Event>>,
    flushes: Sender<Sender<Infallible>>,
    /// Disconnected once the thread has ended.
    ended: Receiver<Infallible>,
}

/// One of the adapters; each is a static.
pub(super) struct Kind {
    /// The name of the crate for which it is.
    name: &'static str,
    thread: &'static str,
    is_installed: AtomicBool,
    /// What is to be done besides when it is taken off.
    off: fn(),
}

/// What is handed the events.
pub(super) trait Sink: Send + 'static {
    fn event(&mut self, event: &Event);

    /// So many events were missed.
    fn missed(&mut self, events: u64);

    /// All that had been published was handed on, or it begins.
    fn caught_up(&mut self) {}
}

impl Kind {
    pub(super) const fn new(name: &'static str, thread: &'static str, off: fn()) -> Self {
        Kind {
            name,
            thread,
            is_installed: AtomicBool::new(false),
            off,
        }
    }

    pub(super) fn install(&'static self, sink: impl Sink) -> Result<Adapter, InstallError> {
        if self.is_installed.swap(true, Ordering::AcqRel) {
            return Err(InstallError::AlreadyInstalled { adapter: self.name });
        }
        let events = Arc::new(events().clone()); // a clone begins with what happens from now on
        let (flushes, flushes_here) = unbounded();
        let (alive, ended) = bounded(0);
        let listening = Listening {
            events: Arc::clone(&events),
            flushes: flushes_here,
            sink,
            missed: 0,
            _alive: alive,
        };
        if let Err(source) = start_forever(self.thread, || listening.run()) {
            self.is_installed.store(false, Ordering::Release);
            return Err(InstallError::Spawn {
                adapter: self.name,
                source,
            });
        }
        Ok(Adapter {
            kind: self,
            events,
            flushes,
            ended,
        })
    }
}

impl Adapter {
    /// Waits until all that was published before has been handed on, or counted as missed; at most `within`, in real time.
    /// Whether that was so in time.
    ///
    /// ```
    /// # #[cfg(feature = "log")] {
    /// use std::time::Duration;
    ///
    /// let log = ifrit::observe::log::install().unwrap();
    /// ifrit::invoke(ifrit::run_fn(|_, _| Ok(()))).join().unwrap();
    /// assert!(log.flush(Duration::from_secs(10)));
    /// # }
    /// ```
    pub fn flush(&self, within: Duration) -> bool {
        let (done, waiting) = bounded(0);
        let _ = self.flushes.send(done); // a thread that has ended has handed on everything
        is_over(&waiting, within)
    }
}

/// Waits until the other side has gone.
fn is_over(waiting: &Receiver<Infallible>, within: Duration) -> bool {
    waiting
        .recv_timeout(within)
        .is_err_and(|why| why.is_disconnected())
}

impl Drop for Adapter {
    fn drop(&mut self) {
        self.events.end(); // Invariant 4
        is_over(&self.ended, AT_THE_END);
        (self.kind.off)();
        self.kind.is_installed.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter")
            .field("for", &self.kind.name)
            .field("missed", &self.events.missed())
            .finish_non_exhaustive()
    }
}

/// What its thread has.
struct Listening<S> {
    events: Arc<Events<Event>>,
    flushes: Receiver<Sender<Infallible>>,
    sink: S,
    /// As far as it was told.
    missed: u64,
    /// Goes with the thread.
    _alive: Sender<Infallible>,
}

impl<S: Sink> Listening<S> {
    fn run(mut self) {
        self.call(S::caught_up);
        loop {
            self.wait();
            // Taken before the events: those that were published before the call are there.
            let flushes: Vec<_> = self.flushes.try_iter().collect();
            let has_ended = self.hand_on();
            self.say_missed();
            self.call(S::caught_up);
            drop(flushes); // which answers them
            if has_ended {
                return;
            }
        }
    }

    fn wait(&self) {
        self.events.come_back();
        let mut select = Select::new();
        select.recv(&self.events);
        select.recv(&self.flushes); // not disconnected before the events have ended
        select.ready();
    }

    /// Hands on as many as there are now, and no more: a flush waits for these alone. Whether the stream has ended.
    fn hand_on(&mut self) -> bool {
        for _ in 0..=self.events.len() {
            match self.events.try_recv() {
                Ok(event) => self.call(|sink| sink.event(&event)),
                Err(why) => return why.is_disconnected(),
            }
        }
        false
    }

    fn say_missed(&mut self) {
        let missed = self.events.missed();
        let more = missed.saturating_sub(self.missed);
        self.missed = missed;
        if more > 0 {
            self.call(|sink| sink.missed(more));
        }
    }

    fn call(&mut self, work: impl FnOnce(&mut S)) {
        attempt(|| work(&mut self.sink)); // Invariant 1
    }
}

/// Why an adapter was not installed.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// It is installed already, and stays as it is. If it were there twice, all would be told twice.
    #[non_exhaustive]
    AlreadyInstalled {
        /// The crate for which it is.
        adapter: &'static str,
    },
    /// Its thread did not start.
    #[non_exhaustive]
    Spawn {
        /// The crate for which it is.
        adapter: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstallError::AlreadyInstalled { adapter } => {
                write!(f, "the adapter for {adapter} is installed already")
            }
            InstallError::Spawn { adapter, source } => {
                write!(f, "no thread for the adapter for {adapter}: {source}")
            }
        }
    }
}

impl std::error::Error for InstallError {}
