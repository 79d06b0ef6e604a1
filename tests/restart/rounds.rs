//! What can happen in the middle of a round: limits, delays, stops, further failures.

use std::time::Duration;

use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{Call, FakeRunner, Waiting};
use ifrit::{Error, prelude::*, process::Status};
use ifrit::{
    error::Cause,
    grouper::{MemberState, Ordered, Parallel, Strategy},
};

use crate::kit::*;

fn one_for_all<const N: usize>(fakes: &[FakeRunner; N], restart: Restart) -> Ordered {
    Ordered::new(members(fakes, restart)).strategy(Strategy::OneForAll)
}

fn in_a_second() -> Restart {
    Restart::permanent().backoff(Backoff::constant(SECOND))
}

#[test]
fn the_delay_counts_from_the_failure_and_passes_once_for_all() {
    let fakes @ [a, b] = &fakes();
    let group = one_for_all(
        fakes,
        Restart::permanent().backoff(Backoff::constant(10 * SECOND)),
    );
    let (running, [a1, b1]) = Running::up(group, fakes);
    running.fails("a", &a1);
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    running.clock.advance(4 * SECOND);
    running.ends("b", &b1, How::Ok);
    assert_eq!(running.admin.count().unwrap().restarting, 2);
    assert_eq!(running.process.status(), Status::Restarting);
    assert_eq!(running.clock.advance_to_next(), 6 * SECOND);
    let [a2, b2] = [up(a), up(b)];
    running.members();
    assert_eq!(running.process.status(), Status::Ready);
    running.stop(&[&b2, &a2]).unwrap();
}

#[test]
fn a_stop_that_takes_longer_than_the_delay_holds_up_the_starts() {
    let fakes = &fakes();
    let (running, [a1, b1]) = Running::up(one_for_all(fakes, in_a_second()), fakes);
    running.fails("a", &a1);
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    running.clock.advance(60 * SECOND);
    running.members();
    assert_eq!(calls(fakes), [1, 1]); // never two incarnations at once
    running.ends("b", &b1, How::Ok);
    let [a2, b2] = all_up(fakes);
    running.stop(&[&b2, &a2]).unwrap();
}

#[test]
fn a_stop_in_the_delay_of_a_round_ends_the_group_at_once_and_well() {
    for _ in 0..stress(20) {
        let fakes = fakes();
        let (running, [a1, b1]) = Running::up(one_for_all(&fakes, in_a_second()), &fakes);
        running.fails("a", &a1);
        assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
        running.ends("b", &b1, How::Ok);
        running.process.signal(Signal::TERMINATE);
        running.clock.advance(SECOND);
        running.process.expect_exit().unwrap();
        assert_eq!(calls(&fakes), [1, 1]);
    }
}

#[test]
fn a_stop_while_a_round_stops_its_members_ends_the_group_when_they_have_gone() {
    let fakes = &fakes();
    let (running, [a1, b1, c1]) = Running::up(one_for_all(fakes, permanent()), fakes);
    b1.fails();
    assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
    running.process.signal(Signal::TERMINATE);
    told(&c1, Signal::TERMINATE); // it hears of the stop, too
    told(&a1, Signal::TERMINATE);
    running.process.expect_exit().unwrap();
    assert_eq!(calls(fakes), [1, 1, 1]);
}

#[test]
fn kill_while_a_round_stops_its_members_reaches_all() {
    let fakes = &fakes();
    let (running, [a1, b1, c1]) = Running::up(one_for_all(fakes, permanent()), fakes);
    b1.fails();
    assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
    running.process.signal(Signal::KILL);
    assert_eq!(c1.wait_for_signal(), Signal::KILL);
    assert_eq!(a1.wait_for_signal(), Signal::KILL);
    a1.ends(How::Ok);
    c1.ends(How::Ok);
    running.process.expect_exit().unwrap();
}

#[test]
fn a_stop_while_a_round_starts_its_members_stops_those_that_have_come_back() {
    let fakes @ [a, b, c] = &fakes();
    let (running, [a1, b1, c1]) = Running::up(one_for_all(fakes, permanent()), fakes);
    a1.fails();
    told(&c1, Signal::INTERRUPT);
    told(&b1, Signal::INTERRUPT);
    let a2 = up(a);
    let b2 = b.wait_for_call();
    running.stop(&[&b2, &a2]).unwrap();
    assert_eq!(c.calls(), 1);
}

