//! The handle in every phase of a group: before its run, while it starts, in delays and rounds, while it stops, after.

use ifrit::grouper::{MemberState, Ordered, Parallel, Reason, Strategy};
use ifrit::prelude::*;
use ifrit::restart::{Backoff, Restart};
use ifrit::testing::{Call, FakeRunner, Waiting};

use crate::kit::*;

fn new(fake: &FakeRunner) -> Member {
    Member::new("new", fake.clone()).restart(permanent())
}

fn later() -> Restart {
    Restart::permanent().backoff(Backoff::constant(SECOND))
}

fn refused_everything(admin: &ifrit::grouper::Admin, reason: Reason) {
    let fake = FakeRunner::new();
    assert_eq!(
        admin.terminate("a").unwrap_err().reason(),
        Reason::NotRunning
    );
    assert_eq!(admin.restart("a").unwrap_err().reason(), Reason::NotRunning);
    assert_eq!(admin.remove("a").unwrap_err().reason(), Reason::NotRunning);
    let error = admin.add(new(&fake)).unwrap_err();
    assert_eq!(error.reason(), reason);
    assert_eq!(error.into_member().unwrap().name(), "new");
    assert_eq!(fake.calls(), 0);
}

#[test]
fn before_the_run_after_it_and_without_a_group_it_does_not_run() {
    let fakes = fakes();
    let group = Ordered::new(members(&fakes, permanent()));
    let admin = group.admin();
    assert_eq!(admin.list().unwrap_err().reason(), Reason::NotRunning);
    refused_everything(&admin, Reason::NotRunning);

    let (running, [a]) = Running::up(group, &fakes);
    running.stop(&[&a]).unwrap();
    assert_eq!(
        running.admin.count().unwrap_err().reason(),
        Reason::NotRunning
    );
    refused_everything(&admin, Reason::NotRunning);
}

#[test]
fn while_it_stops_it_lists_and_does_nothing_else() {
    let fakes = fakes();
    let (running, [a, b]) = Running::up(Ordered::new(members(&fakes, permanent())), &fakes);
    running.process.signal(Signal::TERMINATE);
    assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
    assert_eq!(running.state("a"), MemberState::Ready);
    assert_eq!(running.state("b"), MemberState::Stopping);
    refused_everything(&running.admin, Reason::Closed);
    b.ends(How::Ok);
    told(&a, Signal::TERMINATE);
    running.process.expect_exit().unwrap();
}

#[test]
fn while_it_starts_members_wait_or_are_starting() {
    let fakes @ [a, b] = &fakes();
    let running = Running::new(Ordered::new(members(fakes, permanent())));
    let a1 = a.wait_for_call();
    assert_eq!(running.state("a"), MemberState::Starting);
    assert_eq!(running.state("b"), MemberState::Waiting);
    assert_eq!(running.admin.count().unwrap().running, 1);
    assert_eq!(
        running.admin.restart("b").unwrap_err().reason(),
        Reason::Running
    );
    a1.trigger_ready();
    let b1 = up(b);
    running.process.expect_ready();
    running.stop(&[&b1, &a1]).unwrap();
}

#[test]
fn while_it_starts_a_waiting_member_may_be_removed_or_terminated() {
    let fakes @ [a, b, c] = &fakes();
    let running = Running::new(Ordered::new(members(fakes, permanent())));
    let a1 = a.wait_for_call();
    assert_eq!(running.admin.remove("b").unwrap().name(), "b");
    running.admin.terminate("c").unwrap();
    a1.trigger_ready();
    running.process.expect_ready();
    assert_eq!((b.calls(), c.calls()), (0, 0));
    running.admin.restart("c").unwrap();
    let c1 = up(c);
    running.stop(&[&c1, &a1]).unwrap();
}

#[test]
fn while_it_starts_the_member_it_waits_for_may_be_terminated() {
    let fakes @ [a, b] = &fakes();
    let running = Running::new(Ordered::new(members(fakes, permanent())));
    let a1 = a.wait_for_call(); // it never becomes ready
    std::thread::scope(|scope| {
        scope.spawn(|| told(&a1, Signal::INTERRUPT));
        running.admin.terminate("a").unwrap();
    });
    let b1 = up(b);
    running.process.expect_ready();
    running.stop(&[&b1]).unwrap();
}

#[test]
fn while_it_starts_an_added_member_is_started_in_its_turn() {
    let fakes @ [a, b] = &fakes();
    let added = FakeRunner::new();
    let running = Running::new(Ordered::new(members(fakes, permanent())));
    let a1 = a.wait_for_call();
    std::thread::scope(|scope| {
        let add = scope.spawn(|| running.admin.add(new(&added)).unwrap());
        a1.trigger_ready();
        let b1 = b.wait_for_call();
        // Whether the addition has been heard of yet or not, its turn has not come before b was called.
        b1.trigger_ready();
        let new1 = up(&added);
        add.join().unwrap().expect_ready();
        running.process.expect_ready();
        running.stop(&[&new1, &b1, &a1]).unwrap();
    });
}

