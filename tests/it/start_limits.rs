//! The time a whole group has to become ready, and how it shrinks on its way down a tree, on a clock moved by hand.

use std::time::Duration;

use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{
    Error, Process, Signal,
    grouper::{Members, Ordered},
};

use crate::support::{deep, on};

const SECOND: Duration = Duration::from_secs(1);
const INT: Signal = Signal::INTERRUPT;

#[test]
fn a_group_that_is_not_ready_in_time_names_who_is_slow() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let members = Members::new().add("a", a.clone()).add("b", b.clone());
    let group = on(&clock, Ordered::new(members).start_within(100 * SECOND));
    let a = a.wait_for_call();
    clock.wait_for_timers(1);
    clock.advance(60 * SECOND);
    a.trigger_ready();
    let b = b.wait_for_call();
    clock.wait_for_timers(1);
    assert_eq!(clock.advance_to_next(), 40 * SECOND);
    assert_eq!(b.wait_for_signal(), INT);
    b.trigger_exit(Ok(()));
    assert_eq!(a.wait_for_signal(), INT);
    a.trigger_exit(Ok(()));
    let error = group.expect_exit().unwrap_err();
    let Error::StartTimeout { name, after, .. } = error.root_cause() else {
        panic!("{error}")
    };
    assert_eq!((name.as_str(), *after), ("b", 100 * SECOND));
}

#[test]
fn a_start_limit_shrinks_on_its_way_down_and_names_the_leaf() {
    let by_the_group =
        |group: Ordered, clock: &ManualClock| on(clock, group.start_within(100 * SECOND));
    let by_its_process = |group: Ordered, clock: &ManualClock| {
        let builder = Process::builder().clock(clock.clock());
        builder.start_within(100 * SECOND).background(group)
    };
    // Each level watches over what it has started, and in the second case the process over all.
    let cases: [(fn(_, &_) -> _, usize, u32); 2] = [(by_the_group, 3, 98), (by_its_process, 4, 97)];
    for (start, watches, told_after) in cases {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let group = start(deep(&fake), &clock);
        let leaf = fake.wait_for_call();
        clock.wait_for_timers(watches);
        assert_eq!(clock.advance_to_next(), told_after * SECOND);
        assert_eq!(leaf.wait_for_signal(), INT);
        leaf.trigger_exit(Err("slow".into()));
        // The error shows the limit that was set, and not what is left of it three groups down.
        let error = group.expect_exit().unwrap_err();
        let Error::StartTimeout { name, after, .. } = error.root_cause() else {
            panic!("{error}")
        };
        assert_eq!((name.as_str(), *after), ("leaf", 100 * SECOND));
    }
}

#[test]
fn a_start_that_does_not_even_stop_names_who_is_stuck_three_groups_down() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let group = on(&clock, deep(&fake).start_within(100 * SECOND));
    let leaf = fake.wait_for_call();
    clock.wait_for_timers(3);
    // The leaf is told INT, KILL, and is given up, while the groups above it have a second each to say so.
    clock.advance(100 * SECOND);
    let error = group.expect_exit().unwrap_err();
    let stuck: Vec<_> = error.stuck().iter().map(|stuck| &*stuck.name).collect();
    assert_eq!(stuck, ["leaf"]);
    leaf.trigger_exit(Ok(()));
}
