//! What the handles of one process share.
//!
//! Invariants:
//! 1. The exit is stored once, under the lock, before any waiter can see it; ready is stored once, and never after
//!    the exit. So whoever sees both sees ready first.
//! 2. Whether a signal was delivered before the exit is decided under the same lock.
//! 3. Nobody else's code runs under the lock, and nothing that blocks: what is done under it beyond the state itself
//!    is to open the latch of ready, and to report ready and the exit to the group, whose order must be that of the
//!    state. So whoever sees the exit may count on its having been heard there: its name and its place are free.
//! 4. The mailbox lives as long as the thread; its end disconnects whoever still holds the runner's signals.
//! 5. `exit` may be stored while the thread still runs: the process has then been given up, and is so named.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::link::{Guarded, Link, News};
use super::registry;
use super::spawn::DEFAULT_GRACE;
use crate::clock::{Clock, Timer};
use crate::error::{Error, Exit, ProcessId, Stuck, drop_caught};
use crate::latch::Latch;
use crate::mailbox::Mailbox;
use crate::ready::Announce;
use crate::runner::BoxRunner;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, Condvar, Mutex, OnceLock};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) id: ProcessId,
    pub(crate) name: Arc<str>,
    pub(crate) parent: Option<ProcessId>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    /// What runs here, where that is more than a leaf.
    pub(crate) kind: OnceLock<&'static str>,
    pub(crate) ready: Latch,
    pub(crate) exited: Latch,
    thread: OnceLock<ThreadId>,
    state: Mutex<State>,
    changed: Condvar,
    link: Option<Link>,
}

/// The time a process is given, by itself and by those above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From KILL to being given up.
    pub(crate) grace: Duration,
    /// How long it may take to become ready, and when that is over.
    pub(crate) start: Option<(Duration, Instant)>,
    /// How long a stop may take that begins inside.
    pub(crate) stop: Option<Duration>,
}

#[derive(Debug)]
struct State {
    /// The innermost: the one read by what runs now.
    mailbox: Option<Mailbox>,
    /// Those of the wrappers around it, outermost first.
    outer: Vec<Mailbox>,
    /// A wrapper waits to run its child again.
    restarting: bool,
    ready: bool,
    /// The run has ended; what is left to do on the thread is to drop the runner.
    returned: bool,
    exit: Option<Exit>,
    /// When the first stop signal came.
    told: Option<Instant>,
    /// When KILL will come, as those who asked for the stop have said.
    stop_by: Option<Instant>,
    /// Set by a wrapper inside: how long a stop may take, from the first stop signal on.
    stop_within: Option<Duration>,
    /// Set by a wrapper inside: the grace that takes the place of that in the limits.
    grace: Option<Duration>,
    start_overdue: bool,
    waiters: BTreeMap<u64, Sender<Exit>>,
    next_waiter: u64,
    timers: Vec<Timer>,
    /// Until it is ready.
    start_timer: Option<Timer>,
}

/// How far a process has come.
///
/// ```
/// use ifrit::{Status, prelude::*};
///
/// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// process.join().unwrap();
/// assert_eq!(process.status(), Status::Exited);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It runs and has not said that it is ready.
    Starting,
    /// It is ready.
    Ready,
    /// What it ran has ended, and waits to be run again.
    Restarting,
    /// It was told to stop and still runs.
    Stopping,
    /// It has exited.
    Exited,
    /// It was given up: its exit has been published, and its thread still runs.
    Abandoned,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Status::Starting => "starting",
            Status::Ready => "ready",
            Status::Restarting => "restarting",
            Status::Stopping => "stopping",
            Status::Exited => "exited",
            Status::Abandoned => "abandoned",
        })
    }
}