#[test]
fn a_member_whose_addition_waits_comes_back_when_the_group_is_stopped() {
    for _ in 0..stress(20) {
        let fakes @ [a] = &fakes();
        let added = FakeRunner::new();
        let running = Running::new(Ordered::new(members(fakes, permanent())));
        let a1 = a.wait_for_call(); // it never becomes ready
        std::thread::scope(|scope| {
            let add = scope.spawn(|| running.admin.add(new(&added)));
            running.stop(&[&a1]).unwrap();
            let error = add.join().unwrap().unwrap_err();
            assert!(matches!(
                error.reason(),
                Reason::Closed | Reason::NotRunning
            ));
            assert_eq!(error.into_member().unwrap().name(), "new");
            assert_eq!(added.calls(), 0);
        });
    }
}

#[test]
fn in_a_delay_a_member_may_be_terminated_or_removed_at_once() {
    let fakes @ [a, b] = &fakes();
    let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, later())), fakes);
    running.fails("a", &a1);
    running.fails("b", &b1);
    assert_eq!(running.state("a"), MemberState::Restarting);
    running.admin.terminate("a").unwrap();
    assert_eq!(running.admin.remove("b").unwrap().name(), "b");
    running.clock.advance(60 * SECOND);
    running.stop(&[]).unwrap();
    assert_eq!((a.calls(), b.calls()), (1, 1));
}

#[test]
fn in_a_delay_members_are_added_and_restarted_at_once() {
    let fakes @ [a, _] = &fakes();
    let added = FakeRunner::new();
    let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, later())), fakes);
    running.fails("a", &a1);
    running.admin.add(new(&added)).unwrap();
    let new1 = up(&added);
    running.admin.restart("a").unwrap();
    let a2 = up(a);
    running.stop(&[&new1, &b1, &a2]).unwrap();
}

/// A group of three in the middle of a round: "a" has failed and "c" was told to stop.
fn in_a_round(restart: Restart) -> (Running, [FakeRunner; 3], [Call; 3]) {
    let fakes = fakes();
    let group = Ordered::new(members(&fakes, restart)).strategy(Strategy::OneForAll);
    let (running, calls) = Running::up(group, &fakes);
    running.fails("a", &calls[0]);
    assert_eq!(calls[2].wait_for_signal(), Signal::INTERRUPT);
    (running, fakes, calls)
}

#[test]
fn in_a_round_members_are_restarting_stopping_or_about_to_be_told() {
    let (running, _, [_, b1, c1]) = in_a_round(permanent());
    let states: Vec<_> = running.members().into_iter().map(|m| m.state).collect();
    use MemberState::{Ready, Restarting, Stopping};
    assert_eq!(states, [Restarting, Ready, Stopping]);
    assert_eq!(
        running.admin.restart("a").unwrap_err().reason(),
        Reason::Running
    );
    running.process.signal(Signal::KILL);
    assert_eq!(c1.wait_for_signal(), Signal::KILL);
    c1.ends(How::Ok);
    told(&b1, Signal::KILL);
    running.process.expect_exit().unwrap();
}

#[test]
fn in_a_round_members_may_be_terminated_and_the_round_goes_on() {
    let (running, [a, b, c], [_, b1, c1]) = in_a_round(permanent());
    running.admin.terminate("a").unwrap(); // it is down already
    std::thread::scope(|scope| {
        scope.spawn(|| told(&b1, Signal::INTERRUPT)); // before its turn in the round
        running.admin.terminate("b").unwrap();
    });
    c1.ends(How::Ok);
    let c2 = up(&c);
    running.stop(&[&c2]).unwrap();
    assert_eq!((a.calls(), b.calls()), (1, 1));
}

#[test]
fn in_a_round_a_member_that_was_terminated_and_restarted_is_no_part_of_it_any_more() {
    let (running, [a, b, c], [_, b1, c1]) = in_a_round(permanent());
    std::thread::scope(|scope| {
        scope.spawn(|| told(&b1, Signal::INTERRUPT));
        running.admin.terminate("b").unwrap();
    });
    running.admin.restart("b").unwrap();
    let b2 = up(&b);
    c1.ends(How::Ok);
    let (a2, c2) = (up(&a), up(&c));
    // The first thing that the new b hears is the stop.
    running.stop(&[&c2, &b2, &a2]).unwrap();
}

