//! Signals and readiness belong to one incarnation: what a dead one has leaked is worth nothing.

use ifrit::crossbeam_channel::{self, RecvTimeoutError, bounded, unbounded};
use ifrit::restart::{Backoff, Next, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{prelude::*, process::Status};

use crate::kit::*;

fn again<R: Runner>(runner: R) -> Restarter<R> {
    Restarter::new(runner, |_, _| Next::Again)
}

#[test]
fn a_ready_sender_leaked_by_a_dead_incarnation_says_nothing() {
    let (leak, leaked) = unbounded();
    let (gate, passed) = bounded::<()>(0);
    let process = ifrit::background(again(ifrit::run_fn(move |signals, ready| {
        leak.send(ready)?;
        if passed.recv().is_ok() {
            return Err("again".into());
        }
        ifrit::until_stop(&signals);
        Ok(())
    })));
    let first = leaked.recv().unwrap();
    gate.send(()).unwrap();
    let second = leaked.recv().unwrap(); // the first incarnation is over
    drop(gate);
    first.notify();
    assert!(!process.is_ready());
    second.notify();
    assert!(process.is_ready());
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn a_ready_sender_that_is_used_during_the_delay_says_nothing() {
    let (clock, (leak, leaked)) = (ManualClock::new(), unbounded());
    let runner = ifrit::run_fn(move |_, ready| {
        leak.send(ready)?;
        Err("again".into())
    });
    let process = on(&clock, again(runner).backoff(Backoff::constant(SECOND)));
    clock.wait_for_timers(1);
    leaked.recv().unwrap().notify();
    assert!(!process.is_ready());
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert!(!process.is_ready());
}

#[test]
fn a_helper_that_keeps_the_signals_of_a_dead_incarnation_never_eats_the_stop() {
    for _ in 0..stress(50) {
        let fake = FakeRunner::new();
        let process = ifrit::background(again(fake.clone()));
        let first = fake.wait_for_call();
        std::thread::scope(|scope| {
            let helper = scope.spawn(|| first.signals().recv());
            first.fails();
            let second = up(&fake);
            process.signal(Signal::TERMINATE);
            told(&second, Signal::TERMINATE);
            assert!(helper.join().unwrap().is_err()); // it was disconnected when its incarnation ended
        });
        process.expect_exit().unwrap();
    }
}

#[test]
fn the_signals_of_a_dead_incarnation_are_disconnected() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(
        &clock,
        again(fake.clone()).backoff(Backoff::constant(SECOND)),
    );
    let call = up(&fake);
    process.signal(Signal::USER1);
    call.fails();
    clock.wait_for_timers(1);
    // What it had not read has moved on.
    let end = call.signals().recv_timeout(PATIENCE);
    assert_eq!(end, Err(RecvTimeoutError::Disconnected));
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn pending_notifications_move_to_the_next_incarnation_in_order() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(
        &clock,
        again(fake.clone()).backoff(Backoff::constant(SECOND)),
    );
    let call = up(&fake);
    for signal in [Signal::HANGUP, Signal::USER2, Signal::USER1] {
        process.signal(signal);
    }
    assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    call.fails();
    clock.wait_for_timers(1);
    process.signal(Signal::HANGUP); // again, since it was read
    process.signal(Signal::USER2); // pending: coalesced
    clock.advance(SECOND);

    let call = fake.wait_for_call();
    let pending: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(pending, [Signal::USER2, Signal::USER1, Signal::HANGUP]);
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn notifications_survive_incarnations_that_never_read_them() {
    let fake = FakeRunner::new();
    let process = ifrit::background(again(again_once(fake.clone())));
    let call = fake.wait_for_call();
    process.signal(Signal::USER1);
    process.signal(Signal::HANGUP);
    call.fails();
    for _ in 0..9 {
        fake.wait_for_call().fails();
    }
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    for signal in [Signal::USER1, Signal::HANGUP, Signal::TERMINATE] {
        assert_eq!(call.wait_for_signal(), signal);
    }
    call.ends(How::Ok);
    process.expect_exit().unwrap();
}

/// Two frames deep: every other end goes through both.
fn again_once(fake: FakeRunner) -> Restarter<FakeRunner> {
    let mut again = false;
    Restarter::new(fake, move |_, _| {
        again = !again;
        if again { Next::Again } else { Next::End }
    })
}

#[test]
fn what_is_pending_at_the_end_goes_back_to_whoever_called() {
    let fake = FakeRunner::new();
    let mut restarter = Restarter::new(fake.clone(), |_, _| Next::End);
    let (report, reported) = bounded(1);
    let process = ifrit::background(ifrit::run_once(move |signals, ready| {
        let _ = restarter.run(signals.clone(), ready);
        report.send(signals.try_iter().collect::<Vec<_>>())?;
        Ok(())
    }));
    let call = fake.wait_for_call();
    process.signal(Signal::USER1);
    process.signal(Signal::HANGUP);
    call.ends(How::Ok);
    let left = reported.recv_timeout(PATIENCE).unwrap();
    assert_eq!(left, [Signal::USER1, Signal::HANGUP]);
    process.expect_exit().unwrap();
}

#[test]
fn an_incarnation_that_drops_everything_early_harms_nobody() {
    let fake = FakeRunner::new();
    let rest = fake.clone();
    let mut dropped = 3;
    let runner: ifrit::BoxRunner = Box::new(ifrit::run_fn(|signals: Receiver<Signal>, ready| {
        drop((signals, ready));
        Err("again".into())
    }));
    let process = ifrit::background(Restarter::new(runner, move |runner, _| {
        dropped -= 1;
        if dropped == 0 {
            *runner = Box::new(rest.clone());
        }
        Next::Again
    }));
    let call = up(&fake);
    process.expect_ready();
    assert_eq!(process.status(), Status::Ready);
    process.signal(Signal::QUIT);
    told(&call, Signal::QUIT);
    process.expect_exit().unwrap();
}

#[test]
fn a_runner_may_hand_its_signals_to_a_thread_of_its_own() {
    let runner = ifrit::run_fn(|signals: Receiver<Signal>, ready: ReadySender| {
        let (done, is_done) = crossbeam_channel::bounded(1);
        std::thread::spawn(move || {
            ready.notify();
            let _ = done.send(signals.recv());
        });
        match is_done.recv()?? {
            signal if signal.is_stop() => Ok(()),
            signal => Err(signal.to_string().into()),
        }
    });
    let process = ifrit::invoke(again(runner));
    for _ in 0..stress(50) {
        process.signal(Signal::USER1);
    }
    process.signal(Signal::TERMINATE);
    // Whatever the last one has read first: the stop is not lost.
    let _ = process.expect_exit();
}
