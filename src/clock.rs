//! Time, through one door: [`Clock`].
//!
//! A clock belongs to a process and its children inherit it, so a test can hand a whole tree a clock that is moved by
//! hand. Two kinds stand behind it: the system's monotonic clock, and one that moves only when told to.
//!
//! Invariants:
//! 1. Time is monotonic: an [`Instant`], on either clock.
//! 2. An action runs at most once, never under a lock of ours, and never before its time. One that is cancelled before
//!    it was taken out of the queue never runs.
//! 3. Nothing polls: the timer's thread sleeps until the earliest time, and for ever when there is none.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::time::{Duration, Instant};

use crate::error::catch;
use crate::sync::channel::{Receiver, at, bounded, never};
use crate::sync::{Arc, Condvar, LazyLock, Mutex};

/// Where a process reads the time from and lets itself be woken.
///
/// Clones are the same clock. Every process has one; its children inherit it. A clock that a test moves by hand is
/// made by [`testing::ManualClock`](crate::testing::ManualClock).
///
/// ```
/// use ifrit::{Clock, Process, prelude::*, testing::ManualClock};
/// use std::time::Duration;
///
/// let hand = ManualClock::new();
/// let nap = ifrit::run_fn(|signals, ready| {
///     let clock = ifrit::current().map(|process| process.clock()).unwrap_or_default();
///     let hour = clock.after(Duration::from_secs(3600));
///     ready.notify();
///     let _ = hour.recv();
///     Ok(())
/// });
/// let process = Process::builder().clock(hand.clock()).invoke(nap);
/// hand.advance(Duration::from_secs(3600));
/// assert!(process.join().is_ok());
/// ```
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Manual>),
}

impl Clock {
    /// The system's monotonic clock; also the default.
    ///
    /// ```
    /// let clock = ifrit::Clock::system();
    /// assert!(clock.now() <= clock.now());
    /// ```
    pub const fn system() -> Self {
        Clock(Source::System)
    }

    pub(crate) fn manual(manual: Arc<Manual>) -> Self {
        Clock(Source::Manual(manual))
    }

