//! What ends a restarter, and that nothing starts after that.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ifrit::error::Cause;
use ifrit::restart::{Backoff, Next, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{Error, prelude::*, process::Status};

use crate::kit::*;

const STOPS: [Signal; 4] = [
    Signal::INTERRUPT,
    Signal::TERMINATE,
    Signal::QUIT,
    Signal::KILL,
];

fn every(delay: Duration, fake: &FakeRunner) -> Restarter<FakeRunner> {
    Restarter::new(fake.clone(), |_, _| Next::Again).backoff(Backoff::constant(delay))
}

#[test]
fn a_stop_signal_ends_it_with_what_the_incarnation_returns() {
    for stop in STOPS {
        for how in EVERY_END {
            let fake = FakeRunner::new();
            let process = ifrit::background(every(Duration::ZERO, &fake));
            fake.wait_for_call().fails();
            let call = fake.wait_for_call();
            process.signal(stop);
            assert_eq!(call.wait_for_signal(), stop);
            call.ends(how);
            assert_eq!(process.expect_exit().is_ok(), how == How::Ok);
            assert_eq!(fake.calls(), 2);
        }
    }
}

#[test]
fn a_notification_reaches_the_runner_and_ends_nothing() {
    let fake = FakeRunner::new();
    let process = ifrit::background(every(Duration::ZERO, &fake));
    for _ in 0..3 {
        let call = up(&fake);
        process.signal(Signal::HANGUP);
        assert_eq!(call.wait_for_signal(), Signal::HANGUP);
        call.fails();
    }
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn load_is_not_asked_after_a_stop() {
    let (fake, asked) = (FakeRunner::new(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    let process = ifrit::background(Restarter::new(fake.clone(), move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Next::Again
    }));
    fake.wait_for_call().fails();
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    call.fails(); // whether it has read the signal does not matter
    assert!(process.expect_exit().is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(fake.calls(), 2);
}

#[test]
fn a_stop_while_load_decides_prevents_the_next_start() {
    let fake = FakeRunner::new();
    let (asking, asked) = ifrit::crossbeam_channel::bounded(0);
    let (decide, decided) = ifrit::crossbeam_channel::bounded(0);
    let process = ifrit::background(Restarter::new(fake.clone(), move |_, _| {
        asking.send(()).unwrap();
        decided.recv().unwrap()
    }));
    fake.wait_for_call().fails();
    asked.recv().unwrap();
    process.signal(Signal::TERMINATE);
    decide.send(Next::Again).unwrap();
    process.expect_exit().unwrap();
    assert_eq!(fake.calls(), 1);
}

#[test]
fn a_stop_in_the_middle_of_a_delay_ends_it_at_once_and_well() {
    for stop in STOPS {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = on(&clock, every(SECOND, &fake));
        up(&fake).fails();
        clock.wait_for_timers(1);
        process.signal(stop);
        process.expect_exit().unwrap(); // the clock stands still
        clock.advance(10 * SECOND);
        assert_eq!(fake.calls(), 1);
    }
}

#[test]
fn a_stop_and_the_end_of_the_delay_at_once_start_nothing() {
    for _ in 0..stress(50) {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = on(&clock, every(SECOND, &fake));
        fake.wait_for_call().fails();
        clock.wait_for_timers(1);
        process.signal(Signal::TERMINATE);
        clock.advance(SECOND);
        process.expect_exit().unwrap();
        assert_eq!(fake.calls(), 1);
    }
}

#[test]
fn a_stop_before_the_first_start_starts_nothing() {
    let fake = FakeRunner::new();
    let (gate, passed) = ifrit::crossbeam_channel::bounded::<()>(0);
    let mut restarter = every(Duration::ZERO, &fake);
    let process = ifrit::background(ifrit::run_once(move |signals, ready| {
        passed.recv()?;
        restarter.run(signals, ready)
    }));
    process.signal(Signal::TERMINATE);
    gate.send(()).unwrap();
    process.expect_exit().unwrap();
    assert_eq!(fake.calls(), 0);
    assert!(!process.is_ready());
}

#[test]
fn a_stop_between_two_incarnations_prevents_the_next_or_reaches_it() {
    for _ in 0..stress(200) {
        let signalled = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&signalled);
        let lost = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&lost);
        let runner = ifrit::run_fn(move |signals, ready| {
            ready.notify();
            // Once the stop was sent, whatever starts must find it.
            if seen.load(Ordering::SeqCst) && !signals.try_iter().any(Signal::is_stop) {
                noted.store(true, Ordering::SeqCst);
            }
            Err("again".into())
        });
        let process = ifrit::invoke(Restarter::new(runner, |_, _| Next::Again));
        process.signal(Signal::TERMINATE);
        signalled.store(true, Ordering::SeqCst);
        let _ = process.expect_exit();
        assert!(!lost.load(Ordering::SeqCst));
    }
}

#[test]
fn it_counts_as_restarting_during_a_delay_and_until_it_is_ready() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, every(SECOND, &fake));
    let status = || ifrit::tree().get(process.id()).unwrap().status;
    let call = up(&fake);
    process.expect_ready();
    assert_eq!((process.status(), status()), (Status::Ready, Status::Ready));
    call.fails();
    clock.wait_for_timers(1);
    assert_eq!(process.status(), Status::Restarting);
    assert_eq!(status(), Status::Restarting);
    clock.advance(SECOND);
    let call = fake.wait_for_call();
    assert_eq!(process.status(), Status::Restarting);
    process.signal(Signal::TERMINATE);
    assert_eq!(process.status(), Status::Stopping);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(process.status(), Status::Exited);
}

