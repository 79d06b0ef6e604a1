//! Something to be done at a stop.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ifrit::crossbeam_channel::{bounded, unbounded};
use ifrit::runners::Closer;
use ifrit::testing::{FakeRunner, Harness, ManualClock, PATIENCE, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

#[test]
fn it_is_done_when_the_stop_comes_and_knows_which() {
    for stop in STOPS.into_iter().chain([Signal::KILL]) {
        let mut done = Vec::new();
        let mut closer = Closer::new(|signal| {
            done.push(signal);
            Ok(())
        });
        for _ in 0..2 {
            let outcome = Harness::new()
                .signal(Signal::HANGUP)
                .signal(stop)
                .run(&mut closer);
            assert!(outcome.exit.is_ok() && outcome.ready);
        }
        drop(closer);
        assert_eq!(done, [stop, stop]);
    }
}

#[test]
fn it_waits_for_the_stop() {
    let (tell, told) = unbounded();
    let process = ifrit::invoke(Closer::new(move |_| Ok(tell.send(())?)));
    process.signal(Signal::USER1);
    assert!(process.is_ready() && told.is_empty());
    process.interrupt().unwrap();
    assert_eq!(told.len(), 1);
}

#[test]
fn the_first_member_of_an_ordered_group_closes_last_also_when_another_one_has_failed() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let close = |name: &'static str| {
        let log = Arc::clone(&log);
        Closer::new(move |_| {
            log.lock().unwrap().push(name);
            Ok(())
        })
    };
    let web = FakeRunner::new();
    let members = Members::new()
        .add("telemetry", close("telemetry"))
        .add("registry", close("registry"))
        .add("web", web.clone());
    let process = ifrit::background(Ordered::new(members));
    up(&web).trigger_exit(Err("broken".into()));
    assert!(process.expect_exit().is_err());
    assert_eq!(*log.lock().unwrap(), ["registry", "telemetry"]);
}

#[test]
fn its_error_and_its_panic_are_the_exit() {
    let mut fails = Closer::new(|_| Err("not flushed".into()));
    let exit = Harness::new().run(&mut fails).exit;
    assert_eq!(exit.unwrap_err().to_string(), "not flushed");
    let mut panics = Closer::new(|_| panic!("bug"));
    let exit = Harness::new().run(&mut panics).exit;
    assert!(matches!(exit, Err(Error::Panicked(_))));
}

#[test]
fn one_that_hangs_is_given_up_at_its_limit() {
    let (clock, (gate, passed)) = (ManualClock::new(), bounded::<()>(0));
    let (begin, begun) = bounded(1);
    let closer = Closer::new(move |_| {
        begin.send(())?;
        let _ = passed.recv();
        Ok(())
    });
    let process = on(&clock, closer.stop_within(SECOND));
    process.expect_ready();
    process.signal(Signal::TERMINATE);
    begun.recv_timeout(PATIENCE).unwrap();
    clock.advance(SECOND);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    drop(gate);
}

#[test]
fn a_limit_of_zero_is_refused_and_one_beyond_time_is_none() {
    let mut closer = Closer::new(|_| panic!("never")).stop_within(Duration::ZERO);
    let outcome = Harness::new().run(&mut closer);
    assert!(matches!(
        outcome.exit,
        Err(Error::ZeroDeadline {
            option: "stop_within",
            ..
        })
    ));
    assert!(!outcome.ready);
    let closer = Closer::new(|_| Ok(())).stop_within(Duration::MAX);
    ifrit::invoke(closer).interrupt().unwrap();
}

#[test]
fn its_plan_has_the_limit() {
    let plan = Closer::new(|_| Ok(())).stop_within(SECOND).plan();
    assert_eq!(plan.to_string(), "closer (stop 1s)");
}
