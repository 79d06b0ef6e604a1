//! A runner that is ready once it holds something.

use std::time::Duration;

use ifrit::observe::{Event, Events};
use ifrit::runners::{Gate, LeaseTooShort, Lost};
use ifrit::testing::{FakeRunner, Harness, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;
use crate::leases::*;

/// A gate that waits for its lease.
fn waiting() -> (Process, Hand) {
    let (lease, hand) = by_hand();
    let process = ifrit::background(Gate::new(lease));
    hand.expect(&["acquire"]);
    (process, hand)
}

/// One that holds it.
fn holding() -> (Process, Hand) {
    let (process, hand) = waiting();
    hand.act(Do::Give(7));
    process.expect_ready();
    hand.expect(&["keep 7"]);
    (process, hand)
}

fn lost(error: &Error) -> &Lost {
    error.downcast_ref().expect("a loss")
}

/// What it noted when it lost the lease.
fn loss_noted(events: &Events<Event>) -> String {
    let mut notes = std::iter::repeat_with(|| next_note(events));
    notes.find(|note| note.starts_with("lost")).unwrap()
}

#[test]
fn it_is_ready_once_it_holds_the_lease_and_releases_it_after_a_stop() {
    for stop in STOPS {
        let (process, hand) = waiting();
        assert!(!process.is_ready());
        hand.act(Do::Give(7));
        process.expect_ready();
        process.signal(Signal::HANGUP);
        process.signal(stop);
        process.expect_exit().unwrap();
        hand.expect(&["keep 7", "kept", "release 7"]);
    }
}

#[test]
fn a_stop_while_it_waits_is_ok_and_it_was_never_ready() {
    for stop in [STOPS.as_slice(), &[Signal::KILL]].concat() {
        let (process, hand) = waiting();
        process.signal(stop);
        process.expect_exit().unwrap();
        assert!(!process.is_ready());
        assert_eq!(hand.calls(), [""; 0]);
    }
}

#[test]
fn a_lease_that_comes_with_a_stop_is_released_and_it_was_never_ready() {
    for stop in [STOPS.as_slice(), &[Signal::KILL]].concat() {
        let (process, hand) = waiting();
        hand.act(Do::Block);
        process.signal(stop);
        hand.act(Do::Give(7));
        process.expect_exit().unwrap();
        // The stop may have been heard before it blocked.
        if let Some(released) = hand.calls().first() {
            assert_eq!(released, "release 7");
        }
        assert!(!process.is_ready());
    }
}

#[test]
fn a_stop_that_is_there_before_the_lease_is_given_releases_it() {
    let (lease, hand) = by_hand();
    hand.act(Do::Give(7));
    let mut gate = Gate::new(lease);
    let outcome = Harness::new().signal(Signal::TERMINATE).run(&mut gate);
    outcome.exit.unwrap();
    assert!(!outcome.ready);
    let calls = hand.calls();
    assert!(
        calls == ["acquire"] || calls == ["acquire", "release 7"],
        "{calls:?}"
    );
}

#[test]
fn a_loss_is_the_exit_and_nothing_is_released() {
    let (process, hand) = holding();
    let events = process.events();
    hand.act(Do::Fail("the session was closed"));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "lost the seal: the session was closed");
    let lost = lost(&error);
    assert_eq!(lost.lease, "the seal");
    assert_eq!(
        lost.why.as_ref().unwrap().to_string(),
        "the session was closed"
    );
    let note = loss_noted(&events);
    assert_eq!(note, "lost the seal: the session was closed");
    assert_eq!(hand.calls(), ["kept"]);
}

#[test]
fn after_kill_nothing_is_released_since_others_may_work_still() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let process = on(&clock, Gate::new(Candidate::new("one", &table)));
    process.expect_ready();
    process.kill().unwrap();
    assert!(table.lock().unwrap().holder.is_some());

    // Nor where it is the lease that has taken KILL out of the channel.
    let (process, hand) = holding();
    process.kill().unwrap();
    assert_eq!(hand.calls(), ["kept"]);
}

