//! Parallel groups: started at once, stopped at once.

use ifrit::crossbeam_channel;
use ifrit::testing::Waiting;
use ifrit::{Signal, error::Cause, grouper::Parallel};

use crate::support::{by_hand, causes, end, fakes, heard, mark, running, trace_of, up};

#[test]
fn all_members_start_at_once_and_the_group_is_ready_when_all_are() {
    let (fakes, members) = fakes();
    let group = ifrit::background(Parallel::new(members));
    // All are called before any is ready.
    let [a, b, c] = fakes.each_ref().map(|fake| fake.wait_for_call());
    c.trigger_ready();
    a.trigger_ready();
    mark(&group);
    assert_eq!(heard(&b), []);
    assert!(!group.is_ready());
    b.trigger_ready();
    group.expect_ready();
    for call in [a, b, c] {
        call.trigger_exit(Ok(()));
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_stop_signal_reaches_all_once() {
    let (fakes, members) = fakes::<3>();
    let (group, calls) = running(Parallel::new(members), &fakes);
    group.signal(Signal::TERMINATE);
    mark(&group);
    for call in &calls {
        assert_eq!(heard(call), [Signal::TERMINATE]);
    }
    for call in &calls {
        call.trigger_exit(Ok(()));
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn any_exit_sends_the_others_the_termination_signal_once() {
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running(Parallel::new(members), &fakes);
    end(&b, Ok(()));
    mark(&group);
    for call in [&a, &c] {
        assert_eq!(heard(call), [Signal::INTERRUPT]);
        end(call, Ok(())); // an exit while stopping tells the other members nothing
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_member_that_exits_before_the_others_are_ready_stops_them() {
    let (fakes, members) = fakes();
    let group = ifrit::background(Parallel::new(members));
    let [a, b] = fakes.each_ref().map(|fake| fake.wait_for_call());
    a.trigger_exit(Err("no disk".into()));
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    b.trigger_exit(Ok(()));
    let trace = trace_of(group.expect_exit());
    let expected = [("a", Cause::Initiator), ("b", Cause::Consequence)];
    assert_eq!(causes(&trace), expected);
    assert!(!group.is_ready());
}

#[test]
fn signals_while_stopping_are_forwarded_and_only_exits_end_the_group() {
    let (fakes, members) = fakes();
    let (group, [a, b]) = running(Parallel::new(members), &fakes);
    for signal in [Signal::INTERRUPT, Signal::HANGUP, Signal::TERMINATE] {
        group.signal(signal);
    }
    mark(&group);
    let all = [Signal::INTERRUPT, Signal::HANGUP, Signal::TERMINATE];
    assert_eq!(heard(&a), all);
    assert_eq!(heard(&b), all);
    end(&a, Ok(()));

    // As many signals as members, and more, and one of two exits: it still waits for the other.
    mark(&group);
    assert_eq!(heard(&b), []);
    assert!(group.try_exit().is_none());
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_stop_asked_for_during_start_reaches_all_and_the_group_is_never_ready() {
    let ([a, b], members) = fakes();
    let group = ifrit::background(Parallel::new(members));
    let [a] = up(&[a]);
    let b = b.wait_for_call();
    group.signal(Signal::INTERRUPT);
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    b.trigger_ready();
    a.trigger_exit(Ok(()));
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
    assert!(!group.is_ready());
}

#[test]
fn a_stop_that_waits_before_the_start_starts_nothing() {
    let ([a, b], members) = fakes();
    let (sender, signals) = crossbeam_channel::unbounded();
    sender.send(Signal::HANGUP).unwrap();
    sender.send(Signal::TERMINATE).unwrap();
    let group = by_hand(Parallel::new(members), signals);
    a.ensure_exit();
    b.ensure_exit();
    assert!(group.expect_exit().is_ok());
    assert_eq!((a.calls(), b.calls()), (0, 0));
}
