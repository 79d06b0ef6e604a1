//! `stop`: signal, KILL at the deadline, a grace, and then the name of who is stuck.

use std::time::Duration;

use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting, never_ready, signal_recorder};
use ifrit::{Error, Exit, Process, Signal, background, invoke, process::Status, run_fn};

const WITHIN: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(3);

fn by_hand(clock: &ManualClock, fake: &FakeRunner) -> Process {
    Process::builder()
        .name("slow")
        .clock(clock.clock())
        .kill_grace(GRACE)
        .background(fake.clone())
}

/// Stops `process` on a thread of its own, while `meanwhile` moves the clock.
fn stop(process: &Process, within: Duration, meanwhile: impl FnOnce()) -> Exit {
    std::thread::scope(|threads| {
        let stop = threads.spawn(|| process.stop(Signal::TERMINATE, within));
        meanwhile();
        stop.join().unwrap()
    })
}

#[test]
fn a_runner_that_stops_in_time_has_its_exit_returned() {
    let process = invoke(signal_recorder().0);
    process.stop(Signal::TERMINATE, PATIENCE).unwrap();

    let process = invoke(run_fn(|signals, ready| {
        ready.notify();
        Err(ifrit::until_stop(&signals).to_string().into())
    }));
    let exit = process.stop(Signal::QUIT, PATIENCE);
    assert_eq!(exit.unwrap_err().to_string(), "SIGQUIT");
}

#[test]
fn a_process_that_is_not_ready_can_be_stopped() {
    background(never_ready())
        .stop(Signal::INTERRUPT, PATIENCE)
        .unwrap();
}

#[test]
fn kill_comes_at_the_deadline() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    let exit = stop(&process, WITHIN, || {
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        assert_eq!(clock.advance_to_next(), WITHIN);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        call.trigger_exit(Err("killed".into()));
    });
    assert_eq!(exit.unwrap_err().to_string(), "killed");
}

#[test]
fn who_ignores_kill_is_named_and_its_late_exit_is_seen() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    let exit = stop(&process, WITHIN, || {
        assert_eq!(clock.advance_to_next(), WITHIN);
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        assert_eq!(clock.advance_to_next(), GRACE);
    });
    match exit {
        Err(Error::StopTimeout { after, stuck, .. }) => {
            assert_eq!((after, stuck.name.as_str()), (WITHIN, "slow"));
            assert_eq!(stuck.id, process.id());
            assert!(stuck.thread.is_some());
        }
        other => panic!("{other:?}"),
    }
    // Who stopped it has given up; the process itself has not exited.
    assert!(process.try_exit().is_none());
    assert_eq!(process.status(), Status::Stopping);
    call.trigger_exit(Err("late".into()));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "late");
}

#[test]
fn who_is_stuck_can_be_told_from_the_error() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    let error = stop(&process, WITHIN, || {
        clock.advance_to_next();
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        clock.advance_to_next();
    })
    .unwrap_err();
    let names: Vec<_> = error.stuck().iter().map(|stuck| &stuck.name).collect();
    assert_eq!(names, ["slow"]);
    assert!(error.to_string().contains("\"slow\" (#"), "{error}");
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_stop_without_time_is_a_kill_at_once() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    stop(&process, Duration::ZERO, || {
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        call.trigger_exit(Ok(()));
    })
    .unwrap();
}

#[test]
fn a_stop_without_end_is_harmless() {
    for within in [Duration::MAX, Duration::from_secs(u64::MAX / 4)] {
        let process = Process::builder()
            .kill_grace(Duration::MAX)
            .invoke(signal_recorder().0);
        process.stop(Signal::TERMINATE, within).unwrap();
    }
}

#[test]
fn a_grace_without_end_waits_for_the_exit_after_kill() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = Process::builder()
        .clock(clock.clock())
        .kill_grace(Duration::MAX)
        .background(fake.clone());
    let call = fake.wait_for_call();
    stop(&process, WITHIN, || {
        assert_eq!(clock.advance_to_next(), WITHIN);
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        call.trigger_exit(Ok(()));
    })
    .unwrap();
}

#[test]
fn an_exited_process_is_stopped_already() {
    let process = background(run_fn(|_, _| Err("no disk".into())));
    let _ = process.expect_exit();
    for within in [Duration::ZERO, Duration::MAX] {
        let exit = process.stop(Signal::TERMINATE, within);
        assert_eq!(exit.unwrap_err().to_string(), "no disk");
    }
}

#[test]
fn two_who_stop_the_same_process_get_the_same_exit() {
    let process = invoke(run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Err("stopped".into())
    }));
    std::thread::scope(|threads| {
        let stops = [Signal::TERMINATE, Signal::INTERRUPT].map(|signal| {
            let process = &process;
            threads.spawn(move || process.stop(signal, PATIENCE))
        });
        for stop in stops {
            assert_eq!(stop.join().unwrap().unwrap_err().to_string(), "stopped");
        }
    });
}

#[test]
fn a_runner_that_never_reads_its_signals_harms_only_itself() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let deaf = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    let exit = stop(&deaf, WITHIN, || {
        assert_eq!(clock.advance_to_next(), WITHIN);
        assert_eq!(clock.advance_to_next(), GRACE);
    });
    assert!(matches!(exit, Err(Error::StopTimeout { .. })));
    let sibling = invoke(signal_recorder().0);
    sibling.stop(Signal::TERMINATE, PATIENCE).unwrap();
    // It has missed nothing: both are still there to be read.
    let unread: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(unread, [Signal::TERMINATE, Signal::KILL]);
    call.trigger_exit(Ok(()));
    deaf.expect_exit().unwrap();
}
