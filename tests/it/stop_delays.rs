//! The time between a member's turn to stop and its being told.

use std::time::Duration;

use ifrit::grouper::order::{Queue, Stack};
use ifrit::testing::{Call, FakeRunner, ManualClock, Waiting};
use ifrit::{
    Process, Signal,
    error::Cause,
    grouper::{Group, Member, Order, Ordered, Parallel},
};

use crate::support::{
    causes, end, heard, heard_when_done, mark, on_every_kind, running_on, trace_of,
};

const SECOND: Duration = Duration::from_secs(1);
const INT: Signal = Signal::INTERRUPT;
const TERM: Signal = Signal::TERMINATE;
const KILL: Signal = Signal::KILL;

/// A group of one member with a stop delay of 5 s, and with what else `change` asks for. It runs.
fn delayed<O: Order>(
    clock: &ManualClock,
    change: impl Fn(Member) -> Member,
    group: impl Fn(Group<O>) -> Group<O>,
) -> (Process, Call) {
    let fake = FakeRunner::new();
    let member = change(Member::new("a", fake.clone()).stop_delay(5 * SECOND));
    let (group, [a]) = running_on(clock, group(Group::new([member])), &[fake]);
    (group, a)
}

#[test]
fn a_member_is_told_when_its_delay_is_over() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (group, a) = delayed::<O>(&clock, |member| member, |group| group);
        group.signal(TERM);
        mark(&group);
        assert_eq!(heard(&a), []);
        assert_eq!(clock.advance_to_next(), 5 * SECOND);
        assert_eq!(a.wait_for_signal(), TERM);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn the_others_in_a_parallel_group_do_not_wait_for_it() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Parallel::new([
        Member::new("a", a.clone()).stop_delay(5 * SECOND),
        Member::new("b", b.clone()),
    ]);
    let (group, [a, b]) = running_on(&clock, group, &[a, b]);
    group.signal(TERM);
    assert_eq!(b.wait_for_signal(), TERM);
    b.trigger_exit(Ok(()));
    assert_eq!(clock.advance_to_next(), 5 * SECOND);
    assert_eq!(a.wait_for_signal(), TERM);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

/// `order`: the places of a and b in stop order.
fn begins_with_its_turn<O: Order>(order: [usize; 2]) {
    let clock = ManualClock::new();
    let fakes = [FakeRunner::new(), FakeRunner::new()];
    let [a, b] = &fakes;
    let group = Group::<O>::new([
        Member::new("a", a.clone()).stop_delay(5 * SECOND),
        Member::new("b", b.clone()).stop_delay(5 * SECOND),
    ]);
    let (group, calls) = running_on(&clock, group, &fakes);
    group.signal(TERM);
    for place in order {
        assert_eq!(clock.advance_to_next(), 5 * SECOND);
        assert_eq!(calls[place].wait_for_signal(), TERM);
        end(&calls[place], Ok(()));
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn it_begins_when_the_members_turn_comes() {
    begins_with_its_turn::<Stack>([1, 0]);
    begins_with_its_turn::<Queue>([0, 1]);
}

#[test]
fn a_further_stop_signal_does_not_cut_it_short_and_is_the_one_told() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (group, a) = delayed::<O>(&clock, |member| member, |group| group);
        group.signal(INT);
        clock.wait_for_timers(1);
        clock.advance(2 * SECOND);
        group.signal(Signal::HANGUP);
        group.signal(TERM);
        mark(&group);
        assert_eq!(heard(&a), [Signal::HANGUP]);
        assert_eq!(clock.advance_to_next(), 3 * SECOND);
        assert_eq!(a.wait_for_signal(), TERM);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn kill_cuts_it_short() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (group, a) = delayed::<O>(
            &clock,
            |member| member,
            |group| group.kill_grace(3_600 * SECOND),
        );
        group.signal(INT);
        group.signal(KILL);
        mark(&group);
        assert_eq!(heard(&a), [KILL]);
        clock.advance(60 * SECOND); // nothing more comes of the delay
        assert_eq!(heard_when_done(&group, &a), []);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn kill_alone_waits_for_no_delay() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (group, a) = delayed::<O>(&clock, |member| member, |group| group);
        group.signal(KILL);
        assert_eq!(a.wait_for_signal(), KILL);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_member_that_ends_during_its_delay_is_not_waited_for() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Ordered::new([
        Member::new("a", a.clone()),
        Member::new("b", b.clone()).stop_delay(5 * SECOND),
    ]);
    let (group, [a, b]) = running_on(&clock, group, &[a, b]);
    group.signal(TERM);
    clock.wait_for_timers(1);
    end(&b, Err("by itself".into()));
    assert_eq!(a.wait_for_signal(), TERM); // and the clock has not moved
    a.trigger_exit(Ok(()));
    let trace = trace_of(group.expect_exit());
    let expected = [("b", Cause::Independent), ("a", Cause::Stopped)];
    assert_eq!(causes(&trace), expected);
}

#[test]
fn it_does_not_count_towards_the_members_own_limit() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let limit = |member: Member| member.stop_within(10 * SECOND);
        let (group, a) = delayed::<O>(&clock, limit, |group| group);
        group.signal(TERM);
        assert_eq!(clock.advance_to_next(), 5 * SECOND);
        assert_eq!(a.wait_for_signal(), TERM);
        assert_eq!(clock.advance_to_next(), 9 * SECOND);
        assert_eq!(a.wait_for_signal(), KILL);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn it_counts_towards_the_limit_of_the_group() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let within = |group: Group<O>| group.stop_within(4 * SECOND);
        let (group, a) = delayed::<O>(&clock, |member| member, within);
        group.signal(TERM);
        // A tenth of the limit is kept back. What the member hears first is KILL.
        assert_eq!(clock.advance_to_next(), Duration::from_millis(3600));
        assert_eq!(a.wait_for_signal(), KILL);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}
