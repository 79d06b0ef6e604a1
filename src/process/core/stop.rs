//! Signals, and the time that a start and a stop may take.
//!
//! Invariants:
//! 1. A stop has one end, which only ever moves closer: the earliest of those that were handed down with a stop signal,
//!    that of the process's own limit, and the grace after KILL. What runs inside reads it when it hears the signal.
//! 2. An end is enforced by the one that has set it: by the group or the caller that handed it down, or, where it comes
//!    from a limit of the process itself, here, by timers. A process without a limit has no timer, so that `signal`
//!    starts no thread; after KILL only its waiters give it up.

use std::io;
use std::time::{Duration, Instant};

use super::{Core, State};
use crate::clock::Timer;
use crate::limit::{Deadline, Limit, Span, earlier};
use crate::signal::Signal;
use crate::sync::Arc;

/// What a process does about its own limits, once the lock is released.
#[derive(Default)]
struct Enforced {
    kill_at: Option<Instant>,
    give_up_at: Option<Instant>,
}

impl From<Deadline> for Enforced {
    fn from(deadline: Deadline) -> Self {
        Enforced {
            kill_at: Some(deadline.kill_at),
            give_up_at: Some(deadline.end.end),
        }
    }
}

impl Core {
    /// Delivers `signal`, unless the process has exited before; says whether it did.
    pub(crate) fn signal(self: &Arc<Self>, signal: Signal) -> bool {
        self.tell(signal, None)
    }

    /// Delivers `signal`; a stop signal with the instant at which the stop is to be over, so that what hears the one
    /// knows the other.
    pub(crate) fn tell(self: &Arc<Self>, signal: Signal, end: Option<Limit>) -> bool {
        self.tell_with(signal, end, None)
    }

    /// The same, where it is known when KILL follows.
    fn tell_with(
        self: &Arc<Self>,
        signal: Signal,
        mut end: Option<Limit>,
        mut kill_at: Option<Instant>,
    ) -> bool {
        let mut state = self.state.lock();
        let mut enforced = Enforced::default();
        let mut watchers = None;
        if signal.is_stop() {
            if !state.told() {
                watchers = state.watchers.take();
            }
            let end_before = state.stop_end();
            enforced = self.limit_stop(&mut state, signal, end);
            end = state.stop_end();
            kill_at = kill_at.or(enforced.kill_at);
            if kill_at.is_none() && !state.killed() && end != end_before {
                kill_at = end.map(|end| self.kills_before(&state, end));
            }
        }
        let delivered = state.exit.is_none(); // Invariant 2 of `Core`.
        if delivered {
            let give_up_at = end.filter(|_| signal.is_stop()).map(|end| end.end);
            // Before it can be read: the runner reads it without this lock.
            self.say_signalled(signal, kill_at, give_up_at);
            self.reloads_hear(signal);
        }
        state.forget_read();
        let passed = state.let_in(signal, 0);
        let heard_stop = passed.heard.is_some_and(Signal::is_stop);
        if heard_stop && watchers.is_none() {
            watchers = state.watchers.take(); // a layer has made a stop of it
        }
        drop(state);
        drop(watchers); // which tells them
        if signal.is_stop() || heard_stop {
            self.changed.notify_all();
        }
        if let Some(heard) = passed.heard {
            self.pass_on(heard, end);
        }
        self.hold(passed.holds);
        self.enforce(&enforced);
        delivered
    }

    /// Takes in what a stop signal says about time.
    fn limit_stop(&self, state: &mut State, signal: Signal, end: Option<Limit>) -> Enforced {
        let now = self.clock.now();
        let grace = state.grace.unwrap_or(self.limits.grace);
        let mut enforced = Enforced::default();
        let is_first = !state.told();
        let is_killed_now = signal == Signal::KILL && !state.killed();
        if !state.killed() {
            self.change(state, |state| state.stop_signal = Some(signal));
            if signal != Signal::KILL {
                state.told_before_kill = Some(signal);
            }
        }
        if state.exit.is_some() {
            return enforced;
        }
        state.hasten_stop(end);
        if is_first && let Some(limit) = state.stop_within.and_then(|set| Limit::new(now, set)) {
            state.hasten_stop(Some(limit));
            enforced = Deadline::new(now, limit, grace).into();
        }
        if is_killed_now {
            enforced.kill_at = None;
            if self.has_limit(state)
                && let Some(killed) = Deadline::killed(now, grace)
                && state.stop_end().is_none_or(|end| killed.end.end < end.end)
            {
                state.hasten_stop(Some(killed.end));
                enforced.give_up_at = Some(killed.end.end);
            }
        }
        enforced
    }

