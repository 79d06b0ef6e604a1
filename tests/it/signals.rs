//! Signals on their way to one runner.

use ifrit::crossbeam_channel::{RecvTimeoutError, TryRecvError, bounded, unbounded};
use ifrit::testing::{FakeRunner, PATIENCE, Waiting, signal_recorder};
use ifrit::{Signal, background, current, invoke, run_fn, until_stop};

#[test]
fn signals_arrive_in_the_order_in_which_they_were_sent() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    let sent: Vec<_> = (1..=64).rev().filter_map(Signal::from_raw).collect();
    for &signal in &sent {
        process.signal(signal);
    }
    let read: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(read, sent);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn two_signals_are_never_reversed() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    for _ in 0..2_000 {
        process.signal(Signal::INTERRUPT);
        process.signal(Signal::USER1);
        assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
        assert_eq!(call.wait_for_signal(), Signal::USER1);
    }
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_signal_equal_to_one_still_unread_is_coalesced_with_it() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    for signal in [
        Signal::HANGUP,
        Signal::TERMINATE,
        Signal::HANGUP,
        Signal::TERMINATE,
    ] {
        process.signal(signal);
    }
    assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    // The first one has been read, so this is news again; TERM has not.
    process.signal(Signal::HANGUP);
    process.signal(Signal::TERMINATE);
    let rest: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(rest, [Signal::TERMINATE, Signal::HANGUP]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_million_signals_to_a_runner_that_never_reads_leave_one_of_each() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    for n in 0..1_000_000 {
        process.signal(Signal::from_raw(n % 64 + 1).unwrap());
    }
    assert_eq!(call.signals().len(), 64);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_stop_signal_is_not_lost_in_a_flood_of_notifications() {
    let (runner, recorded) = signal_recorder();
    let process = invoke(runner);
    std::thread::scope(|threads| {
        for notification in [Signal::HANGUP, Signal::USER1, Signal::USER2] {
            let process = process.clone();
            threads.spawn(move || {
                for _ in 0..10_000 {
                    process.signal(notification);
                }
            });
        }
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
    });
    assert_eq!(recorded.so_far().last(), Some(&Signal::TERMINATE));
}

#[test]
fn a_signal_sent_before_the_runner_runs_reaches_it() {
    for _ in 0..100 {
        let (told, tells) = bounded(1);
        let process = background(run_fn(move |signals, _ready| {
            let _ = told.send(until_stop(&signals));
            Ok(())
        }));
        process.signal(Signal::QUIT);
        assert_eq!(tells.recv_timeout(PATIENCE), Ok(Signal::QUIT));
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_signal_to_an_exited_process_is_harmless() {
    let process = background(run_fn(|_, _| Err("done".into())));
    let exit = process.expect_exit();
    for raw in 1..=64 {
        process.signal(Signal::from_raw(raw).unwrap());
    }
    assert_eq!(process.status(), ifrit::process::Status::Exited);
    let after = process.expect_exit().unwrap_err().to_string();
    assert_eq!(after, exit.unwrap_err().to_string());
}

#[test]
fn signals_to_a_runner_that_dropped_its_channel_are_harmless() {
    let (go_on, goes_on) = bounded::<()>(0);
    let process = invoke(run_fn(move |signals, ready| {
        drop(signals);
        ready.notify();
        let _ = goes_on.recv();
        Ok(())
    }));
    for _ in 0..1_000 {
        process.signal(Signal::TERMINATE);
        process.signal(Signal::HANGUP);
    }
    drop(go_on);
    process.expect_exit().unwrap();
}

#[test]
fn a_runner_may_signal_itself() {
    let process = background(run_fn(|signals, _ready| {
        let me = current().expect("a thread of ours");
        me.signal(Signal::HANGUP);
        me.signal(Signal::TERMINATE);
        assert_eq!(signals.recv(), Ok(Signal::HANGUP));
        assert_eq!(until_stop(&signals), Signal::TERMINATE);
        Ok(())
    }));
    process.expect_exit().unwrap();
}

#[test]
fn the_exit_disconnects_whoever_still_holds_the_signals() {
    let (leak, leaked) = bounded(1);
    let process = background(run_fn(move |signals, _ready| {
        leak.send(signals)?;
        Ok(())
    }));
    let signals = leaked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        signals.recv_timeout(PATIENCE),
        Err(RecvTimeoutError::Disconnected)
    );
    process.expect_exit().unwrap();
}

#[test]
fn until_stop_lets_every_notification_pass() {
    let (sender, signals) = unbounded();
    let (mut notifications, mut stops) = (0, Vec::new());
    for signal in (1..=64).filter_map(Signal::from_raw) {
        sender.send(signal).unwrap();
        if signal.is_stop() {
            stops.push(signal);
        } else {
            notifications += 1;
        }
    }
    for stop in stops {
        assert_eq!(until_stop(&signals), stop);
    }
    assert_eq!(notifications, 60);
    assert!(!signals.is_empty(), "it reads no further than the stop");
}

#[test]
fn a_disconnected_channel_counts_as_a_stop_once_it_is_read_to_its_end() {
    let (sender, signals) = unbounded();
    sender.send(Signal::USER1).unwrap();
    sender.send(Signal::QUIT).unwrap();
    drop(sender);
    assert_eq!(until_stop(&signals), Signal::QUIT);
    assert_eq!(until_stop(&signals), Signal::INTERRUPT);
    assert_eq!(signals.try_recv(), Err(TryRecvError::Disconnected));
}
