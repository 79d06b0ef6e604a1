//! Ticks at times of the day.

use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use ifrit::crossbeam_channel::{Receiver, unbounded};
use ifrit::runners::{InvalidCron, Missed, Ticker};
use ifrit::testing::{Harness, ManualClock, PATIENCE, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A time of day in UTC, as the time since 1970.
fn at(time: &str) -> Duration {
    let time = DateTime::parse_from_rfc3339(&format!("2026-12-{time}Z")).unwrap();
    Duration::from_secs(time.timestamp().try_into().unwrap())
}

/// A clock that shows this time of day.
fn clock(time: &str) -> ManualClock {
    let clock = ManualClock::new();
    clock.set_time_of_day(at(time));
    clock
}

/// Work that tells that it was done.
fn work() -> (impl FnMut() -> ifrit::Result + Send, Receiver<()>) {
    let (tell, told) = unbounded();
    (move || Ok(tell.send(())?), told)
}

/// Moves on to the next timer, and says by how much.
fn next(clock: &ManualClock, told: &Receiver<()>) -> Duration {
    let by = clock.advance_to_next();
    told.recv_timeout(PATIENCE).unwrap();
    by
}

#[test]
fn it_ticks_at_the_times_of_the_expression_in_utc() {
    let (clock, (work, told)) = (clock("01T12:00:30"), work());
    let process = on(&clock, Ticker::cron("*/15 * * * *", work).unwrap());
    process.expect_ready();
    assert_eq!(next(&clock, &told), MINUTE * 14 + MINUTE / 2);
    assert_eq!(next(&clock, &told), MINUTE * 15);
    assert_eq!(next(&clock, &told), MINUTE * 15);
    process.interrupt().unwrap();
}

#[test]
fn seconds_may_stand_before_the_minutes() {
    let (clock, (work, told)) = (clock("01T12:00:00"), work());
    let process = on(&clock, Ticker::cron("30 0 * * * *", work).unwrap());
    assert_eq!(next(&clock, &told), MINUTE / 2);
    assert_eq!(next(&clock, &told), HOUR);
    process.interrupt().unwrap();
}

#[test]
fn a_time_that_is_now_is_the_first_tick() {
    let (clock, (work, told)) = (clock("01T12:00:00"), work());
    let process = on(&clock, Ticker::cron("0 12 * * *", work).unwrap());
    told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(&clock, &told), HOUR * 24);
    process.interrupt().unwrap();
}

#[test]
fn a_time_zone_moves_the_times() {
    let (clock, (work, told)) = (clock("01T00:00:00"), work());
    let zone = FixedOffset::east_opt(2 * 3600).unwrap();
    let process = on(&clock, Ticker::cron_in("0 12 * * *", zone, work).unwrap());
    assert_eq!(next(&clock, &told), HOUR * 10);
    process.interrupt().unwrap();
}

#[test]
fn at_once_and_tick_now_come_in_addition() {
    let (clock, (work, told)) = (clock("01T11:00:00"), work());
    let ticker = Ticker::cron("0 12 * * *", work).unwrap().at_once();
    let handle = ticker.handle();
    let process = on(&clock, ticker);
    told.recv_timeout(PATIENCE).unwrap();
    handle.tick_now();
    told.recv_timeout(PATIENCE).unwrap();
    handle.set_interval(SECOND).unwrap(); // which does nothing
    assert_eq!(next(&clock, &told), HOUR);
    process.interrupt().unwrap();
}

#[test]
fn what_a_slow_tick_has_missed_is_left_out_or_made_up_for() {
    for (policy, expected, missed) in [
        (Missed::Skip, [MINUTE / 2, MINUTE], 2),
        (Missed::Delay, [MINUTE / 2, MINUTE], 2),
        (Missed::Burst, [Duration::ZERO, Duration::ZERO], 0),
    ] {
        let (clock, (mut tell, told)) = (clock("01T12:00:00"), work());
        let (by_hand, mut slow) = (clock.clone(), true);
        let ticker = Ticker::cron("* * * * *", move || {
            if std::mem::take(&mut slow) {
                by_hand.advance(MINUTE * 2 + MINUTE / 2);
            }
            tell()
        });
        let ticker = ticker.unwrap().missed(policy);
        let handle = ticker.handle();
        let process = on(&clock, ticker);
        told.recv_timeout(PATIENCE).unwrap();
        for by in expected {
            match by.is_zero() {
                true => told.recv_timeout(PATIENCE).unwrap(),
                false => assert_eq!(next(&clock, &told), by, "{policy:?}"),
            }
        }
        process.interrupt().unwrap();
        assert_eq!(handle.missed(), missed, "{policy:?}");
    }
}

