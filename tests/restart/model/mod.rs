//! Random sequences of events, against a group and against a model of it.
//!
//! After each event the model says what must follow: who is started, who is told what, who is answered what, and
//! whether the group ends. The test waits for just that, and compares where every member stands. A failure shrinks to
//! the shortest scenario that shows it, and prints that.

mod drive;
mod machine;

use ifrit::grouper::Strategy as Restarts;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use crate::kit::{How, stress};
use machine::{Event, Policy};

fn how() -> impl Strategy<Value = How> {
    prop_oneof![Just(How::Ok), Just(How::Err), Just(How::Panic)]
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        3 => Just(Policy::Permanent),
        2 => Just(Policy::Transient),
        1 => Just(Policy::Temporary),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0..5usize;
    prop_oneof![
        8 => who.clone().prop_map(Event::Ready),
        8 => (who.clone(), how()).prop_map(|(who, how)| Event::Ends(who, how)),
        5 => (1..12u64).prop_map(Event::Passes),
        1 => Just(Event::Notified),
        1 => Just(Event::Stopped),
        2 => who.clone().prop_map(Event::Terminate),
        2 => who.clone().prop_map(Event::Restart),
        1 => who.prop_map(Event::Remove),
        1 => policy().prop_map(Event::Add),
    ]
}

/// `up`: everyone is up before the scenario begins.
fn agrees(strategy: Restarts, up: bool) {
    let config = Config {
        cases: stress(48) as u32,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let scenario = (
        proptest::collection::vec(policy(), 1..5),
        proptest::collection::vec(event(), 1..40),
    );
    let outcome = TestRunner::new(config).run(&scenario, |(members, events)| -> TestCaseResult {
        drive::run(strategy, &members, up, &events);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{strategy:?}: {failure}");
    }
}

#[test]
fn one_for_one_does_what_the_model_says() {
    agrees(Restarts::OneForOne, true);
}

#[test]
fn one_for_one_does_so_while_it_starts_too() {
    agrees(Restarts::OneForOne, false);
}

#[test]
fn one_for_all_does_what_the_model_says() {
    agrees(Restarts::OneForAll, true);
}

#[test]
fn one_for_all_does_so_while_it_starts_too() {
    agrees(Restarts::OneForAll, false);
}

#[test]
fn rest_for_one_does_what_the_model_says() {
    agrees(Restarts::RestForOne, true);
}

#[test]
fn rest_for_one_does_so_while_it_starts_too() {
    agrees(Restarts::RestForOne, false);
}
