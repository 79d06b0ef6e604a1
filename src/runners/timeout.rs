//! Limits for the start, the run and the stop of one runner: [`Timeout`].
//!
//! Invariants:
//! 1. What comes first counts: ready or the limit of the start, the end of the run or the limit of the run. It is decided
//!    under the lock of [`Watch`].
//! 2. There is one timer at a time, for the limit that is over first; when that does not count any more, one for the other
//!    is set then. So a life that keeps within its limits costs one. It is set and dropped under no lock, and is not kept
//!    once the run has returned.

use std::time::{Duration, Instant};

use super::on_ready::OnReady;
use crate::clock::{Clock, Timer};
use crate::error::{Error, Exit, Result, exit_of};
use crate::plan::{Plan, Runs};
use crate::process::{Core, Hook, Inside, Layer, Process, StopLimits, current_core, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex};

/// A runner that runs another one, which has so much time to start, to run and to stop.
///
/// - **A thread cannot be killed.** At a limit the runner is told to stop: INT, and KILL when the
///   [grace](Timeout::kill_grace) has passed. One that does not return then is given up with its process, and named
///   ([`Error::Abandoned`]).
/// - [`start_within`](Timeout::start_within): ready by then, or the exit is [`Error::StartTimeout`].
/// - [`run_within`](Timeout::run_within): returned by then, its start included, or the exit is [`Error::TimedOut`].
/// - [`stop_within`](Timeout::stop_within): the whole stop is over by then, whatever asks for it, KILL and grace included.
/// - The stop because of a limit is one of the runner inside and of nothing around it, so a restarter around it runs it
///   again, and a restarter inside does not go on.
/// - Once a stop was asked for, a limit of the start or of the run leads to KILL at once, and to giving up after the grace.
/// - A run that was over its limit has failed, Ok too; the error has what it returned for a source.
/// - Time is that of the clock of its process. The runner inside runs on the same thread. Driven by hand, with signals that
///   are not those of the current process, it needs a helper thread, as a [`Sigmon`](crate::sigmon::Sigmon) does.
///
/// A limit for the start or the run sets a timer in each run, which costs one or two microseconds.
///
/// Members have `start_within` and `stop_within` themselves; this is for a runner that is no member, for the limit of a
/// run, and for a limit inside of a restarter. A limit beyond what time can count to is none.
///
/// # Errors
///
/// Before anything has started: [`Error::ZeroDeadline`], for a limit of zero; [`Error::Spawn`], if the thread for time
/// limits, which all share, does not start.
///
/// ```
/// use ifrit::restart::{Backoff, Restart, Restarter};
/// use ifrit::{Error, prelude::*, runners::Timeout};
/// use std::time::Duration;
///
/// let mut runs = 0;
/// let hangs_once = ifrit::run_fn(move |signals, _ready| {
///     runs += 1;
///     if runs == 1 {
///         ifrit::until_stop(&signals); // for ever, or until it is told
///     }
///     Ok(())
/// });
/// let job = Timeout::new(hangs_once).run_within(Duration::from_millis(10));
/// let job = Restarter::with(job, Restart::transient().backoff(Backoff::none()));
/// assert!(ifrit::invoke(job).join().is_ok());
///
/// let hangs = Timeout::new(ifrit::testing::never_ready()).start_within(Duration::from_millis(10));
/// assert!(matches!(ifrit::invoke(hangs).join(), Err(Error::StartTimeout { .. })));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a runner does nothing until it is started or run"]
#[doc(alias("deadline", "limit"))]
pub struct Timeout<R> {
    runner: R,
    start_within: Option<Duration>,
    run_within: Option<Duration>,
    stop_within: Option<Duration>,
    kill_grace: Option<Duration>,
}

impl<R: Runner> Timeout<R> {
    /// No limit yet.
    pub fn new(runner: R) -> Self {
        Timeout {
            runner,
            start_within: None,
            run_within: None,
            stop_within: None,
            kill_grace: None,
        }
    }