#[test]
fn in_a_round_members_may_be_removed_and_the_round_goes_on() {
    let (running, [a, b, c], [_, b1, c1]) = in_a_round(permanent());
    assert_eq!(running.admin.remove("a").unwrap().name(), "a");
    std::thread::scope(|scope| {
        let removed = scope.spawn(|| running.admin.remove("c").unwrap());
        assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
        c1.ends(How::Ok);
        assert_eq!(removed.join().unwrap().name(), "c");
    });
    told(&b1, Signal::INTERRUPT);
    let b2 = up(&b);
    running.stop(&[&b2]).unwrap();
    assert_eq!((a.calls(), c.calls()), (1, 1));
}

#[test]
fn in_a_round_an_added_member_is_started_at_once_and_is_no_part_of_it() {
    let (running, fakes, [_, b1, c1]) = in_a_round(permanent());
    let added = FakeRunner::new();
    running.admin.add(new(&added)).unwrap();
    let new1 = up(&added);
    c1.ends(How::Ok);
    told(&b1, Signal::INTERRUPT);
    let [a2, b2, c2] = all_up(&fakes);
    running.stop(&[&new1, &c2, &b2, &a2]).unwrap();
    assert_eq!(added.calls(), 1);
}

#[test]
fn in_the_delay_of_a_round_members_may_be_terminated_and_removed() {
    let (running, [a, b, c], [_, b1, c1]) = in_a_round(later());
    running.ends("c", &c1, How::Ok);
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    running.ends("b", &b1, How::Ok);
    running.admin.terminate("a").unwrap();
    assert_eq!(running.admin.remove("b").unwrap().name(), "b");
    running.clock.advance(SECOND);
    let c2 = up(&c);
    running.stop(&[&c2]).unwrap();
    assert_eq!((a.calls(), b.calls()), (1, 1));
}

#[test]
fn while_a_round_starts_its_members_a_waiting_one_may_be_sent_away() {
    let (running, [a, b, c], [_, b1, c1]) = in_a_round(permanent());
    c1.ends(How::Ok);
    told(&b1, Signal::INTERRUPT);
    let a2 = a.wait_for_call();
    assert_eq!(running.state("b"), MemberState::Waiting);
    running.admin.terminate("b").unwrap();
    drop(running.admin.remove("c").unwrap());
    a2.trigger_ready();
    running.stop(&[&a2]).unwrap();
    assert_eq!((b.calls(), c.calls()), (1, 1));
}

#[test]
fn a_stop_answers_those_who_wait_for_a_member_to_go() {
    let fakes = fakes();
    let (running, [a1, b1]) = Running::up(Ordered::new(members(&fakes, permanent())), &fakes);
    std::thread::scope(|scope| {
        let terminated = scope.spawn(|| running.admin.terminate("a"));
        let removed = scope.spawn(|| running.admin.remove("b"));
        assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
        assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
        running.process.signal(Signal::TERMINATE);
        told(&a1, Signal::TERMINATE);
        told(&b1, Signal::TERMINATE);
        running.process.expect_exit().unwrap();
        terminated.join().unwrap().unwrap();
        assert_eq!(
            removed.join().unwrap().unwrap_err().reason(),
            Reason::NotRunning
        );
    });
}

#[test]
fn a_handle_serves_every_run_of_its_group() {
    let fakes @ [a] = &fakes();
    let mut group = Ordered::new(members(fakes, permanent()));
    let admin = group.admin();
    for _ in 0..3 {
        ifrit::scope(|scope| {
            let process = Process::builder().background_scoped(scope, &mut group);
            let a1 = up(a);
            process.expect_ready();
            assert_eq!(admin.count().unwrap().running, 1);
            process.signal(Signal::TERMINATE);
            told(&a1, Signal::TERMINATE);
            process.expect_exit().unwrap();
        });
        assert_eq!(admin.count().unwrap_err().reason(), Reason::NotRunning);
    }
}

#[test]
fn a_member_that_is_terminated_when_the_group_begins_to_stop_has_the_limit_of_that_and_its_error_says_so()
 {
    let fakes @ [a, _] = &fakes();
    let [first, second] = members(fakes, permanent());
    let first = first.stop_within(100 * SECOND);
    let group = Parallel::new([first, second]).stop_within(10 * SECOND);
    let (running, [a1, b1]) = Running::up(group, fakes);
    std::thread::scope(|scope| {
        scope.spawn(|| running.admin.terminate("a").unwrap_err());
        assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
        running.ends("b", &b1, How::Fatal);
        assert_eq!(running.clock.advance_to_next(), 9 * SECOND);
        assert_eq!(a1.wait_for_signal(), Signal::KILL);
        assert_eq!(running.clock.advance_to_next(), SECOND);
        let error = running.process.expect_exit().unwrap_err();
        let report = error.report().to_string();
        assert!(
            report.contains("a: told INT, then KILL, and did not stop within 10s\n"),
            "{report}"
        );
    });
    a1.trigger_exit(Ok(()));
    assert_eq!(a.calls(), 1);
}
