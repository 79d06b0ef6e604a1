//! Looking after the members of a group that runs.

use std::time::Duration;

use ifrit::crossbeam_channel::bounded;
use ifrit::grouper::{Admin, MemberState, Ordered, Parallel, Reason, Refusal, Strategy};
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{Call, FakeRunner, PATIENCE, Waiting, signal_recorder, with_patience};
use ifrit::{Error, prelude::*, process::Status};

use crate::kit::*;

/// Terminates a member whose run then returns Ok.
fn terminate(running: &Running, name: &str, call: &Call) {
    std::thread::scope(|scope| {
        scope.spawn(|| told(call, Signal::INTERRUPT));
        running.admin.terminate(name).unwrap();
    });
}

fn two() -> (Running, [FakeRunner; 2], [Call; 2]) {
    let fakes = fakes();
    let (running, calls) = Running::up(Ordered::new(members(&fakes, permanent())), &fakes);
    (running, fakes, calls)
}

#[test]
fn list_tells_names_states_processes_and_restarts_in_start_order() {
    let (running, [a, _], [a1, b1]) = two();
    running.fails("a", &a1);
    let a2 = a.wait_for_call();
    let members = running.members();
    let seen: Vec<_> = members
        .iter()
        .map(|m| (&*m.name, m.state, m.restarts))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", MemberState::Starting, 1),
            ("b", MemberState::Ready, 0)
        ]
    );
    assert_eq!(members[0].process.as_ref().unwrap().name(), "a");
    a2.trigger_ready();
    assert_eq!(running.state("a"), MemberState::Ready);
    running.stop(&[&b1, &a2]).unwrap();
}

#[test]
fn an_answer_takes_in_every_exit_that_was_seen_before() {
    for _ in 0..stress(10) {
        let fakes = fakes::<16>();
        let group = Parallel::new(members(&fakes, Restart::temporary()));
        let (running, calls) = Running::up(group, &fakes);
        let processes: Vec<_> = running.members().into_iter().map(|m| m.process).collect();
        for call in &calls[1..] {
            call.ends(How::Ok);
        }
        for process in &processes[1..] {
            process.as_ref().unwrap().expect_exit().unwrap();
        }
        let states: Vec<_> = running.members().into_iter().map(|m| m.state).collect();
        assert_eq!(states[1..], [MemberState::Completed; 15]);
        running.stop(&[&calls[0]]).unwrap();
    }
}

#[test]
fn a_terminated_member_stays_down_and_stops_nobody() {
    let (running, fakes, [a1, b1]) = two();
    terminate(&running, "a", &a1);
    assert_eq!(running.state("a"), MemberState::Terminated);
    assert!(running.member("a").process.is_none());
    let count = running.admin.count().unwrap();
    assert_eq!((count.members, count.running), (2, 1));
    assert_eq!((count.restarting, count.abandoned), (0, 0));
    assert_eq!(running.process.status(), Status::Ready);
    running.admin.terminate("a").unwrap(); // it is down already
    running.stop(&[&b1]).unwrap();
    assert_eq!(calls(&fakes), [1, 1]);
}

#[test]
fn a_terminated_member_may_end_as_it_likes() {
    for how in EVERY_END {
        let (running, [a, _], [a1, b1]) = two();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
                a1.ends(how);
            });
            running.admin.terminate("a").unwrap();
        });
        running.stop(&[&b1]).unwrap();
        assert_eq!(a.calls(), 1);
    }
}

#[test]
fn it_is_told_the_termination_signal_of_the_group() {
    let fakes = fakes();
    let group = Ordered::new(members(&fakes, permanent())).termination(Signal::QUIT);
    let (running, [a]) = Running::up(group, &fakes);
    std::thread::scope(|scope| {
        scope.spawn(|| told(&a, Signal::QUIT));
        running.admin.terminate("a").unwrap();
    });
    running.stop(&[]).unwrap();
}

#[test]
fn a_group_of_terminated_members_waits_for_its_stop() {
    let (running, _, [a1, b1]) = two();
    terminate(&running, "a", &a1);
    terminate(&running, "b", &b1);
    assert_eq!(running.admin.count().unwrap().running, 0);
    running.stop(&[]).unwrap();
}

#[test]
fn a_terminated_member_is_started_again_by_a_restart() {
    let (running, [a, _], [a1, b1]) = two();
    terminate(&running, "a", &a1);
    let process = running.admin.restart("a").unwrap();
    let a2 = up(&a);
    process.expect_ready();
    assert_eq!(running.process_of("a").id(), process.id());
    // Its policy holds as before.
    a2.fails();
    let a3 = up(&a);
    running.stop(&[&b1, &a3]).unwrap();
}

