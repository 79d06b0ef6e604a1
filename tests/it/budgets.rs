//! The time a whole group has to stop, and how it shrinks on its way down a tree, on a clock moved by hand.

use std::time::Duration;

use ifrit::testing::{Call, FakeRunner, ManualClock, Waiting};
use ifrit::{
    Error, Process, Signal,
    error::Cause,
    grouper::{Group, Member, Members, Order, Ordered, Parallel, QueueOrdered},
};

use crate::support::{
    causes, deep, end, fakes, heard, mark, on_every_kind, running_on, trace_of, up,
};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const INT: Signal = Signal::INTERRUPT;
const TERM: Signal = Signal::TERMINATE;
const KILL: Signal = Signal::KILL;

/// Calls `stop` from another thread.
fn stop_in_background(process: &Process, signal: Signal, within: Duration) -> Process {
    let process = process.clone();
    ifrit::background(ifrit::run_fn(move |_, _| Ok(process.stop(signal, within)?)))
}

/// The leaf was given up by its own group, and every group above said so in time.
fn names_the_leaf(error: &Error) {
    let stuck: Vec<_> = error.stuck().iter().map(|stuck| &*stuck.name).collect();
    assert_eq!(stuck, ["leaf"]);
    let mid = trace_of(Err(error.clone()));
    let inner = trace_of(mid[0].exit.clone());
    let leaf = trace_of(inner[0].exit.clone());
    assert_eq!(causes(&mid), [("mid", Cause::Stopped)]);
    assert_eq!(causes(&inner), [("inner", Cause::Stopped)]);
    assert_eq!(causes(&leaf), [("leaf", Cause::Abandoned)]);
}

#[test]
fn a_stop_from_outside_names_who_is_stuck_three_groups_down() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let (group, [leaf]) = running_on(&clock, deep(&fake), &[fake]);
    let start = clock.now();
    let stopping = stop_in_background(&group, TERM, 100 * SECOND);
    assert_eq!(leaf.wait_for_signal(), TERM);
    clock.wait_for_timers(4); // of the three groups and the caller
    assert_eq!(clock.advance_to_next(), 96 * SECOND);
    assert_eq!(leaf.wait_for_signal(), KILL);
    clock.wait_for_timers(4);
    assert_eq!(clock.advance_to_next(), SECOND);
    names_the_leaf(&stopping.expect_exit().unwrap_err());
    assert_eq!(clock.now() - start, 97 * SECOND);
    leaf.trigger_exit(Ok(()));
}

#[test]
fn the_limit_of_a_group_names_who_is_stuck_three_groups_down() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let group = deep(&fake).stop_within(100 * SECOND);
    let (group, [leaf]) = running_on(&clock, group, &[fake]);
    group.signal(TERM);
    assert_eq!(leaf.wait_for_signal(), TERM);
    clock.wait_for_timers(3);
    assert_eq!(clock.advance_to_next(), 97 * SECOND);
    assert_eq!(leaf.wait_for_signal(), KILL);
    clock.wait_for_timers(3);
    assert_eq!(clock.advance_to_next(), SECOND);
    names_the_leaf(&group.expect_exit().unwrap_err());
    leaf.trigger_exit(Ok(()));
}

#[test]
fn of_little_time_a_tenth_is_kept_back_at_each_level() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let (group, [leaf]) = running_on(&clock, deep(&fake), &[fake]);
    let stopping = stop_in_background(&group, TERM, SECOND);
    assert_eq!(leaf.wait_for_signal(), TERM);
    // The groups are over at 900, 810 and 729 ms, and a tenth before that the inner one tells KILL.
    for after in [656_100, 72_900] {
        clock.wait_for_timers(4);
        assert_eq!(clock.advance_to_next(), Duration::from_micros(after));
    }
    assert_eq!(leaf.wait_for_signal(), KILL);
    names_the_leaf(&stopping.expect_exit().unwrap_err());
    leaf.trigger_exit(Ok(()));
}