    /// The time on this clock.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::now(),
            Source::Manual(manual) => manual.now(),
        }
    }

    /// An alarm that fires once, at `instant`.
    ///
    /// Never blocks. Dropping the alarm cancels it.
    pub fn at(&self, instant: Instant) -> Alarm {
        match &self.0 {
            Source::System => Alarm {
                receiver: at(instant),
                _timer: None,
            },
            Source::Manual(manual) => {
                let (sender, receiver) = bounded(1);
                let ring = move || {
                    let _ = sender.send(instant);
                };
                Alarm {
                    receiver,
                    _timer: Some(manual.schedule(instant, Box::new(ring))),
                }
            }
        }
    }

    /// An alarm that fires once, when `duration` has passed; never, if that is further off than time goes.
    ///
    /// Never blocks. Dropping the alarm cancels it.
    pub fn after(&self, duration: Duration) -> Alarm {
        self.at_or_never(self.deadline(duration))
    }

    pub(crate) fn at_or_never(&self, instant: Option<Instant>) -> Alarm {
        match instant {
            Some(instant) => self.at(instant),
            None => Alarm {
                receiver: never(),
                _timer: None,
            },
        }
    }

    /// `duration` from now; `None` where that is further off than time goes.
    pub(crate) fn deadline(&self, duration: Duration) -> Option<Instant> {
        self.now().checked_add(duration)
    }

    /// Whether waiting for a time on this clock needs a timer: the system cannot wait for it.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Makes sure that `schedule` will find its thread running.
    pub(crate) fn start_timer(&self) -> io::Result<()> {
        match &self.0 {
            Source::System => SYSTEM.start(),
            Source::Manual(_) => Ok(()),
        }
    }

    /// Runs `action` at `instant`, on the timer's thread or the one that moves the clock, unless the timer is dropped
    /// before. `start_timer` must have succeeded. Not to be called under a lock: by hand, what is due runs at once.
    pub(crate) fn schedule(&self, instant: Instant, action: Action) -> Timer {
        match &self.0 {
            Source::System => SYSTEM.schedule(instant, action),
            Source::Manual(manual) => manual.schedule(instant, action),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

/// A channel that fires once, at a set time; see [`Clock::at`].
///
/// It derefs to the channel, so it can be received from and selected on.
///
/// ```
/// let alarm = ifrit::Clock::system().after(std::time::Duration::ZERO);
/// assert!(alarm.recv().is_ok());
/// ```
pub struct Alarm {
    receiver: Receiver<Instant>,
    _timer: Option<Timer>,
}

impl Deref for Alarm {
    type Target = Receiver<Instant>;

    fn deref(&self) -> &Receiver<Instant> {
        &self.receiver
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}

pub(crate) type Action = Box<dyn FnOnce() + Send>;

/// Cancels its action when dropped.
pub(crate) struct Timer(Option<(Key, Owner)>);

enum Owner {
    System,
    Manual(Arc<Manual>),
}

impl Drop for Timer {
    fn drop(&mut self) {
        let Some((key, owner)) = &self.0 else { return };
        // The action is dropped after the lock is released: it may own the last handle to a process.
        let _action = match owner {
            Owner::System => SYSTEM.cancel(key),
            Owner::Manual(manual) => manual.queue.lock().actions.remove(key),
        };
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}

type Key = (Instant, u64);

#[derive(Default)]
struct Queue {
    actions: BTreeMap<Key, Action>,
    next: u64,
}

impl Queue {
    fn insert(&mut self, instant: Instant, action: Action) -> Key {
        let key = (instant, self.next);
        self.next += 1;
        self.actions.insert(key, action);
        key
    }

    fn earliest(&self) -> Option<Instant> {
        self.actions.first_key_value().map(|((at, _), _)| *at)
    }

    fn take_due(&mut self, now: Instant) -> Option<Action> {
        let due = self.earliest().is_some_and(|at| at <= now);
        due.then(|| self.actions.pop_first().map(|(_, action)| action))?
    }
}

/// The one timer of the system's clock; its thread is started on first use and then stays.
#[derive(Default)]
struct SystemTimer {
    queue: Mutex<Queue>,
    /// The thread must look anew how long it may sleep.
    changed: Condvar,
    running: Mutex<bool>,
}

static SYSTEM: LazyLock<SystemTimer> = LazyLock::new(SystemTimer::default);

impl SystemTimer {
    fn start(&'static self) -> io::Result<()> {
        let mut running = self.running.lock();
        if !*running {
            crate::sync::thread::Builder::new()
                .name("ifrit-timer".into())
                .spawn(|| self.run())?;
            *running = true;
        }
        Ok(())
    }

    fn schedule(&self, instant: Instant, action: Action) -> Timer {
        let mut queue = self.queue.lock();
        let key = queue.insert(instant, action);
        if queue.earliest() == Some(instant) {
            self.changed.notify_one();
        }
        Timer(Some((key, Owner::System)))
    }

    fn cancel(&self, key: &Key) -> Option<Action> {
        let mut queue = self.queue.lock();
        let action = queue.actions.remove(key);
        // 3. With others left, to wake once for a time that no longer counts is cheaper than to be told each time.
        if action.is_some() && queue.actions.is_empty() {
            self.changed.notify_one();
        }
        action
    }

    fn run(&self) {
        let mut queue = self.queue.lock();
        loop {
            if let Some(action) = queue.take_due(Instant::now()) {
                drop(queue);
                let _ = catch(action); // 2; the thread is everybody's
                queue = self.queue.lock();
                continue;
            }
            match queue.earliest() {
                Some(at) => drop(self.changed.wait_until(&mut queue, at)),
                None => self.changed.wait(&mut queue),
            }
        }
    }
}

/// A clock that moves only when told to.
pub(crate) struct Manual {
    queue: Mutex<Queue>,
    time: Mutex<Instant>,
    scheduled: Condvar,
}

impl Manual {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Manual {
            queue: Mutex::default(),
            time: Mutex::new(Instant::now()),
            scheduled: Condvar::new(),
        })
    }

    pub(crate) fn now(&self) -> Instant {
        *self.time.lock()
    }

    fn schedule(self: &Arc<Self>, instant: Instant, action: Action) -> Timer {
        let mut queue = self.queue.lock();
        if instant <= self.now() {
            drop(queue);
            action();
            return Timer(None);
        }
        let key = queue.insert(instant, action);
        self.scheduled.notify_all();
        Timer(Some((key, Owner::Manual(Arc::clone(self)))))
    }

    /// Moves to `target` through every timer on the way, in order, each run at its own time.
    pub(crate) fn advance_to(&self, target: Instant) {
        loop {
            let mut queue = self.queue.lock();
            let mut time = self.time.lock();
            let at = queue.earliest().map_or(target, |at| at.min(target));
            *time = at.max(*time);
            drop(time);
            let action = queue.take_due(at);
            drop(queue);
            match action {
                Some(action) => action(),
                None if at >= target => return,
                None => {}
            }
        }
    }

    /// The earliest timer, once at least `count` are set; `None` if that takes longer than `patience` of real time.
    pub(crate) fn wait_for_timers(&self, count: usize, patience: Duration) -> Option<Instant> {
        let limit = Instant::now().checked_add(patience);
        let mut queue = self.queue.lock();
        while queue.actions.len() < count {
            match limit {
                Some(limit) if self.scheduled.wait_until(&mut queue, limit).timed_out() => {
                    if queue.actions.len() < count {
                        return None;
                    }
                }
                Some(_) => {}
                None => self.scheduled.wait(&mut queue),
            }
        }
        queue.earliest()
    }
}
