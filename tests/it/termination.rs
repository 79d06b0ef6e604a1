//! What a group tells the others when a member's end stops it.

use ifrit::testing::Waiting;
use ifrit::{
    Signal,
    error::Cause,
    grouper::{Group, Order, Ordered, Parallel, QueueOrdered},
};

use crate::support::{
    causes, end, fakes, heard, mark, on_every_kind, running, trace_of, until_gone, up,
};

const INT: Signal = Signal::INTERRUPT;
const TERM: Signal = Signal::TERMINATE;

#[test]
fn the_termination_signal_is_int_unless_set() {
    fn check<O: Order>() {
        for (signal, expected) in [(None, INT), (Some(Signal::QUIT), Signal::QUIT)] {
            let (fakes, members) = fakes();
            let mut group = Group::<O>::new(members);
            if let Some(signal) = signal {
                group = group.termination(signal);
            }
            let (group, [a, b]) = running(group, &fakes);
            a.trigger_exit(Ok(()));
            assert_eq!(b.wait_for_signal(), expected);
            b.trigger_exit(Ok(()));
            assert!(group.expect_exit().is_ok());
        }
    }
    on_every_kind!(check);
}

#[test]
fn a_signal_from_outside_arrives_as_it_is_whatever_the_termination_signal() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let group = Group::<O>::new(members).termination(Signal::QUIT);
        let (group, [a]) = running(group, &fakes);
        group.signal(TERM);
        assert_eq!(a.wait_for_signal(), TERM);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn kill_as_termination_goes_to_all_at_once() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let group = Group::<O>::new(members).termination(Signal::KILL);
        let (group, [a, b, c]) = running(group, &fakes);
        end(&b, Ok(()));
        mark(&group);
        assert_eq!(heard(&a), [Signal::KILL]);
        assert_eq!(heard(&c), [Signal::KILL]);
        a.trigger_exit(Ok(()));
        c.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_notification_as_termination_is_told_in_turn_and_a_stop_from_outside_still_works() {
    let (fakes, members) = fakes();
    let group = Ordered::new(members).termination(Signal::USER1);
    let (group, [a, b, c]) = running(group, &fakes);
    end(&c, Ok(()));
    assert_eq!(b.wait_for_signal(), Signal::USER1);
    group.signal(TERM);
    assert_eq!(b.wait_for_signal(), TERM);
    b.trigger_exit(Ok(()));
    assert_eq!(a.wait_for_signal(), TERM);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn without_termination_nothing_is_ever_sent_and_the_others_end_by_themselves() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let group = Group::<O>::new(members).without_termination();
        let (group, [a, b, c]) = running(group, &fakes);
        end(&b, Err("broken".into()));
        mark(&group);
        assert_eq!(heard(&a), []);
        assert_eq!(heard(&c), []);
        end(&c, Ok(()));
        mark(&group);
        assert_eq!(heard(&a), []);
        end(&a, Ok(()));
        let trace = trace_of(group.expect_exit());
        let expected = [
            ("b", Cause::Initiator),
            ("c", Cause::Independent),
            ("a", Cause::Independent),
        ];
        assert_eq!(causes(&trace), expected);
    }
    on_every_kind!(check);
}

#[test]
fn without_termination_a_later_stop_from_outside_works_and_is_named_as_such() {
    let (fakes, members) = fakes();
    let group = Ordered::new(members).without_termination();
    let (group, [a, b, c]) = running(group, &fakes);
    end(&b, Err("broken".into()));
    group.signal(TERM);
    mark(&group);
    assert_eq!(heard(&c), [TERM]);
    assert_eq!(heard(&a), []);
    end(&c, Ok(()));
    assert_eq!(a.wait_for_signal(), TERM);
    end(&a, Ok(()));
    let trace = trace_of(group.expect_exit());
    let expected = [
        ("b", Cause::Initiator),
        ("c", Cause::Stopped),
        ("a", Cause::Stopped),
    ];
    assert_eq!(causes(&trace), expected);
}

#[test]
fn without_termination_an_exit_during_start_starts_nothing_more() {
    let ([a, b, c], members) = fakes();
    let group = ifrit::background(Ordered::new(members).without_termination());
    let [a] = up(&[a]);
    let b = b.wait_for_call();
    end(&a, Ok(()));
    mark(&group);
    assert_eq!(heard(&b), []);
    b.trigger_ready();
    end(&b, Ok(()));
    assert!(group.expect_exit().is_ok());
    assert_eq!(c.calls(), 0);
    assert!(!group.is_ready());
}

#[test]
fn without_termination_inside_a_group_leaves_nested_groups_alone() {
    let ([a, b], inner) = fakes();
    let ([outside], outer) = fakes();
    // The inner group is a member that is told nothing by its own group, and is a group that has been told nothing.
    let inner = QueueOrdered::new(inner).without_termination();
    let group = Parallel::new(outer.add("inner", inner)).without_termination();
    let group = ifrit::background(group);
    let [outside, a, b] = up(&[outside, a, b]);
    group.expect_ready();

    end(&outside, Ok(()));
    mark(&group);
    assert_eq!(heard(&a), []);
    end(&b, Ok(()));
    mark(&group);
    assert_eq!(heard(&a), []);
    a.trigger_exit(Ok(()));
    until_gone(&a);
    assert!(group.expect_exit().is_ok());
}