#[test]
fn the_limit_of_a_group_bounds_a_stop_that_begins_three_groups_down() {
    let clock = ManualClock::new();
    let ([stuck, crashing], inner) = fakes();
    let mid = QueueOrdered::new(Members::new().add("inner", Parallel::new(inner)));
    let group = Ordered::new(Members::new().add("mid", mid)).stop_within(100 * SECOND);
    let (group, [stuck, crashing]) = running_on(&clock, group, &[stuck, crashing]);
    crashing.trigger_exit(Err("lost".into()));
    assert_eq!(stuck.wait_for_signal(), INT);
    assert_eq!(clock.advance_to_next(), 97 * SECOND);
    assert_eq!(stuck.wait_for_signal(), KILL);
    assert_eq!(clock.advance_to_next(), SECOND);
    let error = group.expect_exit().unwrap_err();
    assert_eq!(error.stuck().len(), 1);
    assert_eq!(error.root_cause().to_string(), "lost");
    stuck.trigger_exit(Ok(()));
}

/// A group of `a` with a limit of 100 s, which has been told to stop.
fn stopping<O: Order>(clock: &ManualClock) -> (Process, Call) {
    let fake = FakeRunner::new();
    let group = Group::<O>::new([Member::new("a", fake.clone())]);
    let (group, [a]) = running_on(clock, group.stop_within(100 * SECOND), &[fake]);
    group.signal(TERM);
    assert_eq!(a.wait_for_signal(), TERM);
    (group, a)
}

#[test]
fn a_shorter_limit_that_comes_later_tightens_a_stop_under_way() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (group, a) = stopping::<O>(&clock);
        let stopper = stop_in_background(&group, INT, 10 * SECOND);
        assert_eq!(a.wait_for_signal(), INT);
        clock.wait_for_timers(2);
        assert_eq!(clock.advance_to_next(), 8_100 * MILLISECOND);
        assert_eq!(a.wait_for_signal(), KILL);
        end(&a, Ok(()));
        assert!(stopper.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_longer_limit_that_comes_later_changes_nothing() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (group, a) = stopping::<O>(&clock);
        let stopper = stop_in_background(&group, INT, 1000 * SECOND);
        assert_eq!(a.wait_for_signal(), INT);
        clock.wait_for_timers(2);
        assert_eq!(clock.advance_to_next(), 99 * SECOND);
        assert_eq!(a.wait_for_signal(), KILL);
        end(&a, Ok(()));
        assert!(stopper.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn further_stop_signals_extend_neither_the_limit_nor_the_grace() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (group, a) = stopping::<O>(&clock);
        clock.advance(60 * SECOND);
        group.signal(INT);
        assert_eq!(a.wait_for_signal(), INT);
        assert_eq!(clock.advance_to_next(), 39 * SECOND);
        assert_eq!(a.wait_for_signal(), KILL);
        clock.wait_for_timers(1);
        clock.advance(SECOND / 2);
        for signal in [TERM, KILL] {
            group.signal(signal);
            assert_eq!(a.wait_for_signal(), signal);
        }
        assert_eq!(clock.advance_to_next(), SECOND / 2);
        let error = group.expect_exit().unwrap_err();
        assert_eq!(error.stuck()[0].name, "a");
        a.trigger_exit(Ok(()));
    }
    on_every_kind!(check);
}

#[test]
fn a_parallel_group_kills_all_before_the_end_of_its_limit_and_they_share_one_grace() {
    let clock = ManualClock::new();
    let (fakes, members) = fakes::<3>();
    let group = Parallel::new(members).stop_within(100 * SECOND);
    let (group, calls) = running_on(&clock, group, &fakes);
    group.signal(TERM);
    mark(&group);
    for call in &calls {
        assert_eq!(heard(call), [TERM]);
    }
    assert_eq!(clock.advance_to_next(), 99 * SECOND);
    for call in &calls {
        assert_eq!(call.wait_for_signal(), KILL);
    }
    assert_eq!(clock.advance_to_next(), SECOND);
    let trace = trace_of(group.expect_exit());
    assert!(trace.iter().all(|exit| exit.cause == Cause::Abandoned));
    assert_eq!(trace.len(), 3);
    for call in calls {
        call.trigger_exit(Ok(()));
    }
}

