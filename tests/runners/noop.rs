//! Doing nothing.

use ifrit::runners::Noop;
use ifrit::testing::{Harness, Waiting};
use ifrit::{prelude::*, ready_channel};

use crate::kit::*;

#[test]
fn it_is_ready_at_once_and_ends_ok_with_a_stop() {
    for stop in STOPS.into_iter().chain([Signal::KILL]) {
        let outcome = Harness::new()
            .signal(Signal::HANGUP)
            .signal(stop)
            .signal(Signal::USER1)
            .run(&mut Noop);
        assert!(outcome.exit.is_ok() && outcome.ready);
        assert_eq!(outcome.unread, [Signal::USER1]);
    }
}

#[test]
fn a_notification_does_not_end_it() {
    let process = ifrit::invoke(Noop);
    process.signal(Signal::HANGUP);
    process.signal(Signal::USER1);
    assert!(process.is_ready() && process.try_exit().is_none());
    process.interrupt().unwrap();
}

#[test]
fn it_can_be_run_again() {
    let mut noop = Noop;
    for _ in 0..3 {
        let (_, signals) = ifrit::crossbeam_channel::bounded(0);
        noop.run(signals, ready_channel().0).unwrap(); // disconnected, which is a stop
    }
}

#[test]
fn its_plan_says_what_it_is() {
    assert_eq!(Noop.plan().to_string(), "noop");
}
