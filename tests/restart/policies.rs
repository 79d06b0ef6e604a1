//! Which end of a member is followed by what, one for one.

use ifrit::restart::{Backoff, Restart};
use ifrit::testing::Waiting;
use ifrit::{Error, prelude::*, process::Status};
use ifrit::{
    error::Cause,
    grouper::{MemberState, Ordered, Parallel, Strategy},
};

use crate::kit::*;

const SOON: Backoff = Backoff::none();

fn policies() -> [(Restart, [bool; 3]); 3] {
    [
        (Restart::permanent().backoff(SOON), [true, true, true]),
        (Restart::transient().backoff(SOON), [false, true, true]),
        (Restart::temporary().backoff(SOON), [false, false, false]),
    ]
}

#[test]
fn each_policy_restarts_after_the_ends_it_names() {
    for (restart, restarts) in policies() {
        for (how, comes_back) in EVERY_END.into_iter().zip(restarts) {
            let fakes @ [a, _] = &fakes();
            let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, restart)), fakes);
            running.ends("a", &a1, how);
            if comes_back {
                let a2 = up(a);
                running.stop(&[&b1, &a2]).unwrap(); // the fault was healed
                continue;
            }
            assert_eq!(running.state("a"), MemberState::Completed);
            let exit = running.stop(&[&b1]);
            assert_eq!(exit.is_ok(), how == How::Ok);
            if exit.is_err() {
                let trace = trace_of(exit);
                assert_eq!(trace.get("a").unwrap().cause, Cause::Completed);
            }
            assert_eq!(calls(fakes), [1, 1], "{restart:?} {how:?}");
        }
    }
}

#[test]
fn a_start_that_takes_too_long_is_a_failure() {
    for (restart, [_, comes_back, _]) in policies() {
        let fakes @ [a] = &fakes();
        let [member] = members(fakes, restart);
        let group = Parallel::new([
            member.start_within(5 * SECOND),
            Member::new("keeper", ifrit::testing::signal_recorder().0),
        ]);
        let (running, [a1]) = Running::up(group, fakes);
        std::thread::scope(|scope| {
            scope.spawn(|| told(&a1, Signal::INTERRUPT));
            running.admin.terminate("a").unwrap();
        });
        // A start that is no first start of the group.
        running.admin.restart("a").unwrap();
        let a2 = a.wait_for_call();
        running.clock.advance(5 * SECOND);
        assert_eq!(a2.wait_for_signal(), Signal::INTERRUPT);
        running.ends("a", &a2, How::Ok);
        if comes_back {
            let a3 = up(a);
            running.stop(&[&a3]).unwrap();
        } else {
            assert_eq!(running.state("a"), MemberState::Completed);
            let trace = trace_of(running.stop(&[]));
            assert!(matches!(
                trace.get("a").unwrap().exit,
                Err(Error::StartTimeout { .. })
            ));
        }
    }
}

#[test]
fn a_failing_first_start_fails_the_start_of_the_group_whatever_the_policy() {
    for (restart, _) in policies() {
        for how in [How::Err, How::Panic] {
            let fakes @ [a, b, c] = &fakes();
            let running = Running::new(Ordered::new(members(fakes, restart)));
            let a1 = up(a);
            b.wait_for_call().ends(how);
            told(&a1, Signal::INTERRUPT);
            assert_eq!(running.trace().initiator().unwrap().name, "b");
            assert!(!running.process.is_ready());
            assert_eq!((a.calls(), b.calls(), c.calls()), (1, 1, 0));
        }
    }
}

#[test]
fn a_first_start_that_fails_after_ready_is_a_failure_like_any_other() {
    let fakes @ [a, b] = &fakes();
    let running = Running::new(Ordered::new(members(fakes, permanent())));
    up(a).fails(); // the group is still starting
    let a2 = up(a);
    let b1 = up(b);
    running.process.expect_ready();
    running.stop(&[&b1, &a2]).unwrap();
}