#[test]
fn a_member_that_fails_by_itself_while_a_round_stops_it_is_part_of_the_round() {
    let fakes @ [a, b, c] = &fakes();
    let group = one_for_all(fakes, permanent()).budget(Budget::new(1, SECOND));
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    a1.fails();
    assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
    running.fails("b", &b1); // not told yet
    c1.ends(How::Ok);
    let runs = [up(a), up(b), up(c)];
    running.stop(&[&runs[2], &runs[1], &runs[0]]).unwrap();
}

#[test]
fn an_earlier_member_that_fails_during_a_round_draws_the_round_out() {
    let fakes @ [a, b, c] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).strategy(Strategy::RestForOne);
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    running.fails("b", &b1);
    assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
    running.fails("a", &a1);
    assert_eq!(calls(fakes), [1, 1, 1]); // c still lives
    c1.ends(How::Ok);
    let runs = [up(a), up(b), up(c)];
    running.stop(&[&runs[2], &runs[1], &runs[0]]).unwrap();
}

#[test]
fn stop_delays_hold_in_a_round() {
    let fakes @ [a, b] = &fakes();
    let [first, second] = members(fakes, permanent());
    let group = Ordered::new([first, second.stop_delay(3 * SECOND)]).strategy(Strategy::OneForAll);
    let (running, [a1, b1]) = Running::up(group, fakes);
    running.fails("a", &a1);
    assert!(b1.signals().is_empty());
    assert_eq!(running.clock.advance_to_next(), 3 * SECOND);
    told(&b1, Signal::INTERRUPT);
    let runs = [up(a), up(b)];
    running.process.signal(Signal::KILL); // cuts it short
    told(&runs[1], Signal::KILL);
    told(&runs[0], Signal::KILL);
    running.process.expect_exit().unwrap();
}

#[test]
fn a_stop_does_not_begin_a_delay_anew_that_a_round_has_begun() {
    let fakes = &fakes();
    let [first, second] = members(fakes, permanent());
    let group = Ordered::new([first, second.stop_delay(3 * SECOND)]).strategy(Strategy::OneForAll);
    let (running, [a1, b1]) = Running::up(group, fakes);
    running.fails("a", &a1);
    running.clock.advance(2 * SECOND);
    running.process.signal(Signal::TERMINATE);
    running.members();
    running.clock.advance(SECOND);
    assert_eq!(b1.wait_for_signal(), Signal::TERMINATE);
    running.clock.advance(10 * SECOND);
    let _ = running.admin.list();
    assert!(b1.signals().is_empty()); // nor is it told twice
    b1.ends(How::Ok);
    running.process.expect_exit().unwrap();
}

#[test]
fn a_member_that_does_not_stop_in_a_round_is_killed_and_then_given_up_with_the_group() {
    // Also where its policy would not have it come back.
    for policy in [permanent(), Restart::temporary()] {
        let fakes @ [a, b] = &fakes();
        let [first, second] = members(fakes, permanent());
        let second = second.restart(policy).stop_within(5 * SECOND);
        let group = Ordered::new([first, second]).strategy(Strategy::OneForAll);
        let (running, [a1, b1]) = Running::up(group, fakes);
        let stuck = running.process_of("b");
        running.fails("a", &a1);
        assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
        assert_eq!(running.clock.advance_to_next(), 9 * SECOND / 2);
        assert_eq!(b1.wait_for_signal(), Signal::KILL);
        assert_eq!(running.clock.advance_to_next(), SECOND / 2);

        let trace = running.trace();
        assert_eq!(trace.initiator().unwrap().name, "b");
        assert!(matches!(&trace[0].exit, Err(Error::Abandoned(stuck)) if stuck[0].name == "b"));
        assert_eq!(stuck.status(), Status::Abandoned);
        assert_eq!((a.calls(), b.calls()), (1, 1)); // never two incarnations at once
        b1.ends(How::Ok);
    }
}

