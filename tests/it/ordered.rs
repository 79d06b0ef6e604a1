//! Ordered groups: started one after the other, stopped in reverse.

use ifrit::crossbeam_channel::TryRecvError;
use ifrit::testing::Waiting;
use ifrit::{Error, Signal, crossbeam_channel, error::Cause, grouper::Ordered};

use crate::support::{by_hand, causes, end, fakes, heard, living, mark, running, trace_of, up};

#[test]
fn a_member_starts_when_the_one_before_is_ready_and_the_group_is_ready_after_the_last() {
    let ([a, b, c], members) = fakes();
    let group = ifrit::background(Ordered::new(members));

    let a = a.wait_for_call();
    mark(&group);
    assert_eq!(heard(&a), []);
    assert_eq!(living(&group), ["a"]);

    a.trigger_ready();
    let b = b.wait_for_call();
    mark(&group);
    assert_eq!(heard(&b), []);
    assert_eq!(living(&group), ["a", "b"]);

    b.trigger_ready();
    let c = c.wait_for_call();
    mark(&group);
    assert_eq!(heard(&c), []);
    assert!(!group.is_ready());

    c.trigger_ready();
    group.expect_ready();
    for (member, call) in [("c", c), ("b", b), ("a", a)] {
        assert!(living(&group).contains(&member.to_owned()));
        call.trigger_exit(Ok(()));
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn after_a_failed_start_no_later_member_starts() {
    let ([a, b, c], members) = fakes();
    let group = ifrit::background(Ordered::new(members));
    let [a] = up(&[a]);
    b.wait_for_call().trigger_exit(Err("no disk".into()));
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    a.trigger_exit(Ok(()));

    let trace = trace_of(group.expect_exit());
    let expected = [("b", Cause::Initiator), ("a", Cause::Consequence)];
    assert_eq!(causes(&trace), expected);
    assert_eq!(c.calls(), 0);
    assert!(!group.is_ready());
}

#[test]
fn a_member_that_exits_while_a_later_one_sets_up_stops_the_group() {
    let ([a, b, c], members) = fakes();
    let group = ifrit::background(Ordered::new(members));
    let [a] = up(&[a]);
    let b = b.wait_for_call();
    a.trigger_exit(Err("lost".into()));
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    b.trigger_exit(Ok(()));

    let trace = trace_of(group.expect_exit());
    let expected = [("a", Cause::Initiator), ("b", Cause::Consequence)];
    assert_eq!(causes(&trace), expected);
    assert_eq!(c.calls(), 0);
}

#[test]
fn a_signal_stops_the_members_in_reverse_one_at_a_time() {
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running(Ordered::new(members), &fakes);

    group.signal(Signal::TERMINATE);
    mark(&group);
    assert_eq!(heard(&c), [Signal::TERMINATE]);
    assert_eq!(heard(&b), []);
    assert_eq!(heard(&a), []);

    end(&c, Ok(()));
    mark(&group);
    assert_eq!(heard(&b), [Signal::TERMINATE]);
    assert_eq!(heard(&a), []);

    end(&b, Ok(()));
    mark(&group);
    assert_eq!(heard(&a), [Signal::TERMINATE]);

    // The mark shows that the group lived as long as a member did.
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_members_exit_stops_the_others_in_reverse_one_at_a_time() {
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running(Ordered::new(members), &fakes);

    end(&b, Ok(()));
    mark(&group);
    assert_eq!(heard(&c), [Signal::INTERRUPT]);
    assert_eq!(heard(&a), []);

    end(&c, Ok(()));
    mark(&group);
    assert_eq!(heard(&a), [Signal::INTERRUPT]);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_clean_exit_before_ready_stops_the_others_and_the_group_ends_ok_without_having_been_ready() {
    let ([a, b, c], members) = fakes();
    let group = ifrit::background(Ordered::new(members));
    let [a] = up(&[a]);
    b.wait_for_call().trigger_exit(Ok(()));
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    a.trigger_exit(Ok(()));

    assert!(group.expect_exit().is_ok());
    // A thread that waits for ready is told; the channel stays silent for ever.
    assert!(matches!(
        group.started(),
        Err(Error::ExitedBeforeReady { .. })
    ));
    assert_eq!(group.ready().try_recv(), Err(TryRecvError::Empty));
    assert_eq!(c.calls(), 0);
}

#[test]
fn one_error_gives_a_trace_of_every_member_in_exit_order() {
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running(Ordered::new(members), &fakes);
    group.signal(Signal::INTERRUPT);
    end(&b, Err("no flush".into()));
    end(&c, Ok(()));
    end(&a, Ok(()));

    let trace = trace_of(group.expect_exit());
    let exits = trace.iter().map(|exit| (&*exit.name, exit.exit.is_ok()));
    let exits: Vec<_> = exits.collect();
    assert_eq!(exits, [("b", false), ("c", true), ("a", true)]);
    assert_eq!(trace.failures().count(), 1);
}

#[test]
fn a_stop_asked_for_during_start_reaches_those_started_and_nothing_starts_after_it() {
    let ([a, b, c], members) = fakes();
    let group = ifrit::background(Ordered::new(members));
    let [a] = up(&[a]);
    let b = b.wait_for_call();

    group.signal(Signal::TERMINATE);
    assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
    b.trigger_ready(); // too late to go on with the start
    mark(&group);
    assert_eq!(heard(&a), []);
    b.trigger_exit(Ok(()));
    assert_eq!(a.wait_for_signal(), Signal::TERMINATE);
    a.trigger_exit(Ok(()));

    assert!(group.expect_exit().is_ok());
    assert_eq!(c.calls(), 0);
    assert!(!group.is_ready());
}

#[test]
fn a_stop_that_waits_before_the_start_starts_nothing() {
    let ([a, b], members) = fakes();
    let (sender, signals) = crossbeam_channel::unbounded();
    for signal in [Signal::USER1, Signal::HANGUP, Signal::INTERRUPT] {
        sender.send(signal).unwrap();
    }
    let group = by_hand(Ordered::new(members), signals);
    a.ensure_exit();
    b.ensure_exit();
    assert!(group.expect_exit().is_ok());
    assert_eq!((a.calls(), b.calls()), (0, 0));
    assert!(!group.is_ready());
}

#[test]
fn an_exit_during_the_stop_is_seen_and_its_place_in_the_order_is_passed_over() {
    let (fakes, members) = fakes();
    let (group, [a, b, c, d]) = running(Ordered::new(members), &fakes);
    group.signal(Signal::INTERRUPT);
    assert_eq!(d.wait_for_signal(), Signal::INTERRUPT);
    end(&c, Ok(())); // its turn would have been next
    end(&a, Err("late".into()));
    end(&d, Ok(()));
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    b.trigger_exit(Ok(()));

    let trace = trace_of(group.expect_exit());
    let expected = [
        ("c", Cause::Independent),
        ("a", Cause::Independent),
        ("d", Cause::Stopped),
        ("b", Cause::Stopped),
    ];
    assert_eq!(causes(&trace), expected);
}
