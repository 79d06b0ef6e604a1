//! Starting members.

use std::time::Duration;

use super::run::{Due, Phase, Run, START};
use super::settings::Start;
use super::slot::{Place, Slot};
use crate::error::{Cause, Error, MemberExit};
use crate::id::ProcessId;
use crate::process::{Link, Process, Request, earlier, spawn_member};
use crate::sync::Arc;

impl Run<'_> {
    pub(super) fn may_start(&self) -> bool {
        self.is_time_to_start() && !self.to_start.is_empty()
    }

    fn is_time_to_start(&self) -> bool {
        let in_turn = match self.settings.start {
            Start::Sequential => self.awaited == 0,
            Start::Together => true,
        };
        in_turn && self.round.is_none()
    }

    /// Whether the next start waits until one of these processes is ready.
    pub(super) fn start_waits_for(&self, processes: &[ProcessId]) -> bool {
        let is_one = |slot: &Slot| {
            let core = slot.core.as_ref();
            slot.run.awaited && core.is_some_and(|core| processes.contains(&core.id))
        };
        self.settings.start == Start::Sequential
            && !processes.is_empty()
            && self.slots.members().any(is_one)
    }

    /// All that are to be up are.
    fn is_up(&self) -> bool {
        self.to_start.is_empty() && self.awaited == 0 && self.round.is_none()
    }

    pub(super) fn next_to_start(&mut self) -> Option<usize> {
        let is_time = self.is_time_to_start();
        is_time.then(|| self.to_start.pop_front()).flatten()
    }

    /// Starts a member whose runner is at home.
    pub(super) fn start(&mut self, index: usize) {
        self.counts(index);
        let stop_within = self.stop_limit.for_stops_inside(self.host.as_deref());
        self.failed.remove(&index);
        let grace = self.grace_of(index);
        let slot = &mut self.slots.all[index];
        let Some(runner) = slot.take_runner() else {
            return; // nothing is started from a place whose runner is away
        };
        let request = Request {
            name: Some(Arc::clone(&slot.name)),
            kill_grace: Some(grace),
            start_within: slot.options.start_within,
            start_limit: self.start_limit.filter(|_| self.phase == Phase::Starting),
            stop_inside: earlier(slot.options.stop_within, stop_within),
            stack_size: slot.options.stack_size(),
            ..Request::default()
        };
        let link = Link {
            parent: self.engine.inbox(),
            index,
            is_held: true,
            is_awaited: true,
            only_if: slot.options.restart().and_then(|restart| restart.only_if),
        };
        self.all_done = false;
        slot.run.place = Place::Live;
        slot.run.ready_since = None;
        slot.run.in_round = false;
        self.live += 1;
        let core = spawn_member(&request, runner, link);
        slot.core = Some(Arc::clone(&core));
        if let Some(reply) = slot.run.joining.take() {
            self.joining -= 1;
            let _ = reply.send(Ok(Process::from_core(core)));
        }
    }

    /// Starts what was added while the group starts, and would have to wait for a member that is down: it might be down for
    /// long, again and again.
    pub(super) fn start_those_added(&mut self) {
        if self.joining == 0 {
            return;
        }
        for index in 0..self.slots.all.len() {
            if self.slots.all[index].run.joining.is_some() {
                self.to_start.retain(|other| *other != index);
                self.start(index);
            }
        }
    }

    /// Those that start after it wait until it is ready or has exited.
    pub(super) fn wait_for(&mut self, index: usize) {
        let awaited = &mut self.slots.all[index].run.awaited;
        self.awaited += usize::from(!std::mem::replace(awaited, true));
    }

    pub(super) fn settle(&mut self, index: usize) {
        let awaited = &mut self.slots.all[index].run.awaited;
        self.awaited -= usize::from(std::mem::take(awaited));
    }

    pub(super) fn is_ready(&mut self, index: usize) {
        let now = self.clock.now();
        let run = &mut self.slots.all[index].run;
        run.ever_ready = true;
        run.ready_since = Some(now);
        let stays_down = run.in_round;
        self.settle(index);
        if !stays_down {
            self.is_up_again(index);
        }
    }

    /// The group is ready when all are up for the first time.
    pub(super) fn look_whether_up(&mut self) {
        if self.phase == Phase::Starting && self.is_up() {
            self.phase = Phase::Running;
            self.forget_start_limit();
            if let Some(ready) = self.ready.take() {
                ready.notify();
            }
        }
    }

    /// A member waits for its restart. While the group is still starting, that is bounded by its limit; a member that
    /// runs is bounded by its own process, which has the same limit.
    pub(super) fn watch_start(&mut self, index: usize, failure: &MemberExit) {
        if let Some(limit) = self.start_limit.filter(|_| self.phase == Phase::Starting) {
            self.timers.insert((limit.end, START), Due::StartOver);
            self.failed.insert(index, failure.clone());
        }
    }

    /// The group is ready, or is not to become so any more.
    pub(super) fn forget_start_limit(&mut self) {
        if let Some(limit) = self.start_limit {
            self.timers.remove(&(limit.end, START));
        }
        self.failed.clear();
    }

    /// The limit of the group's start is over: a member that waits for its restart fails.
    pub(super) fn start_is_over(&mut self) {
        let mut order = self.slots.order.iter().copied();
        let is_down = |index: &usize| {
            self.failed.contains_key(index) && self.slots.all[*index].run.place == Place::Down
        };
        if let Some(index) = order.find(is_down)
            && let Some(record) = self.failed.remove(&index)
        {
            self.not_ready_in_time(index, record);
        }
    }

    pub(super) fn start_limit_is_over(&self) -> bool {
        let limit = self.start_limit.filter(|_| self.phase == Phase::Starting);
        limit.is_some_and(|limit| self.clock.now() >= limit.end)
    }

    /// The group's start fails for a member that has failed and cannot be up again in time.
    pub(super) fn not_ready_in_time(&mut self, index: usize, record: MemberExit) {
        let error = Error::StartTimeout {
            name: record.name.clone(),
            after: self.start_limit.map_or(Duration::ZERO, |limit| limit.set),
            stuck: None,
            source: record.exit.err().map(Box::new),
        };
        self.clear_timer(index);
        self.settle(index);
        let record = MemberExit {
            exit: Err(error),
            cause: Cause::Initiator,
            ..record
        };
        self.end(index, record, false);
    }
}
