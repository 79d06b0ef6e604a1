//! What sigmon does to the process it runs in, on a clock moved by hand. Real signals have a binary of their own.

use std::time::Duration;

use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{Error, Process, Sigmon, Signal};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_stop_is_enforced_whoever_asks_for_it() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let app = Sigmon::new(fake.clone()).stop_within(10 * SECOND);
    let app = Process::builder().clock(clock.clock()).background(app);
    let call = fake.wait_for_call();
    app.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    clock.wait_for_timers(2);
    clock.advance(10 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Ok(()));
    assert!(app.expect_exit().is_ok());
}

#[test]
fn the_grace_says_how_long_after_kill_it_is_given_up() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let app = Sigmon::new(fake.clone())
        .stop_within(10 * SECOND)
        .kill_grace(5 * SECOND);
    let app = Process::builder().clock(clock.clock()).background(app);
    let call = fake.wait_for_call();
    app.signal(Signal::TERMINATE);
    clock.wait_for_timers(2);
    clock.advance(14 * SECOND);
    assert!(app.try_exit().is_none());
    clock.advance(SECOND);
    assert!(matches!(app.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn of_two_limits_one_inside_the_other_the_shorter_counts() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let inner = Sigmon::new(fake.clone())
        .signals([])
        .stop_within(60 * SECOND);
    let app = Sigmon::new(inner).signals([]).stop_within(10 * SECOND);
    let app = Process::builder().clock(clock.clock()).background(app);
    let call = fake.wait_for_call();
    app.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    clock.wait_for_timers(2);
    clock.advance(10 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
}
