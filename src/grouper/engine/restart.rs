//! Restarting members, alone or with others.
//!
//! Alone, a member is started again when its delay is over; the others do not notice. With others, there is a round: those
//! concerned are stopped in stop order, the delay passes, and they are started in start order, as at the beginning. If
//! another member fails during a round, the round begins anew, with those whom that concerns as well.

use std::time::Instant;

use super::run::{Due, Phase, ROUND, Run};
use super::settings::{AutoShutdown, Strategy};
use super::slot::Place;
use crate::error::{Cause, MemberExit};
use crate::restart::Ended;
use crate::signal::Signal;

/// A round that has not come to its starts yet.
pub(super) struct Round {
    /// When the starts may begin; `None` if that is further off than time goes.
    resume_at: Option<Instant>,
    /// How many of those concerned still live.
    live: usize,
}

impl AutoShutdown {
    /// Whether a significant member's completion begins a stop when so many are left.
    pub(super) fn begins(self, left: usize) -> bool {
        match self {
            AutoShutdown::Never => false,
            AutoShutdown::Any => true,
            AutoShutdown::All => left == 0,
        }
    }
}

impl Run<'_> {
    /// A member has ended, and its policy asks for a restart.
    pub(super) fn restart(&mut self, index: usize, record: MemberExit) {
        if self.start_limit_is_over() {
            return self.not_ready_in_time(index, record);
        }
        let slot = &mut self.slots.all[index];
        let Some(restart) = slot.options.restart() else {
            return; // what asks for a restart has a policy
        };
        let run = &mut slot.run;
        let delays = run
            .delays
            .get_or_insert_with(|| Box::new(restart.backoff.delays()));
        let ended = Ended {
            name: &slot.name,
            exit: &record.exit,
            ready_since: run.ready_since,
        };
        let paid = restart.pay(&ended, delays, &mut self.account, &self.clock);
        let delay = match paid {
            Ok(delay) => delay,
            Err(over) => {
                let record = MemberExit {
                    exit: Err(over),
                    cause: Cause::Initiator,
                    ..record
                };
                return self.end(index, record, false);
            }
        };
        run.restarts += 1;
        run.before = Some(Box::new(record.exit.clone()));
        self.watch_start(index, &record);
        self.history.healed(record);
        let at = self.clock.deadline(delay);
        self.is_down(index);
        match self.settings.strategy {
            Strategy::OneForOne => {
                if self.phase == Phase::Starting {
                    self.wait_for(index);
                }
                if let Some(at) = at {
                    self.set_timer(index, at, Due::Restart);
                }
            }
            Strategy::OneForAll => self.begin_round(0, at),
            Strategy::RestForOne => {
                let order = self.slots.order.iter();
                let position = order.take_while(|other| **other != index).count();
                self.begin_round(position, at);
            }
        }
        self.start_those_added();
    }

    /// Stops those from this place in the order on; they are started again when all have exited, but not before
    /// `resume_at`.
    fn begin_round(&mut self, from: usize, resume_at: Option<Instant>) {
        self.to_start.clear();
        self.timers.retain(|(_, index), _| *index != ROUND); // of a round that this one replaces
        let mut live = 0;
        for position in from..self.slots.order.len() {
            let index = self.slots.order[position];
            self.settle(index);
            self.slots.all[index].run.in_round = true;
        }
        for position in 0..self.slots.order.len() {
            let index = self.slots.order[position];
            let slot = &self.slots.all[index];
            if slot.run.in_round && slot.is_live() {
                live += 1;
                self.is_down(index);
            }
        }
        self.round = Some(Round { resume_at, live });
        if live == 0 {
            return self.all_of_round_stopped();
        }
        self.signal = Some(self.settings.termination.unwrap_or(Signal::INTERRUPT));
        self.stop_limit = self.settings.stop_limit(self.host.as_deref());
        self.stop_those(|run| run.in_round);
    }

    /// One of those that a round stops has exited.
    pub(super) fn round_goes_on(&mut self) {
        if let Some(round) = &mut self.round {
            round.live -= 1;
            if round.live == 0 {
                self.all_of_round_stopped();
            }
        }
    }

    fn all_of_round_stopped(&mut self) {
        self.stop_limit.reset();
        if let Some(at) = self.round.as_ref().and_then(|round| round.resume_at) {
            self.timers.insert((at, ROUND), Due::Resume);
        }
    }

    /// The starts of a round begin.
    pub(super) fn resume(&mut self) {
        self.round = None;
        for slot in &mut self.slots.all {
            if std::mem::take(&mut slot.run.in_round) && slot.run.place == Place::Down {
                slot.run.place = Place::Waiting;
            }
        }
        let all = &self.slots.all;
        let order = self.slots.order.iter().copied();
        self.to_start = order
            .filter(|index| all[*index].run.place == Place::Waiting)
            .collect();
    }

    /// A stop has begun: no member comes back.
    pub(super) fn cancel_restarts(&mut self) {
        if self.round.take().is_some() {
            self.stop_limit.reset(); // that was the time of the round, not of this stop
        }
        self.timers
            .retain(|_, due| !matches!(due, Due::Restart | Due::Resume));
        for index in 0..self.slots.all.len() {
            let run = &mut self.slots.all[index].run;
            run.in_round = false;
            if run.place == Place::Down {
                run.timer = None;
            }
            self.is_up_again(index);
        }
    }

    /// It is to be up: if it is significant, its completion is waited for.
    pub(super) fn counts(&mut self, index: usize) {
        let slot = &mut self.slots.all[index];
        let is_new = slot.options.significant && !slot.run.counts;
        slot.run.counts |= is_new;
        self.significant += usize::from(is_new);
    }

    /// It has completed, or is not to be up any more.
    pub(super) fn counts_no_more(&mut self, index: usize) {
        let counted = std::mem::take(&mut self.slots.all[index].run.counts);
        self.significant -= usize::from(counted);
    }

    /// It should be up and is not: the group counts as restarting.
    fn is_down(&mut self, index: usize) {
        let run = &mut self.slots.all[index].run;
        if !run.down {
            run.down = true;
            self.down += 1;
            self.show_restarting(self.down == 1);
        }
    }

    /// It is up again, or need not be.
    pub(super) fn is_up_again(&mut self, index: usize) {
        let run = &mut self.slots.all[index].run;
        if run.down {
            run.down = false;
            self.down -= 1;
            self.show_restarting(self.down == 0);
        }
    }

    fn show_restarting(&self, changed: bool) {
        match &self.host {
            Some(host) if changed && self.down > 0 => host.begin_restarting(),
            Some(host) if changed => host.end_restarting(),
            _ => {}
        }
    }
}
