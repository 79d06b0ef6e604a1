//! Who is restarted along with a member, and in which order, in each kind of group.

use ifrit::grouper::{Group, Order, Ordered, Parallel, QueueOrdered, Strategy};
use ifrit::testing::{Call, FakeRunner};
use ifrit::{prelude::*, process::Status};

use crate::kit::*;

/// Four members, of which the second fails; those that live are told INT and end. Returns the first run of each.
fn round<O: Order>(strategy: Strategy, fakes: &[FakeRunner; 4]) -> (Running, [Call; 4]) {
    let group = Group::<O>::new(members(fakes, permanent())).strategy(strategy);
    let (running, runs) = Running::up(group, fakes);
    running.fails("b", &runs[1]);
    (running, runs)
}

type Stack = ifrit::grouper::order::Stack;
type Queue = ifrit::grouper::order::Queue;
type Together = ifrit::grouper::order::Together;

/// The next run of each of these, in this order: each is called only when the one before is ready.
fn back_in_order(fakes: &[FakeRunner; 4], order: &[usize]) -> Vec<Call> {
    let mut runs = Vec::new();
    for (position, n) in order.iter().enumerate() {
        let call = fakes[*n].wait_for_call();
        for later in &order[position + 1..] {
            assert_eq!(fakes[*later].calls(), 1, "{later} has come back before {n}");
        }
        call.trigger_ready();
        runs.push(call);
    }
    runs
}

#[test]
fn one_for_one_touches_nobody_else() {
    fn check<O: Order>(stop_order: [usize; 4]) {
        let fakes = fakes();
        let (running, mut runs) = round::<O>(Strategy::OneForOne, &fakes);
        runs[1] = up(&fakes[1]);
        // The first thing that the others hear is the stop.
        running.stop(&stop_order.map(|n| &runs[n])).unwrap();
        assert_eq!(calls(&fakes), [1, 2, 1, 1]);
    }
    check::<Stack>([3, 2, 1, 0]);
    check::<Queue>([0, 1, 2, 3]);
    check::<Together>([0, 1, 2, 3]);
}

#[test]
fn one_for_all_in_an_ordered_group_stops_in_reverse_and_starts_in_order() {
    let fakes = fakes();
    let (running, [a, _, c, d]) = round::<Stack>(Strategy::OneForAll, &fakes);
    told_alone(&d, &[&c, &a]);
    told_alone(&c, &[&a]);
    told_alone(&a, &[]);
    let runs = back_in_order(&fakes, &[0, 1, 2, 3]);
    running
        .stop(&[&runs[3], &runs[2], &runs[1], &runs[0]])
        .unwrap();
    assert_eq!(calls(&fakes), [2; 4]);
}

#[test]
fn one_for_all_in_a_queue_stops_and_starts_in_order() {
    let fakes = fakes();
    let (running, [a, _, c, d]) = round::<Queue>(Strategy::OneForAll, &fakes);
    told_alone(&a, &[&c, &d]);
    told_alone(&c, &[&d]);
    told_alone(&d, &[]);
    let runs = back_in_order(&fakes, &[0, 1, 2, 3]);
    running
        .stop(&[&runs[0], &runs[1], &runs[2], &runs[3]])
        .unwrap();
}

#[test]
fn one_for_all_in_a_parallel_group_stops_all_at_once_and_starts_all_at_once() {
    let fakes = fakes();
    let (running, [a, _, c, d]) = round::<Together>(Strategy::OneForAll, &fakes);
    for call in [&a, &c, &d] {
        assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    }
    for call in [&a, &c, &d] {
        assert_eq!(calls(&fakes), [1; 4]); // no member comes back before all have gone
        call.ends(How::Ok);
    }
    let runs = fakes.each_ref().map(FakeRunner::wait_for_call);
    runs.iter().for_each(Call::trigger_ready);
    running.stop(&runs.each_ref()).unwrap();
}

#[test]
fn rest_for_one_in_an_ordered_group_leaves_the_earlier_ones_alone() {
    let fakes = fakes();
    let (running, [a, _, c, d]) = round::<Stack>(Strategy::RestForOne, &fakes);
    told_alone(&d, &[&c]);
    told_alone(&c, &[]);
    let runs = back_in_order(&fakes, &[1, 2, 3]);
    running.stop(&[&runs[2], &runs[1], &runs[0], &a]).unwrap();
    assert_eq!(calls(&fakes), [1, 2, 2, 2]);
}

