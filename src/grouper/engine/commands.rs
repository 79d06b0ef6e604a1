//! Answering the handle, on the group's own thread.

use super::admin::{Addition, Command, How, Leaving, MemberState, MemberStatus};
use super::run::{Phase, Run};
use super::slot::Place;
use crate::error::{Cause, Error, MemberExit};
use crate::grouper::refusal::{Reason, Refusal};
use crate::process::{Process, waits};
use crate::signal::Signal;
use crate::sync::Arc;

impl Run<'_> {
    pub(super) fn carry_out(&mut self, command: Command) {
        match command {
            Command::List(reply) => {
                let list = self.slots.order.iter().map(|index| self.status(*index));
                let _ = reply.send(Ok(list.collect()));
            }
            _ if self.phase == Phase::Stopping => refuse(command),
            Command::Restart(name, reply) => {
                let _ = reply.send(match self.slots.find(&name) {
                    Some(index) => self.restart_now(index),
                    None => Err(Refusal::new(&name, Reason::Unknown)),
                });
            }
            Command::Leave(leaving) => match self.slots.find(&leaving.name) {
                Some(index) => self.send_away(index, leaving),
                None => leaving.refuse(Reason::Unknown),
            },
            Command::Add(addition) => self.add(*addition),
        }
    }

    fn status(&self, index: usize) -> MemberStatus {
        let slot = &self.slots.all[index];
        let status = slot.core.as_ref().map(|core| core.status());
        MemberStatus {
            name: slot.name.to_string(),
            state: match slot.run.place {
                Place::Waiting => MemberState::Waiting,
                Place::Live => status.map_or(MemberState::Starting, MemberState::of_living),
                Place::Down => MemberState::Restarting,
                Place::Done => MemberState::Completed,
                Place::Terminated => MemberState::Terminated,
                Place::Abandoned => MemberState::Abandoned,
            },
            process: slot.core.clone().map(Process::from_core),
            restarts: slot.run.restarts,
            last_exit: slot.run.last_exit.clone(),
        }
    }

    fn restart_now(&mut self, index: usize) -> Result<Process, Refusal> {
        let slot = &mut self.slots.all[index];
        match slot.run.place {
            Place::Abandoned => return Err(Refusal::abandoned(&slot.name, slot.stuck())),
            Place::Done => {
                self.pass(index);
                self.done -= 1;
            }
            Place::Terminated => self.pass(index),
            Place::Down if !slot.run.in_round => {}
            _ => return Err(Refusal::new(&slot.name, Reason::Running)),
        }
        self.clear_timer(index);
        self.start(index);
        let slot = &self.slots.all[index];
        match &slot.core {
            Some(core) => Ok(Process::from_core(Arc::clone(core))),
            None => Err(Refusal::new(&slot.name, Reason::NotRunning)),
        }
    }

    /// What was its end for good is followed by another start, or by its removal.
    fn pass(&mut self, index: usize) {
        if let Some(entry) = self.slots.all[index].run.ended.take() {
            self.history.pass(entry);
        }
    }

    fn send_away(&mut self, index: usize, mut leaving: Leaving) {
        let run = &mut self.slots.all[index].run;
        if run.leaving.is_some() {
            return leaving.refuse(Reason::Leaving);
        }
        if run.joining.is_some() {
            return leaving.refuse(Reason::Running); // the caller that has added it waits for it
        }
        match run.place {
            Place::Live => {
                if let Some(core) = &self.slots.all[index].core {
                    leaving.waiting = waits::begin(leaving.asker, core.id);
                    if leaving.waiting.is_none() {
                        return leaving.refuse(Reason::WouldDeadlock);
                    }
                }
                self.slots.all[index].run.leaving = Some(Box::new(leaving));
                let signal = self.settings.termination.unwrap_or(Signal::INTERRUPT);
                return self.tell(index, Some(signal));
            }
            Place::Done => self.done -= 1,
            _ => {}
        }
        self.slots.all[index].run.leaving = Some(Box::new(leaving));
        self.clear_timer(index);
        self.settle(index);
        self.leave(index);
    }

    /// A member that was asked to go has gone, or was given up.
    pub(super) fn leave(&mut self, index: usize) {
        self.is_up_again(index);
        self.counts_no_more(index);
        let slot = &mut self.slots.all[index];
        let Some(leaving) = slot.run.leaving.take() else {
            return;
        };
        if slot.run.place == Place::Abandoned {
            return leaving.abandoned(slot.stuck());
        }
        slot.run.place = Place::Terminated;
        self.to_start.retain(|other| *other != index); // its place may be taken by another
        match leaving.how {
            How::Terminate(reply) => drop(reply.send(Ok(()))),
            How::Remove(reply) => {
                self.pass(index);
                let removed = self.slots.remove(index);
                let refusal = || Refusal::new(&leaving.name, Reason::NotRunning);
                let _ = reply.send(removed.ok_or_else(refusal));
            }
        }
    }

    /// A member that a caller has asked to go has gone, and a thread below it was given up and still runs. The caller hears
    /// that, and so does the exit of the group: nothing else names that thread.
    pub(super) fn leave_threads(&mut self, index: usize, mut record: MemberExit) {
        record.cause = Cause::Stopped; // however it ended, that was asked for
        self.is_up_again(index);
        self.counts_no_more(index);
        self.to_start.retain(|other| *other != index);
        let run = &mut self.slots.all[index].run;
        run.place = Place::Terminated;
        let stuck = record.exit.as_ref().err().map(Error::stuck);
        let stuck = stuck.into_iter().flatten().cloned().collect();
        if let Some(leaving) = run.leaving.take() {
            leaving.abandoned(stuck);
        }
        run.ended = Some(self.history.ended(record));
    }

    fn add(&mut self, addition: Addition) {
        let Addition {
            member,
            unready,
            reply,
        } = addition;
        // Not with the starts of a round, which a hot crash loop may put off for ever; nor after a member that is down.
        let in_its_turn = self.phase == Phase::Starting && self.down == 0;
        let refusal = match member.why_not() {
            None if self.slots.find(&member.name).is_some() => Some(Reason::DuplicateName),
            None if in_its_turn && self.start_waits_for(&unready) => Some(Reason::WouldDeadlock),
            why_not => why_not,
        };
        if let Some(reason) = refusal {
            let _ = reply.send(Err(Refusal::of_member(reason, member)));
            return;
        }
        let index = self.slots.push(member, self.round.is_none());
        self.all_done = false;
        self.counts(index);
        self.slots.all[index].run.joining = Some(reply);
        self.joining += 1;
        if in_its_turn {
            self.to_start.push_back(index);
        } else {
            self.start(index);
        }
    }

    /// Hands the members back that were added and not started.
    pub(super) fn turn_away(&mut self) {
        for index in 0..self.slots.all.len() {
            let Some(reply) = self.slots.all[index].run.joining.take() else {
                continue;
            };
            self.joining -= 1;
            if let Some(member) = self.slots.remove(index) {
                let _ = reply.send(Err(Refusal::of_member(Reason::Closed, member)));
            }
        }
    }
}

/// Answers what can no longer be done.
pub(super) fn refuse(command: Command) {
    match command {
        Command::List(reply) => {
            let _ = reply.send(Err(Refusal::new("", Reason::NotRunning)));
        }
        Command::Restart(name, reply) => {
            let _ = reply.send(Err(Refusal::new(&name, Reason::NotRunning)));
        }
        Command::Leave(leaving) => leaving.refuse(Reason::NotRunning),
        Command::Add(addition) => {
            let Addition { member, reply, .. } = *addition;
            let _ = reply.send(Err(Refusal::of_member(Reason::Closed, member)));
        }
    }
}
