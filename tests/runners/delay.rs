//! A while between "take no more" and "stop".

use std::time::Duration;

use ifrit::runners::{Delay, Noop};
use ifrit::testing::{FakeRunner, Harness, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

const DELAY: Duration = Duration::from_secs(5);

/// A run behind a delay, on a clock moved by hand.
fn behind(
    delay: Delay<FakeRunner>,
    fake: &FakeRunner,
) -> (ManualClock, Process, ifrit::testing::Call) {
    let clock = ManualClock::new();
    let process = on(&clock, delay);
    let call = up(fake);
    (clock, process, call)
}

#[test]
fn a_stop_is_handed_on_after_the_delay() {
    for stop in STOPS {
        let fake = FakeRunner::new();
        let (clock, process, call) = behind(Delay::new(fake.clone(), DELAY), &fake);
        process.signal(stop);
        clock.advance(DELAY - Duration::from_nanos(1));
        assert_eq!(unread(&call), []);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(unread(&call), [stop]);
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
    }
}

#[test]
fn notifications_pass_at_once() {
    let fake = FakeRunner::new();
    let (_clock, process, call) = behind(Delay::new(fake.clone(), DELAY), &fake);
    process.signal(Signal::HANGUP);
    assert_eq!(unread(&call), [Signal::HANGUP]);
    process.signal(Signal::TERMINATE);
    process.signal(Signal::HANGUP);
    assert_eq!(unread(&call), [Signal::HANGUP]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn what_is_told_first_comes_at_once_and_once() {
    let fake = FakeRunner::new();
    let delay = Delay::new(fake.clone(), DELAY).tell_first(Signal::USER2);
    let (clock, process, call) = behind(delay, &fake);
    process.signal(Signal::TERMINATE);
    assert_eq!(unread(&call), [Signal::USER2]);
    process.signal(Signal::INTERRUPT);
    assert_eq!(unread(&call), []);
    clock.advance(DELAY);
    assert_eq!(unread(&call), [Signal::INTERRUPT]); // the latest
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn kill_cuts_it_and_what_was_held_back_is_gone() {
    let fake = FakeRunner::new();
    let (clock, process, call) = behind(Delay::new(fake.clone(), DELAY), &fake);
    process.signal(Signal::TERMINATE);
    process.signal(Signal::KILL);
    assert_eq!(unread(&call), [Signal::KILL]);
    clock.advance(DELAY * 2);
    process.signal(Signal::QUIT);
    assert_eq!(unread(&call), [Signal::QUIT]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn the_limit_of_the_stop_includes_it() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = Process::builder()
        .clock(clock.clock())
        .stop_within(SECOND)
        .background(Delay::new(fake.clone(), DELAY));
    let call = up(&fake);
    process.signal(Signal::TERMINATE);
    clock.advance(SECOND - SECOND / 10);
    assert_eq!(unread(&call), [Signal::KILL]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_runner_that_ends_during_the_delay_has_ended_and_is_not_restarted() {
    let fake = FakeRunner::new();
    let clock = ManualClock::new();
    let process = on(&clock, Delay::new(again(fake.clone()), DELAY));
    let call = up(&fake);
    process.signal(Signal::TERMINATE);
    call.trigger_exit(Err("broken".into()));
    assert!(process.expect_exit().is_err());
    assert_eq!(fake.calls(), 1);
    clock.advance(DELAY);
}

#[test]
fn a_stop_that_is_held_back_is_heard_around_it() {
    // The run returns during the delay; what stands around it reads the stop.
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let mut delay = Delay::new(fake.clone(), DELAY);
    let outer = ifrit::run_fn(move |signals: Receiver<Signal>, ready| {
        delay.run(signals.clone(), ready)?;
        assert_eq!(signals.try_recv(), Ok(Signal::TERMINATE));
        Ok(())
    });
    let process = on(&clock, outer);
    let call = up(&fake);
    process.signal(Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_stop_that_came_before_it_ran_begins_the_delay() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let mut delay = Delay::new(fake.clone(), DELAY);
    let outer = ifrit::run_fn(move |signals: Receiver<Signal>, ready| {
        while signals.is_empty() {
            std::thread::yield_now();
        }
        delay.run(signals, ready)
    });
    let process = on(&clock, outer);
    process.signal(Signal::TERMINATE);
    let call = up(&fake);
    assert_eq!(unread(&call), []);
    clock.advance(DELAY);
    assert_eq!(unread(&call), [Signal::TERMINATE]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn delays_in_each_other_add_up() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let inner = Delay::new(fake.clone(), DELAY);
    let process = on(&clock, Delay::new(inner, DELAY));
    let call = up(&fake);
    process.signal(Signal::TERMINATE);
    clock.advance(DELAY);
    assert_eq!(unread(&call), []);
    clock.advance(DELAY);
    assert_eq!(unread(&call), [Signal::TERMINATE]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn no_delay_is_none_and_one_beyond_time_waits_for_kill() {
    let fake = FakeRunner::new();
    let (_clock, process, call) = behind(Delay::new(fake.clone(), Duration::ZERO), &fake);
    process.signal(Signal::TERMINATE);
    assert_eq!(unread(&call), [Signal::TERMINATE]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();

    let fake = FakeRunner::new();
    let (_clock, process, call) = behind(Delay::new(fake.clone(), Duration::MAX), &fake);
    process.signal(Signal::TERMINATE);
    assert_eq!(unread(&call), []);
    process.signal(Signal::KILL);
    assert_eq!(unread(&call), [Signal::KILL]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_stop_signal_to_be_told_first_is_refused() {
    let mut delay = Delay::new(FakeRunner::new(), DELAY).tell_first(Signal::TERMINATE);
    let outcome = Harness::new().run(&mut delay);
    assert!(matches!(
        outcome.exit,
        Err(Error::UncatchableSignal(Signal::TERMINATE))
    ));
}

#[test]
fn each_run_has_a_delay_of_its_own() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, again(Delay::new(fake.clone(), DELAY)));
    up(&fake).trigger_exit(Err("again".into()));
    let call = up(&fake);
    process.signal(Signal::TERMINATE);
    assert_eq!(unread(&call), []);
    clock.advance(DELAY);
    assert_eq!(unread(&call), [Signal::TERMINATE]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn its_plan_says_how_long() {
    let delay = Delay::new(Noop, DELAY).tell_first(Signal::USER2);
    assert_eq!(
        delay.plan().to_string(),
        "delay (stop after 5s, SIGUSR2 at once)\n└─ noop"
    );
}
