//! The system's clock: its thread for what is due.

use std::io;
use std::time::Instant;

use super::queue::{Action, Key, Queue};
use crate::disposal::defer;
use crate::error::catch;
use crate::sync::thread::start_forever;
use crate::sync::{Condvar, LazyLock, Mutex, now, statics};

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

    pub(super) fn schedule(&self, instant: Instant, action: Action) -> Key {
        let mut queue = self.queue.lock();
        let key = queue.insert(instant, action);
        if queue.earliest() == Some(instant) {
            self.changed.notify_one();
        }
        key
    }

    pub(super) fn cancel(&self, key: &Key) -> Option<Action> {
        let mut queue = self.queue.lock();
        let action = queue.actions.remove(key);
        // Invariant 3: with others left, to wake once for a time that no longer counts is cheaper than to be told each time.
        if action.is_some() && queue.actions.is_empty() {
            self.changed.notify_one();
        }
        action
    }

    fn run(&self) {
        let _deferring = defer(); // the thread serves the whole program
        let mut queue = self.queue.lock();
        loop {
            if let Some(action) = queue.take_due(now()) {
                drop(queue);
                let _ = catch(action); // Invariant 2; the thread serves the whole program
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
