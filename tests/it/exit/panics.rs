//! A panic is an exit, and harms no other process.

use std::any::Any;
use std::panic::{catch_unwind, panic_any, resume_unwind};

use ifrit::testing::{PATIENCE, Waiting, signal_recorder};
use ifrit::{
    BoxError, Error, Process, ReadySender, Receiver, Result, Runner, Signal, background,
    error::Panic, invoke, run_fn, run_once,
};

fn panic_of(process: &Process) -> Panic {
    match process.expect_exit() {
        Err(Error::Panicked(panic)) => panic,
        other => panic!("expected a panic, but: {other:?}"),
    }
}

fn panic_with(payload: impl Any + Send) -> Panic {
    panic_of(&background(run_once(move |_, _| panic_any(payload))))
}

/// Panics when it is dropped.
#[derive(Debug, Default)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb went off");
    }
}

impl std::fmt::Display for Bomb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a bomb")
    }
}

impl std::error::Error for Bomb {}

/// Ends as told, and its destructor panics.
struct Armed(Option<Result<()>>, #[allow(dead_code)] Bomb);

impl Runner for Armed {
    fn run(&mut self, _: Receiver<Signal>, _: ReadySender) -> Result<()> {
        self.0.take().expect("it runs once")
    }
}

#[test]
fn a_panic_is_an_exit_with_its_text_place_and_backtrace() {
    let line = line!() + 1;
    let process = background(run_fn(|_, _| panic!("out of {}", "luck")));
    let panic = panic_of(&process);
    assert_eq!(panic.message(), "out of luck");
    let place = format!("{}:{line}:", file!());
    let location = panic.location().expect("a place");
    assert!(location.starts_with(&place), "{location}");
    assert_eq!(
        panic.to_string(),
        format!("panicked: out of luck, at {location}")
    );
    let backtrace = panic.backtrace().expect("a backtrace").to_string();
    assert!(backtrace.contains("a_panic_is_an_exit"), "{backtrace}");
}

#[test]
fn waiters_hear_of_a_panic() {
    let process = background(run_fn(|_, _| panic!("out of luck")));
    let wait = process.wait();
    assert!(matches!(
        wait.recv_timeout(PATIENCE),
        Ok(Err(Error::Panicked(_)))
    ));
    assert!(matches!(process.started(), Err(Error::Panicked(_))));
}

#[test]
fn any_text_is_kept() {
    assert_eq!(panic_with("static").message(), "static");
    assert_eq!(panic_with(String::from("owned")).message(), "owned");
    assert_eq!(panic_with(7_u8).message(), "a payload that is no text");
}

#[test]
fn an_error_that_was_the_payload_is_found() {
    let number = "x".parse::<u8>().unwrap_err();
    let process = background(run_once(|_, _| panic_any(number)));
    let error = process.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());

    let boxed: BoxError = "x".parse::<u8>().unwrap_err().into();
    let process = background(run_once(|_, _| panic_any(boxed)));
    let error = process.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    assert!(error.to_string().contains("invalid digit"), "{error}");
}

#[test]
fn an_error_is_found_in_an_exit_that_was_the_payload() {
    let inner = background(run_fn(|_, _| Ok("x".parse::<u8>().map(|_| ())?)));
    let inner = inner.expect_exit().unwrap_err();
    let error = background(run_once(|_, _| panic_any(inner)))
        .expect_exit()
        .unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    assert!(error.to_string().contains("invalid digit"), "{error}");
}

#[test]
fn a_payload_that_panics_when_it_is_printed_is_an_exit_all_the_same() {
    #[derive(Debug)]
    struct Shy;
    impl std::fmt::Display for Shy {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("not to be printed")
        }
    }
    impl std::error::Error for Shy {}
    let boxed: BoxError = Box::new(Shy);
    let error = background(run_once(|_, _| panic_any(boxed)))
        .expect_exit()
        .unwrap_err();
    assert!(error.downcast_ref::<Shy>().is_some());
    assert!(error.to_string().contains("cannot be printed"), "{error}");
}

#[test]
fn a_panic_of_a_helper_that_was_passed_on_is_kept_without_a_place() {
    let process = background(run_fn(|_, _| {
        let helper = std::thread::spawn(|| panic!("from the helper"));
        resume_unwind(helper.join().unwrap_err())
    }));
    let panic = panic_of(&process);
    assert_eq!(panic.message(), "from the helper");
    assert_eq!(panic.location(), None);
}

#[test]
fn a_panic_does_not_take_the_place_of_one_that_the_runner_caught_before() {
    let process = background(run_fn(|_, _| {
        let _ = catch_unwind(|| panic!("caught"));
        resume_unwind(Box::new("passed on"))
    }));
    let panic = panic_of(&process);
    assert_eq!(panic.message(), "passed on");
    assert_eq!(panic.location(), None);
    assert!(panic.backtrace().is_none());
}

#[test]
fn the_last_of_several_panics_of_a_runner_has_its_own_place() {
    let line = line!() + 3;
    let process = background(run_fn(|_, _| {
        let _ = catch_unwind(|| panic!("caught"));
        panic!("not caught")
    }));
    let panic = panic_of(&process);
    assert_eq!(panic.message(), "not caught");
    let place = format!("{}:{line}:", file!());
    assert!(panic.location().is_some_and(|at| at.starts_with(&place)));
}

#[test]
fn a_panic_in_the_runners_destructor_becomes_the_exit() {
    let panic = panic_of(&background(Armed(Some(Ok(())), Bomb)));
    assert_eq!(panic.message(), "the bomb went off");
}

#[test]
fn an_error_is_not_hidden_by_a_panic_in_the_destructor() {
    let process = background(Armed(Some(Err("no disk".into())), Bomb));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "no disk");
    let process = background(Armed(None, Bomb));
    assert_eq!(panic_of(&process).message(), "it runs once");
}

#[test]
fn a_payload_whose_destructor_panics_harms_nobody() {
    let process = background(run_fn(|_, _| panic_any(Bomb)));
    let panic = panic_of(&process);
    drop(process);
    drop(panic);
    background(run_fn(|_, _| Ok(()))).expect_exit().unwrap();
}

#[test]
fn a_panic_does_not_touch_its_siblings() {
    let (recorder, recorded) = signal_recorder();
    let sibling = invoke(recorder);
    panic_of(&background(run_fn(|_, _| panic!("out of luck"))));
    sibling.signal(Signal::HANGUP);
    sibling.signal(Signal::TERMINATE);
    sibling.expect_exit().unwrap();
    assert_eq!(recorded.so_far(), [Signal::HANGUP, Signal::TERMINATE]);
}

#[test]
fn a_runner_may_catch_its_own_panics() {
    let process = background(run_fn(|_, _| {
        assert!(catch_unwind(|| panic!("caught")).is_err());
        Ok(())
    }));
    process.expect_exit().unwrap();
}
