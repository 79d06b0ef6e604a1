//! One-shot members: their good end counts as ready and stops no other member.

use ifrit::grouper::order::{Stack, Together};
use ifrit::testing::{FakeRunner, Waiting};
use ifrit::{
    Error, Signal,
    error::Cause,
    grouper::{Group, Member, Order, Ordered},
};

use crate::support::{causes, end, heard, living, mark, on_every_kind, trace_of, up};

/// A one-shot member `a`, then an ordinary member `b`.
fn group<O: Order>() -> (Group<O>, FakeRunner, FakeRunner) {
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let members = [
        Member::new("a", a.clone()).one_shot(),
        Member::new("b", b.clone()),
    ];
    (Group::new(members), a, b)
}

#[test]
fn in_an_ordered_group_the_next_member_starts_when_it_has_ended() {
    let (group, a, b) = group::<Stack>();
    let group = ifrit::background(group);
    let a = a.wait_for_call();
    mark(&group);
    assert_eq!(heard(&a), []);
    assert_eq!(living(&group), ["a"]);
    a.trigger_exit(Ok(()));
    let [b] = up(&[b]);
    group.expect_ready();
    group.signal(Signal::TERMINATE);
    assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn its_good_end_stops_nobody() {
    fn check<O: Order>() {
        let (group, a, b) = group::<O>();
        let group = ifrit::background(group);
        let a = a.wait_for_call();
        a.trigger_ready(); // allowed, and not needed
        let [b] = up(&[b]);
        group.expect_ready();
        end(&a, Ok(()));
        mark(&group);
        assert_eq!(heard(&b), []);

        end(&b, Err("broken".into()));
        let trace = trace_of(group.expect_exit());
        let expected = [("a", Cause::Completed), ("b", Cause::Initiator)];
        assert_eq!(causes(&trace), expected);
        assert_eq!(trace.get("a").unwrap().time_to_stop, None);
    }
    on_every_kind!(check);
}

#[test]
fn a_parallel_group_is_ready_when_it_has_ended_and_the_others_are_ready() {
    let (group, a, b) = group::<Together>();
    let group = ifrit::background(group);
    let [b] = up(&[b]);
    let a = a.wait_for_call();
    mark(&group);
    assert_eq!(heard(&b), []);
    assert!(!group.is_ready());
    a.trigger_exit(Ok(()));
    group.expect_ready();
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_group_of_nothing_else_ends_ok_when_all_have_ended_and_was_ready() {
    fn check<O: Order>() {
        let fakes = [FakeRunner::new(), FakeRunner::new()];
        let members = ["a", "b"].into_iter().zip(fakes.clone());
        let members = members.map(|(name, fake)| Member::new(name, fake).one_shot());
        let group = ifrit::background(Group::<O>::new(members));
        for fake in fakes {
            fake.wait_for_call().trigger_exit(Ok(()));
        }
        assert!(group.expect_exit().is_ok());
        assert!(group.is_ready());
    }
    on_every_kind!(check);
}

#[test]
fn its_failure_stops_the_group() {
    fn check<O: Order>() {
        let (group, a, b) = group::<O>();
        b.ensure_exit(); // a parallel group starts it, too
        let group = ifrit::background(group);
        a.wait_for_call().trigger_exit(Err("schema".into()));
        let error = group.expect_exit().unwrap_err();
        let Error::Group(trace) = &error else {
            panic!("{error:?}")
        };
        assert!(trace.get("a").unwrap().exit.is_err());
        assert_eq!(error.root_cause().to_string(), "schema");
        assert!(!group.is_ready());
    }
    on_every_kind!(check);
}

#[test]
fn its_failure_after_it_was_ready_stops_the_group_too() {
    fn check<O: Order>() {
        let (group, a, b) = group::<O>();
        let group = ifrit::background(group);
        let [a, b] = up(&[a, b]);
        group.expect_ready();
        a.trigger_exit(Err("late".into()));
        assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
        b.trigger_exit(Ok(()));
        assert_eq!(trace_of(group.expect_exit()).initiator().unwrap().name, "a");
    }
    on_every_kind!(check);
}

#[test]
fn it_is_told_to_stop_like_any_other_while_it_runs() {
    fn check<O: Order>() {
        let (group, a, b) = group::<O>();
        let group = ifrit::background(group);
        let [a, b] = up(&[a, b]);
        group.expect_ready();
        group.signal(Signal::KILL);
        assert_eq!(a.wait_for_signal(), Signal::KILL);
        assert_eq!(b.wait_for_signal(), Signal::KILL);
        end(&a, Ok(()));
        end(&b, Err("cut off".into()));
        let trace = trace_of(group.expect_exit());
        let expected = [("a", Cause::Stopped), ("b", Cause::Stopped)];
        assert_eq!(causes(&trace), expected);
    }
    on_every_kind!(check);
}

#[test]
fn one_that_has_ended_is_passed_over_by_the_stop() {
    let fakes = [FakeRunner::new(), FakeRunner::new(), FakeRunner::new()];
    let [a, once, c] = &fakes;
    let group = ifrit::background(Ordered::new([
        Member::new("a", a.clone()),
        Member::new("once", once.clone()).one_shot(),
        Member::new("c", c.clone()),
    ]));
    let [a] = up(std::array::from_ref(a));
    once.wait_for_call().trigger_exit(Ok(()));
    let [c] = up(std::array::from_ref(c));
    group.expect_ready();
    group.signal(Signal::INTERRUPT);
    assert_eq!(c.wait_for_signal(), Signal::INTERRUPT);
    c.trigger_exit(Ok(()));
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}
