//! What a member's exit means for the group.

use super::run::{Phase, Run};
use super::slot::Place;
use crate::error::{Cause, Error, Exit, MemberExit, leaves_threads};
use crate::restart::Policy;

/// What a member's exit means.
enum End {
    /// It is recorded, and that was that; as `Initiator` it stops the group.
    Final(Cause),
    /// Its policy asks for a restart.
    Restart,
    /// It is restarted together with others.
    InRound,
    /// It was stopped together with others, and does not come back.
    Retired,
    /// Somebody has asked for it to go.
    Left,
}

impl Run<'_> {
    pub(super) fn exited(&mut self, index: usize, mut record: MemberExit, given_up: bool) {
        let told = record.time_to_stop.is_some();
        let end = self.judge(index, &record.exit, told, given_up);
        self.settle(index);
        self.clear_timer(index);
        self.live -= 1;
        let run = &mut self.slots.all[index].run;
        let was_in_round = run.in_round;
        run.killed = false;
        run.place = if given_up {
            Place::Abandoned
        } else {
            Place::Down
        };
        match end {
            End::Final(cause) => {
                record.cause = cause;
                self.end(index, record, given_up);
            }
            End::Restart => self.restart(index, record),
            End::InRound => {}
            End::Retired => self.retire(index),
            End::Left => self.leave(index),
        }
        if self.stopping == Some(index) {
            self.next_turn();
        }
        if was_in_round {
            self.round_goes_on();
        }
    }

    fn judge(&self, index: usize, exit: &Exit, told: bool, given_up: bool) -> End {
        let slot = &self.slots.all[index];
        let completed = slot.options.one_shot && exit.is_ok();
        if self.phase == Phase::Stopping {
            return End::Final(match told {
                _ if given_up => Cause::Abandoned,
                true if self.initiated => Cause::Consequence,
                true => Cause::Stopped,
                false if completed => Cause::Completed,
                false => Cause::Independent,
            });
        }
        if slot.run.leaving.is_some() {
            return End::Left;
        }
        let policy = slot.options.restart.as_ref().map(|restart| restart.policy);
        let allowed = slot.options.allows(exit);
        let is_first_start = self.phase == Phase::Starting && !slot.run.ever_ready;
        match policy {
            _ if given_up => End::Final(Cause::Initiator), // 7
            // 7: a group may end and leave a thread behind.
            _ if policy != Some(Policy::Temporary) && leaves_threads(exit) => {
                End::Final(Cause::Initiator)
            }
            Some(Policy::Temporary) if told => End::Retired,
            _ if told => End::InRound,
            _ if allowed && (exit.is_ok() || !is_first_start) => End::Final(Cause::Completed),
            _ if slot.run.in_round => End::InRound,
            None => End::Final(Cause::Initiator),
            Some(_) if is_first_start => End::Final(Cause::Initiator),
            Some(_) => End::Restart,
        }
    }

    /// The end of a member, for good.
    pub(super) fn end(&mut self, index: usize, record: MemberExit, given_up: bool) {
        if !given_up {
            self.slots.all[index].run.place = Place::Done;
            self.done += 1;
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
        self.trace.push(MemberExit {
            cause: if initiates {
                Cause::Initiator
            } else {
                record.cause
            },
            ..record
        });
        if initiates {
            self.initiated = self.settings.termination.is_some();
            self.begin_stop(self.settings.termination);
        }
    }

    /// Those whom somebody has terminated in vain are named in the error, too.
    pub(super) fn record_abandoned(&mut self) {
        for slot in self.slots.members() {
            let (Place::Abandoned, Some(core)) = (slot.run.place, &slot.core) else {
                continue;
            };
            if self.trace.iter().all(|record| record.id != core.id) {
                self.trace.push(MemberExit {
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
        self.slots.all[index].run.place = Place::Done;
        self.done += 1;
        self.is_up_again(index);
        self.counts_no_more(index);
    }
}
