//! The time limits of single members, on a clock moved by hand.

use std::time::Duration;

use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{
    Error, Process, Signal,
    error::Cause,
    grouper::{Group, Member, Members, Order, Ordered, Parallel},
};

use crate::support::{
    causes, end, fakes, heard, mark, on, on_every_kind, running_on, trace_of, up,
};

const SECOND: Duration = Duration::from_secs(1);
const INT: Signal = Signal::INTERRUPT;
const TERM: Signal = Signal::TERMINATE;
const KILL: Signal = Signal::KILL;

/// An ordered group of `a`, and of `b` which has 30 s to become ready; a is, and b is called.
fn slow_start(clock: &ManualClock) -> (Process, [ifrit::testing::Call; 2]) {
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Ordered::new([
        Member::new("a", a.clone()),
        Member::new("b", b.clone()).start_within(30 * SECOND),
    ]);
    let group = on(clock, group);
    let [a] = up(&[a]);
    let b = b.wait_for_call();
    assert_eq!(clock.advance_to_next(), 30 * SECOND);
    assert_eq!(b.wait_for_signal(), INT);
    (group, [a, b])
}

fn start_within(trace: &ifrit::error::ExitTrace) -> &Error {
    let initiator = trace.initiator().unwrap();
    assert_eq!(initiator.name, "b");
    let error = initiator.exit.as_ref().unwrap_err();
    assert!(
        matches!(error, Error::StartTimeout { name, after, .. } if name == "b" && *after == 30 * SECOND)
    );
    error
}

#[test]
fn a_member_not_ready_in_time_is_told_to_stop_and_that_stops_the_group() {
    let clock = ManualClock::new();
    let (group, [a, b]) = slow_start(&clock);
    b.trigger_ready(); // too late
    b.trigger_exit(Ok(()));
    assert_eq!(a.wait_for_signal(), INT);
    a.trigger_exit(Ok(()));
    let trace = trace_of(group.expect_exit());
    let error = start_within(&trace);
    assert_eq!(error.to_string(), "b: not ready within 30s");
    assert!(!group.is_ready());
}

#[test]
fn a_member_not_ready_in_time_is_told_kill_after_the_grace_and_its_error_is_kept() {
    let clock = ManualClock::new();
    let (group, [a, b]) = slow_start(&clock);
    clock.advance(SECOND);
    assert_eq!(b.wait_for_signal(), KILL);
    b.trigger_exit(Err("half done".into()));
    assert_eq!(a.wait_for_signal(), INT);
    a.trigger_exit(Ok(()));
    let trace = trace_of(group.expect_exit());
    let error = start_within(&trace);
    assert_eq!(error.to_string(), "b: not ready within 30s: half done");
    assert!(error.stuck().is_empty());
}

#[test]
fn a_member_not_ready_in_time_that_ignores_kill_is_given_up_and_named() {
    let clock = ManualClock::new();
    let (group, [a, b]) = slow_start(&clock);
    clock.advance(2 * SECOND);
    assert_eq!(a.wait_for_signal(), INT);
    b.trigger_ready(); // says nothing any more
    a.trigger_exit(Ok(()));
    let error = group.expect_exit().unwrap_err();
    assert_eq!(error.stuck()[0].name, "b");
    assert!(error.stuck()[0].thread.is_some());
    start_within(&trace_of(Err(error)));
    assert!(!group.is_ready());
    b.trigger_exit(Ok(()));
}

#[test]
fn a_member_that_was_ready_in_time_hears_nothing_of_its_start_limit() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let member = Member::new("a", fake.clone()).start_within(30 * SECOND);
        let (group, [a]) = running_on(&clock, Group::<O>::new([member]), &[fake]);
        clock.advance(300 * SECOND);
        mark(&group);
        assert_eq!(heard(&a), []);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_one_shot_member_has_its_start_limit_for_the_whole_run() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let step = Member::new("step", fake.clone());
    let group = Ordered::new([step.one_shot().start_within(60 * SECOND)]);
    let group = on(&clock, group);
    let step = fake.wait_for_call();
    assert_eq!(clock.advance_to_next(), 60 * SECOND);
    assert_eq!(step.wait_for_signal(), INT);
    step.trigger_exit(Ok(()));
    let error = group.expect_exit().unwrap_err();
    assert!(matches!(error.root_cause(), Error::StartTimeout { .. }));
}

