//! What follows from a member's exit.

use super::judge::{Facts, Verdict, judge};
use super::run::Run;
use crate::error::{Cause, Error, Exit, MemberExit, NotRestarted, leaves_threads};
use crate::id::ProcessId;
use crate::process::last_exit::LastExit;
use crate::process::{Exited, line_of};
use crate::restart::{Asks, Policy};

impl Run<'_> {
    pub(super) fn exited(&mut self, index: usize, id: ProcessId, mut exited: Box<Exited>) {
        let slot = &mut self.slots.all[index];
        let given_up = exited.given_up;
        let runner = exited.runner.take();
        let Some(mut live) = slot.ended(given_up, runner) else {
            return; // Invariant 1: what exits was started
        };
        let mut line = exited.findings.line.take();
        let ran_out = matches!(exited.exit, Err(Error::AlreadyRan));
        if let (true, Some(before)) = (ran_out, slot.run.before.take()) {
            exited.exit = *before; // it can run only once: what counts is how that run ended
            line = slot.run.line();
        }
        let told = live.stop.told();
        let mut facts = self.facts(index, &exited, told.is_some(), live.leaving.is_some());
        if ran_out && facts.asks == Asks::Restart {
            facts.asks = Asks::Failure; // there is nothing that could be run again
        }
        let verdict = judge(&facts);
        let not_restarted = match verdict {
            Verdict::Final(Cause::Initiator) | Verdict::Unasked(Cause::Initiator) => {
                self.not_restarted(index, &facts, &exited.exit, ran_out)
            }
            _ => None,
        };
        let slot = &mut self.slots.all[index];
        if let Verdict::Unasked(_) = verdict {
            exited.exit = Err(Error::EndedUnasked {
                name: slot.name.to_string(),
            });
            line = line_of(&exited.exit); // it is an error of ours, and asks none of a user's
        }
        slot.run.last_exit = Some(LastExit::new(line, id, exited.at));
        let mut record = MemberExit {
            name: slot.name.to_string(),
            id,
            exit: std::mem::replace(&mut exited.exit, Ok(())),
            cause: match told {
                Some(_) => Cause::Stopped,
                None => Cause::Independent,
            },
            time_to_stop: told.map(|told| exited.at.saturating_duration_since(told)),
            not_restarted,
        };
        let was_in_round = slot.run.in_round;
        self.settle(index);
        self.clear_timer(index);
        self.tally.live -= 1;
        match (verdict, live.leaving.take()) {
            (Verdict::Final(cause) | Verdict::Unasked(cause), leaving) => {
                if let Some(leaving) = leaving {
                    leaving.overtaken(record.exit.as_ref().err());
                }
                record.cause = cause;
                self.end(index, record);
            }
            (Verdict::Restart, _) => self.restart(index, record, &live),
            (Verdict::InRound, _) => {
                self.restarts_with_others(index, &live.core);
                if record.exit.is_err() {
                    self.slots.all[index].run.before = Some(Box::new(record.exit.clone()));
                }
                self.history.healed(record);
                self.show(index);
            }
            (Verdict::Retired, _) => {
                self.history.healed(record);
                self.retire(index);
            }
            (Verdict::Left, Some(leaving)) if !given_up && leaves_threads(&record.exit) => {
                self.leave_threads(index, *leaving, record);
            }
            (Verdict::Left, Some(leaving)) => {
                self.history.healed(record);
                self.leave(index, *leaving);
            }
            (Verdict::Left, None) => {} // what leaves was asked to
        }
        if self.stopping.waits_for(index) {
            self.next_turn();
        }
        if was_in_round {
            self.round_goes_on();
        }
    }

    /// Why the end of a member for good is not followed by another run.
    fn not_restarted(
        &self,
        index: usize,
        facts: &Facts,
        exit: &Exit,
        ran_out: bool,
    ) -> Option<NotRestarted> {
        let options = &self.slots.all[index].options;
        let has_policy = options.restart().is_some() && !facts.is_temporary;
        match exit {
            // Of a group without a policy its member says so.
            Err(Error::Group(_)) if !has_policy => None,
            _ if facts.is_fatal => Some(NotRestarted::Fatal),
            Err(Error::RestartBudget { .. }) if facts.asks != Asks::Restart => {
                Some(NotRestarted::TooOften) // it is a restarter itself
            }
            _ if !has_policy => None,
            _ if facts.leaves_threads || facts.given_up => Some(NotRestarted::StillRuns),
            _ if ran_out => Some(NotRestarted::RunsOnce),
            _ => match facts.asks {
                Asks::Restart if facts.is_first_start => Some(NotRestarted::NeverReady),
                Asks::Failure => Some(NotRestarted::NotWorthIt),
                Asks::Restart | Asks::Nothing => None,
            },
        }
    }

    fn facts(&self, index: usize, exited: &Exited, told: bool, is_leaving: bool) -> Facts {
        let slot = &self.slots.all[index];
        let restart = slot.options.restart();
        let exit = &exited.exit;
        Facts {
            is_ok: exit.is_ok(),
            is_fatal: exit.as_ref().is_err_and(Error::is_fatal),
            leaves_threads: leaves_threads(exit),
            given_up: exited.given_up,
            told,
            asks: slot.options.asks(exit, exited.findings.worth_it),
            is_temporary: restart.is_some_and(|restart| restart.policy == Policy::Temporary),
            is_essential: slot.options.essential,
            from_the_start: restart.is_some_and(|restart| restart.from_the_start),
            is_leaving,
            in_round: slot.run.in_round,
            is_first_start: self.is_starting() && !slot.run.ever_ready,
            is_stopping: self.is_stopping(),
            initiated: self.stopping.initiated,
        }
    }
}
