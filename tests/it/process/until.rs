//! Waiting for a stop for so long at most.

use std::time::Duration;

use ifrit::crossbeam_channel::{bounded, unbounded};
use ifrit::restart::Restarter;
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{Process, Signal, background, run_fn, until_stop_for};

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_stop_that_is_pending_counts_before_the_time_does() {
    let (sender, signals) = unbounded();
    for signal in [Signal::HANGUP, Signal::USER1, Signal::TERMINATE] {
        sender.send(signal).unwrap();
    }
    assert_eq!(
        until_stop_for(&signals, Duration::ZERO),
        Some(Signal::TERMINATE)
    );
    assert_eq!(until_stop_for(&signals, Duration::ZERO), None);
    sender.send(Signal::HANGUP).unwrap();
    assert_eq!(
        until_stop_for(&signals, Duration::ZERO),
        None,
        "a notification"
    );
    drop(sender);
    assert_eq!(
        until_stop_for(&signals, Duration::MAX),
        Some(Signal::INTERRUPT)
    );
}

#[test]
fn outside_of_a_process_the_time_is_that_of_the_system() {
    let (_sender, signals) = unbounded();
    assert_eq!(until_stop_for(&signals, Duration::from_millis(1)), None);
}

#[test]
fn the_time_is_that_of_the_clock_of_the_process() {
    let clock = ManualClock::new();
    let (passed, hours) = bounded(10);
    let process = Process::builder()
        .clock(clock.clock())
        .background(run_fn(move |signals, _| {
            while until_stop_for(&signals, HOUR).is_none() {
                passed.send(())?;
            }
            Ok(())
        }));
    for _ in 0..3 {
        assert_eq!(clock.advance_to_next(), HOUR);
        hours.recv_timeout(PATIENCE).unwrap();
    }
    clock.wait_for_timers(1);
    process.signal(Signal::HANGUP);
    process.signal(Signal::QUIT);
    process.expect_exit().unwrap();
    assert!(hours.is_empty());
}

#[test]
fn a_runner_whose_wrapper_is_driven_by_hand_waits_on_the_clock_of_the_process_around_it() {
    let clock = ManualClock::new();
    let (passed, hours) = bounded(1);
    let naps = run_fn(move |signals, _| {
        assert_eq!(until_stop_for(&signals, HOUR), None);
        passed.send(())?;
        Ok(())
    });
    let mut wrapped = Restarter::on_error(naps);
    let (_sender, signals) = unbounded();
    let by_hand = run_fn(move |_, ready| wrapped.run(signals.clone(), ready));
    use ifrit::Runner;
    let process = Process::builder().clock(clock.clock()).background(by_hand);
    assert_eq!(clock.advance_to_next(), HOUR);
    hours.recv_timeout(PATIENCE).unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn notifications_do_not_prolong_the_wait() {
    let fake = FakeRunner::new();
    let noisy = background(fake.clone());
    let call = fake.wait_for_call();
    std::thread::scope(|threads| {
        let (stop, stopped) = bounded::<()>(0);
        let noise = noisy.clone();
        threads.spawn(move || {
            while stopped.try_recv().is_err_and(|error| error.is_empty()) {
                noise.signal(Signal::HANGUP);
            }
        });
        assert_eq!(
            until_stop_for(call.signals(), Duration::from_millis(5)),
            None
        );
        drop(stop);
    });
    call.trigger_exit(Ok(()));
    noisy.expect_exit().unwrap();
}
