//! Stopping members: all of them at the end, some of them in a restart round.

use std::time::{Duration, Instant};

use super::run::{Due, Phase, Run};
use super::settings::Stop;
use super::slot::SlotRun;
use crate::process::Deadline;
use crate::signal::Signal;

impl Run<'_> {
    pub(super) fn obey(&mut self, signal: Signal) {
        if !signal.is_stop() {
            let live = self.slots.all.iter().filter(|slot| slot.is_live());
            for core in live.filter_map(|slot| slot.core.as_ref()) {
                core.signal(signal);
            }
        } else if self.phase != Phase::Stopping || self.signal.is_none() {
            let all = self.slots.all.iter().enumerate();
            let told = all.filter(|(_, slot)| slot.run.told.is_some());
            let told: Vec<usize> = told.map(|(index, _)| index).collect();
            self.begin_stop(Some(signal));
            if signal != Signal::KILL {
                for index in told {
                    self.tell(index, Some(signal)); // Invariant 4: told by a round or through the handle, and not yet this
                }
            }
        } else {
            self.signal = Some(signal); // Invariant 4: those whose turn is still to come get the latest
            self.limit_stop();
            match signal {
                Signal::KILL => self.kill_those(|_| true),
                _ => self.tell_those_told(signal),
            }
        }
    }

    /// KILL goes to all at once, in no order (invariant 4).
    fn kill_those(&mut self, whom: impl Fn(&SlotRun) -> bool) {
        for index in 0..self.slots.all.len() {
            if whom(&self.slots.all[index].run) {
                self.tell(index, Some(Signal::KILL));
            }
        }
    }

    /// Begins a stop, or, where one has begun in which no member is told anything, begins to tell.
    pub(super) fn begin_stop(&mut self, signal: Option<Signal>) {
        self.phase = Phase::Stopping; // Invariant 3: nothing starts from here on
        self.ready = None;
        self.to_start.clear();
        self.forget_start_limit();
        self.cancel_restarts();
        self.turn_away();
        self.signal = signal;
        if signal.is_some() {
            self.stop_those(|_| true);
        }
    }

    /// Tells those live members to stop, each in its turn.
    pub(super) fn stop_those(&mut self, whom: impl Fn(&SlotRun) -> bool) {
        self.to_stop.clear(); // what a round has not come to
        self.stopping = None;
        self.limit_stop();
        if self.signal == Some(Signal::KILL) {
            return self.kill_those(whom);
        }
        let all = &self.slots.all;
        let order = self.slots.order.iter().copied();
        let mut to_stop: Vec<usize> = order
            .filter(|index| all[*index].is_live() && whom(&all[*index].run))
            .collect();
        match self.settings.stop {
            Stop::Together => {
                for index in to_stop {
                    self.turn_of(index);
                }
                return;
            }
            Stop::Reverse => to_stop.reverse(),
            Stop::Forward => {}
        }
        self.to_stop = to_stop.into();
        self.next_turn();
    }

    /// Takes in how long the stop may take, from here and from above, as known now; also for members whose turn has come
    /// before.
    pub(super) fn limit_stop(&mut self) {
        self.stop_limit
            .tighten(self.clock.now(), self.host.as_deref());
        for index in 0..self.slots.all.len() {
            let run = &self.slots.all[index].run;
            if run.told.is_some() || run.tell_at.is_some() {
                self.hasten(index);
            }
        }
    }

    /// Goes on to the next member that still lives, and is not one that was started since.
    pub(super) fn next_turn(&mut self) {
        self.stopping = None;
        while let Some(index) = self.to_stop.pop_front() {
            if self.is_to_stop(index) {
                self.stopping = Some(index);
                return self.turn_of(index);
            }
        }
    }

    fn is_to_stop(&self, index: usize) -> bool {
        let slot = &self.slots.all[index];
        slot.is_live() && (self.phase == Phase::Stopping || slot.run.in_round)
    }

    /// The turn of a member has come: it is told, after its delay.
    fn turn_of(&mut self, index: usize) {
        let slot = &mut self.slots.all[index];
        let delay = slot.options.stop_delay();
        if slot.run.told.is_some() || slot.run.tell_at.is_some() {
            self.hasten(index); // its turn had come before, in a round or through the handle
        } else if let Some(delay) = delay {
            slot.run.tell_at = Some(self.clock.deadline(delay));
            self.hasten(index);
        } else {
            self.tell(index, self.signal);
        }
    }

    fn tell_those_told(&mut self, signal: Signal) {
        for index in 0..self.slots.all.len() {
            if self.slots.all[index].run.told.is_some() {
                self.tell(index, Some(signal));
            }
        }
    }

    pub(super) fn tell(&mut self, index: usize, signal: Option<Signal>) {
        let (share, grace) = (self.share(index), self.grace_of(index));
        let slot = &mut self.slots.all[index];
        let (Some(signal), true, Some(core)) = (signal, slot.is_live(), &slot.core) else {
            return;
        };
        let now = self.clock.now();
        let mut deadline = Deadline::earlier(slot.run.deadline, share);
        if slot.run.told.is_none() {
            let own = slot.options.stop_within;
            let own = own.and_then(|limit| now.checked_add(limit));
            let own = own.map(|end| Deadline::new(now, end, grace));
            deadline = Deadline::earlier(deadline, own);
        }
        if signal == Signal::KILL && !slot.run.killed {
            deadline = Deadline::earlier(deadline, Deadline::killed(now, grace));
        }
        if !core.tell(signal, deadline.map(|deadline| deadline.end)) {
            return; // Invariant 2: it has exited; its report is on its way
        }
        let run = &mut slot.run;
        run.told.get_or_insert(now);
        run.tell_at = None;
        run.killed |= signal == Signal::KILL;
        run.deadline = deadline;
        self.set_stop_timer(index);
    }

    // Deadlines.

    /// What the member has of the time of this stop, or of this round if it is in it.
    fn share(&self, index: usize) -> Option<Deadline> {
        if !self.is_to_stop(index) {
            return None;
        }
        let waits =
            |index: &usize| self.is_to_stop(*index) && self.slots.all[*index].run.told.is_none();
        let in_turn = self.stopping == Some(index) && self.signal != Some(Signal::KILL);
        let others_wait = || in_turn && self.to_stop.iter().any(waits);
        self.stop_limit
            .share(&self.clock, self.grace_of(index), others_wait)
    }

    /// How long after KILL the member is given up.
    pub(super) fn grace_of(&self, index: usize) -> Duration {
        let own = self.slots.all[index].options.kill_grace();
        own.unwrap_or(self.grace)
    }

    /// The member's deadline moves closer where its share of the stop demands that.
    fn hasten(&mut self, index: usize) {
        let share = self.share(index);
        let run = &mut self.slots.all[index].run;
        run.deadline = Deadline::earlier(run.deadline, share);
        self.set_stop_timer(index);
    }

    /// What comes next for a member that is being stopped.
    fn set_stop_timer(&mut self, index: usize) {
        let run = &self.slots.all[index].run;
        let next = match (run.tell_at, run.deadline) {
            (_, Some(deadline)) if run.killed => Some((deadline.end, Due::GiveUp)),
            (Some(Some(at)), None) => Some((at, Due::Tell)),
            (Some(Some(at)), Some(deadline)) if at < deadline.kill_at => Some((at, Due::Tell)),
            (_, Some(deadline)) => Some((deadline.kill_at, Due::Kill)),
            (_, None) => None,
        };
        match next {
            Some((at, due)) => self.set_timer(index, at, due),
            None => self.clear_timer(index),
        }
    }

    pub(super) fn clear_timer(&mut self, index: usize) {
        if let Some(old) = self.slots.all[index].run.timer.take() {
            self.timers.remove(&(old, index));
        }
    }

    pub(super) fn set_timer(&mut self, index: usize, at: Instant, due: Due) {
        self.clear_timer(index);
        self.slots.all[index].run.timer = Some(at);
        self.timers.insert((at, index), due);
    }

    /// Does one thing that was due at `now`, if any was.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let Some(entry) = self.timers.first_entry() else {
            return false;
        };
        let (at, index) = *entry.key();
        if at > now {
            return false;
        }
        let due = entry.remove();
        if let Some(slot) = self.slots.all.get_mut(index) {
            slot.run.timer = None;
        }
        match due {
            Due::Tell => self.tell(index, self.signal),
            Due::Kill => self.kill(index),
            Due::GiveUp => {
                if let Some(core) = &self.slots.all[index].core {
                    core.give_up(); // its report follows
                }
            }
            Due::Restart => self.start(index),
            Due::Resume => self.resume(),
            Due::StartOver => self.start_is_over(),
        }
        true
    }

    fn kill(&mut self, index: usize) {
        if !self.slots.all[index].run.killed {
            self.tell(index, Some(Signal::KILL));
        }
    }
}
