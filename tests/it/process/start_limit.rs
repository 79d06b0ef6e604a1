//! `start_within`: INT, KILL, and giving up, under `background` and `invoke` alike.

use std::time::Duration;

use ifrit::crossbeam_channel::TryRecvError;
use ifrit::testing::{Call, FakeRunner, ManualClock, PATIENCE, Waiting, never_ready};
use ifrit::{Error, Process, Signal, process::Status, run_fn};

const LIMIT: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(2);

fn slow(clock: &ManualClock) -> (Process, Call) {
    let fake = FakeRunner::new();
    let process = Process::builder()
        .name("slow")
        .clock(clock.clock())
        .kill_grace(GRACE)
        .start_within(LIMIT)
        .background(fake.clone());
    let call = fake.wait_for_call();
    (process, call)
}

#[test]
fn a_runner_that_is_not_ready_in_time_is_told_to_stop() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    assert_eq!(clock.advance_to_next(), LIMIT);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(process.status(), Status::Stopping);
    call.trigger_exit(Ok(()));
    match process.expect_exit() {
        Err(Error::StartTimeout {
            name,
            after,
            stuck: None,
            source: None,
            ..
        }) => assert_eq!((name.as_str(), after), ("slow", LIMIT)),
        other => panic!("{other:?}"),
    }
    assert!(!process.is_ready());
    assert!(matches!(process.started(), Err(Error::StartTimeout { .. })));
}

#[test]
fn what_the_runner_returned_then_is_the_source() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    clock.advance(LIMIT);
    call.trigger_exit(Err("x".parse::<u8>().unwrap_err().into()));
    let error = process.expect_exit().unwrap_err();
    assert!(matches!(error, Error::StartTimeout { .. }));
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
}

#[test]
fn kill_follows_after_the_grace_and_then_it_is_given_up() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    clock.advance(LIMIT);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(clock.advance_to_next(), GRACE);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert!(process.try_exit().is_none());
    assert_eq!(clock.advance_to_next(), GRACE);
    let error = process.expect_exit().unwrap_err();
    let names: Vec<_> = error.stuck().iter().map(|stuck| &stuck.name).collect();
    assert_eq!(names, ["slow"]);
    assert!(matches!(error, Error::StartTimeout { stuck: Some(_), .. }));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_given_up_process_stays_in_the_tree_until_its_thread_is_gone() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    clock.advance(LIMIT + GRACE + GRACE);
    assert!(process.expect_exit().is_err());
    assert_eq!(process.status(), Status::Abandoned);
    let tree = ifrit::tree();
    let node = tree.get(process.id()).expect("its thread lives");
    assert_eq!(
        (node.status, node.name.as_str()),
        (Status::Abandoned, "slow")
    );

    let signals = call.signals().clone();
    call.trigger_exit(Err("late".into()));
    // Its signals are disconnected when the thread is done with it.
    while signals.recv_timeout(PATIENCE).is_ok() {}
    assert_eq!(signals.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(process.status(), Status::Exited);
    assert!(ifrit::tree().get(process.id()).is_none());
    // The exit is published once.
    assert!(matches!(
        process.try_exit(),
        Some(Err(Error::StartTimeout { .. }))
    ));
}

#[test]
fn invoke_returns_when_a_stuck_start_is_given_up() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let builder = Process::builder()
        .clock(clock.clock())
        .kill_grace(GRACE)
        .start_within(LIMIT);
    std::thread::scope(|threads| {
        let invoke = threads.spawn(|| builder.invoke(fake.clone()));
        let call = fake.wait_for_call();
        assert_eq!(clock.advance_to_next(), LIMIT);
        clock.advance(GRACE + GRACE);
        let process = invoke.join().unwrap();
        assert!(matches!(
            process.try_exit(),
            Some(Err(Error::StartTimeout { stuck: Some(_), .. }))
        ));
        call.trigger_exit(Ok(()));
    });
}

#[test]
fn a_start_limit_holds_on_the_systems_clock_too() {
    let builder = Process::builder().start_within(Duration::from_millis(1));
    let process = builder.clone().background(never_ready());
    assert!(matches!(
        process.expect_exit(),
        Err(Error::StartTimeout { .. })
    ));
    let process = builder.invoke(never_ready());
    assert!(matches!(
        process.try_exit(),
        Some(Err(Error::StartTimeout { .. }))
    ));
}