/// `db` and `web`, of which `web` is stopped first and never returns.
fn deaf_web(limit: Duration, web_alone: Option<Duration>) -> (ManualClock, Process, [Call; 2]) {
    let clock = ManualClock::new();
    let (db, web) = (FakeRunner::new(), FakeRunner::new());
    let mut member = Member::new("web", web.clone());
    if let Some(limit) = web_alone {
        member = member.stop_within(limit);
    }
    let group = Ordered::new([Member::new("db", db.clone()), member]).stop_within(limit);
    let (group, calls) = running_on(&clock, group, &[db, web]);
    group.signal(TERM);
    assert_eq!(calls[1].wait_for_signal(), TERM);
    (clock, group, calls)
}

#[test]
fn in_an_ordered_stop_a_deaf_member_leaves_the_others_time_to_be_told() {
    for (limit, kill_at, given_up, kill_db_at) in [
        (SECOND, 810, 900, 990),
        (25 * SECOND, 23_000, 24_000, 24_900),
    ] {
        let (clock, group, [db, web]) = deaf_web(limit, None);
        assert_eq!(clock.advance_to_next(), kill_at * MILLISECOND);
        assert_eq!(web.wait_for_signal(), KILL);
        assert_eq!(clock.advance_to_next(), (given_up - kill_at) * MILLISECOND);
        assert_eq!(db.wait_for_signal(), TERM); // and not KILL
        clock.wait_for_timers(1);
        let left = (kill_db_at - given_up) * MILLISECOND;
        assert_eq!(clock.advance_to_next(), left);
        assert_eq!(db.wait_for_signal(), KILL);
        let left = limit - kill_db_at * MILLISECOND;
        assert_eq!(clock.advance_to_next(), left);
        let trace = trace_of(group.expect_exit());
        let expected = [("web", Cause::Abandoned), ("db", Cause::Abandoned)];
        assert_eq!(causes(&trace), expected);
        for call in [db, web] {
            call.trigger_exit(Ok(()));
        }
    }
}

#[test]
fn a_limit_of_the_member_itself_reserves_the_others_more() {
    let (clock, group, [db, web]) = deaf_web(25 * SECOND, Some(10 * SECOND));
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(web.wait_for_signal(), KILL);
    assert_eq!(clock.advance_to_next(), SECOND);
    assert_eq!(db.wait_for_signal(), TERM);
    clock.wait_for_timers(1);
    assert_eq!(clock.advance_to_next(), 14 * SECOND);
    assert_eq!(db.wait_for_signal(), KILL);
    db.trigger_exit(Ok(()));
    assert_eq!(group.expect_exit().unwrap_err().stuck()[0].name, "web");
    web.trigger_exit(Ok(()));
}

#[test]
fn kill_without_any_limit_gives_a_member_the_grace_and_no_more() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let (fakes, members) = fakes::<2>();
        let group = Group::<O>::new(members).kill_grace(5 * SECOND);
        let (group, calls) = running_on(&clock, group, &fakes);
        group.signal(KILL);
        for call in &calls {
            assert_eq!(call.wait_for_signal(), KILL);
        }
        assert_eq!(clock.advance_to_next(), 5 * SECOND);
        assert_eq!(group.expect_exit().unwrap_err().stuck().len(), 2);
        for call in calls {
            call.trigger_exit(Ok(()));
        }
    }
    on_every_kind!(check);
}

#[test]
fn kill_before_the_limit_gives_the_grace_and_not_the_rest_of_the_limit() {
    let clock = ManualClock::new();
    let (group, a) = stopping::<ifrit::grouper::order::Together>(&clock);
    group.signal(KILL);
    assert_eq!(a.wait_for_signal(), KILL);
    clock.wait_for_timers(1);
    assert_eq!(clock.advance_to_next(), SECOND);
    assert_eq!(group.expect_exit().unwrap_err().stuck().len(), 1);
    a.trigger_exit(Ok(()));
}

