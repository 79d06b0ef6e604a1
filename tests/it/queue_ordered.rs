//! Queue-ordered groups: as ordered ones, but stopped in start order.

use ifrit::testing::Waiting;
use ifrit::{Signal, error::Cause, grouper::QueueOrdered};

use crate::support::{causes, end, fakes, heard, living, mark, running, trace_of, up};

#[test]
fn a_member_starts_when_the_one_before_is_ready() {
    let ([a, b], members) = fakes();
    let group = ifrit::background(QueueOrdered::new(members));
    let a = a.wait_for_call();
    mark(&group);
    assert_eq!(heard(&a), []);
    assert_eq!(living(&group), ["a"]);
    assert!(!group.is_ready());

    a.trigger_ready();
    let [b] = up(&[b]);
    group.expect_ready();
    a.trigger_exit(Ok(()));
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_signal_stops_the_members_in_start_order_one_at_a_time() {
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running(QueueOrdered::new(members), &fakes);

    group.signal(Signal::TERMINATE);
    mark(&group);
    assert_eq!(heard(&a), [Signal::TERMINATE]);
    assert_eq!(heard(&b), []);
    assert_eq!(heard(&c), []);

    end(&a, Ok(()));
    mark(&group);
    assert_eq!(heard(&b), [Signal::TERMINATE]);
    assert_eq!(heard(&c), []);

    end(&b, Ok(()));
    assert_eq!(c.wait_for_signal(), Signal::TERMINATE);
    c.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_members_exit_stops_the_others_in_start_order() {
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running(QueueOrdered::new(members), &fakes);
    end(&b, Err("lost".into()));
    mark(&group);
    assert_eq!(heard(&a), [Signal::INTERRUPT]);
    assert_eq!(heard(&c), []);
    end(&a, Ok(()));
    assert_eq!(c.wait_for_signal(), Signal::INTERRUPT);
    c.trigger_exit(Ok(()));

    let trace = trace_of(group.expect_exit());
    let expected = [
        ("b", Cause::Initiator),
        ("a", Cause::Consequence),
        ("c", Cause::Consequence),
    ];
    assert_eq!(causes(&trace), expected);
}

#[test]
fn a_failed_start_stops_those_started_in_start_order_and_starts_no_more() {
    let ([a, b, c, d], members) = fakes();
    let group = ifrit::background(QueueOrdered::new(members));
    let [a, b] = up(&[a, b]);
    c.wait_for_call().trigger_exit(Err("no disk".into()));
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    mark(&group);
    assert_eq!(heard(&b), []);
    a.trigger_exit(Ok(()));
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    b.trigger_exit(Ok(()));

    let trace = trace_of(group.expect_exit());
    let names: Vec<_> = trace.iter().map(|exit| exit.name.as_str()).collect();
    assert_eq!(names, ["c", "a", "b"]);
    assert_eq!(d.calls(), 0);
}

#[test]
fn a_stop_asked_for_during_start_begins_with_the_first_member() {
    let ([a, b, c], members) = fakes();
    let group = ifrit::background(QueueOrdered::new(members));
    let [a] = up(&[a]);
    let b = b.wait_for_call();
    group.signal(Signal::QUIT);
    assert_eq!(a.wait_for_signal(), Signal::QUIT);
    mark(&group);
    assert_eq!(heard(&b), []);
    a.trigger_exit(Ok(()));
    assert_eq!(b.wait_for_signal(), Signal::QUIT);
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
    assert_eq!(c.calls(), 0);
}
