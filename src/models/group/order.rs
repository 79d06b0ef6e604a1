//! A stop at any step, of members that start and stop in order.

use super::*;

/// A stop at any step of a start in order.
fn stopped_in_order() {
    let log = Log::default();
    let members = ["a", "b"].map(|name| Worker::new(name, Habit::Idle, &log).member());
    let group = background(Ordered::new(members));
    let stopped = group.clone();
    go(move || stopped.signal(Signal::TERMINATE));
    assert!(group.join().is_ok());
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
    if let Some(started) = log.at("b", Step::Started) {
        assert!(
            log.at("a", Step::Ready) < Some(started),
            "started out of order"
        );
        let told = log.at("a", Step::Told(Signal::TERMINATE));
        assert!(log.at("b", Step::Ended) < told, "stopped out of order");
    }
    assert!(
        crate::tree()
            .roots
            .iter()
            .all(|node| node.id == Some(group.id()))
    );
}

/// The stop has come before the member on which the others wait becomes ready.
fn stopped_before_the_next() {
    let log = Log::default();
    let (keep, gate) = bounded(0);
    let mut first = Worker::new("a", Habit::Idle, &log);
    first.gate = Some(gate);
    let second = Worker::new("b", Habit::Idle, &log);
    let group = background(Ordered::new([first.member(), second.member()]));
    group.signal(Signal::TERMINATE);
    drop(keep);
    let _ = group.join();
    assert_eq!(
        log.at("b", Step::Started),
        None,
        "engine 3: a start after a stop"
    );
}

/// TERM, and KILL after it, for members that listen to KILL alone.
fn escalated() {
    let log = Log::default();
    let members = ["a", "b"].map(|name| Worker::new(name, Habit::Stubborn, &log).member());
    // In a model time may pass at any step; no one is to be given up here.
    let group = background(Ordered::new(members).kill_grace(Duration::MAX));
    let stopped = group.clone();
    go(move || {
        stopped.signal(Signal::TERMINATE);
        stopped.signal(Signal::KILL);
    });
    assert!(group.join().is_ok());
    for name in ["a", "b"] {
        let started = log.count(name, Step::Started);
        assert_eq!(
            log.count(name, Step::Told(Signal::KILL)),
            started,
            "engine 4: {name}"
        );
    }
}

/// A group in a group; the inner one is the first to start and the last to stop.
fn nested() {
    let log = Log::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| Worker::new(name, Habit::Idle, &log).member());
    let inner = Member::new("inner", Parallel::new([a, b]));
    let group = background(Ordered::new([inner, c]).kill_grace(Duration::MAX));
    let stopped = group.clone();
    go(move || {
        stopped.signal(Signal::TERMINATE);
        stopped.signal(Signal::KILL);
    });
    assert!(group.join().is_ok());
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
    if let Some(started) = log.at("c", Step::Started) {
        for name in ["a", "b"] {
            assert!(
                log.at(name, Step::Ready) < Some(started),
                "started out of order"
            );
        }
    }
}

/// The group is not told to stop.
fn left_alone() {
    let log = Log::default();
    let members = ["a", "b"].map(|name| Worker::new(name, Habit::Idle, &log).member());
    let _ = background(Ordered::new(members)).join();
}

#[test]
fn starts_and_stops_in_order() {
    check(
        "group, stopped in order",
        Schedules::Interrupting(1),
        stopped_in_order,
    );
    check("group, stopped in order", Schedules::Some, stopped_in_order);
}

#[test]
fn nothing_starts_after_a_stop() {
    check(
        "group, stopped before the next",
        Schedules::Interrupting(3),
        stopped_before_the_next,
    );
    check(
        "group, stopped before the next",
        Schedules::Some,
        stopped_before_the_next,
    );
}

#[test]
fn kill_goes_to_all_at_once() {
    check("group, escalated", Schedules::Some, escalated);
}

#[test]
fn a_group_in_a_group_keeps_the_order() {
    check("group, nested", Schedules::Some, nested);
}

/// Invariant 6: an idle tree sleeps, for all that the scheduler can see. A thread that wakes by itself would keep it going.
#[test]
fn an_idle_group_does_not_poll() {
    fails(DEADLOCK, Schedules::Some, left_alone); // and not as one that does not end
}

#[test]
fn a_group_that_does_not_wait_for_signals_is_found() {
    let place = "fn sleep( > select.recv(&self.ears.signals)";
    let broken = (Fault::Forgotten, DRIVE, place);
    for model in [stopped_in_order, nested] {
        finds(DEADLOCK, broken, Schedules::Some, model);
    }
}

#[test]
fn a_group_that_overlooks_a_stop_is_found() {
    let broken = (
        Fault::Stale,
        "src/signal/receive.rs",
        "fn try_next( > signals.try_recv()",
    );
    finds("engine 3", broken, Schedules::Some, stopped_before_the_next);
}

#[test]
fn a_signal_that_is_not_sent_is_found() {
    finds(DEADLOCK, SIGNAL_NOT_SENT, Schedules::Some, escalated);
}