#[test]
fn the_group_is_not_ready_while_a_member_is_down_during_the_start() {
    let fakes @ [a, b] = &fakes();
    let later = Restart::permanent().backoff(Backoff::constant(SECOND));
    let running = Running::new(Ordered::new(members(fakes, later)));
    let a1 = up(a);
    let b1 = b.wait_for_call();
    running.fails("a", &a1);
    b1.trigger_ready();
    running.members();
    assert!(!running.process.is_ready()); // a is down
    running.clock.advance(SECOND);
    let a2 = a.wait_for_call();
    assert!(!running.process.is_ready());
    a2.trigger_ready();
    running.process.expect_ready();
    running.stop(&[&b1, &a2]).unwrap();
}

#[test]
fn an_ok_end_before_ready_completes_what_may_complete() {
    for (restart, [is_permanent, ..]) in policies() {
        let fakes @ [a, b] = &fakes();
        let running = Running::new(Ordered::new(members(fakes, restart)));
        a.wait_for_call().ends(How::Ok);
        if is_permanent {
            running.process.expect_exit().unwrap(); // it has never been ready
            assert!(!running.process.is_ready());
            assert_eq!(b.calls(), 0);
        } else {
            let b1 = up(b);
            running.process.expect_ready();
            running.stop(&[&b1]).unwrap();
        }
    }
}

#[test]
fn a_group_whose_members_have_all_completed_ends() {
    let fakes = fakes();
    let (running, [a, b]) = Running::up(Ordered::new(members(&fakes, transient())), &fakes);
    running.ends("a", &a, How::Ok);
    b.ends(How::Ok);
    running.process.expect_exit().unwrap();
}

#[test]
fn a_temporary_member_that_a_round_has_stopped_has_ended() {
    let fakes @ [a, _] = &fakes();
    let [first, second] = members(fakes, transient());
    let group = Ordered::new([first, second.restart(Restart::temporary())]);
    let (running, [a1, b1]) = Running::up(group.strategy(Strategy::OneForAll), fakes);
    running.fails("a", &a1);
    told(&b1, Signal::INTERRUPT);
    let a2 = up(a);
    a2.ends(How::Ok); // and no member is left
    running.process.expect_exit().unwrap();
}

#[test]
fn a_member_without_a_policy_still_stops_the_group() {
    let fakes @ [a, b] = &fakes();
    let first = Member::new("a", a.clone()).restart(permanent());
    let group = Ordered::new([first, Member::new("plain", b.clone())]);
    let (running, [a1, b1]) = Running::up(group, fakes);
    running.fails("a", &a1);
    let a2 = up(a);
    b1.ends(How::Ok);
    told(&a2, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn a_one_shot_that_fails_is_tried_again_as_its_policy_says_and_then_completes() {
    let fakes @ [a, b] = &fakes();
    let [first, second] = members(fakes, transient());
    let running = Running::new(Ordered::new([first, second.one_shot()]));
    let a1 = up(a);
    up(b).fails(); // not a first start that fails: it was ready
    let b2 = b.wait_for_call();
    running.ends("b", &b2, How::Ok);
    running.process.expect_ready();
    assert_eq!(running.state("b"), MemberState::Completed);
    running.stop(&[&a1]).unwrap();
    assert_eq!(b.calls(), 2);
}

#[test]
fn a_restarted_member_is_a_new_process_under_the_same_name() {
    let fakes @ [a] = &fakes();
    let (running, [a1]) = Running::up(Ordered::new(members(fakes, permanent())), fakes);
    let first = running.process_of("a");
    a1.fails();
    assert!(first.expect_exit().is_err());
    let a2 = up(a);
    let second = running.process_of("a");
    assert_eq!((first.name(), second.name()), ("a", "a"));
    assert!(first.id() < second.id());
    assert_eq!(second.status(), Status::Ready);
    let tree = ifrit::tree();
    let children = &tree.get(running.process.id()).unwrap().children;
    assert_eq!(children.len(), 1);
    assert_eq!(children[0].id, Some(second.id()));
    running.stop(&[&a2]).unwrap();
}

#[test]
fn the_group_says_ready_once_and_counts_as_restarting_while_a_member_is_down() {
    let fakes @ [a, b] = &fakes();
    let later = Restart::permanent().backoff(Backoff::constant(SECOND));
    let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, later)), fakes);
    let status = || (running.members(), running.process.status()).1;
    assert_eq!(status(), Status::Ready);
    running.fails("a", &a1);
    assert_eq!(status(), Status::Restarting);
    assert!(running.process.is_ready()); // that has been said
    running.fails("b", &b1);
    running.clock.advance(SECOND);
    let (a2, b2) = (a.wait_for_call(), b.wait_for_call());
    assert_eq!(status(), Status::Restarting);
    a2.trigger_ready();
    assert_eq!(status(), Status::Restarting); // b is not ready yet
    b2.trigger_ready();
    assert_eq!(status(), Status::Ready);
    running.stop(&[&b2, &a2]).unwrap();
}