    /// When KILL comes in a stop that begins now and is over at `end`.
    fn kills_before(&self, state: &State, end: Limit) -> Instant {
        let grace = state.grace.unwrap_or(self.limits.grace);
        Deadline::new(self.clock.now(), end, grace).kill_at
    }

    /// Whether the process itself sees to it that it ends after KILL; its timer has been started then.
    fn has_limit(&self, state: &State) -> bool {
        self.limits.start.is_some() || state.stop_within.is_some()
    }

    fn enforce(self: &Arc<Self>, enforced: &Enforced) {
        if let Some(kill_at) = enforced.kill_at {
            self.at(kill_at, |core| {
                core.signal(Signal::KILL);
            });
        }
        if let Some(give_up_at) = enforced.give_up_at {
            self.at(give_up_at, |core| {
                core.give_up();
            });
        }
    }

    pub(super) fn schedule(self: &Arc<Self>, instant: Instant, action: fn(&Arc<Core>)) -> Timer {
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

    /// Every stop of this process, whatever asks for it, is enforced from now on: one that has begun is over `within`
    /// from now.
    ///
    /// # Errors
    ///
    /// The timer's thread did not start.
    pub(crate) fn enforce_stops(self: &Arc<Self>, within: Duration) -> io::Result<()> {
        self.clock.start_timer()?;
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.stop_within = earlier(state.stop_within, Some(within));
        let limit = Limit::new(now, within).filter(|_| state.told());
        state.hasten_stop(limit);
        let grace = state.grace.unwrap_or(self.limits.grace);
        drop(state);
        if let Some(limit) = limit {
            self.enforce(&Deadline::new(now, limit, grace).into());
        }
        Ok(())
    }

    /// Whether the process has limits that it keeps by timers.
    pub(crate) fn keeps_limits(&self) -> bool {
        self.has_limit(&self.state.lock())
    }

    /// Watches over the start, where it has a limit. The timer must have been started.
    pub(crate) fn watch_start(self: &Arc<Self>) {
        let Some(limit) = self.limits.start else {
            return;
        };
        let timer = self.schedule(limit.end, Core::start_is_over);
        let mut state = self.state.lock();
        if state.exit.is_none() && !state.ready {
            state.start_timer = Some(Box::new(timer));
        } else {
            drop(state); // the timer is cancelled outside the lock
        }
    }

    /// The limit of the start is over. What has not been told to stop is told so now, and has the grace twice: until
    /// KILL, and after it. What has been told before is told KILL.
    fn start_is_over(self: &Arc<Self>) {
        let mut state = self.state.lock();
        // After KILL the grace runs already.
        if state.ready || state.killed() || state.exit.is_some() {
            return;
        }
        let was_told = state.told();
        // A run that has returned after it was told keeps its exit, even while its runner is still being dropped.
        state.start_overdue = !(was_told && state.returned);
        drop(state);
        if was_told {
            self.signal(Signal::KILL);
            return;
        }
        let grace = self.grace();
        let kill_at = self.clock.deadline(grace);
        let end = kill_at.and_then(|at| at.checked_add(grace));
        let set = self.limits.start.map(|limit| limit.set);
        let limit = set.zip(end).map(|(set, end)| Limit::ending(set, end));
        self.tell_with(Signal::INTERRUPT, limit, kill_at);
        self.enforce(&Enforced {
            kill_at,
            give_up_at: end,
        });
    }

    /// The stop that has begun is over by then, as the one decides that enforces it. Nothing is told.
    pub(crate) fn stop_is_over_by(&self, end: Limit) {
        let mut state = self.state.lock();
        if state.exit.is_none() {
            state.hasten_stop(Some(end));
        }
    }

    /// When the stop is over, as far as has been said.
    pub(crate) fn stop_end(&self) -> Option<Limit> {
        self.state.lock().stop_end_inside()
    }

    /// How long the start may take; it counts for the first start only.
    pub(crate) fn start_limit(&self) -> Option<Limit> {
        self.limits.start.filter(|_| !self.is_ready())
    }

    /// From KILL to being given up.
    pub(crate) fn grace(&self) -> Duration {
        self.state.lock().grace.unwrap_or(self.limits.grace)
    }

    /// The grace, and how long a stop may take, as they were set here.
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
    pub(crate) fn stop_within(&self) -> Option<Span> {
        let own = self.state.lock().stop_within;
        Span::lesser(self.limits.stop, own.map(Span::new))
    }
}
