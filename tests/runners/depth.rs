//! Wrappers that stand in each other.

use ifrit::runners::{Delay, Hooks, MapSignals, Noop, Serial, Throttle, Timeout};
use ifrit::testing::Waiting;
use ifrit::{BoxRunner, Error};

use crate::kit::*;

type Wrap = fn(BoxRunner) -> BoxRunner;

const WRAPPERS: [(&str, Wrap); 8] = [
    ("timeout", |inner| {
        let timeout = Timeout::new(inner).start_within(SECOND * 3_600);
        Box::new(
            timeout
                .run_within(SECOND * 3_600)
                .stop_within(SECOND * 3_600),
        )
    }),
    ("delay", |inner| {
        Box::new(Delay::new(inner, SECOND / 1_000_000))
    }),
    ("signals", |inner| Box::new(MapSignals::new(inner))),
    ("hooks", |inner| {
        let hooks = Hooks::new(inner).on_start(|| ()).on_ready(|| ());
        Box::new(hooks.on_exit(|_| ()))
    }),
    ("hooks of signals", |inner| {
        Box::new(Hooks::new(inner).on_signal(|_| ()))
    }),
    ("serial", |inner| Box::new(Serial::new().step("one", inner))),
    ("throttle", |inner| Box::new(Throttle::new(1).around(inner))),
    ("throttle that refuses", |inner| {
        Box::new(Throttle::new(1).around(inner).or_refuse())
    }),
];

/// So many in each other.
fn nested(wrap: Wrap, levels: usize) -> BoxRunner {
    let noop: BoxRunner = Box::new(Noop);
    (0..levels).fold(noop, |inner, _| wrap(inner))
}

#[test]
fn many_of_each_run_in_each_other_and_hear_a_stop() {
    for (name, wrap) in WRAPPERS {
        let process = ifrit::invoke(nested(wrap, 40)).started();
        let process = process.unwrap_or_else(|error| panic!("{name}: {error}"));
        process.interrupt().unwrap();
    }
}

#[test]
fn too_many_of_each_are_refused_before_the_stack_overflows() {
    for (name, wrap) in WRAPPERS {
        let exit = ifrit::background(nested(wrap, 150)).expect_exit();
        assert!(
            matches!(exit, Err(Error::TooDeep { .. })),
            "{name}: {exit:?}"
        );
    }
}