impl Core {
    pub(crate) fn new(
        name: Arc<str>,
        parent: Option<ProcessId>,
        clock: Clock,
        limits: Limits,
        link: Option<Link>,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Core {
            id: ProcessId(NEXT.fetch_add(1, Ordering::Relaxed)),
            name,
            parent,
            clock,
            limits,
            kind: OnceLock::new(),
            ready: Latch::default(),
            exited: Latch::default(),
            thread: OnceLock::new(),
            state: Mutex::new(State {
                mailbox: Some(Mailbox::new()),
                outer: Vec::new(),
                restarting: false,
                ready: false,
                returned: false,
                exit: None,
                told: None,
                stop_by: None,
                stop_within: None,
                grace: None,
                start_overdue: false,
                waiters: BTreeMap::new(),
                next_waiter: 0,
                timers: Vec::new(),
                start_timer: None,
            }),
            changed: Condvar::new(),
            link,
        })
    }

    /// A process without a thread, to host what is driven by hand inside `process`, if inside any.
    pub(crate) fn by_hand(process: Option<&Core>) -> Arc<Self> {
        let limits = Limits {
            grace: process.map_or(DEFAULT_GRACE, Core::grace),
            start: process.and_then(Core::start_limit),
            stop: process.and_then(Core::stop_within),
        };
        let clock = process.map(|process| process.clock.clone());
        let parent = process.map(|process| process.id);
        Core::new(
            "by hand".into(),
            parent,
            clock.unwrap_or_default(),
            limits,
            None,
        )
    }

    // From the process's own thread.

    pub(crate) fn started_on_this_thread(&self) {
        let _ = self.thread.set(thread::current().id());
    }

    /// The runner's end of the mailbox; `None` once the run has ended.
    pub(crate) fn signals(&self) -> Option<Receiver<Signal>> {
        let state = self.state.lock();
        state
            .mailbox
            .as_ref()
            .map(|mailbox| mailbox.receiver().clone())
    }

    /// Whether `signals` are those of what runs now.
    pub(crate) fn reads(&self, signals: &Receiver<Signal>) -> bool {
        let state = self.state.lock();
        let mailbox = state.mailbox.as_ref();
        mailbox.is_some_and(|mailbox| mailbox.receiver().same_channel(signals))
    }

    /// Puts a fresh mailbox on top, with what is pending; `None` once a stop was asked for.
    pub(super) fn push_mailbox(&self) -> Option<Receiver<Signal>> {
        let mut state = self.state.lock();
        if state.told.is_some() {
            return None;
        }
        let outer = state.mailbox.take()?;
        let mut inner = Mailbox::new();
        inner.take_from(&outer);
        let signals = inner.receiver().clone();
        state.outer.push(outer);
        state.mailbox = Some(inner);
        Some(signals)
    }

    /// Takes the top mailbox away; what is pending goes to the one below.
    pub(super) fn pop_mailbox(&self) {
        let mut state = self.state.lock();
        let inner = state.mailbox.take();
        state.mailbox = state.outer.pop();
        if let (Some(outer), Some(inner)) = (&mut state.mailbox, &inner) {
            outer.take_from(inner);
        }
        drop(state);
        drop(inner);
    }

    pub(crate) fn set_restarting(&self, restarting: bool) {
        self.state.lock().restarting = restarting;
    }

    pub(crate) fn was_told(&self) -> bool {
        self.state.lock().told.is_some()
    }

    /// Blocks until `limit`, if there is one, or until a stop is asked for; says whether it was. The process counts as restarting.
    pub(crate) fn told_before(self: &Arc<Self>, limit: Option<Instant>) -> bool {
        self.set_restarting(true); // before the timer is set: a test that waits for that sees it
        let by_hand = limit.filter(|_| self.clock.is_manual());
        let alarm = by_hand.map(|limit| {
            let weak = Arc::downgrade(self);
            let ring = move || {
                if let Some(core) = weak.upgrade() {
                    let _state = core.state.lock(); // or it might ring between a look and the wait
                    core.changed.notify_all();
                }
            };
            self.clock.schedule(limit, Box::new(ring))
        });
        let mut state = self.state.lock();
        while state.told.is_none() && limit.is_none_or(|limit| self.clock.now() < limit) {
            self.blocks_past(&mut state, limit.filter(|_| alarm.is_none()));
        }
        state.restarting = false;
        state.told.is_some()
    }

    /// The run has ended, and says nothing more.
    pub(crate) fn returned(&self) {
        self.state.lock().returned = true;
    }

    /// The end of the run. The runner goes home to the group, where there is one.
    pub(crate) fn finish(&self, exit: Exit, runner: Option<BoxRunner>) {
        let at = self.clock.now();
        let mut state = self.state.lock();
        let mailboxes = (state.mailbox.take(), std::mem::take(&mut state.outer)); // 4
        if state.exit.is_some() {
            drop(state);
            if let Some(link) = &self.link {
                let runner = runner.map(Guarded::new);
                drop(link.report(self.id, News::EndedLate { runner }));
            }
            return;
        }
        let exit = if state.start_overdue {
            Err(self.start_timeout(None, exit.err()))
        } else {
            exit
        };
        self.publish(state, exit, at, runner, false);
        drop(mailboxes);
    }

    // From anywhere.

    fn publish(
        &self,
        mut state: crate::sync::MutexGuard<'_, State>,
        exit: Exit,
        at: Instant,
        runner: Option<BoxRunner>,
        given_up: bool,
    ) {
        state.exit = Some(exit.clone()); // 1
        let waiters = std::mem::take(&mut state.waiters);
        let timers = (std::mem::take(&mut state.timers), state.start_timer.take());
        let leftover = self.link.as_ref().map(|link| {
            let news = News::Exited {
                exit: exit.clone(),
                at,
                runner,
                given_up,
            };
            link.report(self.id, news) // 3
        });
        drop(state);
        drop(timers);
        self.exited.open();
        self.changed.notify_all();
        for waiter in waiters.into_values() {
            let _ = waiter.send(exit.clone());
        }
        drop(leftover);
    }

    /// Delivers `signal`, unless the process has exited before; says whether it did.
    pub(crate) fn signal(self: &Arc<Self>, signal: Signal) -> bool {
        self.tell(signal, None)
    }

    /// Delivers `signal`; a stop signal with the time at which KILL will follow.
    pub(crate) fn tell(self: &Arc<Self>, signal: Signal, stop_by: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        if state.exit.is_none() && signal.is_stop() {
            state.stop_by = earlier(state.stop_by, stop_by);
        }
        let mut enforce = None;
        if signal.is_stop() && state.told.is_none() {
            state.told = Some(self.clock.now());
            enforce = state.stop_within;
        }
        if let Some(mailbox) = &mut state.mailbox {
            mailbox.push(signal);
        }
        let delivered = state.exit.is_none(); // 2
        drop(state);
        if signal.is_stop() {
            self.changed.notify_all();
        }
        if let Some(within) = enforce {
            self.enforce(within);
        }
        delivered
    }

    /// Sees to it that a stop that has begun ends: KILL when `within` has passed, and after the grace the process is
    /// given up. The timer must have been started.
    fn enforce(self: &Arc<Self>, within: Duration) {
        let Some(kill_at) = self.clock.deadline(within) else {
            return;
        };
        {
            let mut state = self.state.lock();
            state.stop_by = earlier(state.stop_by, Some(kill_at));
        }
        self.at(kill_at, |core| {
            core.signal(Signal::KILL);
        });
        if let Some(give_up_at) = kill_at.checked_add(self.grace()) {
            self.at(give_up_at, |core| {
                core.give_up();
            });
        }
    }

    fn schedule(self: &Arc<Self>, instant: Instant, action: fn(&Arc<Core>)) -> Timer {
        let weak = Arc::downgrade(self);
        let run = move || {
            if let Some(core) = weak.upgrade() {
                action(&core);
            }
        };
        self.clock.schedule(instant, Box::new(run))
    }

    /// Runs `action` at `instant`, unless the process exits before.
    fn at(self: &Arc<Self>, instant: Instant, action: fn(&Arc<Core>)) {
        let timer = self.schedule(instant, action);
        let mut state = self.state.lock();
        if state.exit.is_none() {
            state.timers.push(timer);
        } else {
            drop(state); // the timer is cancelled outside the lock
        }
    }

    /// Every stop of this process, whoever asks for it, is enforced from now on.
    ///
    /// # Errors
    ///
    /// The timer's thread did not start.
    pub(crate) fn enforce_stops(self: &Arc<Self>, within: Duration) -> std::io::Result<()> {
        self.clock.start_timer()?;
        let mut state = self.state.lock();
        state.stop_within = earlier(state.stop_within, Some(within));
        let begun = state.told.is_some();
        drop(state);
        if begun {
            self.enforce(within);
        }
        Ok(())
    }

    /// Watches over the start, where it has a limit. The timer must have been started.
    pub(crate) fn watch_start(self: &Arc<Self>) {
        let Some((_, limit)) = self.limits.start else {
            return;
        };
        let timer = self.schedule(limit, |core| {
            let mut state = core.state.lock();
            if state.ready || state.told.is_some() || state.exit.is_some() {
                return;
            }
            state.start_overdue = true;
            drop(state);
            core.signal(Signal::INTERRUPT);
            core.enforce(core.grace());
        });
        let mut state = self.state.lock();
        if state.exit.is_none() && !state.ready {
            state.start_timer = Some(timer);
        } else {
            drop(state); // the timer is cancelled outside the lock
        }
    }

    /// Publishes the exit of a process whose thread still runs; false if it has exited before.
    pub(crate) fn give_up(&self) -> bool {
        let stuck = self.stuck_here_and_below();
        let state = self.state.lock();
        if state.exit.is_some() {
            return false;
        }
        let error = if state.start_overdue {
            self.start_timeout(Some(self.stuck()), None)
        } else {
            Error::Abandoned(stuck)
        };
        let at = self.clock.now();
        self.publish(state, Err(error), at, None, true); // 5
        true
    }

    fn start_timeout(&self, stuck: Option<Stuck>, source: Option<Error>) -> Error {
        Error::StartTimeout {
            name: self.name.to_string(),
            after: self.limits.start.map_or(Duration::ZERO, |(after, _)| after),
            stuck,
            source: source.map(Box::new),
        }
    }

    pub(crate) fn stuck(&self) -> Stuck {
        Stuck {
            name: self.name.to_string(),
            id: self.id,
            thread: self.thread.get().copied(),
        }
    }

    /// This process and, where it is a group, those below it that still run: a group that is given up before its own
    /// time is over has not said who keeps it. A leaf is not asked, or a group would look at all its members for each.
    fn stuck_here_and_below(&self) -> Vec<Stuck> {
        let mut stuck = vec![self.stuck()];
        if self.kind.get().is_some() {
            let mut ids = BTreeSet::from([self.id]);
            for core in registry::living() {
                // The oldest come first, so those above are known before those below.
                if core.parent.is_some_and(|parent| ids.contains(&parent)) {
                    ids.insert(core.id);
                    if core.status() != Status::Exited {
                        stuck.push(core.stuck());
                    }
                }
            }
        }
        stuck
    }

    pub(crate) fn thread(&self) -> Option<ThreadId> {
        self.thread.get().copied()
    }

    pub(crate) fn runs_on_this_thread(&self) -> bool {
        self.thread.get() == Some(&thread::current().id())
    }

    pub(crate) fn status(&self) -> Status {
        let state = self.state.lock();
        match (&state.exit, &state.mailbox) {
            (Some(_), None) => Status::Exited,
            (Some(_), Some(_)) => Status::Abandoned,
            (None, _) if state.told.is_some() => Status::Stopping,
            (None, _) if state.restarting => Status::Restarting,
            (None, _) if state.ready => Status::Ready,
            (None, _) => Status::Starting,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.state.lock().ready
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.state.lock().exit.clone()
    }

    /// When KILL will come, as far as has been said.
    pub(crate) fn stop_by(&self) -> Option<Instant> {
        self.state.lock().stop_by
    }

    /// How long the start may take; it counts for the first start only.
    pub(crate) fn start_limit(&self) -> Option<(Duration, Instant)> {
        self.limits.start.filter(|_| !self.is_ready())
    }

    /// From KILL to being given up.
    pub(crate) fn grace(&self) -> Duration {
        self.state.lock().grace.unwrap_or(self.limits.grace)
    }

    /// The grace, and how long a stop may take, as wrappers inside have set them.
    pub(crate) fn limits_set_inside(&self) -> (Option<Duration>, Option<Duration>) {
        let state = self.state.lock();
        (state.grace, state.stop_within)
    }

    pub(crate) fn set_grace(&self, grace: Option<Duration>) {
        self.state.lock().grace = grace;
    }

    pub(crate) fn set_stop_within(&self, within: Option<Duration>) {
        self.state.lock().stop_within = within;
    }

    /// How long a stop may take that begins inside.
    pub(crate) fn stop_within(&self) -> Option<Duration> {
        earlier(self.limits.stop, self.state.lock().stop_within)
    }

    /// Blocks until the process is ready or has exited, or `limit` of real time has come; says whether it is ready.
    pub(crate) fn wait_ready(&self, limit: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while !state.ready && state.exit.is_none() {
            if self.blocks_past(&mut state, limit) {
                break;
            }
        }
        state.ready
    }

    /// Blocks until the process has exited or `limit` of real time has come.
    pub(crate) fn wait_exit(&self, limit: Option<Instant>) -> Option<Exit> {
        let mut state = self.state.lock();
        while state.exit.is_none() {
            if self.blocks_past(&mut state, limit) {
                break;
            }
        }
        state.exit.clone()
    }

    fn blocks_past(
        &self,
        state: &mut crate::sync::MutexGuard<'_, State>,
        limit: Option<Instant>,
    ) -> bool {
        match limit {
            Some(limit) => self.changed.wait_until(state, limit).timed_out(),
            None => {
                self.changed.wait(state);
                false
            }
        }
    }

    /// A channel that gets the exit, at once if there is one; and the key of its registration, if there is none yet.
    pub(crate) fn register_waiter(&self) -> (Receiver<Exit>, Option<u64>) {
        let (sender, receiver) = bounded(1);
        let mut state = self.state.lock();
        if let Some(exit) = &state.exit {
            let _ = sender.send(exit.clone());
            return (receiver, None);
        }
        let key = state.next_waiter;
        state.next_waiter += 1;
        state.waiters.insert(key, sender);
        (receiver, Some(key))
    }

    pub(crate) fn forget_waiter(&self, key: u64) {
        self.state.lock().waiters.remove(&key);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // The last handle may die anywhere, such as in a snapshot of the tree or on a thread that is used again; an error
        // whose destructor panics must not harm that place.
        if let Some(Err(error)) = self.state.get_mut().exit.take() {
            let _ = drop_caught(error);
        }
    }
}

impl Announce for Core {
    fn ready(&self) {
        let mut state = self.state.lock();
        // 1: not after the run or the exit; nor once it is being stopped for not having been ready in time.
        if state.ready || state.returned || state.exit.is_some() || state.start_overdue {
            return;
        }
        state.ready = true;
        let _timer = state.start_timer.take(); // cancelled outside the lock
        let leftover = self.link.as_ref().map(|link| {
            link.report(self.id, News::Ready) // 3
        });
        self.ready.open(); // 1: under the lock, or the exit's latch might open first
        drop(state);
        self.changed.notify_all();
        drop(leftover);
    }
}

/// The lesser of two limits, where there are any.
pub(crate) fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