#[test]
fn ready_said_after_the_limit_is_too_late() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    clock.advance(LIMIT);
    call.trigger_ready();
    assert!(!process.is_ready());
    call.trigger_exit(Ok(()));
    assert!(matches!(
        process.expect_exit(),
        Err(Error::StartTimeout { .. })
    ));
    assert_eq!(process.ready().try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn ready_said_in_time_lifts_the_limit() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    clock.advance(LIMIT - Duration::from_nanos(1));
    call.trigger_ready();
    clock.advance(LIMIT * 10);
    // What is due is done by the thread that moves the clock, so there is nothing more to come.
    assert_eq!(call.signals().try_recv(), Err(TryRecvError::Empty));
    assert_eq!(process.status(), Status::Ready);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_ready_process_leaves_no_timer_behind() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    call.trigger_ready();
    // The next thing to happen on this clock is ours.
    let _alarm = clock.clock().after(LIMIT * 10);
    assert_eq!(clock.advance_to_next(), LIMIT * 10);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn an_exited_process_leaves_no_timer_behind() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    clock.advance(LIMIT);
    call.trigger_exit(Ok(()));
    assert!(process.exited().recv_timeout(PATIENCE).is_err());
    let _alarm = clock.clock().after(GRACE * 10);
    assert_eq!(clock.advance_to_next(), GRACE * 10);
}

#[test]
fn a_process_that_exits_by_itself_before_the_limit_keeps_its_exit() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    call.trigger_exit(Err("no disk".into()));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "no disk");
    clock.advance(LIMIT * 10);
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "no disk");
}

#[test]
fn a_process_told_to_stop_before_the_limit_that_returns_before_it_keeps_its_exit() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    process.signal(Signal::TERMINATE);
    clock.advance(LIMIT - Duration::from_nanos(1));
    let signals: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(signals, [Signal::TERMINATE]);
    call.trigger_exit(Err("half done".into()));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "half done");
    clock.advance(LIMIT * 10);
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "half done");
}

#[test]
fn a_process_told_to_stop_before_the_limit_is_told_kill_at_the_limit_and_given_up_after_the_grace()
{
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    process.signal(Signal::TERMINATE);
    assert_eq!(clock.advance_to_next(), LIMIT);
    let signals: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(signals, [Signal::TERMINATE, Signal::KILL]); // and no INT
    assert_eq!(clock.advance_to_next(), GRACE);
    match process.expect_exit() {
        Err(Error::StartTimeout { after, stuck, .. }) => {
            assert_eq!((after, stuck.is_some()), (LIMIT, true));
        }
        other => panic!("{other:?}"),
    }
    call.trigger_exit(Ok(()));
}

#[test]
fn kill_before_the_limit_begins_the_grace() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    process.signal(Signal::KILL);
    assert_eq!(clock.advance_to_next(), GRACE);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_notification_does_not_lift_the_limit() {
    let clock = ManualClock::new();
    let (process, call) = slow(&clock);
    process.signal(Signal::HANGUP);
    clock.advance(LIMIT);
    let signals: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(signals, [Signal::HANGUP, Signal::INTERRUPT]);
    call.trigger_exit(Ok(()));
    assert!(matches!(
        process.expect_exit(),
        Err(Error::StartTimeout { .. })
    ));
}

#[test]
fn limits_without_end_are_harmless() {
    for limit in [Duration::MAX, Duration::from_secs(u64::MAX / 4)] {
        let process = Process::builder()
            .start_within(limit)
            .kill_grace(Duration::MAX)
            .invoke(run_fn(|signals, ready| {
                ready.notify();
                ifrit::until_stop(&signals);
                Ok(())
            }));
        assert!(process.is_ready());
        process.stop(Signal::TERMINATE, limit).unwrap();
    }
}

#[test]
fn a_late_start_with_a_grace_without_end_is_told_once_and_never_given_up() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = Process::builder()
        .clock(clock.clock())
        .start_within(LIMIT)
        .kill_grace(Duration::MAX)
        .background(fake.clone());
    let call = fake.wait_for_call();
    clock.advance(LIMIT * 1_000);
    let signals: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(signals, [Signal::INTERRUPT]);
    assert!(process.try_exit().is_none());
    call.trigger_exit(Ok(()));
    assert!(matches!(
        process.expect_exit(),
        Err(Error::StartTimeout { .. })
    ));
}
