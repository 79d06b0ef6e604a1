//! Whose turn to stop it is, what they are told, and until when: at the end, or in a round of restarts.

use std::collections::VecDeque;

use super::time::StopLimit;
use crate::signal::Signal;

pub(super) struct Stopping {
    /// What members are told when their turn comes; `None` in a stop in which no member is told anything.
    pub(super) signal: Option<Signal>,
    pub(super) limit: StopLimit,
    /// Whose turn is still to come, in order.
    queue: VecDeque<usize>,
    /// Whose exit a stop in order waits for.
    current: Option<usize>,
    /// Members are told because of a member's exit. Not so where an exit tells no member anything: then whatever they are
    /// told comes from outside.
    pub(super) initiated: bool,
}

impl Stopping {
    pub(super) fn new(limit: StopLimit) -> Self {
        Stopping {
            signal: None,
            limit,
            queue: VecDeque::new(),
            current: None,
            initiated: false,
        }
    }

    pub(super) fn is_killing(&self) -> bool {
        self.signal == Some(Signal::KILL)
    }

    /// Begins with these, in place of those whose turn has not come.
    pub(super) fn queue(&mut self, members: Vec<usize>) {
        self.queue = members.into();
        self.current = None;
    }

    pub(super) fn queued(&self) -> impl Iterator<Item = usize> {
        self.queue.iter().copied()
    }

    /// The turn of the next one for which `is_to_stop`.
    pub(super) fn next(&mut self, is_to_stop: impl Fn(usize) -> bool) -> Option<usize> {
        self.current = None;
        while let Some(index) = self.queue.pop_front() {
            if is_to_stop(index) {
                self.current = Some(index);
                break;
            }
        }
        self.current
    }

    /// It is its turn, and the others wait for its exit.
    pub(super) fn waits_for(&self, index: usize) -> bool {
        self.current == Some(index)
    }
}
