//! `stop`: signal, KILL before the end, and at the end the name of what is stuck.

use std::time::Duration;

use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting, never_ready, signal_recorder};
use ifrit::{Error, Exit, Process, Signal, background, invoke, process::Status, run_fn};

const WITHIN: Duration = Duration::from_secs(10);
/// More than a tenth of the limit, so that the tenth counts.
const GRACE: Duration = Duration::from_secs(3);
/// When KILL comes.
const KILL_AT: Duration = Duration::from_secs(9);

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
fn kill_comes_a_tenth_before_the_end_or_the_grace_where_that_is_less() {
    for (within, kill_at) in [(WITHIN, KILL_AT), (100 * WITHIN, 100 * WITHIN - GRACE)] {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = by_hand(&clock, &fake);
        let call = fake.wait_for_call();
        let exit = stop(&process, within, || {
            assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
            assert_eq!(clock.advance_to_next(), kill_at);
            assert_eq!(call.wait_for_signal(), Signal::KILL);
            call.trigger_exit(Err("killed".into()));
        });
        assert_eq!(exit.unwrap_err().to_string(), "killed");
    }
}

#[test]
fn the_whole_stop_is_over_at_its_end_and_a_later_exit_is_seen() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    let exit = stop(&process, WITHIN, || {
        assert_eq!(clock.advance_to_next(), KILL_AT);
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        assert_eq!(clock.advance_to_next(), WITHIN - KILL_AT);
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
fn a_stop_without_time_is_a_kill_and_an_error_at_once() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    let exit = process.stop(Signal::TERMINATE, Duration::ZERO);
    assert!(matches!(exit, Err(Error::StopTimeout { .. })));
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
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
fn a_grace_without_end_is_cut_to_a_tenth() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = Process::builder()
        .clock(clock.clock())
        .kill_grace(Duration::MAX)
        .background(fake.clone());
    let call = fake.wait_for_call();
    stop(&process, WITHIN, || {
        assert_eq!(clock.advance_to_next(), KILL_AT);
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
        assert_eq!(clock.advance_to_next(), KILL_AT);
        assert_eq!(clock.advance_to_next(), WITHIN - KILL_AT);
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

/// Has 10 s for each stop.
fn limited(clock: &ManualClock, fake: &FakeRunner) -> Process {
    Process::builder()
        .clock(clock.clock())
        .kill_grace(GRACE)
        .stop_within(WITHIN)
        .background(fake.clone())
}

#[test]
fn a_limit_of_the_process_bounds_a_stop_that_any_signal_begins() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = limited(&clock, &fake);
    let call = fake.wait_for_call();
    clock.advance(WITHIN * 10); // it counts from the signal on
    process.signal(Signal::INTERRUPT);
    assert_eq!(clock.advance_to_next(), KILL_AT);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert!(process.try_exit().is_none());
    assert_eq!(clock.advance_to_next(), WITHIN - KILL_AT);
    let error = process.expect_exit().unwrap_err();
    assert!(matches!(error, Error::Abandoned(_)), "{error}");
    assert_eq!(process.status(), Status::Abandoned);
    call.trigger_exit(Ok(()));
}

#[test]
fn of_a_process_with_a_limit_kill_begins_the_grace() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = limited(&clock, &fake);
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    clock.advance(WITHIN / 10);
    process.signal(Signal::KILL);
    assert_eq!(clock.advance_to_next(), GRACE);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    let heard: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(heard, [Signal::TERMINATE, Signal::KILL]);
    call.trigger_exit(Ok(()));
}

#[test]
fn the_end_of_the_limit_comes_before_that_of_the_grace() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = limited(&clock, &fake);
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    clock.advance(WITHIN - GRACE / 3);
    process.signal(Signal::KILL);
    assert_eq!(clock.advance_to_next(), GRACE / 3);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_process_without_a_limit_is_given_up_by_its_waiters_only() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = by_hand(&clock, &fake);
    let call = fake.wait_for_call();
    process.signal(Signal::KILL);
    clock.advance(GRACE * 1_000); // what is due is done by the thread that moves the clock
    assert!(process.try_exit().is_none());
    let exit = process.stop(Signal::KILL, Duration::ZERO);
    assert!(matches!(exit, Err(Error::StopTimeout { .. })));
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn the_shorter_of_the_callers_time_and_the_limit_ends_a_stop_and_the_process_is_given_up_then() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = limited(&clock, &fake);
    let call = fake.wait_for_call();
    let exit = stop(&process, Duration::from_secs(1), || {
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        clock.wait_for_timers(3); // two of the limit, and the caller's
        assert_eq!(clock.advance_to_next(), Duration::from_millis(900));
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        clock.wait_for_timers(3);
        assert_eq!(clock.advance_to_next(), Duration::from_millis(100));
    });
    assert!(matches!(exit, Err(Error::Abandoned(_))), "{exit:?}");
    assert_eq!(process.status(), Status::Abandoned);
    call.trigger_exit(Ok(()));
}

#[test]
fn a_limit_of_no_length_is_refused() {
    let process = Process::builder().name("a").stop_within(Duration::ZERO);
    let error = process.background(never_ready()).join().unwrap_err();
    assert_eq!(error.to_string(), "a: stop_within is zero");
}

#[test]
#[cfg(target_os = "linux")]
fn the_thread_of_what_is_stuck_is_named_as_the_operating_system_names_it() {
    let (here, told) = ifrit::crossbeam_channel::bounded(1);
    let (release, released) = ifrit::crossbeam_channel::bounded::<()>(0);
    let process = background(run_fn(move |_, _| {
        here.send(std::fs::read_link("/proc/thread-self")?)?;
        let _ = released.recv();
        Ok(())
    }));
    let path = told.recv_timeout(PATIENCE).unwrap();
    let id = path.file_name().unwrap().to_str().unwrap();
    let error = process.stop(Signal::TERMINATE, Duration::ZERO).unwrap_err();
    let stuck = error.stuck()[0].os_thread_id.expect("on Linux");
    assert_eq!(stuck.to_string(), id);
    drop(release);
    process.expect_exit().unwrap();
}