    /// How long it may take to become ready. Default: no limit.
    ///
    /// One that returns before has not waited for too long, whether it was ready or not.
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.start_within = Some(limit);
        self
    }

    /// How long a run may take from its beginning to its return. Default: no limit.
    pub fn run_within(mut self, limit: Duration) -> Self {
        self.run_within = Some(limit);
        self
    }

    /// How long a stop may take, KILL and grace included; also one that comes because of the other limits. Default: no
    /// limit; after one of the other limits the grace twice, before KILL and after it.
    ///
    /// At the end the process is given up, and its exit is [`Error::Abandoned`]. A run that returns before has its own.
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.stop_within = Some(limit);
        self
    }

    /// How long it may take to return after KILL, before it is given up. Default: that of the process this runs in, which
    /// is 1 s at the top.
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = Some(grace);
        self
    }

    fn check(&self) -> Exit {
        let limits = [
            ("start_within", self.start_within),
            ("run_within", self.run_within),
            ("stop_within", self.stop_within),
        ];
        let mut limits = limits.into_iter();
        match limits.find(|(_, limit)| *limit == Some(Duration::ZERO)) {
            None => Ok(()),
            Some((option, _)) => Err(Error::ZeroDeadline {
                who: "timeout".to_owned(),
                option,
            }),
        }
    }

    fn run_on(&mut self, host: &Arc<Core>, ready: ReadySender) -> Exit {
        host.clock
            .start_timer()
            .map_err(|source| Error::spawn("ifrit-timer", source))?;
        let _limits = StopLimits::set(host, self.stop_within, self.kill_grace)?;
        let layer = Layer::enter(host, Hook::Pass);
        let process = current_core().map(Process::from_core);
        let name = process
            .as_ref()
            .map_or(&*host.name, Process::name)
            .to_owned();
        let now = host.clock.now();
        let limit = |over, set: Option<Duration>| {
            let set = set?;
            let at = now.checked_add(set)?;
            Some(Limit { over, set, at })
        };
        let limits = [
            limit(Over::Start, self.start_within),
            limit(Over::Run, self.run_within),
        ];
        let watch = Arc::new(Watch {
            inside: layer.inside(),
            clock: host.clock.clone(),
            process,
            limits,
            stop_within: self.stop_within,
            state: Mutex::default(),
        });
        watch.look();
        let heard = {
            let watch = Arc::clone(&watch);
            move |outer: ReadySender| {
                if watch.is_ready() {
                    outer.notify();
                }
            }
        };
        let ready = OnReady::sender(ready, heard);
        let exit = exit_of(|| self.runner.run(layer.signals.clone(), ready));
        let Some(limit) = watch.end() else {
            return exit;
        };
        let (after, source) = (limit.set, exit.err().map(Box::new));
        Err(match limit.over {
            Over::Start => Error::StartTimeout {
                name,
                after,
                stuck: None,
                source,
            },
            Over::Run => Error::TimedOut {
                name,
                after,
                stuck: None,
                source,
            },
        })
    }
}

/// Which limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Start,
    Run,
}

#[derive(Clone, Copy)]
struct Limit {
    over: Over,
    set: Duration,
    at: Instant,
}

/// One run, as the timer sees it.
struct Watch {
    inside: Inside,
    clock: Clock,
    process: Option<Process>,
    limits: [Option<Limit>; 2],
    stop_within: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ready: bool,
    ended: bool,
    over: Option<Limit>,
    /// When the timer runs out that counts.
    watched: Option<Instant>,
    /// That timer, once it is kept.
    timer: Option<Timer>,
}

impl State {
    /// Whether the limit still counts.
    fn counts(&self, limit: &Limit) -> bool {
        let is_done = match limit.over {
            Over::Start => self.ready,
            Over::Run => false,
        };
        !is_done && !self.ended && self.over.is_none() // Invariant 1
    }
}

impl Watch {
    /// Stops the run if a limit is over, or else sees to it that this is looked at when one is.
    fn look(self: &Arc<Self>) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let limits = self.limits.iter().flatten();
        let counting = limits.filter(|limit| state.counts(limit));
        let Some(first) = counting.min_by_key(|limit| limit.at).copied() else {
            return;
        };
        if first.at <= now {
            state.over = Some(first);
            drop(state);
            return self.is_over(first);
        }
        state.watched = Some(first.at);
        drop(state);
        let watch = Arc::clone(self);
        let timer = self
            .clock
            .schedule(first.at, Box::new(move || watch.look()));
        let mut state = self.state.lock();
        // It may have run out before it is kept, and another one may count by now.
        let gone = match state.ended || state.watched != Some(first.at) {
            true => Some(timer),
            false => state.timer.replace(timer),
        };
        drop(state);
        drop(gone); // Invariant 2
    }

    fn is_over(&self, limit: Limit) {
        let set = limit.set;
        if let Some(process) = &self.process {
            match limit.over {
                Over::Start => process.note(format_args!("not ready within {set:?}")),
                Over::Run => process.note(format_args!("not done within {set:?}")),
            }
        }
        self.inside.stop(set, self.stop_within);
    }

    /// Whether it is ready in time.
    fn is_ready(&self) -> bool {
        let mut state = self.state.lock();
        state.ready = !state.ended && state.over.is_none(); // Invariant 1
        state.ready
    }

    /// The run has returned; the limit that was over before.
    fn end(&self) -> Option<Limit> {
        let mut state = self.state.lock();
        state.ended = true;
        let (over, timer) = (state.over, state.timer.take());
        drop(state);
        drop(timer); // Invariant 2
        over
    }
}

impl<R: Runner> Runner for Timeout<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.check()?;
        let exit = with_host(signals, |host, _| self.run_on(host, ready))?;
        Ok(exit?)
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::new("timeout").limits(&[
            ("start", self.start_within),
            ("run", self.run_within),
            ("stop", self.stop_within),
            ("kill grace", self.kill_grace),
        ]);
        plan.runner.start_within = self.start_within;
        plan.runner.stop_within = self.stop_within;
        plan.runner.kill_grace = self.kill_grace;
        plan.runner.runs = Runs::Inline;
        plan.part(self.runner.plan())
    }
}
