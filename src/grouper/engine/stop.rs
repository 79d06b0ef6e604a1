//! Stopping members: all of them at the end, some of them in a restart round.

use std::time::Instant;

use super::run::{Due, GROUP, Phase, Run};
use super::settings::Stop;
use super::slot::SlotRun;
use crate::process::earlier;
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
                    self.tell(index, Some(signal)); // 4: by a round or through the handle, and not yet this
                }
            }
        } else {
            self.signal = Some(signal); // 4
            self.limit_stop();
            match signal {
                Signal::KILL => self.kill_those(|_| true),
                _ => self.tell_those_told(signal),
            }
        }
    }

    /// KILL goes to all at once, in no order. 4
    fn kill_those(&mut self, whom: impl Fn(&SlotRun) -> bool) {
        for index in 0..self.slots.all.len() {
            if whom(&self.slots.all[index].run) {
                self.tell(index, Some(Signal::KILL));
            }
        }
    }

    /// Begins a stop, or, where one has begun in which nobody is told anything, begins to tell.
    pub(super) fn begin_stop(&mut self, signal: Option<Signal>) {
        self.phase = Phase::Stopping; // 3
        self.ready = None;
        self.to_start.clear();
        self.cancel_restarts();
        self.turn_away();
        self.signal = signal;
        if signal.is_some() {
            self.stop_those(|_| true);
        }
    }

    /// Tells those live members to stop, each in its turn.
    pub(super) fn stop_those(&mut self, whom: impl Fn(&SlotRun) -> bool) {
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

    /// Takes in how long the stop may take, from here and from above, as known now.
    pub(super) fn limit_stop(&mut self) {
        let now = self.clock.now();
        if let Some(old) = self.stop_limit.kill_at {
            self.timers.remove(&(old, GROUP));
        }
        self.stop_limit.tighten(now, self.host.as_deref());
        if let Some(kill_at) = self.stop_limit.kill_at {
            self.timers.insert((kill_at, GROUP), Due::KillAll);
        }
    }

    /// Goes on to the next member that still lives, and is not one that somebody has started since.
    pub(super) fn next_turn(&mut self) {
        self.stopping = None;
        while let Some(index) = self.to_stop.pop_front() {
            let slot = &self.slots.all[index];
            if slot.is_live() && (self.phase == Phase::Stopping || slot.run.in_round) {
                self.stopping = Some(index);
                self.turn_of(index);
                return;
            }
        }
    }

    /// The turn of a member has come: it is told, after its delay.
    fn turn_of(&mut self, index: usize) {
        let slot = &self.slots.all[index];
        if slot.run.told.is_some() {
            return;
        }
        match slot.options.stop_delay {
            // Its turn had come before, in a round.
            Some(_) if slot.run.timer.is_some() => {}
            Some(delay) => {
                if let Some(at) = self.clock.deadline(delay) {
                    self.set_timer(index, at, Due::Tell);
                }
            }
            None => self.tell(index, self.signal),
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
        let slot = &mut self.slots.all[index];
        let (Some(signal), true, Some(core)) = (signal, slot.is_live(), &slot.core) else {
            return;
        };
        let now = self.clock.now();
        let first_told = slot.run.told.unwrap_or(now);
        let own = slot.options.stop_within;
        let own = own.and_then(|limit| first_told.checked_add(limit));
        let kill_at = earlier(own, self.stop_limit.kill_at);
        if !core.tell(signal, kill_at) {
            return; // 2: it has exited; its report is on its way
        }
        slot.run.told = Some(first_told);
        match kill_at {
            _ if slot.run.killed => {}
            Some(kill_at) => self.set_timer(index, kill_at, Due::Kill),
            None => self.clear_timer(index), // of its stop delay
        }
    }

    // Deadlines.

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
        if index != GROUP {
            self.slots.all[index].run.timer = None;
        }
        match due {
            Due::Tell => self.tell(index, self.signal),
            Due::Kill => self.kill(index),
            Due::GiveUp => {
                if let Some(core) = &self.slots.all[index].core {
                    core.give_up(); // its report follows
                }
            }
            Due::KillAll => {
                for index in 0..self.slots.all.len() {
                    if self.phase == Phase::Stopping || self.slots.all[index].run.in_round {
                        self.kill(index);
                    }
                }
            }
            Due::Restart => self.start(index),
            Due::Resume => self.resume(),
        }
        true
    }

    fn kill(&mut self, index: usize) {
        let slot = &mut self.slots.all[index];
        if !slot.is_live() || slot.run.killed {
            return;
        }
        slot.run.killed = true;
        self.clear_timer(index);
        self.tell(index, Some(Signal::KILL));
        if let Some(give_up_at) = self.clock.deadline(self.grace) {
            self.set_timer(index, give_up_at, Due::GiveUp);
        }
    }
}