#[test]
fn what_the_lease_waits_for_is_noted_once_for_each() {
    let (lease, hand) = by_hand();
    let process = ifrit::background(Gate::new(lease));
    let events = process.events();
    for what in ["pid 1", "pid 1", "pid 2"] {
        hand.act(Do::Wait(what));
    }
    hand.act(Do::Give(7));
    assert_eq!(next_note(&events), "waits for pid 1");
    assert_eq!(next_note(&events), "waits for pid 2");
    assert_eq!(next_note(&events), "holds the seal");
    process.expect_ready();
    process.interrupt().unwrap();
}

#[test]
fn an_error_of_the_lease_is_the_exit() {
    let (process, hand) = waiting();
    hand.act(Do::Fail("no such database"));
    assert_eq!(
        process.expect_exit().unwrap_err().to_string(),
        "no such database"
    );
    assert!(!process.is_ready());
    assert_eq!(hand.calls(), [""; 0]);
}

#[test]
fn an_error_of_the_release_is_the_exit() {
    let (process, hand) = holding();
    *hand.bad_release.lock().unwrap() = Some(Do::Fail("cannot reach it"));
    process.signal(Signal::TERMINATE);
    assert_eq!(
        process.expect_exit().unwrap_err().to_string(),
        "cannot reach it"
    );
}

#[test]
fn a_panic_of_the_lease_is_the_exit() {
    let panicked = |process: Process| {
        let error = process.expect_exit().unwrap_err();
        assert!(matches!(&error, Error::Panicked(_)), "{error}");
    };
    let (process, hand) = waiting();
    hand.act(Do::Panic("acquire"));
    panicked(process);

    let (process, hand) = holding();
    hand.act(Do::Panic("keep"));
    panicked(process);
    assert_eq!(hand.calls(), [""; 0]); // not released: others may work still

    let (process, hand) = holding();
    *hand.bad_release.lock().unwrap() = Some(Do::Panic("release"));
    process.signal(Signal::TERMINATE);
    panicked(process);
}

#[test]
fn a_restarter_lets_it_wait_for_the_lease_anew() {
    let (lease, hand) = by_hand();
    let process = ifrit::background(again(Gate::new(lease)));
    hand.expect(&["acquire"]);
    hand.act(Do::Give(1));
    hand.expect(&["keep 1"]);
    hand.act(Do::Fail("lost"));
    hand.expect(&["kept", "acquire"]);
    hand.act(Do::Give(2));
    hand.expect(&["keep 2"]);
    process.interrupt().unwrap();
    hand.expect(&["kept", "release 2"]);
}

#[test]
fn a_fatal_loss_is_not_restarted() {
    let (lease, hand) = by_hand();
    let process = ifrit::background(again(Gate::new(lease)));
    hand.act(Do::Give(1));
    hand.act(Do::Fatal("the database is of a newer version"));
    let error = process.expect_exit().unwrap_err();
    assert!(error.is_fatal());
    hand.expect(&["acquire", "keep 1", "kept"]);
    assert_eq!(hand.calls(), [""; 0]);
}

#[test]
fn what_stands_after_it_starts_once_it_is_held_and_is_stopped_when_it_is_lost() {
    let ((lease, hand), fake) = (by_hand(), FakeRunner::new());
    let members = Members::new()
        .add("gate", Gate::new(lease))
        .add("worker", fake.clone());
    let group = ifrit::background(Ordered::new(members));
    hand.expect(&["acquire"]);
    assert_eq!(fake.calls(), 0);
    hand.act(Do::Give(7));
    let worker = up(&fake);
    group.expect_ready();
    hand.act(Do::Fail("the session was closed"));
    assert!(worker.wait_for_signal().is_stop());
    worker.trigger_exit(Ok(()));
    let error = group.expect_exit().unwrap_err();
    assert_eq!(lost(&error).lease, "the seal");
    hand.expect(&["keep 7", "kept"]);
    assert_eq!(hand.calls(), [""; 0]);
}

#[test]
fn it_is_released_when_what_stands_after_it_has_exited() {
    let ((lease, hand), fake) = (by_hand(), FakeRunner::new());
    let members = Members::new()
        .add("gate", Gate::new(lease))
        .add("worker", fake.clone());
    let group = ifrit::background(Ordered::new(members));
    hand.act(Do::Give(7));
    let worker = up(&fake);
    group.expect_ready();
    group.signal(Signal::TERMINATE);
    worker.wait_for_signal();
    hand.expect(&["acquire", "keep 7"]);
    assert_eq!(hand.calls(), [""; 0]);
    worker.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    hand.expect(&["kept", "release 7"]);
}

