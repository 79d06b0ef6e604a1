//! Payloads of panics that panic when they are dropped, and errors that panic when they are looked at.

use std::error::Error as StdError;
use std::fmt;
use std::panic::panic_any;
use std::time::Duration;

use ifrit::restart::{Backoff, Budget, Restarter};
use ifrit::testing::Waiting;
use ifrit::{
    BoxError, Error, background,
    grouper::{Member, Parallel},
    run_fn, run_once,
};

/// A payload whose destructor panics with another one of the same kind.
struct Hydra;

impl Drop for Hydra {
    fn drop(&mut self) {
        panic_any(Hydra);
    }
}

#[test]
fn a_payload_whose_destructor_panics_without_end_harms_nobody() {
    let process = background(run_fn(|_, _| panic_any(Hydra)));
    assert!(matches!(process.expect_exit(), Err(Error::Panicked(_))));
    drop(process);
}

#[test]
fn a_runner_whose_destructor_panics_without_end_harms_nobody() {
    let hydra = Hydra;
    let process = background(run_fn(move |_, _| {
        let _keeps = &hydra;
        Ok(())
    }));
    assert!(matches!(process.expect_exit(), Err(Error::Panicked(_))));
    drop(process);
}

/// An error that panics when it is looked at, with a payload that panics when it is dropped.
#[derive(Debug)]
struct Shy;

impl fmt::Display for Shy {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic_any(Hydra)
    }
}

impl StdError for Shy {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        panic_any(Hydra)
    }
}

#[test]
fn an_error_that_panics_when_it_is_looked_at_is_an_exit_all_the_same() {
    let returned = run_fn(|_, _| Err(Shy.into()));
    let thrown = run_once(|_, _| {
        let boxed: BoxError = Shy.into();
        panic_any(boxed)
    });
    let members = [
        Member::new("returned", returned),
        Member::new("thrown", thrown),
    ];
    let group = background(Parallel::new(members));
    let error = group.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<Shy>().is_some());
}

#[test]
fn a_restarter_does_not_look_at_errors() {
    let restarter = Restarter::on_error(run_fn(|_, _| Err(Shy.into())));
    let restarter = restarter
        .backoff(Backoff::none())
        .budget(Budget::new(3, Duration::MAX));
    let error = background(restarter).expect_exit().unwrap_err();
    assert!(matches!(error, Error::RestartBudget { restarts: 3, .. }));
}