#[test]
fn rest_for_one_in_a_queue_leaves_the_earlier_ones_alone() {
    let fakes = fakes();
    let (running, [a, _, c, d]) = round::<Queue>(Strategy::RestForOne, &fakes);
    told_alone(&c, &[&d]);
    told_alone(&d, &[]);
    let runs = back_in_order(&fakes, &[1, 2, 3]);
    running.stop(&[&a, &runs[0], &runs[1], &runs[2]]).unwrap();
    assert_eq!(calls(&fakes), [1, 2, 2, 2]);
}

#[test]
fn rest_for_one_in_a_parallel_group_leaves_the_earlier_ones_alone() {
    let fakes = fakes();
    let (running, [a, _, c, d]) = round::<Together>(Strategy::RestForOne, &fakes);
    for call in [&d, &c] {
        told(call, Signal::INTERRUPT);
    }
    let runs = [&fakes[1], &fakes[2], &fakes[3]].map(up);
    running.stop(&[&a, &runs[0], &runs[1], &runs[2]]).unwrap();
    assert_eq!(calls(&fakes), [1, 2, 2, 2]);
}

#[test]
fn rest_for_one_after_the_last_member_restarts_it_alone() {
    let fakes @ [_, b] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).strategy(Strategy::RestForOne);
    let (running, [a1, b1]) = Running::up(group, fakes);
    b1.fails();
    let b2 = up(b);
    running.stop(&[&b2, &a1]).unwrap();
    assert_eq!(calls(fakes), [1, 2]);
}

#[test]
fn a_single_member_is_a_round_of_its_own() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let fakes @ [a] = &fakes();
        let group = Parallel::new(members(fakes, permanent())).strategy(strategy);
        let (running, [a1]) = Running::up(group, fakes);
        a1.fails();
        let a2 = up(a);
        running.stop(&[&a2]).unwrap();
    }
}

#[test]
fn others_are_told_the_termination_signal_of_the_group() {
    let fakes = &fakes();
    let group = QueueOrdered::new(members(fakes, permanent()))
        .strategy(Strategy::OneForAll)
        .termination(Signal::QUIT);
    let (running, [a1, b1]) = Running::up(group, fakes);
    a1.fails();
    told(&b1, Signal::QUIT);
    let [a2, b2] = all_up(fakes);
    running.stop(&[&a2, &b2]).unwrap();
}

#[test]
fn without_termination_others_are_still_told_int_in_a_round() {
    let fakes = &fakes();
    let group = Ordered::new(members(fakes, permanent()))
        .strategy(Strategy::OneForAll)
        .without_termination();
    let (running, [a1, b1]) = Running::up(group, fakes);
    a1.fails();
    told(&b1, Signal::INTERRUPT);
    let [a2, b2] = all_up(fakes);
    running.stop(&[&b2, &a2]).unwrap();
}

#[test]
fn a_member_without_a_policy_comes_back_with_the_others() {
    let fakes @ [a, b] = &fakes();
    let plain = Member::new("b", b.clone());
    let group = Ordered::new([Member::new("a", a.clone()).restart(permanent()), plain]);
    let (running, [a1, b1]) = Running::up(group.strategy(Strategy::OneForAll), fakes);
    a1.fails();
    told(&b1, Signal::INTERRUPT);
    let [a2, b2] = all_up(fakes);
    // By itself its end still stops the group.
    b2.fails();
    told(&a2, Signal::INTERRUPT);
    assert_eq!(running.trace().initiator().unwrap().name, "b");
}

#[test]
fn a_transient_member_comes_back_with_the_others_although_it_ended_well() {
    let fakes @ [a, _] = &fakes();
    let [first, second] = members(fakes, transient());
    let group = Ordered::new([first, second]).strategy(Strategy::OneForAll);
    let (running, [a1, b1]) = Running::up(group, fakes);
    a1.fails();
    told(&b1, Signal::INTERRUPT); // it returns Ok
    let [a2, b2] = all_up(fakes);
    running.stop(&[&b2, &a2]).unwrap();
    assert_eq!(a.calls(), 2);
}

#[test]
fn a_completed_member_does_not_come_back_with_the_others() {
    let fakes @ [a, b, c] = &fakes();
    let [first, second, third] = members(fakes, transient());
    let group = Ordered::new([first, second, third.one_shot()]).strategy(Strategy::OneForAll);
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    running.ends("c", &c1, How::Ok);
    running.ends("b", &b1, How::Ok);
    a1.fails();
    let a2 = up(a);
    running.members();
    assert_eq!(running.process.status(), Status::Ready);
    running.stop(&[&a2]).unwrap();
    assert_eq!((b.calls(), c.calls()), (1, 1));
}

/// Told INT while none of the others is; then it returns.
fn told_alone(call: &Call, others: &[&Call]) {
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    assert!(others.iter().all(|other| other.signals().is_empty()));
    call.ends(How::Ok);
}
