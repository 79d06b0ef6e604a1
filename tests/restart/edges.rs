//! Where restarts meet deadlines, stops, the handle, and each other.

use std::thread;

use ifrit::grouper::{AutoShutdown, Reason};
use ifrit::restart::{Next, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{
    Error, Process, Signal,
    error::Cause,
    grouper::{Member, Ordered},
};

use crate::kit::*;

#[test]
fn a_start_limit_counts_for_the_first_start_only() {
    let clock = ManualClock::new();
    let a = FakeRunner::new();
    let group = Ordered::new([Member::new("a", a.clone())]);
    let process = Process::builder()
        .clock(clock.clock())
        .start_within(5 * SECOND)
        .background(Restarter::new(group, |_, _| Next::Again));
    let first = up(&a);
    process.expect_ready();
    clock.advance(3600 * SECOND);
    first.fails();
    let second = up(&a);
    process.signal(Signal::HANGUP);
    assert_eq!(second.wait_for_signal(), Signal::HANGUP); // and not INT, because of a limit long past
    process.signal(Signal::TERMINATE);
    told(&second, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn a_significant_end_during_a_stop_begins_no_other_stop() {
    let fakes @ [a, s, z] = &fakes();
    let [a, s, z] =
        [("a", a), ("s", s), ("z", z)].map(|(name, fake)| Member::new(name, fake.clone()));
    let group = Ordered::new([a, s.one_shot().significant(), z]).auto_shutdown(AutoShutdown::Any);
    let (running, [a1, s1, z1]) = Running::up(group, fakes);
    running.process.signal(Signal::TERMINATE);
    assert_eq!(z1.wait_for_signal(), Signal::TERMINATE);
    running.ends("s", &s1, How::Ok);
    z1.ends(How::Ok);
    assert_eq!(a1.wait_for_signal(), Signal::TERMINATE);
    a1.fails();
    let trace = running.trace();
    assert!(trace.initiator().is_none());
    assert_eq!(trace.get("a").unwrap().cause, Cause::Stopped);
}

#[test]
fn who_was_terminated_in_vain_is_named_in_the_exit_of_the_group() {
    let fakes @ [_, _] = &fakes();
    let [a, b] = members(fakes, permanent());
    let group = Ordered::new([a, b.stop_within(SECOND)]).kill_grace(SECOND);
    let (running, [a1, b1]) = Running::up(group, fakes);
    let admin = running.admin.clone();
    let asker = thread::spawn(move || admin.terminate("b"));
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    running.clock.advance_to_next();
    assert_eq!(b1.wait_for_signal(), Signal::KILL);
    running.clock.advance_to_next();
    assert_eq!(
        asker.join().unwrap().unwrap_err().reason(),
        Reason::Abandoned
    );

    let exit = running.stop(&[&a1]);
    let stuck = exit.as_ref().unwrap_err().stuck();
    assert_eq!(stuck[0].name, "b");
    assert!(matches!(exit, Err(Error::Group(_))));
    b1.ends(How::Ok);
}

#[test]
fn what_was_removed_leaves_its_turn_to_nobody() {
    let fakes @ [a, _, c] = &fakes();
    let d = FakeRunner::new();
    let running = Running::new(Ordered::new(members(fakes, permanent())));
    let a1 = a.wait_for_call();
    running.admin.remove("b").unwrap();
    let (admin, last) = (running.admin.clone(), Member::new("d", d.clone()));
    let added = thread::spawn(move || admin.add(last));
    a1.trigger_ready();
    let c1 = up(c);
    let d1 = up(&d);
    added.join().unwrap().unwrap();
    assert_eq!((c.calls(), d.calls()), (1, 1));
    running
        .process
        .wait_ready_timeout(PATIENCE)
        .unwrap()
        .unwrap();
    running.stop(&[&d1, &c1, &a1]).unwrap();
}
