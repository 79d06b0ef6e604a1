//! What follows from a member's exit.

use std::time::Instant;

use super::judge::{Facts, Verdict, judge};
use super::run::{Phase, Run};
use super::slot::Place;
use crate::error::{Cause, Error, Exit, MemberExit, leaves_threads};
use crate::process::Findings;
use crate::process::last_exit::LastExit;
use crate::restart::{Asks, Policy};

/// A report of an exit, on its way to what it means.
pub(super) struct Ended {
    pub(super) record: MemberExit,
    pub(super) at: Instant,
    pub(super) given_up: bool,
    pub(super) findings: Findings,
}

impl Run<'_> {
    pub(super) fn exited(&mut self, index: usize, ended: Ended) {
        let Ended {
            mut record,
            at,
            given_up,
            findings,
        } = ended;
        let told = record.time_to_stop.is_some();
        let mut line = findings.line;
        let run = &mut self.slots.all[index].run;
        let ran_out = matches!(record.exit, Err(Error::AlreadyRan));
        if let (true, Some(before)) = (ran_out, run.before.take()) {
            record.exit = *before; // it can run only once: what counts is how that run ended
            line = run.last_exit.as_ref().and_then(LastExit::line);
        }
        let mut facts = self.facts(index, &record.exit, told, given_up, findings.worth_it);
        if ran_out && facts.asks == Asks::Restart {
            facts.asks = Asks::Failure; // there is nothing that could be run again
        }
        let verdict = judge(&facts);
        if told {
            record.cause = Cause::Stopped;
        }
        self.settle(index);
        self.clear_timer(index);
        self.live -= 1;
        let slot = &mut self.slots.all[index];
        if let Verdict::Unasked(_) = verdict {
            let unasked = Error::EndedUnasked {
                name: slot.name.to_string(),
            };
            line = Some(unasked.to_string().into());
            record.exit = Err(unasked);
        }
        slot.run.last_exit = Some(LastExit::new(line, record.id, at));
        let was_in_round = slot.run.in_round;
        slot.run.killed = false;
        slot.run.place = if given_up {
            Place::Abandoned
        } else {
            Place::Down
        };
        match verdict {
            Verdict::Final(cause) | Verdict::Unasked(cause) => {
                record.cause = cause;
                self.end(index, record, given_up);
            }
            Verdict::Restart => self.restart(index, record),
            Verdict::InRound => {
                if record.exit.is_err() {
                    self.slots.all[index].run.before = Some(Box::new(record.exit.clone()));
                }
                self.history.healed(record);
            }
            Verdict::Retired => {
                self.history.healed(record);
                self.retire(index);
            }
            Verdict::Left if !given_up && leaves_threads(&record.exit) => {
                self.leave_threads(index, record);
            }
            Verdict::Left => {
                self.history.healed(record);
                self.leave(index);
            }
        }
        if self.stopping == Some(index) {
            self.next_turn();
        }
        if was_in_round {
            self.round_goes_on();
        }
    }

    fn facts(
        &self,
        index: usize,
        exit: &Exit,
        told: bool,
        given_up: bool,
        worth_it: bool,
    ) -> Facts {
        let slot = &self.slots.all[index];
        let restart = slot.options.restart();
        Facts {
            is_ok: exit.is_ok(),
            is_fatal: exit.as_ref().is_err_and(Error::is_fatal),
            leaves_threads: leaves_threads(exit),
            given_up,
            told,
            asks: slot.options.asks(exit, worth_it),
            is_temporary: restart.is_some_and(|restart| restart.policy == Policy::Temporary),
            is_essential: slot.options.essential,
            from_the_start: restart.is_some_and(|restart| restart.from_the_start),
            is_leaving: slot.run.leaving.is_some(),
            in_round: slot.run.in_round,
            is_first_start: self.phase == Phase::Starting && !slot.run.ever_ready,
            is_stopping: self.phase == Phase::Stopping,
            initiated: self.initiated,
        }
    }

    /// The end of a member, for good.
    pub(super) fn end(&mut self, index: usize, record: MemberExit, given_up: bool) {
        if !given_up {
            self.is_done(index);
        }
        self.is_up_again(index);
        let mut initiates = record.cause == Cause::Initiator;
        if record.cause == Cause::Completed && self.slots.all[index].options.significant {
            self.counts_no_more(index);
            initiates |= self.phase != Phase::Stopping
                && self.settings.auto_shutdown.begins(self.significant);
        }
        if let Some(leaving) = self.slots.all[index].run.leaving.take() {
            leaving.overtaken(record.exit.as_ref().err());
        }
        let cause = if initiates {
            Cause::Initiator
        } else {
            record.cause
        };
        let entry = self.history.ended(MemberExit { cause, ..record });
        self.slots.all[index].run.ended = Some(entry);
        if initiates {
            self.initiated = self.settings.termination.is_some();
            self.begin_stop(self.settings.termination);
        }
    }

    /// It has ended and stays so in this run.
    fn is_done(&mut self, index: usize) {
        self.slots.all[index].run.place = Place::Done;
        self.done += 1;
        // Said here, where a member has ended: a list that gets shorter ends no group.
        self.all_done = self.done == self.slots.order.len();
    }

    /// Members that were terminated in vain are named in the error, too.
    pub(super) fn record_abandoned(&mut self) {
        for slot in self.slots.members() {
            let (Place::Abandoned, Some(core)) = (slot.run.place, &slot.core) else {
                continue;
            };
            if slot.run.ended.is_none() {
                self.history.ended(MemberExit {
                    name: slot.name.to_string(),
                    id: core.id,
                    exit: Err(Error::Abandoned(vec![core.stuck()])),
                    cause: Cause::Abandoned,
                    time_to_stop: None,
                });
            }
        }
    }

    /// It was stopped with others, and its policy says that it does not come back.
    fn retire(&mut self, index: usize) {
        self.is_done(index);
        self.is_up_again(index);
        self.counts_no_more(index);
    }
}
