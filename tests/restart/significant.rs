//! Members whose completion ends the group.

use ifrit::restart::Restart;
use ifrit::testing::{Call, FakeRunner, Waiting};
use ifrit::{Signal, prelude::Member};
use ifrit::{
    error::Cause,
    grouper::{AutoShutdown, Ordered, Strategy},
};

use crate::kit::*;

/// "a" and "b" are significant, "c" is not.
fn group(when: AutoShutdown, restart: Restart, fakes: &[FakeRunner; 3]) -> Ordered {
    let [a, b, c] = members(fakes, restart);
    Ordered::new([a.significant(), b.significant(), c]).auto_shutdown(when)
}

fn running(when: AutoShutdown, restart: Restart) -> (Running, [FakeRunner; 3], [Call; 3]) {
    let fakes = fakes();
    let (running, calls) = Running::up(group(when, restart, &fakes), &fakes);
    (running, fakes, calls)
}

#[test]
fn never_means_never() {
    let (running, _, [a, b, c]) = running(AutoShutdown::Never, transient());
    running.ends("a", &a, How::Ok);
    running.ends("b", &b, How::Ok);
    running.stop(&[&c]).unwrap();
}

#[test]
fn any_ends_the_group_with_the_first_that_completes() {
    let (running, _, [a, b, c]) = running(AutoShutdown::Any, transient());
    b.ends(How::Ok);
    told(&c, Signal::INTERRUPT);
    told(&a, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn all_ends_the_group_with_the_last_that_completes() {
    let (running, _, [a, b, c]) = running(AutoShutdown::All, transient());
    running.ends("b", &b, How::Ok);
    assert!(c.signals().is_empty());
    a.ends(How::Ok);
    told(&c, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn members_that_are_not_significant_do_not_count() {
    for when in [AutoShutdown::Any, AutoShutdown::All] {
        let (running, _, [a, b, c]) = running(when, transient());
        running.ends("c", &c, How::Ok);
        assert!(b.signals().is_empty());
        running.stop(&[&b, &a]).unwrap();
    }
}

#[test]
fn a_failure_that_is_healed_is_no_completion() {
    let (running, [fake, ..], [a, b, c]) = running(AutoShutdown::Any, transient());
    running.fails("a", &a);
    let a = up(&fake);
    running.stop(&[&c, &b, &a]).unwrap();
}

#[test]
fn any_end_of_a_temporary_member_is_its_completion_and_named_the_initiator() {
    for how in EVERY_END {
        let (running, _, [a, b, c]) = running(AutoShutdown::Any, Restart::temporary());
        a.ends(how);
        told(&c, Signal::INTERRUPT);
        told(&b, Signal::INTERRUPT);
        let exit = running.process.expect_exit();
        assert_eq!(exit.is_ok(), how == How::Ok);
        if exit.is_err() {
            let trace = trace_of(exit);
            assert_eq!(trace.get("a").unwrap().cause, Cause::Initiator);
            assert_eq!(trace.get("b").unwrap().cause, Cause::Consequence);
        }
    }
}

#[test]
fn one_that_is_terminated_does_not_end_the_group_and_is_not_waited_for() {
    let (running, _, [a, b, c]) = running(AutoShutdown::All, transient());
    terminate(&running, "a", &a);
    assert!(c.signals().is_empty());
    b.ends(How::Ok); // the last that was up
    told(&c, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn one_that_is_removed_does_not_end_the_group_and_is_not_waited_for() {
    let (running, _, [a, b, c]) = running(AutoShutdown::All, transient());
    std::thread::scope(|scope| {
        scope.spawn(|| told(&a, Signal::INTERRUPT));
        running.admin.remove("a").unwrap();
    });
    assert!(c.signals().is_empty());
    b.ends(How::Ok);
    told(&c, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn one_that_has_completed_may_be_removed() {
    let (running, _, [a, b, c]) = running(AutoShutdown::All, transient());
    running.ends("a", &a, How::Ok);
    running.admin.remove("a").unwrap();
    b.ends(How::Ok);
    told(&c, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn one_that_has_completed_and_is_started_again_counts_again() {
    let (running, [fake, ..], [a, b, c]) = running(AutoShutdown::All, transient());
    running.ends("a", &a, How::Ok);
    running.admin.restart("a").unwrap();
    let a = up(&fake);
    running.ends("b", &b, How::Ok);
    assert!(c.signals().is_empty());
    a.ends(How::Ok);
    told(&c, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn one_that_is_added_counts() {
    let (running, _, [a, b, c]) = running(AutoShutdown::All, transient());
    let fake = FakeRunner::new();
    let member = Member::new("d", fake.clone()).restart(transient());
    running.admin.add(member.significant()).unwrap();
    let d = up(&fake);
    running.ends("a", &a, How::Ok);
    running.ends("b", &b, How::Ok);
    assert!(c.signals().is_empty());
    d.ends(How::Ok);
    told(&c, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn a_temporary_one_stopped_by_a_round_is_not_waited_for() {
    let fakes @ [a, _, _] = &fakes();
    let [first, second, third] = members(fakes, transient());
    let group = Ordered::new([
        first.significant(),
        second.significant().restart(Restart::temporary()),
        third,
    ]);
    let group = group
        .strategy(Strategy::OneForAll)
        .auto_shutdown(AutoShutdown::All);
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    a1.fails();
    told(&c1, Signal::INTERRUPT);
    told(&b1, Signal::INTERRUPT); // it does not come back, and that ends nothing
    let (a2, c2) = (up(a), up(&fakes[2]));
    running.ends("a", &a2, How::Ok);
    told(&c2, Signal::INTERRUPT);
    running.process.expect_exit().unwrap();
}

#[test]
fn each_run_counts_anew() {
    let fakes = fakes();
    let mut group = group(AutoShutdown::All, transient(), &fakes);
    for _ in 0..3 {
        ifrit::scope(|scope| {
            let process = ifrit::Process::builder().background_scoped(scope, &mut group);
            let [a, b, c] = all_up(&fakes);
            process.expect_ready();
            a.ends(How::Ok);
            b.ends(How::Ok);
            told(&c, Signal::INTERRUPT);
            process.expect_exit().unwrap();
        });
    }
}

fn terminate(running: &Running, name: &str, call: &Call) {
    std::thread::scope(|scope| {
        scope.spawn(|| told(call, Signal::INTERRUPT));
        running.admin.terminate(name).unwrap();
    });
}
