//! Starting members.

use super::admin::Reply;
use super::run::{Phase, Run};
use super::slot::Slot;
use super::stage::{Live, Rest, Stage};
use super::timers::{Due, Owner};
use crate::error::MemberExit;
use crate::grouper::refusal::{Reason, Refusal};
use crate::id::ProcessId;
use crate::limit::Span;
use crate::process::{Awaited, Link, Process, Request, spawn_member};
use crate::sync::{Arc, Weak};

impl Run<'_> {
    pub(super) fn may_start(&self) -> bool {
        self.restarting.round.is_none() && self.starting.has_next()
    }

    /// The next one whose turn has come.
    pub(super) fn next_to_start(&mut self) -> Option<usize> {
        self.may_start().then(|| self.starting.next()).flatten()
    }

    /// Whether the next start waits until one of these processes is ready.
    pub(super) fn start_waits_for(&self, processes: &[ProcessId]) -> bool {
        let is_one = |slot: &Slot| {
            let core = slot.stage.core();
            slot.run.awaited && core.is_some_and(|core| processes.contains(&core.id))
        };
        self.starting.is_one_by_one() && !processes.is_empty() && self.slots.members().any(is_one)
    }

    /// Starts a member whose runner is at home.
    pub(super) fn start(&mut self, index: usize) {
        self.counts(index);
        let stop_within = self.stopping.limit;
        let stop_within = stop_within.for_stops_inside(self.host.as_deref());
        self.starting.take_failure(index);
        let start_limit = self.starting.limit.filter(|_| self.is_starting());
        let grace = self.grace_of(index);
        let slot = &mut self.slots.all[index];
        let Some(runner) = slot.take_runner() else {
            return; // nothing is started from a place whose runner is away
        };
        let request = Request {
            name: Some(Arc::clone(&slot.name)),
            kill_grace: Some(grace),
            start_within: slot.options.start_within,
            start_limit,
            stop_inside: Span::lesser(slot.options.stop_within.map(Span::new), stop_within),
            stack_size: slot.options.stack_size(),
            ..Request::default()
        };
        let link = Link {
            parent: Weak::clone(&self.inbox),
            index,
            rank: slot.rank,
            is_held: true,
            awaited: match slot.options.one_shot {
                true => Awaited::ToEnd,
                false => Awaited::ToBeReady,
            },
            only_if: slot.options.restart().and_then(|restart| restart.only_if),
        };
        self.tally.comes();
        self.tally.live += 1;
        slot.run.in_round = false;
        let joining = slot.joining();
        let core = spawn_member(&request, runner, link);
        slot.stage = Stage::Live(Live::new(Arc::clone(&core)));
        self.show(index);
        if let Some(reply) = joining {
            self.starting.has_joined();
            let _ = reply.send(Ok(Process::from_core(core)));
        }
    }

    pub(super) fn is_ready(&mut self, index: usize) {
        let now = self.clock.now();
        let slot = &mut self.slots.all[index];
        slot.run.ever_ready = true;
        if let Some(live) = slot.stage.live_mut() {
            live.ready_since = Some(now);
        }
        let stays_down = slot.run.in_round;
        self.settle(index);
        if !stays_down {
            self.is_up_again(index);
        }
    }

    /// The group is ready when all are up for the first time.
    pub(super) fn look_whether_up(&mut self) {
        let is_up = self.starting.is_idle() && self.restarting.round.is_none();
        if self.is_starting() && is_up {
            self.phase = Phase::Running;
            self.forget_start_limit();
            self.starting.notify();
        }
    }

    /// A member waits for its restart. While the group is still starting, that is bounded by its limit; a member that
    /// runs is bounded by its own process, which has the same limit.
    pub(super) fn watch_start(&mut self, index: usize, failure: &MemberExit) {
        if let Some(limit) = self.starting.limit.filter(|_| self.is_starting()) {
            self.timers.set(limit.end, Due::StartOver);
            self.starting.has_failed(index, failure.clone());
        }
    }

    /// The group is ready, or is not to become so any more.
    pub(super) fn forget_start_limit(&mut self) {
        self.timers.clear(Owner::Start);
        self.starting.forget_failures();
    }

    // Members that were added through the handle.

    /// It is started in its turn, or now.
    pub(super) fn join(&mut self, index: usize, reply: Reply<Process>, in_its_turn: bool) {
        self.tally.comes();
        self.counts(index);
        self.slots.all[index].rests(Rest::Joining(reply));
        self.starting.joins();
        if in_its_turn {
            self.starting.enqueue(index);
            self.show(index);
        } else {
            self.start(index);
        }
    }

    /// Starts what was added while the group starts, and would have to wait for a member that is down: it might be down for
    /// long, again and again.
    pub(super) fn start_those_added(&mut self) {
        if !self.starting.has_joining() {
            return;
        }
        for index in 0..self.slots.all.len() {
            if self.slots.all[index].is_joining() {
                self.starting.withdraw(index);
                self.start(index);
            }
        }
    }

    /// Hands the members back that were added and not started.
    pub(super) fn turn_away(&mut self) {
        if !self.starting.has_joining() {
            return;
        }
        for index in 0..self.slots.all.len() {
            let Some(reply) = self.slots.all[index].joining() else {
                continue;
            };
            self.starting.has_joined();
            if let Some(member) = self.slots.remove(index) {
                let _ = reply.send(Err(Refusal::of_member(Reason::Closed, member)));
            }
        }
    }
}