#[test]
fn a_member_told_to_stop_before_its_start_limit_is_over_is_told_kill_at_the_limit() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let member = Member::new("a", fake.clone()).start_within(30 * SECOND);
    let group = on(&clock, Parallel::new([member]));
    let a = fake.wait_for_call();
    clock.wait_for_timers(1);
    group.signal(TERM);
    assert_eq!(a.wait_for_signal(), TERM);
    assert_eq!(clock.advance_to_next(), 30 * SECOND);
    assert_eq!(a.wait_for_signal(), KILL);
    a.trigger_exit(Ok(()));
    let trace = trace_of(group.expect_exit());
    assert_eq!(causes(&trace), [("a", Cause::Stopped)]);
    assert!(matches!(trace[0].exit, Err(Error::StartTimeout { .. })));
}

#[test]
fn a_member_that_does_not_stop_is_told_kill_before_its_limit_and_given_up_at_the_limit() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let member = Member::new("a", fake.clone()).stop_within(10 * SECOND);
        let (group, [a]) = running_on(&clock, Group::<O>::new([member]), &[fake]);
        group.signal(TERM);
        assert_eq!(a.wait_for_signal(), TERM);
        assert_eq!(clock.advance_to_next(), 9 * SECOND);
        assert_eq!(a.wait_for_signal(), KILL);
        assert_eq!(clock.advance_to_next(), SECOND);
        let trace = trace_of(group.expect_exit());
        assert_eq!(causes(&trace), [("a", Cause::Abandoned)]);
        assert_eq!(trace[0].time_to_stop, Some(10 * SECOND));
        assert!(matches!(&trace[0].exit, Err(Error::Abandoned(stuck)) if stuck[0].name == "a"));
        a.trigger_exit(Ok(()));
    }
    on_every_kind!(check);
}

#[test]
fn a_grace_of_its_own_says_when_a_member_is_told_kill_and_given_up() {
    fn check<O: Order>(of_the_group: bool) {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let limit = 100 * SECOND;
        let member = Member::new("a", fake.clone()).kill_grace(2 * SECOND);
        let group = match of_the_group {
            true => Group::<O>::new([member]).stop_within(limit),
            false => Group::<O>::new([member.stop_within(limit)]),
        };
        let (group, [a]) = running_on(&clock, group.kill_grace(SECOND), &[fake]);
        group.signal(TERM);
        assert_eq!(a.wait_for_signal(), TERM);
        assert_eq!(clock.advance_to_next(), 98 * SECOND);
        assert_eq!(a.wait_for_signal(), KILL);
        assert_eq!(clock.advance_to_next(), 2 * SECOND);
        assert_eq!(
            causes(&trace_of(group.expect_exit())),
            [("a", Cause::Abandoned)]
        );
        a.trigger_exit(Ok(()));
    }
    fn check_both<O: Order>() {
        check::<O>(false);
        check::<O>(true);
    }
    on_every_kind!(check_both);
}

#[test]
fn a_grace_shorter_than_that_of_the_group_holds_also_while_the_stop_is_delayed() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let member = Member::new("a", fake.clone()).kill_grace(SECOND);
    let group = Parallel::new([member.stop_delay(10 * SECOND)]);
    let group = group.stop_within(100 * SECOND).kill_grace(5 * SECOND);
    let (group, [a]) = running_on(&clock, group, &[fake]);
    group.signal(TERM);
    assert_eq!(clock.advance_to_next(), 10 * SECOND);
    assert_eq!(a.wait_for_signal(), TERM);
    assert_eq!(clock.advance_to_next(), 89 * SECOND);
    assert_eq!(a.wait_for_signal(), KILL);
    assert_eq!(clock.advance_to_next(), SECOND);
    assert_eq!(
        causes(&trace_of(group.expect_exit())),
        [("a", Cause::Abandoned)]
    );
    a.trigger_exit(Ok(()));
}

#[test]
fn a_kill_that_comes_early_leaves_a_member_its_own_grace() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let member = Member::new("a", fake.clone()).kill_grace(7 * SECOND);
    let (group, [a]) = running_on(&clock, Parallel::new([member]), &[fake]);
    group.signal(KILL);
    assert_eq!(a.wait_for_signal(), KILL);
    assert_eq!(clock.advance_to_next(), 7 * SECOND);
    assert_eq!(
        causes(&trace_of(group.expect_exit())),
        [("a", Cause::Abandoned)]
    );
    a.trigger_exit(Ok(()));
}

