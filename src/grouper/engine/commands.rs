//! Answering the handle, on the group's own thread.

use super::admin::{Addition, Command, Leaving, MemberState, MemberStatus};
use super::run::Run;
use super::slot::Slot;
use super::stage::{Rest, Stage};
use crate::grouper::refusal::{Reason, Refusal};
use crate::process::{Process, waits};
use crate::signal::Signal;
use crate::sync::Arc;

impl Run<'_> {
    pub(super) fn carry_out(&mut self, command: Command) {
        match command {
            Command::List(reply) => {
                let list = self.slots.members().map(status);
                let _ = reply.send(Ok(list.collect()));
            }
            _ if self.is_stopping() => refuse(command),
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

    fn restart_now(&mut self, index: usize) -> Result<Process, Refusal> {
        let slot = &self.slots.all[index];
        match &slot.stage {
            Stage::Abandoned(core) => {
                return Err(Refusal::abandoned(&slot.name, vec![core.stuck()]));
            }
            Stage::Home(home) => match home.rest {
                Rest::Done => {
                    self.pass(index);
                    self.tally.is_done_no_more();
                }
                Rest::Terminated => self.pass(index),
                Rest::Down if !slot.run.in_round => {}
                _ => return Err(Refusal::new(&slot.name, Reason::Running)),
            },
            Stage::Live(_) => return Err(Refusal::new(&slot.name, Reason::Running)),
        }
        self.clear_timer(index);
        self.start(index);
        let slot = &self.slots.all[index];
        match slot.stage.core() {
            Some(core) => Ok(Process::from_core(Arc::clone(core))),
            None => Err(Refusal::new(&slot.name, Reason::NotRunning)),
        }
    }

    fn send_away(&mut self, index: usize, mut leaving: Leaving) {
        let slot = &mut self.slots.all[index];
        match &mut slot.stage {
            Stage::Live(live) if live.leaving.is_some() => leaving.refuse(Reason::Leaving),
            Stage::Live(live) => {
                leaving.waiting = waits::begin(leaving.asker, live.core.id);
                if leaving.waiting.is_none() {
                    return leaving.refuse(Reason::WouldDeadlock);
                }
                live.leaving = Some(Box::new(leaving));
                let signal = self.settings.termination.unwrap_or(Signal::INTERRUPT);
                self.tell(index, signal);
            }
            // The caller that has added it waits for it.
            Stage::Home(home) if matches!(home.rest, Rest::Joining(_)) => {
                leaving.refuse(Reason::Running);
            }
            Stage::Home(home) => {
                if matches!(home.rest, Rest::Done) {
                    self.tally.is_done_no_more();
                }
                self.clear_timer(index);
                self.settle(index);
                self.leave(index, leaving);
            }
            Stage::Abandoned(_) => self.leave(index, leaving),
        }
    }

    fn add(&mut self, addition: Addition) {
        let Addition {
            member,
            unready,
            reply,
        } = addition;
        // Not with the starts of a round, which a hot crash loop may put off for ever; nor after a member that is down.
        let in_its_turn = self.is_starting() && !self.restarting.any_down();
        let refusal = match member.why_not() {
            None if self.slots.find(&member.name).is_some() => Some(Reason::DuplicateName),
            None if in_its_turn && self.start_waits_for(&unready) => Some(Reason::WouldDeadlock),
            why_not => why_not,
        };
        if let Some(reason) = refusal {
            let _ = reply.send(Err(Refusal::of_member(reason, member)));
            return;
        }
        let reuse = self.restarting.round.is_none();
        let index = self.slots.push(member, reuse);
        self.join(index, reply, in_its_turn);
    }
}

fn status(slot: &Slot) -> MemberStatus {
    let state = match &slot.stage {
        Stage::Live(live) => MemberState::of_living(live.core.status()),
        Stage::Abandoned(_) => MemberState::Abandoned,
        Stage::Home(home) => match home.rest {
            Rest::Waiting | Rest::Joining(_) => MemberState::Waiting,
            Rest::Down => MemberState::Restarting,
            Rest::Done => MemberState::Completed,
            Rest::Terminated => MemberState::Terminated,
        },
    };
    let core = slot.stage.core();
    MemberStatus {
        name: slot.name.to_string(),
        state,
        process: core.cloned().map(Process::from_core),
        restarts: slot.run.restarts,
        last_exit: slot.run.last_exit.clone(),
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
