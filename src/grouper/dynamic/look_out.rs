//! Looking a few times, before going to sleep, whether there is something to do.
//!
//! To be woken costs more than a short piece of work. So whoever finds nothing first lets others run a few times: where it
//! is alone on its core that takes a few microseconds, and where it shares the core with those who bring it work, as long
//! as they take to bring a good deal of it.
//!
//! On a core that is busy with something else, though, each time would take as long as the system leaves that undisturbed,
//! and whoever relies on the one who looks would wait for as long. So the time is taken, and after one that was too long
//! nobody looks for a while.

use std::time::Duration;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{LOOKS, now, thread};

/// Much longer than many short pieces of work take, much shorter than a turn of a busy thread.
const TOO_LONG: Duration = Duration::from_micros(200);

/// How many times nobody looks after that.
const SKIPPED: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct LookOut {
    to_skip: AtomicUsize,
}

/// What is left of one look-out.
pub(super) struct Looks<'l> {
    look_out: &'l LookOut,
    left: usize,
}

impl LookOut {
    pub(super) fn begin(&self) -> Looks<'_> {
        let to_skip = self.to_skip.load(Ordering::Relaxed);
        if to_skip > 0 {
            // Two that come together may count as one.
            self.to_skip.store(to_skip - 1, Ordering::Relaxed);
        }
        Looks {
            look_out: self,
            left: if to_skip == 0 { LOOKS } else { 0 },
        }
    }
}

impl Looks<'_> {
    pub(super) fn any_left(&self) -> bool {
        self.left > 0
    }

    /// Lets others run. Not to be called under a lock.
    pub(super) fn let_others_run(&mut self) {
        self.left = self.left.saturating_sub(1);
        let began = now();
        thread::yield_now();
        if now().saturating_duration_since(began) > TOO_LONG {
            self.left = 0;
            self.look_out.to_skip.store(SKIPPED, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn after_a_look_that_took_too_long_nobody_looks_for_a_while() {
        let look_out = LookOut::default();
        assert!(look_out.begin().any_left());
        look_out.to_skip.store(SKIPPED, Ordering::Relaxed);
        let skipped = (0..SKIPPED).filter(|_| !look_out.begin().any_left());
        assert_eq!(skipped.count(), SKIPPED);
        assert!(look_out.begin().any_left());
    }
}