#[test]
fn a_stuck_child_is_never_followed_by_another() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, every(Duration::ZERO, &fake));
    let call = up(&fake);
    let exit = std::thread::scope(|scope| {
        let stop = scope.spawn(|| process.stop(Signal::TERMINATE, 5 * SECOND));
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        assert_eq!(clock.advance_to_next(), 9 * SECOND / 2);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        assert_eq!(clock.advance_to_next(), SECOND / 2);
        stop.join().unwrap()
    });
    assert!(matches!(exit, Err(Error::StopTimeout { .. })));
    assert!(process.try_exit().is_none());
    call.fails(); // it returns late
    assert!(process.expect_exit().is_err());
    assert_eq!(fake.calls(), 1);
}

#[test]
fn given_up_by_its_group_it_is_published_and_its_late_return_starts_nothing() {
    let fake = FakeRunner::new();
    let (kept, gone) = ifrit::crossbeam_channel::bounded::<Infallible>(0);
    let restarter = Restarter::new(fake.clone(), move |_, _| {
        let _ = &kept; // dropped with the restarter
        Next::Again
    });
    let member = Member::new("a", restarter).stop_within(5 * SECOND);
    let running = Running::new(Ordered::new([member]));
    let call = up(&fake);
    let process = running.process_of("a");
    running.process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    assert_eq!(running.clock.advance_to_next(), 9 * SECOND / 2);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert_eq!(running.clock.advance_to_next(), SECOND / 2);
    let trace = running.trace();
    assert_eq!(trace[0].cause, Cause::Abandoned);
    assert!(matches!(trace[0].exit, Err(Error::Abandoned(_))));
    assert_eq!(process.status(), Status::Abandoned);
    call.fails(); // the thread returns after all, and drops the restarter, whose group is gone
    disconnected(&gone);
    assert_eq!(fake.calls(), 1);
}

#[test]
fn a_group_that_has_left_a_thread_behind_is_not_followed_by_another() {
    let fakes @ [a, b] = &fakes();
    let [first, second] = std::array::from_fn(|n| Member::new(name(n), fakes[n].clone()));
    let group = Ordered::new([first.stop_within(5 * SECOND), second]);
    let clock = ManualClock::new();
    let process = on(&clock, Restarter::new(group, |_, _| Next::Again));
    let [stuck, cause] = all_up(fakes);
    cause.fails();
    assert_eq!(stuck.wait_for_signal(), Signal::INTERRUPT);
    clock.advance_to_next();
    assert_eq!(stuck.wait_for_signal(), Signal::KILL);
    clock.advance_to_next();
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.stuck()[0].name, "a");
    assert_eq!((a.calls(), b.calls()), (1, 1));
    stuck.ends(How::Ok);
}

#[test]
fn a_start_that_takes_too_long_ends_it() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = Process::builder()
        .clock(clock.clock())
        .start_within(5 * SECOND)
        .background(every(Duration::ZERO, &fake));
    fake.wait_for_call().fails();
    let call = fake.wait_for_call();
    clock.advance(5 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    call.fails();
    assert!(matches!(
        process.expect_exit(),
        Err(Error::StartTimeout { .. })
    ));
    assert_eq!(fake.calls(), 2);
}
