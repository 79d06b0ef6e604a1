//! The hard cases of supervision that OTP knows, one by one.

use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{FakeRunner, PATIENCE, Waiting, signal_recorder};
use ifrit::{Error, prelude::*};
use ifrit::{
    error::Cause,
    grouper::{Counts, MemberState, Ordered, Parallel, Strategy},
};

use crate::kit::*;

const STRATEGIES: [Strategy; 3] = [
    Strategy::OneForOne,
    Strategy::OneForAll,
    Strategy::RestForOne,
];

#[test]
fn a_failing_start_is_an_error_and_leaves_nothing_running() {
    for strategy in STRATEGIES {
        for how in [How::Err, How::Panic] {
            let fakes @ [a, b, c] = &fakes();
            let running =
                Running::new(Ordered::new(members(fakes, permanent())).strategy(strategy));
            let first = up(a);
            let second = b.wait_for_call();
            let started = [running.process_of("a"), running.process_of("b")];
            second.ends(how);
            told(&first, Signal::INTERRUPT);

            let trace = running.trace();
            assert_eq!(trace.initiator().unwrap().name, "b");
            assert_eq!(calls(&[a.clone(), b.clone(), c.clone()]), [1, 1, 0]);
            assert!(!running.process.is_ready());
            let tree = ifrit::tree();
            assert!(
                started
                    .iter()
                    .all(|process| tree.get(process.id()).is_none())
            );
        }
    }
}

#[test]
fn a_start_that_takes_too_long_is_an_error_and_leaves_nothing_running() {
    let fakes @ [a, b] = &fakes();
    let [first, second] = members(fakes, permanent());
    let group = Ordered::new([first, second.start_within(5 * SECOND)]);
    let running = Running::new(group);
    let (a_run, b_run) = (up(a), b.wait_for_call());
    running.clock.advance(5 * SECOND);
    told(&b_run, Signal::INTERRUPT);
    told(&a_run, Signal::INTERRUPT);
    let trace = running.trace();
    assert!(matches!(
        trace.initiator().unwrap().exit,
        Err(Error::StartTimeout { .. })
    ));
    assert_eq!(calls(fakes), [1, 1]);
}

#[test]
fn a_child_that_exits_by_itself_in_the_middle_of_a_shutdown_does_not_come_back() {
    for (n, restart) in [permanent(), transient(), Restart::temporary()]
        .into_iter()
        .enumerate()
    {
        for how in EVERY_END {
            let fakes = fakes();
            let group = Ordered::new(members(&fakes, restart));
            let (running, [a, b, c]) = Running::up(group, &fakes);
            running.process.signal(Signal::TERMINATE);
            assert_eq!(c.wait_for_signal(), Signal::TERMINATE);

            running.ends("b", &b, how);
            c.ends(How::Ok);
            told(&a, Signal::TERMINATE); // the turn of b is passed over

            let exit = running.process.expect_exit();
            assert_eq!(exit.is_ok(), how == How::Ok, "{restart:?} {how:?}");
            if exit.is_err() {
                let trace = trace_of(exit);
                let cause = match n == 2 {
                    true => Cause::Completed, // the policy allows the end, whenever it comes
                    false => Cause::Independent,
                };
                assert_eq!(trace.get("b").unwrap().cause, cause);
                assert!(trace.initiator().is_none());
            }
            assert_eq!(calls(&fakes), [1, 1, 1]);
        }
    }
}

#[test]
fn a_child_that_fails_when_told_to_stop_does_not_come_back() {
    for restart in [permanent(), transient(), Restart::temporary()] {
        let fakes = fakes();
        let (running, [a, b]) = Running::up(Ordered::new(members(&fakes, restart)), &fakes);
        running.process.signal(Signal::TERMINATE);
        assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
        b.fails();
        told(&a, Signal::TERMINATE);
        assert_eq!(running.trace().get("b").unwrap().cause, Cause::Stopped);
        assert_eq!(calls(&fakes), [1, 1]);
    }
}

#[test]
fn restarts_just_under_the_budget_survive_and_one_more_escalates() {
    let fakes @ [a, _] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).budget(Budget::new(3, 10 * SECOND));
    let (running, [mut run, other]) = Running::up(group, fakes);
    // A fourth within the time is one too many; for a long time there never is.
    for _ in 0..100 {
        for _ in 0..3 {
            running.fails("a", &run);
            run = up(a);
        }
        running.clock.advance(10 * SECOND);
    }
    for _ in 0..3 {
        run.fails();
        run = up(a);
    }
    run.fails();
    told(&other, Signal::INTERRUPT);
    let trace = running.trace();
    let last = trace.initiator().unwrap();
    assert_eq!(last.name, "a");
    assert!(matches!(
        last.exit,
        Err(Error::RestartBudget { restarts: 3, .. })
    ));
    assert_eq!(a.calls(), 1 + 100 * 3 + 3);
}