#[test]
fn a_group_that_is_stopped_while_it_waits_ends_without_starting_the_others() {
    let ((lease, hand), fake) = (by_hand(), FakeRunner::new());
    let members = Members::new()
        .add("gate", Gate::new(lease))
        .add("worker", fake.clone());
    let group = ifrit::background(Ordered::new(members));
    hand.expect(&["acquire"]);
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_second_one_waits_until_the_first_lets_go() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let one = on(&clock, Gate::new(Candidate::new("one", &table)));
    one.expect_ready();
    let other = on(&clock, Gate::new(Candidate::new("other", &table)));
    // The first renews it, the second looks whether it is free.
    pass(&clock, 2, LASTS * 3);
    assert!(!other.is_ready());
    assert!(table.lock().unwrap().renewals >= 17);
    one.interrupt().unwrap();
    clock.wait_for_timers(1);
    clock.advance(SECOND);
    other.expect_ready();
    assert_eq!(table.lock().unwrap().epoch, 2);
    other.interrupt().unwrap();
}

#[test]
fn a_lease_that_cannot_be_renewed_counts_as_lost_ahead_of_its_end() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let ahead = Duration::from_secs(25);
    let gate = Gate::new(Candidate::new("one", &table)).ends_ahead(ahead);
    let process = on(&clock, gate);
    process.expect_ready();
    let events = process.events();
    table.lock().unwrap().down = true;
    pass(&clock, 1, LASTS - ahead - SECOND);
    assert!(process.try_exit().is_none());
    clock.wait_for_timers(1);
    clock.advance(SECOND);
    let error = process.expect_exit().unwrap_err();
    assert_eq!(
        error.to_string(),
        "lost the row, which was not renewed in time"
    );
    assert!(lost(&error).why.is_none());
    assert_eq!(loss_noted(&events), "lost the row: not renewed in time");
    let holder = table.lock().unwrap().holder;
    assert_eq!(holder.unwrap().0, "one"); // it lasts until its end
}

#[test]
fn a_renewal_that_succeeds_in_the_end_keeps_it() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let gate = Gate::new(Candidate::new("one", &table)).ends_ahead(EVERY);
    let process = on(&clock, gate);
    process.expect_ready();
    table.lock().unwrap().down = true;
    pass(&clock, 1, LASTS - EVERY * 2);
    table.lock().unwrap().down = false;
    pass(&clock, 1, LASTS);
    assert!(process.try_exit().is_none());
    process.interrupt().unwrap();
}

#[test]
fn one_that_was_taken_over_is_lost_and_says_why() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let process = on(&clock, Gate::new(Candidate::new("one", &table)));
    process.expect_ready();
    table.lock().unwrap().epoch = 9;
    clock.wait_for_timers(1);
    clock.advance(EVERY);
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "lost the row: epoch 9 has begun");
}

#[test]
fn a_lease_that_lasts_for_less_than_it_takes_to_end_is_refused_and_released() {
    for ahead in [LASTS, LASTS * 2, Duration::MAX] {
        let (clock, table) = (ManualClock::new(), Table::default());
        let gate = Gate::new(Candidate::new("one", &table)).ends_ahead(ahead);
        let process = on(&clock, gate);
        let error = process.expect_exit().unwrap_err();
        let short: &LeaseTooShort = error.downcast_ref().expect("refused");
        assert_eq!((short.lasts, short.needed), (LASTS, ahead));
        assert!(!process.is_ready());
        assert!(table.lock().unwrap().holder.is_none());
    }
}

#[test]
fn its_plan_names_what_it_holds() {
    let (lease, _hand) = by_hand();
    let gate = Gate::new(lease).ends_ahead(SECOND);
    let plan = gate.plan();
    assert_eq!(plan.kind(), "gate");
    assert_eq!(plan.notes(), ["the seal", "ends 1s before it does"]);
}
