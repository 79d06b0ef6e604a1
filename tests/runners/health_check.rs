//! Asking again and again whether something is well.

use std::time::Duration;

use ifrit::runners::{HealthCheck, Unhealthy};
use ifrit::testing::{Harness, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

const PERIOD: Duration = Duration::from_secs(10);

/// Checks that succeed or fail so, one after the other, and succeed from then on.
fn answers(answers: &[bool]) -> HealthCheck<impl FnMut() -> ifrit::Result + Send + use<>> {
    let mut answers = Vec::from(answers).into_iter();
    HealthCheck::new(PERIOD, move || match answers.next() {
        Some(false) => Err("refused".into()),
        _ => Ok(()),
    })
}

#[test]
fn it_is_ready_and_up_when_a_check_has_succeeded() {
    let clock = ManualClock::new();
    let check = answers(&[false, false, true]).retries(9);
    let health = check.health();
    let process = on(&clock, check);
    for _ in 0..2 {
        clock.wait_for_timers(1);
        assert!(!process.is_ready() && !health.is_up());
        assert_eq!(clock.advance_to_next(), PERIOD);
    }
    process.expect_ready();
    assert!(health.is_up());
    process.interrupt().unwrap();
    assert!(!health.is_up());
}

#[test]
fn so_many_failures_in_a_row_are_its_exit() {
    let clock = ManualClock::new();
    let check = answers(&[true, false, false, true, false, false, false]);
    let health = check.health();
    let process = on(&clock, check);
    let events = process.events();
    for _ in 0..6 {
        clock.advance_to_next();
    }
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.downcast_ref::<Unhealthy>().unwrap().failures(), 3);
    assert_eq!(error.to_string(), "down, 3 checks in a row failed: refused");
    assert!(!health.is_up());
    let notes: Vec<_> = (0..5).map(|_| next_note(&events)).collect();
    assert_eq!(
        notes,
        [
            "a check failed (1 of 3): refused",
            "a check failed (2 of 3): refused",
            "a check failed (1 of 3): refused",
            "a check failed (2 of 3): refused",
            "down: refused"
        ]
    );
}

#[test]
fn one_that_only_reports_goes_on_and_says_when_it_is_up_again() {
    let clock = ManualClock::new();
    let check = answers(&[false, false, false, true])
        .retries(2)
        .only_reports();
    let health = check.health();
    let process = on(&clock, check);
    process.expect_ready();
    let events = process.events();
    for _ in 0..3 {
        clock.advance_to_next();
    }
    clock.wait_for_timers(1);
    assert!(health.is_up());
    let notes: Vec<_> = (0..3).map(|_| next_note(&events)).collect();
    assert_eq!(
        notes,
        [
            "a check failed (1 of 2): refused",
            "down: refused",
            "up again, after 20 s"
        ]
    );
    process.interrupt().unwrap();
}

#[test]
fn failures_of_the_start_count_when_its_grace_is_over() {
    let clock = ManualClock::new();
    let check = answers(&[false; 9]).retries(2).start_grace(PERIOD * 2);
    let process = on(&clock, check);
    let events = process.events();
    for _ in 0..3 {
        clock.advance_to_next();
    }
    assert!(process.expect_exit().is_err());
    let notes: Vec<_> = (0..4).map(|_| next_note(&events)).collect();
    assert_eq!(
        notes,
        [
            "not up yet: refused",
            "not up yet: refused",
            "a check failed (1 of 2): refused",
            "down: refused"
        ]
    );
}

#[test]
fn the_grace_ends_with_the_first_success() {
    let clock = ManualClock::new();
    let check = answers(&[true, false]).retries(1).start_grace(PERIOD * 9);
    let process = on(&clock, check);
    clock.advance_to_next();
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "down, a check failed: refused");
}

#[test]
fn a_check_that_takes_too_long_has_failed_and_that_is_noted_when_its_limit_is_over() {
    let clock = ManualClock::new();
    let by_hand = clock.clone();
    let check = HealthCheck::new(PERIOD, move || {
        by_hand.advance(SECOND * 3);
        Ok(())
    });
    let process = on(&clock, check.check_within(SECOND * 2).retries(1));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(
        error.to_string(),
        "down, a check failed: it took longer than 2s"
    );
    let events = process.events();
    assert_eq!(next_note(&events), "the check has not answered within 2s");
}

#[test]
fn a_check_that_answers_within_its_limit_is_well() {
    let clock = ManualClock::new();
    let by_hand = clock.clone();
    let check = HealthCheck::new(PERIOD, move || {
        by_hand.advance(SECOND * 2);
        Ok(())
    });
    let process = on(&clock, check.check_within(SECOND * 3).retries(1));
    process.expect_ready();
    process.interrupt().unwrap();
}

#[test]
fn a_fatal_error_and_a_panic_are_the_exit_at_once() {
    let fatal = HealthCheck::new(PERIOD, || Err(ifrit::fatal("the disk is gone")));
    let error = ifrit::background(fatal.only_reports())
        .expect_exit()
        .unwrap_err();
    assert!(error.is_fatal());
    let panics = HealthCheck::new(PERIOD, || panic!("bug"));
    let exit = ifrit::background(panics.only_reports()).expect_exit();
    assert!(matches!(exit, Err(Error::Panicked(_))));
}

#[test]
fn it_ends_its_group_and_each_run_begins_anew() {
    let clock = ManualClock::new();
    let check = answers(&[false, false, true]).retries(1);
    let process = on(&clock, again(check));
    process.expect_ready(); // in its third run
    process.interrupt().unwrap();

    let members = Members::new()
        .add("db", ifrit::runners::Noop)
        .add("check", answers(&[false]).retries(1));
    let error = ifrit::background(Parallel::new(members))
        .expect_exit()
        .unwrap_err();
    assert!(error.downcast_ref::<Unhealthy>().is_some());
}

#[test]
fn zeros_are_refused_before_the_first_check() {
    type Check = HealthCheck<fn() -> ifrit::Result>;
    let never: fn() -> ifrit::Result = || panic!("never");
    let checks: [(&str, Check); 3] = [
        ("period", HealthCheck::new(Duration::ZERO, never)),
        ("retries", HealthCheck::new(PERIOD, never).retries(0)),
        (
            "check_within",
            HealthCheck::new(PERIOD, never).check_within(Duration::ZERO),
        ),
    ];
    for (name, mut check) in checks {
        let exit = Harness::new().run(&mut check).exit;
        assert!(
            matches!(exit, Err(Error::ZeroDeadline { option, .. }) if option == name),
            "{name}"
        );
    }
}

#[test]
fn times_beyond_time_never_come() {
    let mut check = HealthCheck::new(Duration::MAX, || Ok(()))
        .check_within(Duration::MAX)
        .start_grace(Duration::MAX);
    let outcome = Harness::new().signal(Signal::TERMINATE).run(&mut check);
    assert!(outcome.exit.is_ok() && outcome.ready);
}

#[test]
fn its_plan_says_what_has_been_set() {
    let check = answers(&[]).check_within(SECOND);
    assert_eq!(
        check.plan().to_string(),
        "health check (every 10s, down after 3 failures, check 1s)"
    );
}
