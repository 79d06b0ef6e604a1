//! Limits for the start, the run and the stop of one runner.

use std::time::Duration;

use ifrit::runners::{Noop, Timeout};
use ifrit::testing::{Call, FakeRunner, Harness, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

const LIMIT: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_nanos(1);

/// A run within limits, not ready yet, on a clock moved by hand.
fn within(
    limits: impl FnOnce(Timeout<FakeRunner>) -> Timeout<FakeRunner>,
) -> (ManualClock, FakeRunner, Process, Call) {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, limits(Timeout::new(fake.clone())));
    let call = fake.wait_for_call();
    (clock, fake, process, call)
}

#[test]
fn one_that_is_not_ready_in_time_is_stopped_and_has_failed() {
    let (clock, _, process, call) = within(|timeout| timeout.start_within(LIMIT));
    clock.advance(LIMIT - MOMENT);
    assert_eq!(unread(&call), []);
    clock.advance(MOMENT);
    assert_eq!(unread(&call), [Signal::INTERRUPT]);
    call.trigger_ready(); // too late
    call.trigger_exit(Ok(()));
    let error = process.expect_exit().unwrap_err();
    assert!(
        matches!(&error, Error::StartTimeout { after, source: None, .. } if *after == LIMIT),
        "{error}"
    );
    assert!(!process.is_ready());
}

#[test]
fn the_error_has_what_the_run_returned() {
    let (clock, _, process, call) = within(|timeout| timeout.start_within(LIMIT));
    clock.advance(LIMIT);
    call.trigger_exit(Err("no disk".into()));
    let error = process.expect_exit().unwrap_err();
    assert!(error.to_string().contains("no disk"), "{error}");
}

#[test]
fn one_that_is_ready_in_time_is_left_alone() {
    let (clock, _, process, call) = within(|timeout| timeout.start_within(LIMIT));
    call.trigger_ready();
    process.expect_ready();
    clock.advance(LIMIT * 2);
    assert_eq!(unread(&call), []);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn one_that_returns_unready_in_time_has_its_own_exit() {
    let (clock, _, process, call) = within(|timeout| timeout.start_within(LIMIT));
    call.trigger_exit(Err("no disk".into()));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "no disk");
    clock.advance(LIMIT);
}

#[test]
fn one_that_runs_too_long_is_stopped_and_has_failed() {
    let (clock, _, process, call) = within(|timeout| timeout.run_within(LIMIT));
    call.trigger_ready();
    process.expect_ready();
    let events = process.events();
    clock.advance(LIMIT);
    assert_eq!(next_note(&events), "not done within 10s");
    assert_eq!(unread(&call), [Signal::INTERRUPT]);
    call.trigger_exit(Ok(()));
    let error = process.expect_exit().unwrap_err();
    assert!(
        matches!(&error, Error::TimedOut { after, .. } if *after == LIMIT),
        "{error}"
    );
}