#[test]
fn a_group_that_leaves_a_thread_behind_in_a_round_is_not_run_again_with_a_policy_or_without() {
    for restart in [None, Some(permanent())] {
        let [a, deaf] = &fakes();
        let limited = Member::new("deaf", deaf.clone()).stop_within(SECOND);
        let mut inner = Member::new("inner", Ordered::new([limited]));
        if let Some(restart) = restart {
            inner = inner.restart(restart);
        }
        let first = Member::new("a", a.clone()).restart(permanent());
        let group = Ordered::new([first, inner]).strategy(Strategy::OneForAll);
        let running = Running::new(group);
        let (a1, deaf1) = (up(a), up(deaf));
        running.process.expect_ready();
        running.fails("a", &a1);
        assert_eq!(deaf1.wait_for_signal(), Signal::INTERRUPT);
        running.clock.advance_to_next();
        assert_eq!(deaf1.wait_for_signal(), Signal::KILL);
        running.clock.advance_to_next();

        assert_eq!(running.trace().initiator().unwrap().name, "inner");
        assert_eq!((a.calls(), deaf.calls()), (1, 1));
        deaf1.ends(How::Ok);
    }
}

#[test]
fn a_member_that_returns_when_told_kill_comes_back() {
    let fakes = &fakes();
    let [first, second] = members(fakes, permanent());
    let group = Ordered::new([first, second.stop_within(5 * SECOND)]);
    let (running, [a1, b1]) = Running::up(group.strategy(Strategy::OneForAll), fakes);
    running.fails("a", &a1);
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(running.clock.advance_to_next(), 9 * SECOND / 2);
    told(&b1, Signal::KILL);
    let [a2, b2] = all_up(fakes);
    running.stop(&[&b2, &a2]).unwrap();
}

#[test]
fn the_time_for_a_stop_holds_in_each_round_anew() {
    let fakes = &fakes();
    // Of ten seconds the last is the grace.
    let group = one_for_all(fakes, permanent())
        .stop_within(10 * SECOND)
        .budget(any_number());
    let (running, [mut a, mut b]) = Running::up(group, fakes);
    for _ in 0..3 {
        running.fails("a", &a);
        assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
        running.clock.advance(8 * SECOND);
        running.members();
        assert!(b.signals().is_empty());
        running.clock.advance(SECOND);
        told(&b, Signal::KILL);
        [a, b] = all_up(fakes);
        running.members();
    }
    // And for the stop of the group, in which `a` waits, so that `b` is to be over after 9 s.
    running.process.signal(Signal::TERMINATE);
    assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
    running.clock.advance(8 * SECOND);
    running.members();
    assert!(b.signals().is_empty());
    running.clock.advance(SECOND / 2);
    told(&b, Signal::KILL);
    assert_eq!(a.wait_for_signal(), Signal::TERMINATE);
    a.ends(How::Ok);
    running.process.expect_exit().unwrap();
}

#[test]
fn the_time_for_a_stop_kills_nobody_outside_its_round() {
    let fakes = &fakes();
    let group = Ordered::new(members(fakes, permanent()))
        .strategy(Strategy::RestForOne)
        .stop_within(10 * SECOND);
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    running.fails("b", &b1);
    assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(running.clock.advance_to_next(), 9 * SECOND);
    told(&c1, Signal::KILL);
    let [b2, c2] = [1, 2].map(|n| up(&fakes[n]));
    assert!(a1.signals().is_empty());
    running.stop(&[&c2, &b2, &a1]).unwrap();
}

#[test]
fn a_delay_without_end_keeps_all_of_a_round_down_until_the_stop() {
    let fakes = &fakes();
    let endless = Restart::permanent().backoff(Backoff::constant(Duration::MAX));
    let (running, [a1, b1]) = Running::up(one_for_all(fakes, endless), fakes);
    let stopped = running.process_of("b");
    running.fails("a", &a1);
    told(&b1, Signal::INTERRUPT);
    let _ = stopped.expect_exit();
    running.members();
    running.clock.advance(1_000_000 * SECOND);
    for member in running.members() {
        assert_eq!(member.state, MemberState::Restarting);
    }
    running.stop(&[]).unwrap();
    assert_eq!(calls(fakes), [1, 1]);
}

