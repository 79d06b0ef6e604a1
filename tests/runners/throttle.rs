//! So many runs at a time across the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ifrit::runners::{NoRoom, Noop, Throttle};
use ifrit::testing::{FakeRunner, Harness, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

/// A process that waits for room.
fn waits(throttle: &Throttle, runner: impl Runner + 'static) -> Process {
    let waiting = throttle.waiting();
    let process = ifrit::background(throttle.around(runner));
    let events = process.events();
    assert!(next_note(&events).starts_with("waits: "));
    while throttle.waiting() == waiting {
        std::thread::yield_now(); // it is noted a moment before
    }
    process
}

#[test]
fn one_more_waits_until_a_run_has_returned() {
    let throttle = Throttle::new(2);
    let fake = FakeRunner::new();
    let running = [(); 2].map(|()| {
        let process = ifrit::background(throttle.around(fake.clone()));
        (process, up(&fake))
    });
    let third = waits(&throttle, fake.clone());
    assert_eq!((throttle.running(), throttle.waiting()), (2, 1));
    assert!(!third.is_ready() && fake.calls() == 2);
    running[0].1.trigger_exit(Ok(()));
    let call = up(&fake);
    third.expect_ready();
    assert_eq!((throttle.running(), throttle.waiting()), (2, 0));
    call.trigger_exit(Ok(()));
    third.expect_exit().unwrap();
    running[1].1.trigger_exit(Ok(()));
    running[1].0.expect_exit().unwrap();
    assert_eq!(throttle.running(), 0);
}

#[test]
fn the_longest_waiting_is_first() {
    let throttle = Throttle::new(1);
    let [first, second, third] = [(); 3].map(|()| FakeRunner::new());
    let process = ifrit::background(throttle.around(first.clone()));
    let call = up(&first);
    let others = [
        waits(&throttle, second.clone()),
        waits(&throttle, third.clone()),
    ];
    call.trigger_exit(Ok(()));
    let call = up(&second);
    assert_eq!(third.calls(), 0);
    call.trigger_exit(Ok(()));
    up(&third).trigger_exit(Ok(()));
    for process in others.iter().chain([&process]) {
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_stop_ends_the_wait_and_the_runner_inside_is_not_run() {
    for stop in STOPS.into_iter().chain([Signal::KILL]) {
        let throttle = Throttle::new(1);
        let first = ifrit::invoke(throttle.around(Noop));
        let fake = FakeRunner::new();
        let second = waits(&throttle, fake.clone());
        second.signal(Signal::HANGUP);
        second.signal(stop);
        second.expect_exit().unwrap();
        assert_eq!((fake.calls(), throttle.waiting()), (0, 0));
        first.interrupt().unwrap();
        assert_eq!(throttle.running(), 0);
    }
}

#[test]
fn signals_that_came_during_the_wait_are_heard_inside() {
    let throttle = Throttle::new(1);
    let first = ifrit::invoke(throttle.around(Noop));
    let fake = FakeRunner::new();
    let second = waits(&throttle, fake.clone());
    second.signal(Signal::HANGUP);
    first.interrupt().unwrap();
    let call = up(&fake);
    assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    call.trigger_exit(Ok(()));
    second.expect_exit().unwrap();
}

#[test]
fn a_run_is_refused_at_once_where_that_is_asked_for() {
    let throttle = Throttle::new(1);
    let fake = FakeRunner::new();
    let first = ifrit::invoke(throttle.around(Noop));
    let second = ifrit::background(throttle.around(fake.clone()).or_refuse());
    let error = second.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<NoRoom>().is_some());
    assert_eq!(error.to_string(), "refused: 1 run already, and no more may");
    assert_eq!(fake.calls(), 0);
    first.interrupt().unwrap();
    let third = ifrit::invoke(throttle.around(Noop).or_refuse())
        .started()
        .unwrap();
    third.interrupt().unwrap();
}

#[test]
fn a_panic_gives_the_room_back() {
    let throttle = Throttle::new(1);
    for _ in 0..3 {
        let process = ifrit::background(throttle.around(ifrit::run_fn(|_, _| panic!("bug"))));
        assert!(matches!(process.expect_exit(), Err(Error::Panicked(_))));
    }
    assert_eq!(throttle.running(), 0);
}

#[test]
fn room_for_none_is_refused() {
    for refuses in [false, true] {
        let throttled = Throttle::new(0).around(FakeRunner::new());
        let mut throttled = match refuses {
            true => throttled.or_refuse(),
            false => throttled,
        };
        let exit = Harness::new().run(&mut throttled).exit;
        assert!(matches!(
            exit,
            Err(Error::ZeroDeadline {
                option: "limit",
                ..
            })
        ));
    }
}

#[test]
fn many_runs_are_never_more_than_the_limit_and_none_is_forgotten() {
    const LIMIT: usize = 3;
    let throttle = Throttle::new(LIMIT);
    let (now, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let rounds = stress(60);
    let processes: Vec<_> = (0..rounds)
        .map(|n| {
            let (now, done) = (Arc::clone(&now), Arc::clone(&done));
            let process = ifrit::background(throttle.around(ifrit::run_fn(move |_, _| {
                assert!(now.fetch_add(1, Ordering::SeqCst) < LIMIT);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
                done.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })));
            if n % 4 == 0 {
                process.signal(Signal::TERMINATE); // while it waits, runs, or after that
            }
            process
        })
        .collect();
    for process in &processes {
        process.expect_exit().unwrap();
    }
    assert_eq!((throttle.running(), throttle.waiting()), (0, 0));
    assert!(done.load(Ordering::SeqCst) >= rounds - rounds.div_ceil(4));
}

#[test]
fn its_plan_says_how_many() {
    let throttle = Throttle::new(2);
    assert_eq!(
        throttle.around(Noop).or_refuse().plan().to_string(),
        "throttle (2 at a time, or refused)\n└─ noop"
    );
    assert_eq!(
        format!("{throttle:?}"),
        "Throttle { limit: 2, running: 0, waiting: 0 }"
    );
}
