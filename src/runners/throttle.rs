//! So many runs at a time across the program: [`Throttle`].
//!
//! Invariants:
//! 1. `running` counts the permits that are out; it is never more than `limit`. While one waits, it is `limit`.
//! 2. A permit that comes back goes to the one that has waited longest: it leaves the queue, and its channel is
//!    disconnected. What waits no more and has left the queue was given a permit, and gives it back.
//! 3. No channel is disconnected under the lock.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, Result};
use crate::nesting::{self, DEEPEST, Work};
use crate::plan::{Plan, Runs};
use crate::process::{Core, StopWatch, note, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Select, Sender, bounded};
use crate::sync::{Arc, Mutex};

/// Lets so many runs go on at a time, across the whole program: of the runners that it stands [around](Throttle::around).
/// Clones are the same.
///
/// - A run that finds no room waits, the longest first. It is not ready meanwhile. A stop ends the wait, with Ok, and the
///   runner inside is not run; or it is [refused](Throttled::or_refuse) at once.
/// - Signals that come while it waits are heard by the runner inside, once that runs.
/// - The room is free again when the run has returned. A process that was given up still takes its room, while its thread
///   runs.
/// - The runner inside runs on the same thread. Driven by hand, with signals that are not those of the current process, it
///   needs a helper thread, as a [`Sigmon`](crate::sigmon::Sigmon) does.
///
/// Where runs of one throttle stand in each other, the inner one may wait for the outer one, for ever.
///
/// ```
/// use ifrit::{prelude::*, runners::Throttle};
///
/// let throttle = Throttle::new(2); // two imports at a time, wherever they are started
/// let import = || throttle.around(ifrit::run_fn(|_, _| Ok(())));
/// let imports = [("a", import()), ("b", import()), ("c", import())];
/// let imports = imports.map(|(name, import)| Member::new(name, import).one_shot());
/// ifrit::invoke(Parallel::new(imports)).join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "it throttles what it stands around"]
#[doc(alias("semaphore", "rate limit", "concurrency limit"))]
pub struct Throttle(Arc<Shared>);

struct Shared {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    next: u64,
    waiting: VecDeque<(u64, Sender<Infallible>)>,
}

impl Throttle {
    /// Lets `limit` runs go on at a time. With a limit of zero each run fails with [`Error::ZeroDeadline`].
    pub fn new(limit: usize) -> Self {
        let state = Mutex::default();
        Throttle(Arc::new(Shared { limit, state }))
    }

    /// A runner that runs `runner` when there is room.
    pub fn around<R: Runner>(&self, runner: R) -> Throttled<R> {
        Throttled {
            runner,
            throttle: self.clone(),
            refuses: false,
        }
    }

    /// How many runs go on. Never blocks.
    pub fn running(&self) -> usize {
        self.0.state.lock().running
    }

    /// How many runs wait. Never blocks.
    pub fn waiting(&self) -> usize {
        self.0.state.lock().waiting.len()
    }

    fn try_take(&self) -> Option<Permit> {
        let mut state = self.0.state.lock();
        if state.running == self.0.limit {
            return None;
        }
        state.running += 1; // Invariant 1
        Some(Permit(Arc::clone(&self.0)))
    }

    /// Blocks until there is room; `None` if the host was told to stop before.
    fn take(&self, host: &Arc<Core>) -> Option<Permit> {
        let permit = self.try_take();
        if permit.is_some() {
            return permit;
        }
        let limit = self.0.limit;
        note(format_args!("waits: {limit} run already, and no more may"));
        let stop = StopWatch::new(Arc::clone(host));
        let mut state = self.0.state.lock();
        if state.running < limit {
            state.running += 1; // there is room by now
            drop(state);
            return Some(Permit(Arc::clone(&self.0)));
        }
        let (sender, given) = bounded(0);
        let key = state.next;
        state.next += 1;
        state.waiting.push_back((key, sender));
        drop(state);
        let mut select = Select::new();
        select.recv(&given);
        select.recv(stop.receiver());
        select.ready();
        drop(select);
        let mut state = self.0.state.lock();
        let place = state.waiting.iter().position(|(waits, _)| *waits == key);
        let left = place.map(|place| state.waiting.remove(place));
        drop(state);
        if left.is_some() {
            return None; // told to stop
        }
        let permit = Permit(Arc::clone(&self.0)); // Invariant 2
        (!host.was_told()).then(|| {
            note("runs, there was room");
            permit
        })
    }
}

/// The right to run, given back when dropped.
struct Permit(Arc<Shared>);

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.running -= 1; // Invariant 1
        }
        drop(state);
        drop(next); // Invariant 3
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("limit", &self.0.limit)
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// A runner that runs another one when a [`Throttle`] has room for it; made by [`Throttle::around`].
#[derive(Clone, Debug)]
#[must_use = "a runner does nothing until it is started or run"]
pub struct Throttled<R> {
    runner: R,
    throttle: Throttle,
    refuses: bool,
}

/// A run was refused, because as many went on as a [`Throttle`] allows; see [`Throttled::or_refuse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoRoom {
    /// How many may go on at a time.
    pub limit: usize,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        write!(f, "refused: {limit} run already, and no more may")
    }
}

impl StdError for NoRoom {}

impl<R: Runner> Throttled<R> {
    /// Where there is no room, the run fails at once, with [`NoRoom`]. Default: it waits.
    ///
    /// ```
    /// use ifrit::{prelude::*, runners::{NoRoom, Noop, Throttle}};
    ///
    /// let throttle = Throttle::new(1);
    /// let first = ifrit::invoke(throttle.around(Noop)).started()?;
    /// let second = ifrit::invoke(throttle.around(Noop).or_refuse());
    /// let error = second.join().unwrap_err();
    /// assert_eq!(error.downcast_ref::<NoRoom>().unwrap().limit, 1);
    /// # first.signal(Signal::TERMINATE);
    /// # first.join()?;
    /// # Ok::<(), ifrit::Error>(())
    /// ```
    pub fn or_refuse(mut self) -> Self {
        self.refuses = true;
        self
    }
}

impl<R: Runner> Runner for Throttled<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let limit = self.throttle.0.limit;
        if limit == 0 {
            return Err(Error::ZeroDeadline {
                who: "throttle".to_owned(),
                option: "limit",
            }
            .into());
        }
        if self.refuses {
            let _level = nesting::enter(Work::Run).ok_or(Error::TooDeep { limit: DEEPEST })?;
            let _permit = self.throttle.try_take().ok_or(NoRoom { limit })?;
            return self.runner.run(signals, ready);
        }
        with_host(signals, |host, signals| match self.throttle.take(host) {
            Some(_permit) => self.runner.run(signals, ready),
            None => Ok(()),
        })?
    }

    fn plan(&self) -> Plan {
        let plan = Plan::new("throttle").note(format!("{} at a time", self.throttle.0.limit));
        let mut plan = match self.refuses {
            true => plan.note("or refused"),
            false => plan,
        };
        if self.refuses {
            plan.runner.runs = Runs::Inline; // one that waits may be ready at any time
        }
        plan.part(self.runner.plan())
    }
}