#[test]
fn kill_comes_after_the_grace_and_after_it_again_the_process_is_given_up() {
    let (clock, _, process, call) =
        within(|timeout| timeout.run_within(LIMIT).kill_grace(SECOND * 2));
    clock.advance(LIMIT);
    assert_eq!(unread(&call), [Signal::INTERRUPT]);
    clock.advance(SECOND * 2);
    assert_eq!(unread(&call), [Signal::KILL]);
    clock.advance(SECOND * 2);
    let error = process.expect_exit().unwrap_err();
    let Error::Abandoned(stuck) = &error else {
        panic!("{error}")
    };
    assert_eq!(stuck[0].told(), Some(Signal::INTERRUPT));
    assert!(stuck[0].was_killed());
    assert_eq!(stuck[0].limit(), Some(LIMIT));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_stop_because_of_a_limit_keeps_to_the_limit_of_stops() {
    let (clock, _, process, call) =
        within(|timeout| timeout.run_within(LIMIT).stop_within(SECOND * 20));
    clock.advance(LIMIT);
    assert_eq!(unread(&call), [Signal::INTERRUPT]);
    clock.advance(SECOND * 19 - MOMENT);
    assert_eq!(unread(&call), []);
    clock.advance(MOMENT);
    assert_eq!(unread(&call), [Signal::KILL]);
    clock.advance(SECOND);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_stop_from_outside_keeps_to_the_limit_of_stops() {
    let (clock, _, process, call) = within(|timeout| timeout.stop_within(SECOND));
    call.trigger_ready();
    process.signal(Signal::TERMINATE);
    assert_eq!(unread(&call), [Signal::TERMINATE]);
    clock.advance(SECOND - SECOND / 10);
    assert_eq!(unread(&call), [Signal::KILL]);
    clock.advance(SECOND / 10);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_limit_that_is_over_during_a_stop_leads_to_kill_at_once() {
    let (clock, _, process, call) = within(|timeout| timeout.start_within(LIMIT));
    process.signal(Signal::TERMINATE);
    assert_eq!(unread(&call), [Signal::TERMINATE]);
    clock.advance(LIMIT);
    assert_eq!(unread(&call), [Signal::KILL]);
    clock.advance(SECOND);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_restarter_around_it_runs_it_again_and_the_next_run_hears_nothing_of_the_stop() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let timeout = Timeout::new(fake.clone()).run_within(LIMIT);
    let process = on(&clock, again(timeout));
    for _ in 0..3 {
        let call = up(&fake);
        clock.advance(LIMIT);
        // It does not read the stop, and returns all the same.
        call.trigger_exit(Ok(()));
    }
    let call = up(&fake);
    assert_eq!(unread(&call), []);
    clock.advance(LIMIT - MOMENT);
    assert_eq!(unread(&call), []);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_restarter_inside_does_not_go_on() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let timeout = Timeout::new(again(fake.clone())).run_within(LIMIT);
    let process = on(&clock, timeout);
    up(&fake).trigger_exit(Err("broken".into()));
    let call = up(&fake);
    clock.advance(LIMIT);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    call.trigger_exit(Err("broken again".into()));
    assert!(matches!(process.expect_exit(), Err(Error::TimedOut { .. })));
    assert_eq!(fake.calls(), 2);
}

#[test]
fn a_group_inside_is_stopped_and_names_who_is_stuck_within_the_limit() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let group = Ordered::new(Members::new().add("deaf", fake.clone()));
    let timeout = Timeout::new(group).run_within(LIMIT).stop_within(LIMIT);
    let process = on(&clock, timeout);
    let call = up(&fake);
    process.expect_ready();
    clock.advance(LIMIT);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    while process.join_timeout(Duration::from_millis(5)).is_none() {
        clock.advance(SECOND / 10);
    }
    let error = process.expect_exit().unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("deaf"), "{error}");
    call.trigger_exit(Ok(()));
}

#[test]
fn limits_of_zero_are_refused_and_those_beyond_time_are_none() {
    type Set = fn(Timeout<FakeRunner>, Duration) -> Timeout<FakeRunner>;
    let set: [(&str, Set); 3] = [
        ("start_within", Timeout::start_within),
        ("run_within", Timeout::run_within),
        ("stop_within", Timeout::stop_within),
    ];
    for (name, set) in set {
        let fake = FakeRunner::new();
        let mut timeout = set(Timeout::new(fake.clone()), Duration::ZERO);
        let exit = Harness::new().run(&mut timeout).exit;
        assert!(
            matches!(exit, Err(Error::ZeroDeadline { option, .. }) if option == name),
            "{name}"
        );
        assert_eq!(fake.calls(), 0);
        let process = ifrit::background(set(Timeout::new(fake.clone()), Duration::MAX));
        let call = up(&fake);
        process.signal(Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_panic_inside_is_the_exit_and_of_one_that_is_over_its_limit_the_source() {
    let (_, _, process, call) = within(|timeout| timeout.run_within(LIMIT));
    call.trigger_panic("bug");
    assert!(matches!(process.expect_exit(), Err(Error::Panicked(_))));
    let (clock, _, process, call) = within(|timeout| timeout.run_within(LIMIT));
    clock.advance(LIMIT);
    call.trigger_panic("bug");
    let error = process.expect_exit().unwrap_err();
    assert!(error.to_string().contains("bug"), "{error}");
}

#[test]
fn its_plan_has_the_limits_and_foretells_with_them() {
    let timeout = Timeout::new(Noop)
        .start_within(SECOND)
        .run_within(SECOND * 2)
        .stop_within(SECOND * 3);
    let plan = timeout.plan();
    assert_eq!(
        plan.to_string(),
        "timeout (start 1s, run 2s, stop 3s)\n└─ noop"
    );
    assert_eq!(plan.worst_case_start(), Some(SECOND));
    assert_eq!(plan.worst_case_stop(), Some(SECOND * 3));
    let zero = Timeout::new(Noop).start_within(Duration::ZERO).plan();
    assert_eq!(zero.mistakes().len(), 1);
}

#[test]
fn the_end_and_the_limit_race_and_one_of_them_counts() {
    for _ in 0..stress(200) {
        let (clock, _, process, call) = within(|timeout| timeout.run_within(LIMIT));
        std::thread::scope(|scope| {
            scope.spawn(|| clock.advance(LIMIT));
            call.trigger_exit(Ok(()));
        });
        let exit = process.expect_exit();
        assert!(
            matches!(exit, Ok(()) | Err(Error::TimedOut { .. })),
            "{exit:?}"
        );
    }
}

#[test]
fn the_limit_of_the_run_counts_after_that_of_the_start_is_over() {
    let (clock, _, process, call) =
        within(|timeout| timeout.start_within(SECOND).run_within(LIMIT));
    call.trigger_ready();
    process.expect_ready();
    clock.advance(SECOND);
    assert_eq!(unread(&call), []);
    clock.advance(LIMIT - SECOND - MOMENT);
    assert_eq!(unread(&call), []);
    clock.advance(MOMENT);
    assert_eq!(unread(&call), [Signal::INTERRUPT]);
    call.trigger_exit(Ok(()));
    assert!(matches!(process.expect_exit(), Err(Error::TimedOut { .. })));
}

#[test]
fn with_the_systems_clock_limits_of_no_length_to_speak_of_are_kept_one_after_the_other() {
    for _ in 0..stress(100) {
        let waits = ifrit::run_fn(|signals, ready| {
            ready.notify();
            ifrit::until_stop(&signals);
            Ok(())
        });
        let timeout = Timeout::new(waits)
            .start_within(Duration::from_micros(20))
            .run_within(Duration::from_micros(40));
        let exit = ifrit::background(timeout).expect_exit();
        assert!(
            matches!(
                exit,
                Err(Error::StartTimeout { .. } | Error::TimedOut { .. })
            ),
            "{exit:?}"
        );
    }
}