#[test]
fn after_kill_too_a_nested_group_is_over_before_it_would_be_given_up() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let (group, [leaf]) = running_on(&clock, deep(&fake), &[fake]);
    group.signal(KILL);
    assert_eq!(leaf.wait_for_signal(), KILL);
    clock.wait_for_timers(3);
    // The outer group gives up after a second, the mid one after 900 ms, the inner one after 810.
    assert_eq!(clock.advance_to_next(), 810 * MILLISECOND);
    names_the_leaf(&group.expect_exit().unwrap_err());
    leaf.trigger_exit(Ok(()));
}

#[test]
fn the_lesser_of_a_members_limit_and_that_of_its_group_holds() {
    for (member, group, expected) in [(20, 100, 19), (200, 100, 99)] {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let member = Member::new("a", fake.clone()).stop_within(member * SECOND);
        let group = Parallel::new([member]).stop_within(group * SECOND);
        let (group, [a]) = running_on(&clock, group, &[fake]);
        group.signal(TERM);
        assert_eq!(clock.advance_to_next(), expected * SECOND);
        assert_eq!(a.wait_for_signal(), TERM);
        assert_eq!(a.wait_for_signal(), KILL);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
}

#[test]
fn a_group_not_ready_in_time_knows_how_long_it_has_as_soon_as_it_is_told_to_stop() {
    for _ in 0..200 {
        let (clock, (fakes, members)) = (ManualClock::new(), fakes::<2>());
        let group = Process::builder()
            .clock(clock.clock())
            .start_within(10 * SECOND)
            .background(Parallel::new(members));
        let [a] = up(&[fakes[0].clone()]);
        let slow = fakes[1].wait_for_call();
        mark(&group);
        assert_eq!((heard(&a), heard(&slow)), (vec![], vec![]));
        clock.advance(10 * SECOND);
        end(&slow, Ok(()));
        clock.wait_for_timers(3); // two of the process, for KILL and for giving up, and that of the group
        assert_eq!(a.wait_for_signal(), INT);
        assert_eq!(clock.advance_to_next(), SECOND);
        assert_eq!(a.wait_for_signal(), KILL);
        // The process is over after 2 s, and the group after 1.8 s, by what it was told with INT.
        clock.wait_for_timers(2);
        assert_eq!(clock.advance_to_next(), 800 * MILLISECOND);
        assert_eq!(group.expect_exit().unwrap_err().stuck().len(), 1);
        a.trigger_exit(Ok(()));
    }
}

#[test]
fn limits_without_end_are_harmless() {
    fn check<O: Order>() {
        let endless = Duration::MAX;
        let (fake, delayed) = (FakeRunner::new(), FakeRunner::new());
        let inner = Group::<O>::new([Member::new("leaf", fake.clone())]).kill_grace(endless);
        let inner = Member::new("inner", inner.start_within(endless).stop_within(endless));
        let delaying = Member::new("delayed", delayed.clone()).stop_delay(endless);
        let group = Parallel::new([inner.start_within(endless).stop_within(endless), delaying]);
        let group = group
            .start_within(endless)
            .stop_within(endless)
            .kill_grace(endless);
        let group = Process::builder()
            .start_within(endless)
            .kill_grace(endless)
            .background(group);
        let [leaf, delayed] = up(&[fake, delayed]);
        group.expect_ready();
        let stopper = stop_in_background(&group, TERM, endless);
        assert_eq!(leaf.wait_for_signal(), TERM);
        leaf.trigger_exit(Ok(()));
        mark(&group);
        assert_eq!(heard(&delayed), []); // for ever, or until KILL
        group.signal(KILL);
        assert_eq!(delayed.wait_for_signal(), KILL);
        delayed.trigger_exit(Ok(()));
        assert!(stopper.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn limits_below_a_clocks_smallest_step_still_end_the_stop() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let nanosecond = Duration::from_nanos(1);
    let group = Ordered::new([Member::new("a", fake.clone()).stop_within(nanosecond)]);
    let group = group.stop_within(nanosecond).kill_grace(nanosecond);
    let (group, [a]) = running_on(&clock, group, &[fake]);
    group.signal(TERM);
    assert_eq!(clock.advance_to_next(), nanosecond);
    assert_eq!(group.expect_exit().unwrap_err().stuck()[0].name, "a");
    a.trigger_exit(Ok(()));
}
