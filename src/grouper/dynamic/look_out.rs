//! Looking a few times, before going to sleep, whether there is something to do.
//!
//! To be woken costs more than a short piece of work. So whoever finds nothing first lets others run a few times: where it
//! is alone on its core that takes a few microseconds, and where it shares the core with those who bring it work, as long
//! as they take to bring a good deal of it.
//!
//! On a core that is busy with something else, though, each time would take as long as the system leaves that undisturbed,
//! and whoever relies on the one who looks would wait for as long. So the time is taken, and after one that was too long
//! nobody looks for a while: not for long if that was an exception, for longer each time if it was not.

use std::time::Duration;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{LOOKS, now, thread};

/// Longer than many short pieces of work take, much shorter than a turn of a busy thread.
const TOO_LONG: Duration = Duration::from_micros(100);

/// How many times nobody looks after that, at most.
const MANY: usize = 1_024;

/// What it keeps is a guess; two who change it at once may count as one.
#[derive(Debug)]
pub(super) struct LookOut {
    /// How many times nobody looks after a look that took too long, at least.
    few: usize,
    to_skip: AtomicUsize,
    /// How many to skip next time.
    skip: AtomicUsize,
}

/// What is left of one look-out.
pub(super) struct Looks<'l> {
    look_out: &'l LookOut,
    left: usize,
}

impl LookOut {
    /// For one that looks for work. Others rely on it, so what took too long once is not soon tried again.
    pub(super) fn for_work() -> Self {
        LookOut::new(256)
    }

    /// For one that looks for a place. Only it waits.
    pub(super) fn for_a_place() -> Self {
        LookOut::new(16)
    }

    fn new(few: usize) -> Self {
        LookOut {
            few,
            to_skip: AtomicUsize::new(0),
            skip: AtomicUsize::new(few),
        }
    }

    pub(super) fn begin(&self) -> Looks<'_> {
        let to_skip = self.to_skip.load(Ordering::Relaxed);
        if to_skip > 0 {
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
        self.took(now().saturating_duration_since(began));
    }

    fn took(&mut self, time: Duration) {
        let LookOut { to_skip, skip, few } = self.look_out;
        let many = skip.load(Ordering::Relaxed);
        if time > TOO_LONG {
            self.left = 0;
            to_skip.store(many, Ordering::Relaxed);
            skip.store((many * 2).min(MANY), Ordering::Relaxed);
        } else if self.left == 0 && many > *few {
            skip.store(many / 2, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    /// How many are skipped before the next one.
    fn skipped(look_out: &LookOut) -> usize {
        (0..).take_while(|_| !look_out.begin().any_left()).count()
    }

    #[test]
    fn after_a_look_that_took_too_long_nobody_looks_for_a_while() {
        let look_out = LookOut::for_a_place();
        assert_eq!(skipped(&look_out), 0);
        let slow = || {
            let mut looks = look_out.begin();
            looks.took(2 * TOO_LONG);
            assert!(!looks.any_left());
            skipped(&look_out)
        };
        let times: Vec<_> = (0..9).map(|_| slow()).collect();
        assert_eq!(times, [16, 32, 64, 128, 256, 512, 1_024, 1_024, 1_024]);
    }

    #[test]
    fn looks_that_take_no_time_are_not_given_up_for_one_that_did() {
        let look_out = LookOut::for_a_place();
        for _ in 0..9 {
            look_out.begin().took(2 * TOO_LONG);
        }
        skipped(&look_out);
        for _ in 0..9 {
            let mut looks = look_out.begin();
            assert_eq!(looks.left, LOOKS);
            looks.left = 0; // the last one
            looks.took(Duration::ZERO);
        }
        look_out.begin().took(2 * TOO_LONG);
        assert_eq!(skipped(&look_out), 16);
    }
}
