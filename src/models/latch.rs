//! The latch: one thread opens it, others watch it, from before or when they like; and a latch dropped shut.
//!
//! Invariant 1: ready and exit are published once, and each that watches them is told, however late it comes. None is
//! told before, and dropping a latch tells none.

use super::*;
use crate::latch::Latch;
use crate::sync::channel::TryRecvError;

fn opened_before(watchers: usize) {
    let latch = Arc::new(Latch::default());
    let opened = Flag::default();
    for _ in 0..watchers {
        let (latch, opened) = (Arc::clone(&latch), opened.clone());
        go(move || {
            assert!(latch.receiver().recv().is_err());
            assert!(opened.is_up(), "invariant 1: fired before it was opened");
            let again = latch.receiver().try_recv();
            assert_eq!(
                again,
                Err(TryRecvError::Disconnected),
                "invariant 1: for ever"
            );
        });
    }
    opened.raise();
    latch.open();
    latch.open();
}

fn dropped_shut(opened: bool) {
    let latch = Arc::new(Latch::default());
    if opened {
        let latch = Arc::clone(&latch);
        go(move || latch.open());
    }
    for _ in 0..2 {
        let latch = Arc::clone(&latch);
        go(move || {
            let receiver = latch.receiver().clone();
            drop(latch);
            let fired = receiver.try_recv() != Err(TryRecvError::Empty);
            assert!(!fired, "invariant 1: fired though it was not opened");
        });
    }
}

#[test]
fn fires_if_and_only_if_it_was_opened() {
    check("latch, one watches", Schedules::Every, || opened_before(1));
    check("latch, two watch", Schedules::Interrupting(4), || {
        opened_before(2)
    });
    check("latch, dropped shut", Schedules::Every, || {
        dropped_shut(false)
    });
}

/// Broken in the model itself: a thread opens it, which looks as if its sender had been dropped.
#[test]
fn a_latch_that_fires_is_found() {
    fails("fired though it was not", Schedules::Every, || {
        dropped_shut(true)
    });
}

#[test]
fn a_look_and_a_change_that_are_not_one_step_are_found() {
    let line = "let mut shutter = self.shutter.lock();";
    let broken = (Fault::Torn, "src/latch.rs", line);
    finds(DEADLOCK, broken, Schedules::Every, || opened_before(1));
}
