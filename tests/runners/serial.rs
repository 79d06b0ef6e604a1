//! Steps one after the other.

use ifrit::runners::Serial;
use ifrit::testing::{FakeRunner, Harness, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

fn steps<const N: usize>() -> ([FakeRunner; N], Serial) {
    let fakes: [FakeRunner; N] = std::array::from_fn(|_| FakeRunner::new());
    let serial = fakes.iter().enumerate();
    let serial = serial.fold(Serial::new(), |serial, (n, fake)| {
        serial.step(["a", "b", "c"][n], fake.clone())
    });
    (fakes, serial)
}

#[test]
fn the_next_step_begins_when_the_one_before_has_ended_and_the_last_says_ready() {
    let ([a, b], serial) = steps();
    let process = ifrit::background(serial);
    let first = up(&a); // which is not passed on
    assert_eq!(b.calls(), 0);
    assert!(!process.is_ready());
    first.trigger_exit(Ok(()));
    let second = b.wait_for_call();
    assert!(!process.is_ready());
    second.trigger_ready();
    process.expect_ready();
    second.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn an_error_or_a_panic_of_a_step_is_the_exit_and_no_other_step_begins() {
    for panics in [false, true] {
        let ([a, b, c], serial) = steps();
        let process = ifrit::background(serial);
        up(&a).trigger_exit(Ok(()));
        match panics {
            false => up(&b).trigger_exit(Err("no disk".into())),
            true => up(&b).trigger_panic("no disk"),
        }
        let error = process.expect_exit().unwrap_err();
        assert!(error.to_string().contains("no disk"));
        assert_eq!(matches!(error, Error::Panicked(_)), panics);
        assert_eq!(c.calls(), 0);
    }
}

#[test]
fn a_stop_is_heard_by_the_step_that_runs_and_no_other_begins() {
    let ([a, b], serial) = steps();
    let process = ifrit::background(serial);
    let call = up(&a);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    assert_eq!(b.calls(), 0);
}

#[test]
fn a_stop_that_a_step_has_not_read_keeps_the_next_from_beginning() {
    for _ in 0..stress(50) {
        let ([a, b], serial) = steps();
        let process = ifrit::background(serial);
        let call = up(&a);
        process.signal(Signal::TERMINATE);
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
        assert_eq!(b.calls(), 0);
    }
}

#[test]
fn a_notification_that_a_step_has_not_read_is_heard_by_the_next() {
    let ([a, b], serial) = steps();
    let process = ifrit::background(serial);
    let call = up(&a);
    process.signal(Signal::HANGUP);
    call.trigger_exit(Ok(()));
    let call = up(&b);
    assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_run_begins_with_the_first_step_again() {
    let ([a, b], serial) = steps();
    let process = ifrit::background(again(serial));
    up(&a).trigger_exit(Ok(()));
    up(&b).trigger_exit(Err("again".into()));
    up(&a).trigger_exit(Ok(()));
    let call = up(&b);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    assert_eq!((a.calls(), b.calls()), (2, 2));
}

#[test]
fn each_step_is_noted_as_it_begins() {
    let ([a, b], serial) = steps();
    let process = ifrit::background(serial);
    let events = process.events();
    up(&a).trigger_exit(Ok(()));
    up(&b).trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    assert_eq!(next_note(&events), "step 1 of 2: a");
    assert_eq!(next_note(&events), "step 2 of 2: b");
}

#[test]
fn without_a_step_it_is_ready_and_ends_ok() {
    let outcome = Harness::new().run(&mut Serial::new());
    assert!(outcome.exit.is_ok());
    let process = ifrit::invoke(Serial::new());
    process.expect_exit().unwrap();
    assert!(process.is_ready());
}

#[test]
fn names_that_repeat_or_are_empty_are_refused_before_anything_starts() {
    let fake = FakeRunner::new();
    let step = || fake.clone();
    let mut twice = Serial::new()
        .step("a", step())
        .step("b", step())
        .step("a", step());
    let exit = Harness::new().run(&mut twice).exit;
    assert!(matches!(exit, Err(Error::DuplicateNames(names)) if names == ["a"]));
    let mut empty = Serial::new().step("a", step()).step("", step());
    let exit = Harness::new().run(&mut empty).exit;
    assert!(matches!(exit, Err(Error::EmptyNames { positions }) if positions == [1]));
    assert_eq!(fake.calls(), 0);
}

#[test]
fn its_plan_has_the_steps_in_their_order() {
    let ([_, _], serial) = steps();
    assert_eq!(
        serial.plan().to_string(),
        "steps\n├─ a: FakeRunner\n└─ b: FakeRunner"
    );
    assert_eq!(format!("{serial:?}"), r#"Serial { steps: ["a", "b"] }"#);
}
