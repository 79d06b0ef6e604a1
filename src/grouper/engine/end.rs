//! The end of a member for good, and the stop of the group.

use super::run::{Phase, Run};
use super::stage::Rest;
use crate::draw::{LINE, line_of};
use crate::error::{Cause, Error, Itself, MemberExit, NotRestarted};
use crate::observe::{Outcome, What, Why};
use crate::process::say_here;
use crate::signal::Signal;
use crate::sync::Arc;

impl Run<'_> {
    /// A signal has come to the group.
    pub(super) fn obey(&mut self, signal: Signal) {
        if !signal.is_stop() {
            let live = self.slots.all.iter().filter_map(|slot| slot.stage.live());
            for live in live {
                live.core.signal(signal);
            }
        } else if !self.is_stopping() || self.stopping.signal.is_none() {
            let all = self.slots.all.iter().enumerate();
            let told = all.filter(|(_, slot)| slot.told().is_some());
            let told: Vec<usize> = told.map(|(index, _)| index).collect();
            self.begin_stop(Some(signal), Some(Why::Signal(signal)));
            if signal != Signal::KILL {
                for index in told {
                    self.tell(index, signal); // Invariant 4: told by a round or through the handle, and not yet this
                }
            }
        } else {
            self.stopping.signal = Some(signal); // Invariant 4: those whose turn is still to come get the latest
            self.limit_stop();
            match signal {
                Signal::KILL => self.kill_those(|_| true),
                _ => self.tell_those_told(signal),
            }
        }
    }

    /// Begins a stop, or, where one has begun in which no member is told anything, begins to tell.
    pub(super) fn begin_stop(&mut self, signal: Option<Signal>, why: Option<Why>) {
        if !self.is_stopping()
            && let Some(why) = why
        {
            say_here(|| What::Stopping { why });
        }
        self.phase = Phase::Stopping; // Invariant 3: nothing starts from here on
        self.starting.give_up_ready();
        self.starting.withdraw_all();
        self.forget_start_limit();
        self.cancel_restarts();
        self.turn_away();
        self.stopping.signal = signal;
        if signal.is_some() {
            self.stop_those(|_| true);
        }
    }

    /// A member's exit stops the others.
    pub(super) fn stop_for_member(&mut self, why: Option<Why>) {
        self.stopping.initiated = self.settings.termination.is_some();
        self.begin_stop(self.settings.termination, why);
    }

    /// A member has failed for good because of this error of ours, which has that of its last run inside.
    pub(super) fn fail(&mut self, index: usize, error: Error, record: MemberExit) {
        // Not by its own `Display`, which asks that of the user's error inside.
        let line = match self.slots.all[index].run.line() {
            Some(last) => line_of(format_args!("{}: {last}", Itself(&error)), LINE),
            None => line_of(Itself(&error), LINE),
        };
        let not_restarted =
            matches!(error, Error::RestartBudget { .. }).then_some(NotRestarted::TooOften);
        let record = MemberExit {
            exit: Err(error),
            cause: Cause::Initiator,
            not_restarted: not_restarted.or(record.not_restarted),
            ..record
        };
        self.end_as(index, record, Some(line.into()));
    }

    /// The end of a member, for good. What was given up stands where it does, since its thread still runs.
    pub(super) fn end(&mut self, index: usize, record: MemberExit) {
        let line = self.slots.all[index].run.line();
        self.end_as(index, record, line);
    }

    fn end_as(&mut self, index: usize, record: MemberExit, line: Option<Arc<str>>) {
        self.is_done(index);
        self.is_up_again(index);
        let mut initiates = record.cause == Cause::Initiator;
        if record.cause == Cause::Completed && self.slots.all[index].options.significant {
            let left = self.counts_no_more(index);
            initiates |= !self.is_stopping() && self.settings.auto_shutdown.begins(left);
        }
        let cause = if initiates {
            Cause::Initiator
        } else {
            record.cause
        };
        let slot = &mut self.slots.all[index];
        let why = initiates.then(|| match record.cause {
            Cause::Completed => Why::AutoShutdown,
            _ => Why::member(
                &slot.name,
                record.id,
                Outcome::new(line),
                record.not_restarted,
            ),
        });
        slot.run.ended = Some(self.history.ended(MemberExit { cause, ..record }));
        if initiates {
            self.stop_for_member(why);
        }
    }

    /// It has ended and stays so in this run.
    fn is_done(&mut self, index: usize) {
        self.hide(index);
        let slot = &mut self.slots.all[index];
        if !slot.is_abandoned() {
            slot.rests(Rest::Done);
            self.tally.is_done(self.slots.order.len());
        }
    }

    /// It was stopped with others, and its policy says that it does not come back.
    pub(super) fn retire(&mut self, index: usize) {
        self.is_done(index);
        self.is_up_again(index);
        self.counts_no_more(index);
    }

    /// Members that were terminated in vain are named in the error, too.
    pub(super) fn record_abandoned(&mut self) {
        for slot in self.slots.members() {
            let (Some(stuck), None) = (slot.stuck(), slot.run.ended) else {
                continue;
            };
            self.history.ended(MemberExit {
                name: slot.name.to_string(),
                id: stuck.id,
                exit: Err(Error::Abandoned(vec![stuck])),
                cause: Cause::Abandoned,
                time_to_stop: None,
                not_restarted: None,
            });
        }
    }
}