#[test]
fn one_for_all_where_another_child_fails_to_come_back_stops_the_one_already_restarted() {
    let fakes @ [a, b, c] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).strategy(Strategy::OneForAll);
    let (running, [first, second, third]) = Running::up(group, fakes);
    third.fails();
    told(&second, Signal::INTERRUPT);
    told(&first, Signal::INTERRUPT);

    let back = up(a);
    b.wait_for_call().fails(); // it does not come back
    told(&back, Signal::INTERRUPT);
    assert_eq!(c.calls(), 1); // it had not been its turn

    let [first, second, third] = all_up(fakes);
    assert_eq!(calls(fakes), [3, 3, 2]);
    running.stop(&[&third, &second, &first]).unwrap();
}

#[test]
fn rest_for_one_where_a_later_child_fails_to_come_back_does_not_touch_the_earlier_one_again() {
    let fakes @ [a, b, c] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).strategy(Strategy::RestForOne);
    let (running, [first, second, third]) = Running::up(group, fakes);
    second.fails();
    told(&third, Signal::INTERRUPT);

    let second = up(b);
    c.wait_for_call().fails(); // it does not come back
    let third = up(c);
    assert_eq!(calls(&[a.clone(), b.clone(), c.clone()]), [1, 2, 3]);
    // The first thing that a and b hear is the stop.
    running.stop(&[&third, &second, &first]).unwrap();
}

#[test]
fn a_temporary_child_is_not_resurrected_by_a_group_restart() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let fakes @ [a, b, c] = &fakes();
        let [first, second, third] = members(fakes, permanent());
        let group = Ordered::new([first, second.restart(Restart::temporary()), third]);
        let (running, [a_run, b_run, c_run]) = Running::up(group.strategy(strategy), fakes);
        a_run.fails();
        told(&c_run, Signal::INTERRUPT);
        told(&b_run, Signal::INTERRUPT);
        let (a_run, c_run) = (up(a), up(c)); // c has its turn when b would have had it
        assert_eq!(running.state("b"), MemberState::Completed);
        assert_eq!(b.calls(), 1);
        running.stop(&[&c_run, &a_run]).unwrap();
    }
}

#[test]
fn a_temporary_child_that_has_ended_is_not_resurrected_either() {
    let fakes @ [a, b] = &fakes();
    let [first, second] = members(fakes, permanent());
    let group = Ordered::new([first, second.restart(Restart::temporary())]);
    let (running, [a_run, b_run]) = Running::up(group.strategy(Strategy::OneForAll), fakes);
    running.ends("b", &b_run, How::Ok);
    a_run.fails();
    let a_run = up(a);
    running.stop(&[&a_run]).unwrap();
    assert_eq!(b.calls(), 1);
}

#[test]
fn a_child_stopped_because_of_a_siblings_failure_is_not_itself_the_cause() {
    let fakes @ [a, b] = &fakes();
    let group = Ordered::new(members(fakes, permanent()))
        .strategy(Strategy::OneForAll)
        .budget(Budget::new(2, SECOND));
    let (running, [mut first, mut second]) = Running::up(group, fakes);
    // Were the failures of b paid for as well, this would be four restarts.
    for _ in 0..2 {
        first.trigger_exit(Err("the cause".into()));
        assert_eq!(second.wait_for_signal(), Signal::INTERRUPT);
        second.trigger_exit(Err("told to stop".into()));
        (first, second) = (up(a), up(b));
    }
    assert_eq!(running.member("a").restarts, 2);
    first.trigger_exit(Err("the cause".into()));
    assert_eq!(second.wait_for_signal(), Signal::INTERRUPT);
    second.trigger_exit(Err("told to stop".into()));
    let trace = running.trace();
    assert_eq!(trace.initiator().unwrap().name, "a");
    let Err(Error::RestartBudget { history, .. }) = &trace.initiator().unwrap().exit else {
        panic!("{trace}");
    };
    assert!(
        history
            .iter()
            .all(|exit| exit.as_ref().unwrap_err().to_string() == "the cause")
    );
    assert_eq!(trace.get("b").unwrap().cause, Cause::Consequence);
}

