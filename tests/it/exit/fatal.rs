//! An error that is marked as fatal looks like what it marks, and the mark is found at any depth.

use std::error::Error as StdError;
use std::fmt;
use std::num::ParseIntError;

use ifrit::grouper::{Members, Ordered, Parallel};
use ifrit::restart::{Backoff, Budget, Next, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{BoxError, Error, Process, Runner, background, fatal, run_fn, run_once};

fn invalid() -> ParseIntError {
    "x".parse::<u8>().unwrap_err()
}

fn error_of(runner: impl Runner + 'static) -> Error {
    background(runner).expect_exit().unwrap_err()
}

/// A user's error around another one.
#[derive(Debug)]
struct Around(BoxError);

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("around")
    }
}

impl StdError for Around {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

#[test]
fn a_fatal_error_looks_like_the_error_that_is_marked() {
    let marked = fatal(Around(invalid().into()));
    assert_eq!(marked.to_string(), "around");
    assert_eq!(
        marked.source().expect("that of the error").to_string(),
        invalid().to_string()
    );
    assert_eq!(format!("{:?}", fatal("text")), "\"text\"");
    let twice = fatal(fatal(invalid()));
    let error = error_of(run_once(|_, _| Err(twice)));
    assert!(error.is_fatal());
    assert_eq!(error.to_string(), invalid().to_string());
    assert!(error.downcast_ref::<ParseIntError>().is_some());
}

#[test]
fn an_error_that_is_not_marked_is_not_fatal() {
    assert!(!error_of(run_fn(|_, _| Err(Around(invalid().into()).into()))).is_fatal());
    assert!(!error_of(run_fn(|_, _| panic!("out of luck"))).is_fatal());
    assert!(!Error::AlreadyRan.is_fatal());
}

#[test]
fn a_fatal_error_is_found_at_any_depth() {
    fn leaf() -> impl Runner {
        run_fn(|_, _| Err(fatal(invalid())))
    }
    let group = || {
        let inner = Parallel::new(Members::new().add("leaf", leaf()));
        Ordered::new(Members::new().add("inner", inner))
    };
    let restarted = Restarter::new(group(), |_, _| Next::Again)
        .backoff(Backoff::none())
        .budget(Budget::new(0, std::time::Duration::from_secs(1)));
    let mut passed_on = group();
    let passed_on = run_fn(move |signals, ready| {
        passed_on.run(signals, ready)?;
        Ok(())
    });
    let around = run_fn(move |_, _| Err(Around(fatal(invalid())).into()));
    let below = run_fn(move |_, _| Err(Around(error_of(leaf()).into()).into()));
    let boxed = run_fn(move |_, _| Ok(background(leaf()).join().map_err(Box::new)?));
    let of_ours = run_fn(move |_, _| Err(fatal(error_of(group()))));
    let panicked = run_fn(|_, _| std::panic::panic_any(fatal(invalid())));
    let runners: [Box<dyn Runner>; 9] = [
        Box::new(leaf()),
        Box::new(group()),
        Box::new(restarted),
        Box::new(passed_on),
        Box::new(around),
        Box::new(below),
        Box::new(boxed),
        Box::new(of_ours),
        Box::new(panicked),
    ];
    for (place, runner) in runners.into_iter().enumerate() {
        let error = error_of(runner);
        assert!(error.is_fatal(), "{place}: {error}");
        assert!(error.downcast_ref::<ParseIntError>().is_some(), "{place}");
        assert!(error.to_string().contains("invalid digit"), "{error}");
    }
}

#[test]
fn a_group_that_is_marked_as_fatal_is_looked_into() {
    let group = Ordered::new(Members::new().add("leaf", run_fn(|_, _| Err("disk full".into()))));
    let error = error_of(group);
    let marked = error_of(run_once(|_, _| Err(fatal(error))));
    assert!(marked.is_fatal());
    assert_eq!(marked.to_string(), "leaf: disk full [initiator]");
    assert_eq!(marked.root_cause().to_string(), "disk full");
}

#[test]
fn a_fatal_error_is_found_below_a_start_that_took_too_long() {
    let (clock, slow) = (ManualClock::new(), FakeRunner::new());
    let second = std::time::Duration::from_secs(1);
    let process = Process::builder()
        .clock(clock.clock())
        .start_within(second)
        .background(slow.clone());
    let call = slow.wait_for_call();
    clock.advance(second);
    call.trigger_exit(Err(fatal(invalid())));
    let error = process.expect_exit().unwrap_err();
    assert!(matches!(error, Error::StartTimeout { .. }));
    assert!(error.is_fatal());
}
