//! Spinning: to let others run a few times, before going to sleep, in case there is soon something to do.
//!
//! To be woken costs more than a short piece of work. So a thread that finds nothing first lets others run a few times:
//! where it is alone on its core that takes a few microseconds, and where it shares the core with the threads that bring
//! it work, as long as they take to bring a good deal of it.
//!
//! On a core that is busy with something else, though, each time would take as long as the system leaves that undisturbed,
//! and what relies on the spinning thread would wait for as long. So the time is taken, and after a turn that was too long
//! there is no spinning for a while: not for long if that was an exception, for longer each time if it was not.

use std::time::Duration;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{SPINS, now, thread};

/// Longer than many short pieces of work take, much shorter than a turn of a busy thread.
const TOO_LONG: Duration = Duration::from_micros(100);

/// How many times in a row a thread goes to sleep at once after that, at most.
const MANY: usize = 1_024;

/// Whether it is worth while to spin. What it keeps is a guess; two threads that change it at once may count as one.
#[derive(Debug)]
pub(crate) struct Spin {
    /// How many times a thread goes to sleep at once after a turn that took too long, at least.
    few: usize,
    to_skip: AtomicUsize,
    /// How many to skip next time.
    skip: AtomicUsize,
}

/// The turns that are left to one thread before it goes to sleep.
pub(crate) struct Turns<'s> {
    spin: &'s Spin,
    left: usize,
}

impl Spin {
    /// For a thread that waits for work. Others rely on it, so what took too long once is not soon tried again.
    pub(crate) fn for_work() -> Self {
        Spin::new(256)
    }

    /// For a thread that waits for a place. Only it waits.
    pub(crate) fn for_a_place() -> Self {
        Spin::new(16)
    }

    fn new(few: usize) -> Self {
        Spin {
            few,
            to_skip: AtomicUsize::new(0),
            skip: AtomicUsize::new(few),
        }
    }

    pub(crate) fn begin(&self) -> Turns<'_> {
        let to_skip = self.to_skip.load(Ordering::Relaxed);
        if to_skip > 0 {
            self.to_skip.store(to_skip - 1, Ordering::Relaxed);
        }
        Turns {
            spin: self,
            left: if to_skip == 0 { SPINS } else { 0 },
        }
    }
}

impl Turns<'_> {
    pub(crate) fn any_left(&self) -> bool {
        self.left > 0
    }

    /// Lets others run. Not to be called under a lock.
    pub(crate) fn let_others_run(&mut self) {
        self.left = self.left.saturating_sub(1);
        let began = now();
        thread::yield_now();
        self.took(now().saturating_duration_since(began));
    }

    fn took(&mut self, time: Duration) {
        let Spin { to_skip, skip, few } = self.spin;
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
    fn skipped(spin: &Spin) -> usize {
        (0..).take_while(|_| !spin.begin().any_left()).count()
    }

    #[test]
    fn after_a_turn_that_took_too_long_there_is_no_spinning_for_a_while() {
        let spin = Spin::for_a_place();
        assert_eq!(skipped(&spin), 0);
        let slow = || {
            let mut turns = spin.begin();
            turns.took(2 * TOO_LONG);
            assert!(!turns.any_left());
            skipped(&spin)
        };
        let times: Vec<_> = (0..9).map(|_| slow()).collect();
        assert_eq!(times, [16, 32, 64, 128, 256, 512, 1_024, 1_024, 1_024]);
    }

    #[test]
    fn turns_that_take_no_time_are_not_given_up_for_one_that_did() {
        let spin = Spin::for_a_place();
        for _ in 0..9 {
            spin.begin().took(2 * TOO_LONG);
        }
        skipped(&spin);
        for _ in 0..9 {
            let mut turns = spin.begin();
            assert_eq!(turns.left, SPINS);
            turns.left = 0; // the last one
            turns.took(Duration::ZERO);
        }
        spin.begin().took(2 * TOO_LONG);
        assert_eq!(skipped(&spin), 16);
    }
}
