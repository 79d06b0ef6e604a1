//! Rounds of restarts, and the handle of a group, against a stop.

use super::*;
use crate::error::Error;
use crate::grouper::{Admin, Reason, Strategy};
use crate::process::Process;
use crate::restart::{Backoff, Restart};
use crate::sync::channel::unbounded;

fn restarting(up: Option<&Sender<&'static str>>, log: &Log) -> Process {
    let is_worth_it: fn(&Error) -> bool = |_| {
        on_its_own();
        true
    };
    let restart = || {
        Restart::permanent()
            .only_if(is_worth_it)
            .backoff(Backoff::constant(SECOND))
    };
    let members = [("a", Habit::FailsOnce), ("b", Habit::Idle)].map(|(name, habit)| {
        let mut worker = Worker::new(name, habit, log);
        worker.up = up.cloned();
        worker.member().restart(restart())
    });
    background(Ordered::new(members).strategy(Strategy::OneForAll))
}

/// One fails and all are restarted, while the group is told to stop.
fn round_against_stop() {
    let log = Log::default();
    let group = restarting(None, &log);
    let stopped = group.clone();
    go(move || stopped.signal(Signal::TERMINATE));
    let _ = group.join();
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
    for name in ["a", "b"] {
        assert!(log.count(name, Step::Started) <= 2, "a round too many");
    }
}

/// One fails and all are restarted; then the group is told to stop.
fn round() {
    let log = Log::default();
    let (up, ups) = unbounded();
    let group = restarting(Some(&up), &log);
    drop(up);
    let mut names = ups.iter();
    assert!(names.any(|name| name == "a"), "a restart is lost");
    assert!(names.any(|name| name == "b"), "a restart is lost");
    group.signal(Signal::TERMINATE);
    assert!(
        group.join().is_ok(),
        "a fault that was healed leaves no trace"
    );
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
}

/// A member that fails and is to be restarted is restarted by hand, and removed, while the group is told to stop.
fn restarted_by_hand() {
    let log = Log::default();
    let restart = Restart::permanent().backoff(Backoff::constant(SECOND));
    let member = Worker::new("a", Habit::FailsOnce, &log)
        .member()
        .restart(restart);
    let group = Parallel::new([member]);
    let (one, other) = (group.admin(), group.admin());
    let group = background(group);
    go(move || drop(one.restart("a")));
    go(move || match other.remove("a") {
        Ok(member) => assert_eq!(member.name(), "a"),
        Err(refused) => assert!(
            matches!(
                refused.reason(),
                Reason::NotRunning | Reason::Leaving | Reason::Unknown
            ),
            "{refused}"
        ),
    });
    group.signal(Signal::TERMINATE);
    let _ = group.join();
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
    assert!(log.count("a", Step::Started) <= 3, "a start too many");
}

/// A member is added, and another terminated, while the group is told to stop.
fn looked_after() {
    let log = Log::default();
    let first = Worker::new("a", Habit::Idle, &log);
    let added = Worker::new("b", Habit::Idle, &log);
    let group = Ordered::new([first.member()]);
    let (add, terminate): (Admin, Admin) = (group.admin(), group.admin());
    let group = background(group);
    let (say, said) = bounded(1);
    go(move || {
        let answer = add.add(added.member());
        let _ =
            say.send(answer.map_err(|refused| refused.into_member().unwrap().name().to_owned()));
    });
    go(move || drop(terminate.terminate("a")));
    group.signal(Signal::TERMINATE);
    assert!(group.join().is_ok());
    assert!(
        log.all_have_ended(),
        "engine 1: the group has ended before a member"
    );
    match said.recv().expect("each caller is answered") {
        Ok(process) => assert!(
            process.try_exit().is_some(),
            "engine 1: added, and left behind"
        ),
        Err(name) => {
            assert_eq!(name, "b", "a member that is refused comes back");
            assert_eq!(log.at("b", Step::Started), None, "refused, and started");
        }
    }
}

#[test]
fn a_round_restarts_all_or_is_stopped() {
    check(
        "group, round against stop",
        Schedules::Some,
        round_against_stop,
    );
    check("group, round", Schedules::Interrupting(1), round);
    check("group, round", Schedules::Some, round);
}

#[test]
fn each_caller_is_answered() {
    check("group, looked after", Schedules::Some, looked_after);
    check(
        "group, restarted by hand",
        Schedules::Some,
        restarted_by_hand,
    );
}

#[test]
fn a_group_that_does_not_wait_for_a_time_is_found() {
    let broken = (Fault::Forgotten, DRIVE, "fn sleep( > select.recv(alarm)");
    finds(DEADLOCK, broken, Schedules::Some, round);
}

#[test]
fn a_group_that_does_not_wait_for_exits_is_found() {
    let place = "fn sleep( > select.recv(self.ears.reports)";
    let broken = (Fault::Forgotten, DRIVE, place);
    for model in [round_against_stop, restarted_by_hand] {
        finds(DEADLOCK, broken, Schedules::Some, model);
    }
}

#[test]
fn a_question_that_is_left_at_the_door_is_found() {
    let broken = (
        Fault::Stale,
        DRIVE,
        "fn drop(&mut self) > self.ears.door.commands.try_iter()",
    );
    finds("always answered", broken, Schedules::Some, looked_after);
}