#[test]
fn a_completed_member_is_started_again_by_a_restart() {
    let fakes @ [a, _] = &fakes();
    let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, transient())), fakes);
    running.ends("a", &a1, How::Ok);
    running.admin.restart("a").unwrap();
    let a2 = up(a);
    running.ends("a", &a2, How::Ok);
    b1.ends(How::Ok);
    running.process.expect_exit().unwrap(); // all have completed
}

#[test]
fn a_restart_in_the_middle_of_a_delay_starts_it_now() {
    let fakes @ [a] = &fakes();
    let later = Restart::permanent().backoff(Backoff::constant(3600 * SECOND));
    let (running, [a1]) = Running::up(Ordered::new(members(fakes, later)), fakes);
    running.fails("a", &a1);
    running.admin.restart("a").unwrap();
    let a2 = up(a); // the clock stands still
    running.clock.advance(7200 * SECOND); // what is left of the delay starts nothing
    running.stop(&[&a2]).unwrap();
    assert_eq!(a.calls(), 2);
}

#[test]
fn a_restart_through_the_handle_is_not_paid_for() {
    let fakes @ [a] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).budget(Budget::new(1, SECOND));
    let (running, [mut run]) = Running::up(group, fakes);
    for _ in 0..5 {
        terminate(&running, "a", &run);
        running.admin.restart("a").unwrap();
        run = up(a);
    }
    run.fails();
    let run = up(a);
    running.stop(&[&run]).unwrap();
}

#[test]
fn a_running_member_is_not_started_twice() {
    let (running, fakes, [a1, b1]) = two();
    assert_eq!(
        running.admin.restart("a").unwrap_err().reason(),
        Reason::Running
    );
    running.stop(&[&b1, &a1]).unwrap();
    assert_eq!(calls(&fakes), [1, 1]);
}

#[test]
fn unknown_names_are_told() {
    let (running, _, [a1, b1]) = two();
    for name in ["", "c", "aa", "A"] {
        assert_eq!(
            running.admin.terminate(name).unwrap_err().reason(),
            Reason::Unknown
        );
        assert_eq!(
            running.admin.restart(name).unwrap_err().reason(),
            Reason::Unknown
        );
        assert_eq!(
            running.admin.remove(name).unwrap_err().reason(),
            Reason::Unknown
        );
    }
    running.stop(&[&b1, &a1]).unwrap();
}

#[test]
fn a_refusal_names_the_member_and_has_none_that_was_only_asked_for() {
    let (running, _, [a1, b1]) = two();
    let refused = running.admin.restart("c").unwrap_err();
    assert_eq!(refused.name(), "c");
    assert_eq!(refused.to_string(), "c: there is no member of this name");
    assert!(refused.stuck().is_empty());
    assert!(refused.into_member().is_none());
    running.stop(&[&b1, &a1]).unwrap();

    let refused = running.admin.list().unwrap_err();
    assert_eq!(refused.name(), "");
    assert_eq!(
        refused.to_string(),
        "the group does not run, or is being stopped"
    );
}

#[test]
fn a_second_request_while_the_first_is_under_way_is_refused() {
    let (running, _, [a1, b1]) = two();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| running.admin.terminate("a"));
        assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
        assert_eq!(running.state("a"), MemberState::Stopping);
        assert_eq!(
            running.admin.terminate("a").unwrap_err().reason(),
            Reason::Leaving
        );
        assert_eq!(
            running.admin.remove("a").unwrap_err().reason(),
            Reason::Leaving
        );
        assert_eq!(
            running.admin.restart("a").unwrap_err().reason(),
            Reason::Running
        );
        a1.ends(How::Ok);
        first.join().unwrap().unwrap();
    });
    running.stop(&[&b1]).unwrap();
}

/// A runner that does something with a handle it is given, and the way to give it one and to wait until that is done.
fn given(
    act: impl FnOnce(&Admin) -> ifrit::Result + Send + 'static,
) -> (impl Runner, impl FnOnce(&Admin)) {
    let (give, handles) = bounded::<Admin>(1);
    let (done, is_done) = bounded(1);
    let runner = ifrit::run_once(move |signals, ready| {
        ready.notify();
        let result = act(&handles.recv()?);
        done.send(result.map_err(|error| error.to_string()))?;
        ifrit::until_stop(&signals);
        Ok(())
    });
    let wait = move |admin: &Admin| {
        give.send(admin.clone()).unwrap();
        is_done.recv_timeout(PATIENCE).unwrap().unwrap();
    };
    (runner, wait)
}

