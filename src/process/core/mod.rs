//! What the handles of one process share.
//!
//! Invariants:
//! 1. The exit is stored once, under the lock, before any waiter can see it; ready is stored once, and never after
//!    the exit. So a waiter that sees both sees ready first.
//! 2. Whether a signal was delivered before the exit is decided under the same lock.
//! 3. No foreign code runs under the lock, and nothing that blocks: what is done under it beyond the state itself
//!    is to open the latch of ready, to publish events, and to report ready and the exit to the group, whose order must
//!    be that of the state. So a waiter that sees the exit may count on its having been heard there: its name and its place are free.
//! 4. The mailbox lives as long as the thread; its end disconnects every receiver of the runner's signals that is left.
//! 5. `exit` may be stored while the thread still runs: the process has then been given up, and is so named.

mod beat;
mod events;
mod extras;
mod frames;
mod glance;
mod layers;
mod life;
pub(crate) mod registry;
mod reloads;
mod stop;
mod stop_watch;
mod waiting;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[cfg(feature = "net")]
pub(crate) use extras::Gauge;
pub(crate) use extras::Overhear;
pub(crate) use layers::{Hook, Table};
pub(in crate::process) use reloads::{Outcome, Part, Round};
pub(crate) use stop_watch::StopWatch;

use super::link::Link;
use crate::ancestor::Ancestor;
use crate::clock::{Clock, Timer};
use crate::error::Exit;
use crate::id::ProcessId;
use crate::latch::Latch;
use crate::limit::{DEFAULT_GRACE, Limit, Span};
use crate::mailbox::Mailbox;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::channel::{Receiver, Sender};
use crate::sync::thread::ThreadId;
use crate::sync::{Arc, Condvar, Mutex, OnceLock, statics};
use extras::Extras;

pub(crate) struct Core {
    pub(crate) id: ProcessId,
    pub(crate) name: Arc<str>,
    /// The number of who has started it, or 0; when that one is gone, of who has started that one.
    parent: AtomicU64,
    /// Those above it at its start.
    pub(in crate::process) above: Option<Arc<Ancestor>>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    extras: OnceLock<Box<Extras>>,
    pub(crate) ready: Latch,
    pub(crate) exited: Latch,
    thread: OnceLock<OnThread>,
    /// When it was started; `None` if it only hosts what is driven by hand.
    started: Option<Instant>,
    state: Mutex<State>,
    changed: Condvar,
    link: Option<Link>,
}

/// Where a process runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnThread {
    pub(crate) id: ThreadId,
    /// Its number at the operating system, where that is known.
    pub(crate) os_id: Option<u32>,
}

/// The time a process is given, by itself and by those above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From KILL to being given up.
    pub(crate) grace: Duration,
    /// How long it may take to become ready.
    pub(crate) start: Option<Limit>,
    /// It is not ready before its end, so that is how long all of it may take.
    pub(crate) start_is_all: bool,
    /// How long a stop may take that begins inside, KILL and grace included.
    pub(crate) stop: Option<Span>,
}

struct State {
    /// The innermost: the one read by what runs now.
    mailbox: Option<Mailbox>,
    /// Those of the wrappers around it, outermost first.
    outer: Vec<Mailbox>,
    /// Those of the wrappers that change what is heard inside. In a box, since few processes have any.
    layers: Option<Box<layers::Layers>>,
    /// How many of the layers in this process have something that is down and is to come back.
    restarting: u32,
    ready: bool,
    /// When it came into the status that it has.
    since: Instant,
    /// The run has ended; what is left to do on the thread is to drop the runner.
    returned: bool,
    /// In a box, since it is the largest thing here and most of the time is not there.
    exit: Option<Box<Exit>>,
    /// When the stop is over, KILL and grace included, as far as has been said.
    ///
    /// In a box, since most processes are not being stopped.
    stop_end: Option<Box<Limit>>,
    /// How long a stop may take, from the first stop signal on: set when it was built, or by a wrapper inside. The
    /// process itself sees to it.
    stop_within: Option<Duration>,
    /// Set by a wrapper inside: the grace that takes the place of that in the limits.
    grace: Option<Duration>,
    start_overdue: bool,
    /// The stop signal that has come: KILL, or else the latest.
    stop_signal: Option<Signal>,
    /// The latest stop signal before KILL.
    told_before_kill: Option<Signal>,
    waiters: BTreeMap<u64, Sender<Exit>>,
    /// In a box, since most processes are not watched.
    watchers: Option<Box<stop_watch::Watchers>>,
    timers: Vec<Timer>,
    /// Until it is ready.
    start_timer: Option<Box<Timer>>,
}

impl State {
    /// A stop signal has come.
    fn told(&self) -> bool {
        self.stop_signal.is_some()
    }

    /// When the stop is over, as far as has been said.
    fn stop_end(&self) -> Option<Limit> {
        self.stop_end.as_deref().copied()
    }

    /// It only ever moves closer.
    fn hasten_stop(&mut self, end: Option<Limit>) {
        if let Some(end) = end
            && self
                .stop_end
                .as_ref()
                .is_none_or(|before| end.end < before.end)
        {
            self.stop_end = Some(Box::new(end));
        }
    }

    /// KILL has come.
    fn killed(&self) -> bool {
        self.stop_signal == Some(Signal::KILL)
    }
}

impl Core {
    pub(crate) fn new(
        name: Arc<str>,
        above: Option<Arc<Ancestor>>,
        clock: Clock,
        limits: Limits,
        link: Option<Link>,
        started: Option<Instant>,
    ) -> Arc<Self> {
        statics! {
            static NEXT: AtomicU64 = AtomicU64::new(1);
        }
        let now = started.unwrap_or_else(|| clock.now());
        Arc::new(Core {
            id: ProcessId(NEXT.fetch_add(1, Ordering::Relaxed)),
            name,
            parent: AtomicU64::new(above.as_ref().map_or(0, |parent| parent.id.0)),
            above,
            clock,
            limits,
            extras: OnceLock::new(),
            ready: Latch::default(),
            exited: Latch::default(),
            thread: OnceLock::new(),
            started,
            state: Mutex::new(State {
                mailbox: Some(Mailbox::default()),
                outer: Vec::new(),
                layers: None,
                restarting: 0,
                ready: false,
                since: now,
                returned: false,
                exit: None,
                stop_end: None,
                stop_within: None,
                grace: None,
                start_overdue: false,
                stop_signal: None,
                told_before_kill: None,
                waiters: BTreeMap::new(),
                watchers: None,
                timers: Vec::new(),
                start_timer: None,
            }),
            changed: Condvar::new(),
            link,
        })
    }

    /// A process without a thread, to host what is driven by hand inside `process`, if inside any; and its signals.
    pub(crate) fn by_hand(process: Option<&Core>) -> (Arc<Self>, Receiver<Signal>) {
        let (clock, grace) = inherited(process);
        let limits = Limits {
            grace,
            start: process.and_then(Core::start_limit),
            start_is_all: false,
            stop: process.and_then(Core::stop_within),
        };
        let above = process.map(Core::as_ancestor);
        let core = Core::new("by hand".into(), above, clock, limits, None, None);
        let signals = core.state.lock().mailbox.get_or_insert_default().receiver();
        (core, signals)
    }
}

/// The clock and the grace of what is started inside `host`, or outside of any process, unless it sets its own.
pub(crate) fn inherited(host: Option<&Core>) -> (Clock, Duration) {
    host.map_or_else(
        || (Clock::default(), DEFAULT_GRACE),
        |host| (host.clock.clone(), host.grace()),
    )
}
