//! Which members are to be started, which of them the others wait for, and until when.
//!
//! Invariants:
//! 1. `awaited` is how many records have their mark of the same name; where members start one by one, the next one starts
//!    when it is 0.
//! 2. `failed` has members that have failed and wait for their restart while the group is starting, and no others.

use std::collections::{BTreeMap, VecDeque};

use super::settings::StartOrder;
use super::slot::Record;
use crate::error::MemberExit;
use crate::limit::Limit;
use crate::ready::ReadySender;

pub(super) struct Starting {
    order: StartOrder,
    /// The group's own, until it is ready or stops.
    ready: Option<ReadySender>,
    /// Until when the group is to be ready.
    pub(super) limit: Option<Limit>,
    /// Who is to be started when it is their turn, in order.
    queue: VecDeque<usize>,
    /// How many the next one to be started waits for.
    awaited: usize,
    failed: BTreeMap<usize, MemberExit>,
    /// How many that were added wait for their start.
    joining: usize,
}

impl Starting {
    pub(super) fn new(order: StartOrder, ready: Option<ReadySender>, limit: Option<Limit>) -> Self {
        Starting {
            order,
            ready,
            limit,
            queue: VecDeque::new(),
            awaited: 0,
            failed: BTreeMap::new(),
            joining: 0,
        }
    }

    pub(super) fn queue(&mut self, all: impl Iterator<Item = usize>) {
        self.queue = all.collect();
    }

    pub(super) fn enqueue(&mut self, index: usize) {
        self.queue.push_back(index);
    }

    pub(super) fn queued(&self) -> impl Iterator<Item = usize> {
        self.queue.iter().copied()
    }

    /// Its turn does not come.
    pub(super) fn withdraw(&mut self, index: usize) {
        self.queue.retain(|other| *other != index);
    }

    /// No turn comes.
    pub(super) fn withdraw_all(&mut self) {
        self.queue.clear();
    }

    pub(super) fn is_one_by_one(&self) -> bool {
        self.order == StartOrder::Sequential
    }

    /// The turn of a member has come.
    pub(super) fn has_next(&self) -> bool {
        let in_turn = !self.is_one_by_one() || self.awaited == 0;
        in_turn && !self.queue.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<usize> {
        self.has_next().then(|| self.queue.pop_front()).flatten()
    }

    /// Nothing is to be started or awaited.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.awaited == 0
    }

    /// Those that start after it wait until it is ready or has exited.
    pub(super) fn wait_for(&mut self, member: &mut Record) {
        self.awaited += usize::from(!std::mem::replace(&mut member.awaited, true));
    }

    pub(super) fn settle(&mut self, member: &mut Record) {
        self.awaited -= usize::from(std::mem::take(&mut member.awaited));
    }

    /// The group is ready.
    pub(super) fn notify(&mut self) {
        if let Some(ready) = self.ready.take() {
            ready.notify();
        }
    }

    /// The group is not to become ready any more.
    pub(super) fn give_up_ready(&mut self) {
        self.ready = None;
    }

    /// A member has failed, and waits for its restart.
    pub(super) fn has_failed(&mut self, index: usize, failure: MemberExit) {
        self.failed.insert(index, failure);
    }

    /// It is started again, or has failed for good.
    pub(super) fn take_failure(&mut self, index: usize) -> Option<MemberExit> {
        self.failed.remove(&index)
    }

    pub(super) fn is_failed(&self, index: usize) -> bool {
        self.failed.contains_key(&index)
    }

    pub(super) fn forget_failures(&mut self) {
        self.failed.clear();
    }

    pub(super) fn joins(&mut self) {
        self.joining += 1;
    }

    pub(super) fn has_joined(&mut self) {
        self.joining -= 1;
    }

    pub(super) fn has_joining(&self) -> bool {
        self.joining > 0
    }
}
