//! A set-up step that is tried again.

use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ifrit::restart::Backoff;
use ifrit::runners::Retry;
use ifrit::testing::{Harness, ManualClock, PATIENCE, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

fn backoff() -> Backoff {
    Backoff::exponential(SECOND, SECOND * 3)
}

/// A step that fails so often, and tells each attempt.
fn fails(times: usize) -> (impl FnMut() -> ifrit::Result + Send, Receiver<usize>) {
    let (tell, told): (Sender<usize>, _) = unbounded();
    let mut attempts = 0;
    let step = move || {
        attempts += 1;
        tell.send(attempts)?;
        match attempts > times {
            true => Ok(()),
            false => Err("refused".into()),
        }
    };
    (step, told)
}

#[test]
fn it_is_tried_after_the_delays_of_the_backoff_until_it_succeeds() {
    let (clock, (step, told)) = (ManualClock::new(), fails(4));
    let process = on(&clock, Retry::new(step).backoff(backoff()));
    let begin = clock.now();
    for attempt in 1..=4 {
        assert_eq!(told.recv_timeout(PATIENCE), Ok(attempt));
        clock.advance_to_next();
    }
    assert_eq!(told.recv_timeout(PATIENCE), Ok(5));
    assert_eq!(clock.now() - begin, SECOND * (1 + 2 + 3 + 3));
    process.expect_exit().unwrap();
    assert!(process.is_ready());
}

#[test]
fn each_failure_is_noted() {
    let (clock, (step, _told)) = (ManualClock::new(), fails(2));
    let process = on(&clock, Retry::new(step).backoff(backoff()).attempts(5));
    let events = process.events();
    clock.advance_to_next();
    clock.advance_to_next();
    process.expect_exit().unwrap();
    assert_eq!(
        next_note(&events),
        "attempt 1 of 5 failed, the next in 1 s: refused"
    );
    assert_eq!(
        next_note(&events),
        "attempt 2 of 5 failed, the next in 2 s: refused"
    );
}

#[test]
fn the_error_of_the_last_attempt_is_the_exit() {
    let (step, told) = fails(9);
    let mut retry = Retry::new(step).backoff(Backoff::none()).attempts(3);
    let (_keep, signals) = unbounded();
    let (ready, is_ready) = ifrit::ready_channel();
    let error = retry.run(signals, ready).unwrap_err();
    assert_eq!(error.to_string(), "refused");
    assert_eq!(told.len(), 3);
    assert!(matches!(
        is_ready.try_recv(),
        Err(ifrit::crossbeam_channel::TryRecvError::Empty)
    ));
}

#[test]
fn a_fatal_error_and_a_panic_are_the_exit_at_once() {
    let process = ifrit::background(Retry::new(|| -> ifrit::Result {
        Err(ifrit::fatal("no such user"))
    }));
    assert!(process.expect_exit().unwrap_err().is_fatal());
    let process = ifrit::background(Retry::new(|| -> ifrit::Result { panic!("bug") }));
    assert!(matches!(process.expect_exit(), Err(Error::Panicked(_))));
}

#[test]
fn a_stop_ends_the_wait_and_the_exit_is_ok() {
    for stop in STOPS.into_iter().chain([Signal::KILL]) {
        let (clock, (step, told)) = (ManualClock::new(), fails(9));
        let process = on(&clock, Retry::new(step).backoff(backoff()));
        clock.wait_for_timers(1);
        process.signal(Signal::HANGUP);
        process.signal(stop);
        process.expect_exit().unwrap();
        assert_eq!(told.len(), 1);
        assert!(!process.is_ready());
    }
}

#[test]
fn inside_of_a_runner_it_returns_what_the_step_has_made() {
    let mut numbers = vec![Err("not yet"), Ok(7)].into_iter();
    let mut retry = Retry::new(move || match numbers.next() {
        Some(number) => Ok(number?),
        None => Err("no more".into()),
    });
    retry = retry.backoff(Backoff::none()).attempts(2);
    let (_keep, signals) = bounded(1);
    assert_eq!(retry.until_done(&signals).unwrap(), Some(7));
    assert!(retry.until_done(&signals).is_err());
}

#[test]
fn each_run_begins_with_the_first_delay() {
    let clock = ManualClock::new();
    let (tell, told) = unbounded();
    let retry = Retry::new(move || -> ifrit::Result {
        tell.send(())?;
        Err("refused".into())
    });
    let process = on(&clock, again(retry.backoff(backoff()).attempts(2)));
    for _ in 0..3 {
        told.recv_timeout(PATIENCE).unwrap();
        assert_eq!(clock.advance_to_next(), SECOND);
        told.recv_timeout(PATIENCE).unwrap();
    }
    told.recv_timeout(PATIENCE).unwrap(); // the next run, which waits
    process.interrupt().unwrap();
}

#[test]
fn what_makes_no_sense_is_refused_before_the_first_attempt() {
    let never = || -> ifrit::Result { panic!("never") };
    let exit = |mut retry: Retry<fn() -> ifrit::Result>| Harness::new().run(&mut retry).exit;
    assert!(matches!(
        exit(Retry::new(never as fn() -> ifrit::Result).attempts(0)),
        Err(Error::ZeroDeadline {
            option: "attempts",
            ..
        })
    ));
    let invalid = Backoff::exponential(Duration::ZERO, SECOND);
    assert!(matches!(
        exit(Retry::new(never as fn() -> ifrit::Result).backoff(invalid)),
        Err(Error::InvalidBackoff(_))
    ));
}

#[test]
fn its_plan_says_how_often() {
    let retry = Retry::new(|| Ok(()));
    assert_eq!(retry.plan().to_string(), "retry");
    assert_eq!(retry.attempts(3).plan().to_string(), "retry (3 attempts)");
}
