//! Stopping members: each in its turn, after its delay, and with KILL when its time is over.

use super::run::Run;
use super::settings::StopOrder;
use super::slot::Slot;
use super::stage::Stop;
use super::timers::Due;
use crate::limit::{Deadline, Limit};
use crate::signal::Signal;

impl Run<'_> {
    /// Tells those live members to stop, each in its turn.
    pub(super) fn stop_those(&mut self, whom: impl Fn(&Slot) -> bool) {
        self.stopping.queue(Vec::new()); // what a round has not come to
        self.limit_stop();
        if self.stopping.is_killing() {
            return self.kill_those(whom);
        }
        let all = &self.slots.all;
        let order = self.slots.order.iter().copied();
        let mut to_stop: Vec<usize> = order
            .filter(|index| all[*index].is_live() && whom(&all[*index]))
            .collect();
        match self.settings.stop {
            StopOrder::Together => {
                for index in to_stop {
                    self.turn_of(index);
                }
                return;
            }
            StopOrder::Reverse => to_stop.reverse(),
            StopOrder::Forward => {}
        }
        self.stopping.queue(to_stop);
        self.next_turn();
    }

    /// KILL goes to all at once, in no order (invariant 4).
    pub(super) fn kill_those(&mut self, whom: impl Fn(&Slot) -> bool) {
        for index in 0..self.slots.all.len() {
            if whom(&self.slots.all[index]) {
                self.tell(index, Signal::KILL);
            }
        }
    }

    pub(super) fn tell_those_told(&mut self, signal: Signal) {
        for index in 0..self.slots.all.len() {
            if self.slots.all[index].told().is_some() {
                self.tell(index, signal);
            }
        }
    }

    /// Takes in how long the stop may take, from here and from above, as known now; also for members whose turn has come
    /// before.
    pub(super) fn limit_stop(&mut self) {
        let now = self.clock.now();
        self.stopping.limit.tighten(now, self.host.as_deref());
        for index in 0..self.slots.all.len() {
            if self.slots.all[index].is_being_stopped() {
                self.hasten(index);
            }
        }
    }

    /// Goes on to the next member that still lives, and is not one that was started since.
    pub(super) fn next_turn(&mut self) {
        let (is_stopping, all) = (self.is_stopping(), &self.slots.all);
        let next = self
            .stopping
            .next(|index| is_to_stop(&all[index], is_stopping));
        if let Some(index) = next {
            self.turn_of(index);
        }
    }

    /// The turn of a member has come: it is told, after its delay.
    fn turn_of(&mut self, index: usize) {
        let slot = &mut self.slots.all[index];
        let delay = slot.options.stop_delay();
        let Some(live) = slot.stage.live_mut() else {
            return;
        };
        match (&live.stop, delay) {
            (Stop::NotAsked, Some(delay)) => {
                live.stop = Stop::Delayed {
                    tell_at: self.clock.deadline(delay),
                    deadline: None,
                };
                self.hasten(index);
            }
            (Stop::NotAsked, None) => self.tell_in_turn(index),
            _ => self.hasten(index), // its turn had come before, in a round or through the handle
        }
    }

    /// It is told what members are told in this stop, if they are told anything.
    pub(super) fn tell_in_turn(&mut self, index: usize) {
        if let Some(signal) = self.stopping.signal {
            self.tell(index, signal);
        }
    }

    pub(super) fn tell(&mut self, index: usize, signal: Signal) {
        let (share, grace) = (self.share(index), self.grace_of(index));
        let slot = &mut self.slots.all[index];
        let own = slot.options.stop_within;
        let Some(live) = slot.stage.live_mut() else {
            return;
        };
        let now = self.clock.now();
        let mut deadline = Deadline::earlier(live.stop.deadline(), share);
        let told = live.stop.told();
        if told.is_none() {
            let own = own.and_then(|limit| Limit::new(now, limit));
            let own = own.map(|end| Deadline::new(now, end, grace));
            deadline = Deadline::earlier(deadline, own);
        }
        let mut killed = live.stop.is_killed();
        if signal == Signal::KILL && !killed {
            killed = true;
            deadline = Deadline::earlier(deadline, Deadline::killed(now, grace));
        }
        if !live
            .core
            .tell(signal, deadline.map(|deadline| deadline.end))
        {
            return; // Invariant 2: it has exited; its report is on its way
        }
        live.stop = Stop::Told {
            since: told.unwrap_or(now),
            killed,
            deadline: deadline.map(Box::new),
        };
        self.set_stop_timer(index);
    }

    /// The time is over that it had before KILL.
    pub(super) fn kill(&mut self, index: usize) {
        let live = self.slots.all[index].stage.live();
        if live.is_some_and(|live| !live.stop.is_killed()) {
            self.tell(index, Signal::KILL);
        }
    }

    // Deadlines.

    /// What the member has of the time of this stop, or of this round if it is in it.
    fn share(&self, index: usize) -> Option<Deadline> {
        let is_to_stop = |index| is_to_stop(&self.slots.all[index], self.is_stopping());
        if !is_to_stop(index) {
            return None;
        }
        let waits = |index| is_to_stop(index) && self.slots.all[index].told().is_none();
        let in_turn = self.stopping.waits_for(index) && !self.stopping.is_killing();
        let others_wait = || in_turn && self.stopping.queued().any(waits);
        let grace = self.grace_of(index);
        self.stopping.limit.share(&self.clock, grace, others_wait)
    }

    /// The member's deadline moves closer where its share of the stop demands that.
    pub(super) fn hasten(&mut self, index: usize) {
        let share = self.share(index);
        if let Some(live) = self.slots.all[index].stage.live_mut() {
            live.stop.hasten(share);
            if let Stop::Told {
                deadline: Some(deadline),
                ..
            } = &live.stop
            {
                // Or what waits for it, and its error, would speak of a limit that holds no more.
                live.core.stop_is_over_by(deadline.end);
            }
        }
        self.set_stop_timer(index);
    }

    /// What comes next for a member that is being stopped.
    fn set_stop_timer(&mut self, index: usize) {
        let Some(live) = self.slots.all[index].stage.live() else {
            return;
        };
        let next = match &live.stop {
            Stop::NotAsked => None,
            Stop::Delayed { tell_at, deadline } => match (*tell_at, deadline) {
                (Some(at), Some(deadline)) if at >= deadline.kill_at => {
                    Some((deadline.kill_at, Due::Kill(index)))
                }
                (Some(at), _) => Some((at, Due::Tell(index))),
                (None, deadline) => deadline
                    .as_ref()
                    .map(|deadline| (deadline.kill_at, Due::Kill(index))),
            },
            Stop::Told {
                killed, deadline, ..
            } => deadline.as_ref().map(|deadline| match killed {
                true => (deadline.end.end, Due::GiveUp(index)),
                false => (deadline.kill_at, Due::Kill(index)),
            }),
        };
        match next {
            Some((at, due)) => self.timers.set(at, due),
            None => self.clear_timer(index),
        }
    }
}

/// It lives, and the stop that goes on is one of its own: that of the group, or of the round that it is in.
fn is_to_stop(slot: &Slot, is_stopping: bool) -> bool {
    slot.is_live() && (is_stopping || slot.run.in_round)
}