#[test]
fn a_member_that_returns_on_kill_is_not_given_up() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let member = Member::new("a", fake.clone()).stop_within(10 * SECOND);
    let (group, [a]) = running_on(&clock, Parallel::new([member]), &[fake]);
    group.signal(TERM);
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(a.wait_for_signal(), TERM);
    assert_eq!(a.wait_for_signal(), KILL);
    end(&a, Ok(()));
    clock.advance(SECOND);
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_stop_limit_counts_from_the_members_own_turn() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Ordered::new([
        Member::new("a", a.clone()).stop_within(10 * SECOND),
        Member::new("b", b.clone()).stop_within(10 * SECOND),
    ]);
    let (group, [a, b]) = running_on(&clock, group, &[a, b]);
    group.signal(TERM);
    assert_eq!(b.wait_for_signal(), TERM);
    clock.advance(7 * SECOND);
    end(&b, Ok(()));
    assert_eq!(a.wait_for_signal(), TERM);
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(a.wait_for_signal(), KILL);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_further_stop_signal_extends_neither_the_limit_nor_the_grace() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let member = Member::new("a", fake.clone()).stop_within(10 * SECOND);
        let (group, [a]) = running_on(&clock, Group::<O>::new([member]), &[fake]);
        group.signal(INT);
        assert_eq!(a.wait_for_signal(), INT);
        clock.advance(6 * SECOND);
        group.signal(TERM);
        assert_eq!(a.wait_for_signal(), TERM);
        assert_eq!(clock.advance_to_next(), 3 * SECOND);
        assert_eq!(a.wait_for_signal(), KILL);

        clock.wait_for_timers(1);
        clock.advance(SECOND / 4);
        for signal in [INT, KILL] {
            group.signal(signal);
            assert_eq!(a.wait_for_signal(), signal);
        }
        assert_eq!(clock.advance_to_next(), 3 * SECOND / 4);
        assert!(group.expect_exit().is_err());
        a.trigger_exit(Ok(()));
    }
    on_every_kind!(check);
}

#[test]
fn a_stop_limit_bounds_a_stop_that_begins_inside_the_member() {
    let clock = ManualClock::new();
    let ([x, y], inner) = fakes();
    let inner = Member::new("inner", Parallel::new(inner)).stop_within(10 * SECOND);
    let (group, [x, y]) = running_on(&clock, Ordered::new([inner]), &[x, y]);
    x.trigger_exit(Err("lost".into()));
    assert_eq!(y.wait_for_signal(), INT);
    // The nested group has 9 s, and so is over before its own member could be given up.
    assert_eq!(clock.advance_to_next(), Duration::from_millis(8_100));
    assert_eq!(y.wait_for_signal(), KILL);
    assert_eq!(clock.advance_to_next(), Duration::from_millis(900));
    let error = group.expect_exit().unwrap_err();
    assert_eq!(error.stuck()[0].name, "b");
    assert_eq!(error.root_cause().to_string(), "lost");
    y.trigger_exit(Ok(()));
}

#[test]
fn a_grace_without_end_is_cut_by_the_limit() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let group = Ordered::new([Member::new("a", fake.clone()).stop_within(SECOND)]);
    let (group, [a]) = running_on(&clock, group.kill_grace(Duration::MAX), &[fake]);
    group.signal(TERM);
    assert_eq!(clock.advance_to_next(), 9 * SECOND / 10);
    assert_eq!(a.wait_for_signal(), TERM);
    assert_eq!(a.wait_for_signal(), KILL);
    assert_eq!(clock.advance_to_next(), SECOND / 10);
    assert_eq!(group.expect_exit().unwrap_err().stuck().len(), 1);
    a.trigger_exit(Ok(()));
}

#[test]
fn the_grace_is_that_of_the_group_or_else_that_of_its_process() {
    let stop = |group: Parallel, process_grace: Duration, expected: Duration| {
        let clock = ManualClock::new();
        let process = Process::builder()
            .clock(clock.clock())
            .kill_grace(process_grace)
            .background(group);
        process.expect_ready();
        process.signal(TERM);
        assert_eq!(clock.advance_to_next(), 100 * SECOND - expected);
        assert_eq!(clock.advance_to_next(), expected);
        assert_eq!(process.expect_exit().unwrap_err().stuck().len(), 1);
    };
    let (release, released) = ifrit::crossbeam_channel::bounded::<()>(0);
    let group = || {
        let released = released.clone();
        let deaf = ifrit::run_fn(move |_, ready| {
            ready.notify();
            let _ = released.recv();
            Ok(())
        });
        Parallel::new([Member::new("deaf", deaf).stop_within(100 * SECOND)])
    };
    stop(group(), 3 * SECOND, 3 * SECOND);
    stop(group().kill_grace(5 * SECOND), 3 * SECOND, 5 * SECOND);
    let nested = Parallel::new(Members::new().add("inner", group()));
    stop(nested.kill_grace(7 * SECOND), 3 * SECOND, 7 * SECOND);
    drop(release);
}