#[test]
fn the_time_for_a_stop_begins_anew_when_a_round_is_drawn_out() {
    let fakes @ [a, b, c] = &fakes();
    let group = Parallel::new(members(fakes, permanent()))
        .strategy(Strategy::RestForOne)
        .stop_within(10 * SECOND);
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    // c ends alone, and comes back; meanwhile nothing is left of the time of its round.
    running.fails("b", &b1);
    assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
    running.clock.advance(8 * SECOND);
    running.fails("a", &a1);
    c1.ends(How::Ok);
    let runs = [a, b, c].map(up);
    running.members();
    running.fails("a", &runs[0]);
    assert_eq!(runs[1].wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(runs[2].wait_for_signal(), Signal::INTERRUPT);
    running.clock.advance(2 * SECOND);
    running.members();
    assert!(runs[1].signals().is_empty()); // not KILL
    runs[1].ends(How::Ok);
    runs[2].ends(How::Ok);
    let runs = [a, b, c].map(up);
    running.stop(&runs.each_ref()).unwrap();
}

#[test]
fn a_notification_in_a_round_goes_to_those_who_live() {
    let fakes @ [a, b] = &fakes();
    let (running, [a1, b1]) = Running::up(one_for_all(fakes, permanent()), fakes);
    running.fails("a", &a1);
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    running.process.signal(Signal::USER1);
    assert_eq!(b1.wait_for_signal(), Signal::USER1);
    b1.ends(How::Ok);
    let a2 = a.wait_for_call();
    running.process.signal(Signal::USER2);
    assert_eq!(a2.wait_for_signal(), Signal::USER2);
    a2.trigger_ready();
    let b2 = up(b);
    running.stop(&[&b2, &a2]).unwrap();
}

#[test]
fn a_failing_round_ends_with_the_budget_and_the_cause_is_who_failed_last() {
    let fakes @ [a, b] = &fakes();
    let group = one_for_all(fakes, permanent()).budget(Budget::new(2, SECOND));
    let (running, [a1, b1]) = Running::up(group, fakes);
    a1.fails();
    told(&b1, Signal::INTERRUPT);
    a.wait_for_call().fails(); // before it was ready
    let a3 = up(a);
    b.wait_for_call().fails();
    told(&a3, Signal::INTERRUPT);
    let trace = running.trace();
    assert_eq!(trace.initiator().unwrap().name, "b");
    assert_eq!(trace.get("a").unwrap().cause, Cause::Consequence);
}

#[test]
fn a_round_during_the_start_of_the_group_begins_the_start_anew() {
    let fakes @ [a, b, c] = &fakes();
    let running = Running::new(one_for_all(fakes, permanent()));
    let a1 = up(a);
    let b1 = b.wait_for_call();
    running.fails("a", &a1);
    told(&b1, Signal::INTERRUPT);
    assert_eq!(c.calls(), 0);
    let runs: [Call; 3] = all_up(fakes);
    running.process.expect_ready();
    running.stop(&[&runs[2], &runs[1], &runs[0]]).unwrap();
}

#[test]
fn a_group_runs_again_after_rounds() {
    let fakes = &fakes();
    let mut group = one_for_all(fakes, permanent()).budget(Budget::new(1, SECOND));
    for run in 1..4 {
        ifrit::scope(|scope| {
            let process = Process::builder().background_scoped(scope, &mut group);
            let [a1, b1] = all_up(fakes);
            process.expect_ready();
            a1.fails();
            told(&b1, Signal::INTERRUPT);
            let [a2, b2] = all_up(fakes);
            process.signal(Signal::TERMINATE);
            told(&b2, Signal::TERMINATE);
            told(&a2, Signal::TERMINATE);
            process.expect_exit().unwrap();
            assert_eq!(calls(fakes), [2 * run; 2]);
        });
    }
}

#[test]
fn without_termination_a_round_that_fails_leaves_those_it_has_not_told_alone() {
    let fakes = &fakes();
    let group = one_for_all(fakes, permanent())
        .without_termination()
        .budget(Budget::new(0, SECOND));
    let (running, [a1, b1]) = Running::up(group, fakes);
    running.fails("a", &a1); // nothing is left of the budget: no round at all
    assert!(b1.signals().is_empty());
    running.process.signal(Signal::QUIT);
    told(&b1, Signal::QUIT);
    let trace = running.trace();
    assert_eq!(trace.initiator().unwrap().name, "a");
}
