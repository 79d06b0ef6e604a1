//! Exits: their causes, those that come too late, and those of threads that do not start.

use super::*;
use crate::error::{Cause, Error, ExitTrace};
use crate::process::handle::current;
use crate::ready::ready_channel;
use crate::runner::run_fn;
use crate::sync::channel::unbounded;

fn trace(error: Error) -> ExitTrace {
    match error {
        Error::Group(trace) => trace,
        other => panic!("not the error of a group: {other}"),
    }
}

/// A member fails at the time of a stop.
fn failing_while_stopped() {
    let log = Log::default();
    let members = [("a", Habit::Fails), ("b", Habit::Idle)];
    let members = members.map(|(name, habit)| Worker::new(name, habit, &log).member());
    let group = background(Parallel::new(members));
    let stopped = group.clone();
    go(move || stopped.signal(Signal::TERMINATE));
    let trace = match group.join() {
        Err(error) => trace(error),
        Ok(()) => return assert_eq!(log.at("a", Step::Started), None, "an exit is lost"),
    };
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
    let records = trace.exits.iter().filter(|exit| exit.name == "a");
    assert_eq!(records.count(), 1, "engine 1: each exit once");
    let cause = trace.get("a").map(|exit| exit.cause);
    let other = trace.get("b").map(|exit| exit.cause);
    match cause.expect("an exit is lost") {
        Cause::Initiator => assert!(other.is_none_or(|cause| cause == Cause::Consequence)),
        Cause::Independent => assert!(other.is_none_or(|cause| cause == Cause::Stopped)),
        cause @ Cause::Stopped => assert!(other.is_none_or(|other| other == cause)),
        cause => panic!("engine 2: {cause:?}"),
    }
}

/// A thread stops the group because it has seen a member fail.
fn stopped_for_a_failure() {
    let log = Log::default();
    let (say, said) = bounded(1);
    let failing = run_fn(move |_, _| {
        let _ = say.try_send(current());
        Err("broken".into())
    });
    let idle = Worker::new("b", Habit::Idle, &log).member();
    let group = background(Parallel::new([Member::new("a", failing), idle]));
    let process = said.recv().ok().flatten().expect("a thread of ours");
    assert!(process.join().is_err());
    group.signal(Signal::TERMINATE);
    let trace = trace(group.join().unwrap_err());
    let initiator = trace.initiator().map(|exit| &*exit.name);
    assert_eq!(
        initiator,
        Some("a"),
        "engine 2: what was seen before the stop began it"
    );
}

/// A member that does not return in time, or just about; its thread ends later in any case.
fn given_up() {
    let log = Log::default();
    let (keep, gate) = bounded(0);
    let mut stuck = Worker::new("a", Habit::Idle, &log);
    stuck.gate = Some(gate);
    let group = Parallel::new([stuck.member()])
        .stop_within(10 * SECOND)
        .kill_grace(SECOND);
    let group = background(group);
    let stopped = group.clone();
    go(move || stopped.signal(Signal::TERMINATE));
    go(move || drop(keep));
    match group.join() {
        Ok(()) => assert!(
            log.all_have_ended(),
            "engine 1: the group has ended before a member"
        ),
        Err(error) => {
            assert_eq!(
                error.stuck().len(),
                1,
                "the member that is given up is named"
            );
            assert!(
                sync::elapsed() >= 10 * SECOND,
                "invariant 6: not before the time"
            );
            let trace = trace(error);
            assert_eq!(trace.exits.len(), 1, "engine 1: each exit once");
            assert_eq!(trace.exits[0].cause, Cause::Abandoned);
        }
    }
}

/// As before, by hand, so that the group can be run again at once: with the late thread's runner, or not at all.
fn given_up_and_run_again() {
    let log = Log::default();
    let (keep, gate) = bounded(0);
    let mut stuck = Worker::new("a", Habit::Idle, &log);
    stuck.gate = Some(gate);
    let group = Parallel::new([stuck.member()]).stop_within(10 * SECOND);
    let mut group = group.kill_grace(SECOND);
    go(move || drop(keep));
    let mut run = || {
        let (signals, inbox) = unbounded();
        go(move || {
            let _ = signals.send(Signal::TERMINATE);
        });
        group.run(inbox, ready_channel().0).is_ok()
    };
    let first = run();
    let again = run();
    assert!(!first || again, "its runner is at home");
    let runs = log.count("a", Step::Started);
    assert!(
        runs <= 1 + usize::from(again),
        "engine 7: run while its thread still has it"
    );
}

/// Members whose threads may not start, and neither may the group's own.
fn refused() {
    let log = Log::default();
    let members = ["a", "b"].map(|name| Worker::new(name, Habit::Idle, &log).member());
    let group = background(Ordered::new(members));
    let stopped = group.clone();
    go(move || stopped.signal(Signal::TERMINATE));
    match group.join() {
        Ok(()) | Err(Error::Spawn { .. }) => {}
        Err(error) => {
            let trace = trace(error);
            let spawn =
                |exit: &crate::error::MemberExit| matches!(exit.exit, Err(Error::Spawn { .. }));
            assert!(
                trace.failures().all(spawn),
                "invariant 5: an exit, and no more"
            );
        }
    }
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
}

#[test]
fn an_exit_has_its_cause() {
    check(
        "group, failing while stopped",
        Schedules::Some,
        failing_while_stopped,
    );
    check(
        "group, stopped for a failure",
        Schedules::Interrupting(1),
        stopped_for_a_failure,
    );
    check(
        "group, stopped for a failure",
        Schedules::Some,
        stopped_for_a_failure,
    );
}

#[test]
fn who_is_stuck_is_given_up_and_named() {
    check("group, given up", Schedules::Some, given_up);
}

#[test]
fn who_was_given_up_is_not_run_twice() {
    check(
        "group, given up and run again",
        Schedules::Some,
        given_up_and_run_again,
    );
}

#[test]
fn a_member_whose_thread_does_not_start_is_an_exit() {
    short_of_threads(|| check("group, refused", Schedules::Some, refused));
}

#[test]
fn a_group_that_hears_an_exit_after_the_stop_is_found() {
    let broken = (
        Fault::Stale,
        DRIVE,
        "fn take_news( > self.ears.reports.len()",
    );
    finds("engine 2", broken, Schedules::Some, stopped_for_a_failure);
}

#[test]
fn an_exit_that_is_not_reported_is_found() {
    let place = "fn hear( > .send(report)";
    let broken = (Fault::Forgotten, "src/grouper/engine/mod.rs", place);
    for model in [given_up, given_up_and_run_again, failing_while_stopped] {
        finds(DEADLOCK, broken, Schedules::Some, model);
    }
    short_of_threads(|| finds(DEADLOCK, broken, Schedules::Some, refused));
}
