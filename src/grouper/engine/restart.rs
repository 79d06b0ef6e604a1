//! Restarting members, alone or with others.
//!
//! Alone, a member is started again when its delay is over; the others do not notice. With others, there is a round.

use std::time::Duration;

use super::restarting::Restarting;
use super::run::Run;
use super::settings::Strategy;
use super::stage::Live;
use super::timers::Due;
use crate::error::{Cause, Error, MemberExit};
use crate::process::Core;
use crate::restart::Ended;

impl Run<'_> {
    /// A member has ended, and its policy asks for a restart.
    pub(super) fn restart(&mut self, index: usize, record: MemberExit, was: &Live) {
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
            ready_since: was.ready_since,
        };
        let now = self.clock.now();
        let paid = restart.pay(&ended, delays, &mut self.restarting.account, now);
        let delay = match paid {
            Ok(delay) => delay,
            Err(over) => return self.fail(index, over, record),
        };
        was.core
            .say(|_| self.restarting.account.restarting(delay, run.line()));
        run.restarts += 1;
        run.before = Some(Box::new(record.exit.clone()));
        self.watch_start(index, &record);
        self.history.healed(record);
        let at = now.checked_add(delay);
        self.is_down(index);
        match self.settings.strategy {
            Strategy::OneForOne => {
                if self.is_starting() {
                    self.wait_for(index);
                }
                if let Some(at) = at {
                    self.timers.set(at, Due::Restart(index));
                }
                self.show(index);
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

    /// A member that a round has stopped comes back with the others.
    pub(super) fn restarts_with_others(&self, index: usize, core: &Core) {
        let Restarting { round, account, .. } = &self.restarting;
        let line = self.slots.all[index].run.line();
        let resume_at = round.as_ref().and_then(|round| round.resume_at);
        core.say(|now| {
            let delay = resume_at.map_or(Duration::MAX, |at| at.saturating_duration_since(now));
            account.restarting(delay, line)
        });
    }

    /// The limit of the group's start is over: a member that waits for its restart fails.
    pub(super) fn start_is_over(&mut self) {
        let mut order = self.slots.order.iter().copied();
        let is_down =
            |index: &usize| self.starting.is_failed(*index) && self.slots.all[*index].is_down();
        if let Some(index) = order.find(is_down)
            && let Some(record) = self.starting.take_failure(index)
        {
            self.not_ready_in_time(index, record);
        }
    }

    fn start_limit_is_over(&self) -> bool {
        let limit = self.starting.limit.filter(|_| self.is_starting());
        limit.is_some_and(|limit| self.clock.now() >= limit.end)
    }

    /// The group's start fails for a member that has failed and cannot be up again in time.
    fn not_ready_in_time(&mut self, index: usize, record: MemberExit) {
        let after = self
            .starting
            .limit
            .map_or(Duration::ZERO, |limit| limit.set);
        self.clear_timer(index);
        self.settle(index);
        if is_over_limit(&record, after) {
            // The run has said so itself, and that is not said twice.
            let cause = Cause::Initiator;
            return self.end(index, MemberExit { cause, ..record });
        }
        let error = Error::StartTimeout {
            name: record.name.clone(),
            after,
            stuck: None,
            source: record.exit.as_ref().err().cloned().map(Box::new),
        };
        self.fail(index, error, record);
    }
}

/// Whether the run was not ready within this limit.
fn is_over_limit(record: &MemberExit, limit: Duration) -> bool {
    match &record.exit {
        Err(Error::StartTimeout { name, after, .. }) => *name == record.name && *after == limit,
        _ => false,
    }
}
