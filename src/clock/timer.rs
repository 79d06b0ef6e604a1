//! Actions at set times, and the system's thread for them.

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use super::manual::Manual;
use crate::disposal::defer;
use crate::error::catch;
use crate::sync::thread::start_forever;
use crate::sync::{Arc, Condvar, LazyLock, Mutex, now, statics};

pub(crate) type Action = Box<dyn FnOnce() + Send>;

/// Cancels its action when dropped.
pub(crate) struct Timer(pub(super) Option<(Key, Owner)>);

pub(super) enum Owner {
    System,
    Manual(Arc<Manual>),
}

impl Drop for Timer {
    fn drop(&mut self) {
        let Some((key, owner)) = &self.0 else { return };
        // The action is dropped after the lock is released: it may own the last handle to a process.
        let _action = match owner {
            Owner::System => SYSTEM.cancel(key),
            Owner::Manual(manual) => manual.queue.lock().actions.remove(key),
        };
    }
}

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

/// The one timer of the system's clock; its thread is started on first use and then stays.
#[derive(Default)]
pub(super) struct SystemTimer {
    queue: Mutex<Queue>,
    /// The thread must look anew how long it may sleep.
    changed: Condvar,
    running: Mutex<bool>,
}

statics! {
    pub(super) static SYSTEM: LazyLock<SystemTimer> = LazyLock::new(SystemTimer::default);
}

impl SystemTimer {
    pub(super) fn start(&'static self) -> io::Result<()> {
        let mut running = self.running.lock();
        if !*running {
            start_forever("ifrit-timer", || self.run())?;
            *running = true;
        }
        Ok(())
    }

    pub(super) fn schedule(&self, instant: Instant, action: Action) -> Timer {
        let mut queue = self.queue.lock();
        let key = queue.insert(instant, action);
        if queue.earliest() == Some(instant) {
            self.changed.notify_one();
        }
        Timer(Some((key, Owner::System)))
    }

    fn cancel(&self, key: &Key) -> Option<Action> {
        let mut queue = self.queue.lock();
        let action = queue.actions.remove(key);
        // 3. With others left, to wake once for a time that no longer counts is cheaper than to be told each time.
        if action.is_some() && queue.actions.is_empty() {
            self.changed.notify_one();
        }
        action
    }

    fn run(&self) {
        let _deferring = defer(); // the thread is everybody's
        let mut queue = self.queue.lock();
        loop {
            if let Some(action) = queue.take_due(now()) {
                drop(queue);
                let _ = catch(action); // 2; the thread is everybody's
                queue = self.queue.lock();
                continue;
            }
            match queue.earliest() {
                Some(at) => drop(self.changed.wait_until(&mut queue, at)),
                None => self.changed.wait(&mut queue),
            }
        }
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use std::time::Duration;

    use crate::clock::Clock;
    use crate::sync::Arc;

    #[test]
    fn what_is_cancelled_is_dropped_at_once() {
        let clock = Clock::system();
        clock.start_timer().unwrap();
        let held = Arc::new(());
        let action = Arc::clone(&held);
        let later = clock.now() + Duration::from_secs(3_600);
        let timer = clock.schedule(later, Box::new(move || drop(action)));
        assert_eq!(Arc::strong_count(&held), 2);
        drop(timer);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