fn would_deadlock(answer: Result<(), Refusal>) -> ifrit::Result {
    match answer {
        Err(refused) if refused.reason() == Reason::WouldDeadlock => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

#[test]
fn a_member_cannot_wait_for_its_own_end() {
    let (runner, act) = given(|admin| {
        would_deadlock(admin.terminate("a"))?;
        would_deadlock(admin.remove("a").map(drop))?;
        admin.list()?; // what does not wait for itself is answered
        Ok(())
    });
    let running = Running::new(Ordered::new([Member::new("a", runner)]));
    running.process.expect_ready();
    act(&running.admin);
    running.stop(&[]).unwrap();
}

#[test]
fn what_runs_inside_a_member_cannot_wait_for_the_members_end() {
    let (leaf, act) = given(|admin| would_deadlock(admin.terminate("inner")));
    let inner = Ordered::new([Member::new("leaf", leaf)]);
    let running = Running::new(Ordered::new([Member::new("inner", inner)]));
    running.process.expect_ready();
    act(&running.admin);
    running.stop(&[]).unwrap();
}

#[test]
fn a_member_may_look_after_its_siblings() {
    let (keeper, act) = given(|admin| {
        admin.terminate("b")?;
        admin.restart("b")?.expect_ready();
        admin.remove("b")?;
        Ok(())
    });
    let b = Member::new("b", signal_recorder().0);
    let running = Running::new(Ordered::new([b, Member::new("keeper", keeper)]));
    running.process.expect_ready();
    act(&running.admin);
    assert_eq!(running.members().len(), 1);
    running.stop(&[]).unwrap();
}

#[test]
fn what_was_due_is_done_and_the_next_time_is_set_when_it_has_answered() {
    for _ in 0..stress(200) {
        let fakes @ [fake] = &fakes();
        let member = Member::new("a", fake.clone()).stop_within(10 * SECOND);
        let (running, [call]) = Running::up(Parallel::new([member]), fakes);
        let is_set = || {
            assert_eq!(running.members().len(), 1);
            with_patience(Duration::ZERO, || running.clock.wait_for_timers(1));
        };
        running.process.signal(Signal::TERMINATE);
        is_set();
        assert_eq!(running.clock.advance_to_next(), 9 * SECOND);
        is_set();
        let heard: Vec<_> = call.signals().try_iter().collect();
        assert_eq!(heard, [Signal::TERMINATE, Signal::KILL]);
        assert_eq!(running.clock.advance_to_next(), SECOND);
        running.process.expect_exit().unwrap_err();
        call.ends(How::Ok);
    }
}

#[test]
fn an_abandoned_member_is_told_of_and_may_come_back_late() {
    let fakes @ [a, b] = &fakes();
    let (watched, thread_ended) = WatchThread::new(a.clone());
    let first = Member::new("a", watched).restart(permanent());
    let second = Member::new("b", b.clone()).restart(permanent());
    let group = Parallel::new([first.stop_within(5 * SECOND), second]);
    let (running, [a1, b1]) = Running::up(group, fakes);
    let stuck = running.process_of("a");
    std::thread::scope(|scope| {
        let terminated = scope.spawn(|| running.admin.terminate("a"));
        assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
        assert_eq!(running.clock.advance_to_next(), 9 * SECOND / 2);
        assert_eq!(a1.wait_for_signal(), Signal::KILL);
        assert_eq!(running.clock.advance_to_next(), SECOND / 2);
        let refused = terminated.join().unwrap().unwrap_err();
        assert_eq!((refused.name(), refused.reason()), ("a", Reason::Abandoned));
        assert_eq!(refused.stuck()[0].name, "a");
    });
    assert_eq!(running.state("a"), MemberState::Abandoned);
    assert_eq!(running.admin.count().unwrap().abandoned, 1);
    assert!(matches!(stuck.expect_exit(), Err(Error::Abandoned(_))));
    for refused in [
        running.admin.terminate("a"),
        running.admin.restart("a").map(drop),
        running.admin.remove("a").map(drop),
    ] {
        assert_eq!(refused.unwrap_err().reason(), Reason::Abandoned);
    }
    b1.fails(); // the others are supervised as before
    let b2 = up(b);

    a1.ends(How::Ok); // its thread ends after all, and its runner comes home
    disconnected(&thread_ended);
    assert_eq!(running.state("a"), MemberState::Terminated);
    running.admin.restart("a").unwrap();
    let a2 = up(a);
    running.stop(&[&a2, &b2]).unwrap();
}

#[test]
fn a_terminated_member_does_not_come_back_with_the_others() {
    let fakes @ [a, b] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).strategy(Strategy::OneForAll);
    let (running, [a1, b1]) = Running::up(group, fakes);
    terminate(&running, "b", &b1);
    a1.fails();
    let a2 = up(a);
    running.stop(&[&a2]).unwrap();
    assert_eq!(b.calls(), 1);
}
