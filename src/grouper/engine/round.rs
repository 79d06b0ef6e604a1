//! Rounds: stopping some members, to start them again together.
//!
//! Those concerned are stopped in stop order, the delay passes, and they are started in start order, as at the beginning.
//! If another member fails during a round, the round begins anew, with those whom that concerns as well.

use std::time::Instant;

use super::restarting::Round;
use super::run::Run;
use super::stage::Rest;
use super::timers::{Due, Owner};
use crate::signal::Signal;

impl Run<'_> {
    /// Stops those from this place in the order on; they are started again when all have exited, but not before
    /// `resume_at`.
    pub(super) fn begin_round(&mut self, from: usize, resume_at: Option<Instant>) {
        self.starting.withdraw_all();
        self.timers.clear(Owner::Round); // of a round that this one replaces
        for position in from..self.slots.order.len() {
            let index = self.slots.order[position];
            self.settle(index);
            self.slots.all[index].run.in_round = true;
        }
        let mut live = 0;
        for position in 0..self.slots.order.len() {
            let index = self.slots.order[position];
            let slot = &self.slots.all[index];
            if slot.run.in_round && slot.is_live() {
                live += 1;
                self.is_down(index);
            }
        }
        self.restarting.round = Some(Round { resume_at, live });
        self.show_those_held_back();
        if live == 0 {
            return self.all_of_round_stopped();
        }
        self.stopping.signal = Some(self.settings.termination.unwrap_or(Signal::INTERRUPT));
        self.stopping.limit = self.settings.stop_limit(self.host.as_deref());
        self.stop_those(|slot| slot.run.in_round);
    }

    /// They come back with the round, and not before.
    fn show_those_held_back(&self) {
        // Where members start one by one, those that wait are shown already.
        let one_by_one = self.starting.is_one_by_one();
        for index in &self.slots.order {
            let slot = &self.slots.all[*index];
            if slot.is_down() || slot.is_waiting() && !one_by_one {
                self.show(*index);
            }
        }
    }

    /// One of those that a round stops has exited.
    pub(super) fn round_goes_on(&mut self) {
        if let Some(round) = &mut self.restarting.round {
            round.live -= 1;
            if round.live == 0 {
                self.all_of_round_stopped();
            }
        }
    }

    fn all_of_round_stopped(&mut self) {
        self.stopping.limit.reset();
        let round = self.restarting.round.as_ref();
        if let Some(at) = round.and_then(|round| round.resume_at) {
            self.timers.set(at, Due::Resume);
        }
    }

    /// The starts of a round begin.
    pub(super) fn resume(&mut self) {
        self.restarting.round = None;
        for slot in &mut self.slots.all {
            if std::mem::take(&mut slot.run.in_round) && slot.is_down() {
                slot.rests(Rest::Waiting);
            }
        }
        let all = &self.slots.all;
        let order = self.slots.order.iter().copied();
        self.starting
            .queue(order.filter(|index| all[*index].is_waiting()));
        self.starting.queued().for_each(|index| self.show(index));
    }

    /// A stop has begun: no member comes back.
    pub(super) fn cancel_restarts(&mut self) {
        self.show_living_only();
        if self.restarting.round.take().is_some() {
            self.stopping.limit.reset(); // that was the time of the round, not of this stop
            self.timers.clear(Owner::Round);
        }
        for index in 0..self.slots.all.len() {
            let slot = &mut self.slots.all[index];
            slot.run.in_round = false;
            if slot.is_down() {
                self.clear_timer(index);
            }
            self.is_up_again(index);
        }
    }
}
