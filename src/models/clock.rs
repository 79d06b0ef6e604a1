//! The timer of the system's clock, and of one moved by hand: set, cancelled and due at any step.
//!
//! Invariant 6: what is due is done once, and never before its time; and a thread that sets the first timer, or one that is
//! due before the others, wakes the thread that sleeps.

use super::*;
use crate::clock::{Action, Clock};
use crate::sync::channel::unbounded;
use crate::testing::ManualClock;

fn set_and_cancelled() {
    let clock = Clock::system();
    clock.start_timer().expect("a thread");
    let (ring, rung) = unbounded();
    let action = |seconds: u32| -> Action {
        let ring = ring.clone();
        Box::new(move || {
            let in_time = sync::elapsed() >= seconds * SECOND;
            require(in_time, "invariant 6: not before its time");
            let _ = ring.send(seconds);
        })
    };
    let begun = clock.now();
    let cancelled = clock.schedule(begun + 3 * SECOND, action(3));
    let late = clock.schedule(begun + 2 * SECOND, action(2));
    go(move || drop(cancelled));
    let early = clock.schedule(begun + SECOND, action(1));
    drop(ring);
    let mut order: Vec<u32> = rung.iter().collect(); // until every action has run or is gone
    order.retain(|seconds| *seconds < 3);
    assert_eq!(order.len(), 2, "each that was not cancelled, once");
    drop((early, late));
}

/// A clock moved by hand, while a thread sets a timer on it.
fn moved() {
    let hand = ManualClock::new();
    let due = hand.now() + SECOND;
    let (ring, rung) = unbounded();
    let (keep, kept) = unbounded();
    let setting = hand.clone();
    go(move || {
        let clock = setting.clock();
        let action = move || {
            require(setting.now() >= due, "invariant 6: not before its time");
            let _ = ring.send(());
        };
        let _ = keep.send(clock.schedule(due, Box::new(action)));
    });
    hand.advance(SECOND);
    let _timer = kept.recv();
    assert_eq!(rung.try_iter().count(), 1, "invariant 6: once");
}

#[test]
fn a_clock_moved_by_hand_forgets_nothing() {
    check("clock, moved", Schedules::Every, moved);
    check("clock, moved", Schedules::Some, moved);
}

#[test]
fn a_timer_runs_once_and_not_before_its_time() {
    check("clock", Schedules::Interrupting(2), set_and_cancelled);
    check("clock", Schedules::Some, set_and_cancelled);
}

#[test]
fn a_timer_that_does_not_wake_the_thread_is_found() {
    let place = "pub(super) fn schedule( > self.changed.notify_one()";
    let broken = (Fault::Forgotten, "src/clock/system.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, set_and_cancelled);
}

#[test]
fn a_timer_that_is_not_set_in_one_step_is_found() {
    let place = "pub(super) fn schedule( > self.queue.lock()";
    let broken = (Fault::Torn, "src/clock/manual.rs", place);
    finds("invariant 6: once", broken, Schedules::Every, moved);
}