#[test]
fn a_notification_goes_to_those_who_live() {
    let fakes @ [a, _] = &fakes();
    let later = Restart::permanent().backoff(Backoff::constant(SECOND));
    let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, later)), fakes);
    running.fails("a", &a1);
    running.process.signal(Signal::USER1);
    assert_eq!(b1.wait_for_signal(), Signal::USER1);
    running.clock.advance(SECOND);
    let a2 = up(a);
    running.process.signal(Signal::USER2);
    assert_eq!(a2.wait_for_signal(), Signal::USER2);
    assert_eq!(b1.wait_for_signal(), Signal::USER2);
    running.stop(&[&b1, &a2]).unwrap();
}

#[test]
fn a_stop_during_a_delay_ends_the_group_at_once_and_well() {
    for _ in 0..stress(20) {
        let fakes = fakes();
        let later = Restart::permanent().backoff(Backoff::constant(SECOND));
        let (running, [a, b]) = Running::up(Ordered::new(members(&fakes, later)), &fakes);
        running.fails("a", &a);
        running.process.signal(Signal::TERMINATE);
        running.clock.advance(SECOND); // even if the delay is over in the same moment
        told(&b, Signal::TERMINATE);
        running.process.expect_exit().unwrap();
        assert_eq!(calls(&fakes), [1, 1]);
    }
}

#[test]
fn a_stop_while_a_member_comes_back_stops_it() {
    let fakes @ [a, _] = &fakes();
    let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, permanent())), fakes);
    a1.fails();
    let a2 = a.wait_for_call();
    running.stop(&[&b1, &a2]).unwrap();
    assert_eq!(calls(fakes), [2, 1]);
}

#[test]
fn a_group_runs_again_with_its_policies() {
    let fakes @ [a, b] = &fakes();
    let mut group = Ordered::new(members(fakes, permanent()));
    for run in 1..4 {
        ifrit::scope(|scope| {
            let process = Process::builder().background_scoped(scope, &mut group);
            let [a1, b1] = all_up(fakes);
            process.expect_ready();
            a1.fails();
            let a2 = up(a);
            process.signal(Signal::TERMINATE);
            told(&b1, Signal::TERMINATE);
            told(&a2, Signal::TERMINATE);
            process.expect_exit().unwrap();
            assert_eq!((a.calls(), b.calls()), (2 * run, run));
        });
    }
}

#[test]
fn an_exit_that_was_seen_before_a_signal_was_sent_is_heard_before_it() {
    for _ in 0..stress(20) {
        let fakes = fakes::<8>();
        let members = fakes.iter().enumerate();
        let members = members.map(|(n, fake)| Member::new(name(n), fake.clone()));
        let group = Parallel::new(members);
        let (running, calls) = Running::up(group, &fakes);
        let first = running.members()[0].process.clone().unwrap();
        calls[0].ends(How::Ok);
        first.expect_exit().unwrap();
        running.process.signal(Signal::USER1);
        for call in &calls[1..] {
            assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
            assert_eq!(call.wait_for_signal(), Signal::USER1);
            call.ends(How::Ok);
        }
        running.process.expect_exit().unwrap();
    }
}
