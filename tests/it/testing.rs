//! The tests' own tools, which must not lie.

mod harness;
mod patience;
mod runs;

use std::sync::atomic::{AtomicBool, Ordering};

use ifrit::crossbeam_channel::RecvTimeoutError;
use ifrit::testing::{
    FakeRunner, Harness, PATIENCE, Waiting, never_ready, ping_runner, signal_recorder,
};
use ifrit::{Error, Runner, Signal, background, invoke, run_fn, until_stop};

#[test]
fn a_fake_does_only_what_it_is_told() {
    let fake = FakeRunner::new();
    assert_eq!(fake.calls(), 0);
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    assert_eq!(fake.calls(), 1);
    process.signal(Signal::KILL);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert!(!process.is_ready() && process.try_exit().is_none());
    call.trigger_ready();
    call.trigger_ready();
    assert!(process.is_ready());
    call.trigger_exit(Err("as told".into()));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "as told");
}

#[test]
fn a_fake_can_be_run_any_number_of_times() {
    let fake = FakeRunner::new();
    for run in 1..=20 {
        let process = background(fake.clone());
        let call = fake.wait_for_call();
        assert!(!process.is_ready(), "ready is said anew in each run");
        call.trigger_ready();
        process.expect_ready();
        call.trigger_exit(Err(run.to_string().into()));
        let exit = process.expect_exit();
        assert_eq!(exit.unwrap_err().to_string(), run.to_string());
        assert_eq!(fake.calls(), run);
    }
}

#[test]
fn a_call_is_not_missed_however_late_the_test_looks() {
    let fake = FakeRunner::new();
    fake.ensure_exit();
    for _ in 0..3 {
        background(fake.clone()).expect_exit().unwrap();
    }
    assert_eq!(fake.calls(), 3);
    for _ in 0..3 {
        let call = fake.wait_for_call();
        let ended = call.signals().recv_timeout(PATIENCE);
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
    }
}

#[test]
fn a_fake_can_be_made_to_panic() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    fake.wait_for_call().trigger_panic("as told");
    match process.expect_exit() {
        Err(Error::Panicked(panic)) => assert_eq!(panic.message(), "as told"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ensure_exit_ends_the_run_under_way_and_every_later_one() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    fake.wait_for_call();
    fake.ensure_exit();
    process.expect_exit().unwrap();
    for _ in 0..3 {
        background(fake.clone()).expect_exit().unwrap();
    }
}

#[test]
fn ensure_exit_ends_every_run_under_way() {
    let fake = FakeRunner::new();
    let processes = [(); 3].map(|()| background(fake.clone()));
    for _ in &processes {
        fake.wait_for_call();
    }
    fake.ensure_exit();
    for process in processes {
        process.expect_exit().unwrap();
    }
}

#[test]
fn ensure_exit_cannot_miss_a_run_that_is_just_beginning() {
    for _ in 0..500 {
        let fake = FakeRunner::new();
        let process = background(fake.clone());
        fake.ensure_exit();
        process.expect_exit().unwrap();
    }
}

#[test]
fn ensure_exit_does_not_change_what_a_run_was_told_before() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    fake.wait_for_call().trigger_exit(Err("before".into()));
    fake.ensure_exit();
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "before");
}

#[test]
#[should_panic(expected = "this run was told how to end before")]
fn a_run_cannot_be_told_twice_how_to_end() {
    let fake = FakeRunner::new();
    background(fake.clone());
    let call = fake.wait_for_call();
    call.trigger_exit(Ok(()));
    call.trigger_exit(Ok(()));
}

#[test]
#[should_panic(expected = "no signal")]
fn waiting_for_a_signal_of_a_run_that_has_ended_fails() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    call.wait_for_signal();
}

#[test]
#[should_panic(expected = "expected ready, but: no disk")]
fn expecting_ready_of_a_start_that_failed_says_why() {
    background(run_fn(|_, _| Err("no disk".into()))).expect_ready();
}

#[test]
fn a_runner_that_is_never_ready_stops_when_told() {
    let process = background(never_ready());
    process.signal(Signal::HANGUP);
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert!(!process.is_ready());
}