#[test]
fn one_that_is_due_when_the_last_one_ends_is_not_missed() {
    let (clock, (mut tell, told)) = (clock("01T12:00:00"), work());
    let by_hand = clock.clone();
    let ticker = Ticker::cron("* * * * *", move || {
        by_hand.advance(MINUTE);
        tell()
    });
    let ticker = ticker.unwrap();
    let handle = ticker.handle();
    let process = on(&clock, ticker);
    for _ in 0..3 {
        told.recv_timeout(PATIENCE).unwrap();
    }
    process.interrupt().unwrap();
    assert_eq!(handle.missed(), 0);
}

#[test]
fn after_a_small_step_back_it_waits_and_no_time_comes_twice() {
    let (clock, (work, told)) = (clock("01T11:00:00"), work());
    let process = on(&clock, Ticker::cron("0 12 * * *", work).unwrap());
    clock.wait_for_timers(1);
    clock.set_time_of_day(at("01T10:30:00"));
    assert_eq!(clock.advance_to_next(), HOUR); // it is half past eleven
    assert_eq!(next(&clock, &told), HOUR / 2);
    clock.wait_for_timers(1);
    clock.set_time_of_day(at("01T11:59:00"));
    assert_eq!(clock.advance_to_next(), HOUR * 24);
    assert_eq!(next(&clock, &told), MINUTE); // of the next day
    process.interrupt().unwrap();
}

#[test]
fn after_a_long_step_back_the_times_come_anew() {
    let (clock, (work, told)) = (clock("02T11:00:00"), work());
    let process = on(&clock, Ticker::cron("0 12 * * *", work).unwrap());
    clock.wait_for_timers(1);
    clock.set_time_of_day(at("01T07:00:00"));
    assert_eq!(clock.advance_to_next(), HOUR); // it is eight, of the day before
    assert_eq!(next(&clock, &told), HOUR * 4);
    process.interrupt().unwrap();
}

#[test]
fn after_a_step_forward_a_tick_comes_late_and_one_that_is_hours_late_is_left_out() {
    let (clock, (work, told)) = (clock("01T11:00:00"), work());
    let ticker = Ticker::cron("0 12 * * *", work).unwrap();
    let handle = ticker.handle();
    let process = on(&clock, ticker);
    clock.wait_for_timers(1);
    clock.set_time_of_day(at("01T12:30:00"));
    assert_eq!(next(&clock, &told), HOUR); // at half past one
    assert_eq!(handle.missed(), 0);
    clock.wait_for_timers(1);
    clock.set_time_of_day(at("02T13:00:00")); // the timer is due in 22 h and a half
    clock.advance_to_next();
    assert_eq!(next(&clock, &told), HOUR / 2); // at noon of the third
    assert_eq!((handle.ticks(), handle.missed()), (2, 1));
    process.interrupt().unwrap();
}

#[test]
fn an_expression_that_makes_no_sense_is_refused_at_once() {
    for expression in ["", "nonsense", "99 * * * *", "* * * *"] {
        let error = Ticker::cron(expression, || Ok(())).unwrap_err();
        assert_eq!(error.expression, expression);
        assert!(error.to_string().contains("cron expression"), "{error}");
    }
}

#[test]
fn one_that_no_time_matches_fails_the_run() {
    let mut never = Ticker::cron("0 0 30 2 *", || Ok(())).unwrap();
    let error = Harness::new().run(&mut never).exit.unwrap_err();
    let invalid = error.downcast_ref::<InvalidCron>().unwrap();
    assert_eq!(invalid.expression, "0 0 30 2 *");
    assert!(matches!(error, Error::Runner(_)));
}

#[test]
fn a_time_of_day_beyond_the_calendar_is_no_panic() {
    let clock = ManualClock::new();
    clock.set_time_of_day(Duration::MAX);
    let process = on(&clock, Ticker::cron("* * * * *", || Ok(())).unwrap());
    assert!(process.expect_exit().is_err());
}

#[test]
fn its_plan_has_the_expression() {
    let ticker = Ticker::cron("0 3 * * *", || Ok(())).unwrap();
    assert_eq!(ticker.plan().to_string(), "ticker (cron 0 3 * * *)");
}
