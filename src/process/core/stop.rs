//! Signals, and the time that a start and a stop may take.

use std::io;
use std::time::{Duration, Instant};

use super::{Core, earlier};
use crate::clock::Timer;
use crate::signal::Signal;
use crate::sync::Arc;

impl Core {
    /// Delivers `signal`, unless the process has exited before; says whether it did.
    pub(crate) fn signal(self: &Arc<Self>, signal: Signal) -> bool {
        self.tell(signal, None)
    }

    /// Delivers `signal`; a stop signal with the time at which KILL will follow, so that whoever hears the one knows the
    /// other.
    pub(crate) fn tell(self: &Arc<Self>, signal: Signal, stop_by: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        if state.exit.is_none() && signal.is_stop() {
            state.stop_by = earlier(state.stop_by, stop_by);
        }
        let mut enforce = None;
        let mut watchers = None;
        if signal.is_stop() && state.told.is_none() {
            let now = self.clock.now();
            state.told = Some(now);
            watchers = state.watchers.take();
            enforce = state.stop_within.and_then(|within| now.checked_add(within));
            state.stop_by = earlier(state.stop_by, enforce);
        }
        if let Some(mailbox) = &mut state.mailbox {
            mailbox.push(signal);
        }
        if signal.is_stop() && state.stop_signal != Some(Signal::KILL) {
            state.stop_signal = Some(signal);
        }
        let delivered = state.exit.is_none(); // 2
        drop(state);
        drop(watchers); // which tells them
        if signal.is_stop() {
            self.changed.notify_all();
        }
        self.pass_on(signal, stop_by);
        if let Some(kill_at) = enforce {
            self.enforce(kill_at);
        }
        delivered
    }

    /// Sees to it that a stop that has begun ends: KILL at `kill_at`, and after the grace the process is given up. The
    /// timer must have been started.
    fn enforce(self: &Arc<Self>, kill_at: Instant) {
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
    pub(crate) fn enforce_stops(self: &Arc<Self>, within: Duration) -> io::Result<()> {
        self.clock.start_timer()?;
        let mut state = self.state.lock();
        state.stop_within = earlier(state.stop_within, Some(within));
        let begun = state.told.is_some();
        let kill_at = self.clock.deadline(within).filter(|_| begun);
        state.stop_by = earlier(state.stop_by, kill_at);
        drop(state);
        if let Some(kill_at) = kill_at {
            self.enforce(kill_at);
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
            let kill_at = core.clock.deadline(core.grace());
            core.tell(Signal::INTERRUPT, kill_at);
            if let Some(kill_at) = kill_at {
                core.enforce(kill_at);
            }
        });
        let mut state = self.state.lock();
        if state.exit.is_none() && !state.ready {
            state.start_timer = Some(timer);
        } else {
            drop(state); // the timer is cancelled outside the lock
        }
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
}
