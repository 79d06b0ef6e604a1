//! How long the waits of tests go on, and what they say when it is over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ifrit::grouper::{Members, Ordered};
use ifrit::testing::{
    FakeRunner, ManualClock, PATIENCE, Waiting, patience, signal_recorder, with_patience,
};
use ifrit::{Process, Signal, background, invoke};

const MOMENT: Duration = Duration::from_millis(1);

/// What `wait` says when a moment is over.
fn in_vain<T>(wait: impl FnOnce() -> T) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| {
        with_patience(MOMENT, wait);
    }));
    *payload.unwrap_err().downcast::<String>().expect("a text")
}

#[test]
fn the_patience_holds_for_this_thread_while_the_closure_runs() {
    assert_eq!(patience(), PATIENCE);
    with_patience(MOMENT, || {
        assert_eq!(patience(), MOMENT);
        with_patience(PATIENCE * 2, || assert_eq!(patience(), PATIENCE * 2));
        assert_eq!(patience(), MOMENT);
        let elsewhere = std::thread::spawn(patience).join().unwrap();
        assert_eq!(elsewhere, PATIENCE);
    });
    let _ = catch_unwind(|| with_patience(MOMENT, || panic!("out")));
    assert_eq!(patience(), PATIENCE, "a panic restores it");
}

#[test]
fn every_wait_of_the_kit_keeps_the_patience_and_says_so() {
    let fake = FakeRunner::new();
    assert!(in_vain(|| fake.wait_for_call()).contains("1ms"));
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    let (_, recorded) = signal_recorder();
    let said = [
        in_vain(|| process.expect_ready()),
        in_vain(|| process.expect_exit()),
        in_vain(|| recorded.wait_for(1)),
        in_vain(|| ManualClock::new().wait_for_timers(1)),
        in_vain(|| ManualClock::new().advance_to_next()),
    ];
    for text in said {
        assert!(text.contains("1ms"), "{text}");
    }
    assert!(in_vain(|| call.wait_for_signal()).contains("no signal"));
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn interrupt_and_kill_send_their_signal_and_return_the_exit() {
    let (runner, recorded) = signal_recorder();
    invoke(runner.clone()).interrupt().unwrap();
    invoke(runner).kill().unwrap();
    assert_eq!(recorded.so_far(), [Signal::INTERRUPT, Signal::KILL]);
}

#[test]
fn a_stop_in_vain_names_who_is_stuck() {
    let (fake, (idle, _)) = (FakeRunner::new(), signal_recorder());
    let group = Ordered::new(Members::new().add("idle", idle).add("deaf", fake.clone()));
    let group = Process::builder().name("app").background(group);
    let call = fake.wait_for_call();
    call.trigger_ready();
    group.expect_ready();
    let said = in_vain(|| group.interrupt());
    for part in [
        "app: still running after 1ms of INT",
        "deaf",
        "ordered group",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let said = in_vain(|| group.kill());
    assert!(said.contains("of KILL"), "{said}");
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn waiting_for_no_timers_returns_at_once() {
    let clock = ManualClock::new();
    clock.wait_for_timers(0);
}