#[test]
fn a_ping_ends_a_run_and_only_one() {
    let (mut runner, ping) = ping_runner();
    for _ in 0..3 {
        ifrit::scope(|scope| {
            let process = scope.invoke(&mut runner);
            assert!(process.try_exit().is_none());
            process.signal(Signal::HANGUP);
            ping.clone().ping();
            process.expect_exit().unwrap();
        });
    }
}

#[test]
fn a_ping_that_comes_early_ends_the_next_run() {
    let (runner, ping) = ping_runner();
    ping.ping();
    ping.ping();
    invoke(runner).expect_exit().unwrap();
}

#[test]
fn a_ping_runner_stops_when_told_even_if_nobody_is_left_to_ping() {
    let (runner, _ping) = ping_runner();
    let process = invoke(runner);
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();

    let (runner, ping) = ping_runner();
    drop(ping);
    let process = invoke(runner);
    process.signal(Signal::HANGUP);
    assert!(process.try_exit().is_none());
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn a_recorder_keeps_what_it_reads_in_order_over_all_runs() {
    let (runner, recorded) = signal_recorder();
    for run in 1..=2 {
        let process = invoke(runner.clone());
        process.signal(Signal::HANGUP);
        recorded.wait_for(run * 2 - 1);
        process.signal(Signal::QUIT);
        process.expect_exit().unwrap();
    }
    let once = [Signal::HANGUP, Signal::QUIT];
    assert_eq!(recorded.so_far(), [once, once].concat());
}

#[test]
fn a_harness_runs_a_runner_on_the_thread_of_the_test() {
    let here = std::thread::current().id();
    let outcome = Harness::new()
        .signal(Signal::QUIT)
        .run(&mut run_fn(|signals, ready| {
            assert_eq!(std::thread::current().id(), here);
            ready.notify();
            assert_eq!(until_stop(&signals), Signal::QUIT);
            Ok(())
        }));
    outcome.exit.unwrap();
    assert!(outcome.ready && outcome.unread.is_empty());
}

#[test]
fn in_a_harness_the_end_of_the_signals_counts_as_a_stop() {
    let outcome = Harness::new().run(&mut never_ready());
    outcome.exit.unwrap();
    assert!(!outcome.ready);
}

#[test]
fn in_a_harness_a_panic_is_an_exit() {
    let outcome = Harness::new().run(&mut run_fn(|_, ready| {
        ready.notify();
        panic!("out of luck")
    }));
    match outcome.exit {
        Err(Error::Panicked(panic)) => assert_eq!(panic.message(), "out of luck"),
        other => panic!("{other:?}"),
    }
    assert!(outcome.ready);
}

#[test]
fn a_harness_tells_which_signals_were_not_read() {
    let harness = Harness::new()
        .signal(Signal::HANGUP)
        .signal(Signal::USER1)
        .signal(Signal::HANGUP)
        .signal(Signal::TERMINATE);
    let outcome = harness.clone().run(&mut run_fn(|signals, _| {
        assert_eq!(signals.recv()?, Signal::HANGUP);
        Ok(())
    }));
    // The second HANGUP was coalesced with the first, as on a process.
    assert_eq!(outcome.unread, [Signal::USER1, Signal::TERMINATE]);
    let outcome = harness.run(&mut signal_recorder().0);
    assert!(outcome.unread.is_empty());
}

#[test]
fn a_harness_takes_runners_of_any_kind() {
    let mut boxed: ifrit::BoxRunner = Box::new(never_ready());
    Harness::new().run(&mut *boxed).exit.unwrap();
    let borrowed: &mut dyn Runner = &mut boxed;
    Harness::new().run(borrowed).exit.unwrap();
}

#[test]
fn a_patient_wait_is_woken_by_the_event() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let told = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let wait = threads.spawn(|| {
            process.expect_exit().unwrap();
            told.load(Ordering::SeqCst)
        });
        let call = fake.wait_for_call();
        told.store(true, Ordering::SeqCst);
        call.trigger_exit(Ok(()));
        assert!(wait.join().unwrap(), "not before it had been told");
    });
    assert!(process.join_timeout(PATIENCE).is_some());
}
