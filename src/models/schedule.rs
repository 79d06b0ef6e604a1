//! The schedules under which a model is run.

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

use super::VIOLATED;
use crate::sync;

/// Ends the run where something that was required does not hold.
pub(super) struct Watchful<S>(pub(super) S);

impl<S: Scheduler> Scheduler for Watchful<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        if let Some(what) = VIOLATED.get() {
            panic!("{what}");
        }
        self.0.new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        match VIOLATED.get() {
            Some(_) => None,
            None => self.0.next_task(runnable, current, is_yielding),
        }
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// Every schedule in which no more than so many threads are interrupted: made to wait while they could go on.
///
/// The choices made so far are a path; the next schedule takes the next branch at the deepest fork that has one.
pub(super) struct Exhaustive {
    most_interruptions: usize,
    path: Vec<Fork>,
    depth: usize,
    interruptions: usize,
    begun: bool,
}

struct Fork {
    taken: usize,
    branches: usize,
}

impl Exhaustive {
    pub(super) fn new(most_interruptions: usize) -> Self {
        Exhaustive {
            most_interruptions,
            path: Vec::new(),
            depth: 0,
            interruptions: 0,
            begun: false,
        }
    }

    fn choose(&mut self, branches: usize) -> usize {
        if branches == 1 {
            return 0;
        }
        if self.depth == self.path.len() {
            self.path.push(Fork { taken: 0, branches });
        }
        let fork = &self.path[self.depth];
        assert_eq!(
            fork.branches, branches,
            "the model does not do the same in the same schedule"
        );
        self.depth += 1;
        fork.taken
    }
}

impl Scheduler for Exhaustive {
    fn new_execution(&mut self) -> Option<Schedule> {
        if std::mem::replace(&mut self.begun, true) {
            while self
                .path
                .pop_if(|fork| fork.taken + 1 == fork.branches)
                .is_some()
            {}
            self.path.last_mut()?.taken += 1;
        }
        self.depth = 0;
        self.interruptions = 0;
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let current = current.filter(|id| runnable.iter().any(|task| task.id() == *id));
        // The first branch is to go on.
        let mut order: Vec<TaskId> = runnable.iter().map(|task| task.id()).collect();
        order.sort_by_key(|id| (current != Some(*id)) != is_yielding);
        let Some(current) = current.filter(|_| !is_yielding) else {
            return Some(order[self.choose(order.len())]);
        };
        if self.interruptions == self.most_interruptions {
            return Some(current);
        }
        let next = order[self.choose(order.len())];
        self.interruptions += usize::from(next != current);
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        self.choose(sync::choices()) as u64
    }
}
