//! Testing without waiting: a fake runner, and a clock that is moved by hand.
//!
//!     cargo run --example unit_test
//!
//! You see an hour pass in no time: a member has a deadline of an hour to become ready, and misses it. In a crate of
//! your own, each of these functions would be a `#[test]`.

use std::time::Duration;

use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

const HOUR: Duration = Duration::from_secs(3600);

fn web_starts_when_db_is_ready() {
    let (db, web) = (FakeRunner::new(), FakeRunner::new());
    let group = Ordered::new(Members::new().add("db", db.clone()).add("web", web.clone()));
    let group = ifrit::background(group);

    let db_run = db.wait_for_call();
    assert_eq!(web.calls(), 0);
    db_run.trigger_ready();
    let web_run = web.wait_for_call();
    web_run.trigger_ready();
    group.expect_ready();

    group.signal(Signal::TERMINATE);
    assert_eq!(web_run.wait_for_signal(), Signal::TERMINATE);
    web_run.trigger_exit(Ok(()));
    assert_eq!(db_run.wait_for_signal(), Signal::TERMINATE); // and not before
    db_run.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

fn a_member_that_is_not_ready_in_time_stops_the_group() {
    let (clock, slow) = (ManualClock::new(), FakeRunner::new());
    let member = Member::new("slow", slow.clone()).start_within(HOUR);
    let group = Process::builder()
        .clock(clock.clock())
        .background(Ordered::new([member]));

    let run = slow.wait_for_call();
    assert_eq!(clock.advance_to_next(), HOUR);
    assert_eq!(run.wait_for_signal(), Signal::INTERRUPT);
    run.trigger_exit(Ok(()));
    let Err(Error::Group(trace)) = group.expect_exit() else {
        panic!("the group must fail");
    };
    println!("{trace}");
}

fn main() {
    web_starts_when_db_is_ready();
    a_member_that_is_not_ready_in_time_stops_the_group();
    println!("all as expected");
}
