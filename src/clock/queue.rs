//! Actions at set times, in the order in which they are due.

use std::collections::BTreeMap;
use std::time::Instant;

pub(crate) type Action = Box<dyn FnOnce() + Send>;

pub(super) type Key = (Instant, u64);

#[derive(Default)]
pub(super) struct Queue {
    pub(super) actions: BTreeMap<Key, Action>,
    next: u64,
}

impl Queue {
    pub(super) fn insert(&mut self, instant: Instant, action: Action) -> Key {
        let key = (instant, self.next);
        self.next += 1;
        self.actions.insert(key, action);
        key
    }

    pub(super) fn earliest(&self) -> Option<Instant> {
        self.actions.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Option<Action> {
        let due = self.earliest().is_some_and(|at| at <= now);
        due.then(|| self.actions.pop_first().map(|(_, action)| action))?
    }
}