/// A group in which "hot" crashes as fast as it can.
fn hot() -> Running {
    let crash = ifrit::run_fn(|_, ready| {
        ready.notify();
        Err("again".into())
    });
    let hot = Member::new("hot", crash).restart(permanent());
    let calm = Member::new("calm", signal_recorder().0).restart(permanent());
    let running = Running::new(Ordered::new([calm, hot]).budget(any_number()));
    running.process.expect_ready();
    running
}

#[test]
fn stop_during_a_hot_crash_loop_is_answered() {
    for _ in 0..stress(20) {
        let running = hot();
        running.process.signal(Signal::TERMINATE);
        let exit = running.process.expect_exit();
        // The last crash may have come by itself, after the stop had begun.
        assert!(exit.is_ok() || trace_of(exit).initiator().is_none());
    }
}

#[test]
fn add_terminate_restart_and_remove_during_a_hot_crash_loop_are_answered() {
    let running = hot();
    for _ in 0..stress(20) {
        let member = Member::new("new", signal_recorder().0);
        running.admin.add(member).unwrap().expect_ready();
        assert_eq!(running.admin.count().unwrap().members, 3);
        assert_eq!(running.admin.remove("new").unwrap().name(), "new");
    }
    for _ in 0..stress(20) {
        running.admin.terminate("hot").unwrap();
        assert_eq!(running.state("hot"), MemberState::Terminated);
        running.admin.restart("hot").unwrap();
    }
    let hot = running.admin.remove("hot").unwrap();
    assert_eq!(hot.name(), "hot");
    running.stop(&[]).unwrap();
}

#[test]
fn the_order_of_children_survives_restarts() {
    let fakes @ [a, b, c] = &fakes();
    let (running, [a1, b1, c1]) = Running::up(Ordered::new(members(fakes, permanent())), fakes);
    a1.fails();
    let a2 = up(a);
    c1.fails();
    let c2 = up(c);
    b1.fails();
    let b2 = up(b);
    let names: Vec<_> = running.members().into_iter().map(|m| m.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    running.stop(&[&c2, &b2, &a2]).unwrap();
}

#[test]
fn counts_include_those_waiting_to_restart() {
    let fakes = fakes();
    let later = Restart::permanent().backoff(Backoff::constant(SECOND));
    let (running, [a, b, c]) = Running::up(Ordered::new(members(&fakes, later)), &fakes);
    running.fails("a", &a);
    running.fails("c", &c);
    let count = running.admin.count().unwrap();
    assert_eq!((count.members, count.running, count.restarting), (3, 1, 2));
    assert_eq!(running.state("a"), MemberState::Restarting);
    running.clock.advance(SECOND);
    let (a, c) = (up(&fakes[0]), up(&fakes[2]));
    assert_eq!(running.admin.count().unwrap().restarting, 0);
    running.stop(&[&c, &b, &a]).unwrap();
}

#[test]
fn five_thousand_children_start_and_stop() {
    const MANY: usize = 5_000;
    let (runner, told) = signal_recorder();
    let member = |n: usize| Member::new(n.to_string(), runner.clone()).restart(permanent());
    let Running { process, admin, .. } = Running::new(Parallel::new((0..MANY).map(member)));
    let patience = 4 * PATIENCE; // that many threads are many turns on a busy core
    let ready = process.wait_ready_timeout(patience);
    ready.expect("it starts").unwrap();
    let Counts { running: alive, .. } = admin.count().unwrap();
    assert_eq!(alive, MANY);
    process.signal(Signal::TERMINATE);
    let exit = process.join_timeout(patience);
    exit.expect("it stops").unwrap();
    assert_eq!(told.so_far().len(), MANY);
}

#[test]
fn a_thousand_children_are_restarted_together() {
    const MANY: usize = 1_000;
    let (runner, told) = signal_recorder();
    let member = |n: usize| Member::new(n.to_string(), runner.clone()).restart(permanent());
    let cause = FakeRunner::new();
    let last = Member::new("cause", cause.clone()).restart(permanent());
    let members = (1..MANY).map(member).chain([last]);
    let running = Running::new(Parallel::new(members).strategy(Strategy::OneForAll));
    let first = up(&cause);
    running.process.expect_ready();
    first.fails();
    let back = up(&cause);
    assert_eq!(running.admin.count().unwrap().running, MANY);
    running.stop(&[&back]).unwrap();
    assert_eq!(told.so_far().len(), 2 * (MANY - 1));
}
