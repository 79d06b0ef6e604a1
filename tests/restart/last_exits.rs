//! What is kept of an end that did not end the group: the last exit in a line, and the failures that were healed.

use std::fmt;

use ifrit::grouper::{Admin, MemberState, Ordered, Parallel, Reason, Strategy};
use ifrit::restart::Restart;
use ifrit::testing::{Call, FakeRunner, Waiting};
use ifrit::{Error, error::Cause, prelude::*};

use crate::kit::*;

fn two_permanent() -> (Running, [FakeRunner; 2], [Call; 2]) {
    let fakes = fakes();
    let group = Parallel::new(members(&fakes, permanent())).budget(any_number());
    let (running, calls) = Running::up(group, &fakes);
    (running, fakes, calls)
}

fn line(running: &Running, name: &str) -> Option<String> {
    running.member(name).last_exit.map(|last| last.to_string())
}

/// Ends the group with a failure, so that there is a trace.
fn trace_after(running: &Running, fails: &Call, others: &[&Call]) -> ifrit::error::ExitTrace {
    fails.trigger_exit(Err(ifrit::fatal("the end")));
    others.iter().for_each(|call| told(call, Signal::INTERRUPT));
    running.trace()
}

#[test]
fn a_member_that_came_back_says_why_it_had_gone() {
    let (running, [a, _], [a1, b1]) = two_permanent();
    assert_eq!(line(&running, "a"), None);
    let mut run = a1;
    for _ in 0..3 {
        let id = running.process_of("a").id();
        run.trigger_exit(Err("disk full".into()));
        run = up(&a);
        let last = running.member("a").last_exit.unwrap();
        assert!(last.is_err() && !last.is_ok());
        assert_eq!(last.to_string(), "disk full");
        assert_eq!(last.id(), id);
    }
    run.ends(How::Ok);
    let run = up(&a);
    assert_eq!(line(&running, "a").unwrap(), "ok");
    let trace = trace_after(&running, &run, &[&b1]);
    let healed: Vec<_> = trace.healed.iter().map(ToString::to_string).collect();
    assert_eq!(healed, ["a: disk full [independent]"; 3]);
}

#[test]
fn an_error_as_the_answer_to_terminate_is_kept() {
    let (running, _, [a1, b1]) = two_permanent();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| running.admin.terminate("a"));
        assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
        a1.trigger_exit(Err("lost the last records".into()));
        asked.join().unwrap().unwrap();
    });
    assert_eq!(line(&running, "a").unwrap(), "lost the last records");
    let trace = trace_after(&running, &b1, &[]);
    assert_eq!(trace.healed.len(), 1);
    assert_eq!(
        (&*trace.healed[0].name, trace.healed[0].cause),
        ("a", Cause::Stopped)
    );
    assert!(trace.get("a").is_none());
}

#[test]
fn an_error_as_the_answer_to_remove_is_in_the_member() {
    let (running, _, [a1, b1]) = two_permanent();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| running.admin.remove("a"));
        assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
        a1.ends(How::Panic);
        let member = asked.join().unwrap().unwrap();
        assert!(
            member
                .last_exit()
                .unwrap()
                .to_string()
                .starts_with("panicked: broken")
        );
    });
    let trace = trace_after(&running, &b1, &[]);
    assert!(matches!(trace.healed[0].exit, Err(Error::Panicked(_))));
}

#[test]
fn an_error_as_the_answer_to_a_round_is_kept() {
    let fakes @ [a, b] = &fakes();
    let group = Parallel::new(members(fakes, permanent())).strategy(Strategy::OneForAll);
    let (running, [a1, b1]) = Running::up(group, fakes);
    a1.fails();
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    b1.trigger_exit(Err("torn down".into()));
    let (a2, b2) = (up(a), up(b));
    assert_eq!(line(&running, "b").unwrap(), "torn down");
    let trace = trace_after(&running, &a2, &[&b2]);
    let names: Vec<_> = trace.healed.iter().map(|end| &*end.name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn the_line_is_made_on_the_thread_of_the_process_that_failed() {
    #[derive(Debug)]
    struct Asks(Admin);
    impl fmt::Display for Asks {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            // On the group's own thread this would wait for the group for ever.
            let members = self.0.list().map_or(0, |list| list.len());
            write!(f, "one of {members} failed")
        }
    }
    impl std::error::Error for Asks {}

    let (running, [a, _], [a1, b1]) = two_permanent();
    a1.trigger_exit(Err(Asks(running.admin.clone()).into()));
    let a2 = up(&a);
    assert_eq!(line(&running, "a").unwrap(), "one of 2 failed");
    running.process.signal(Signal::TERMINATE);
    told(&a2, Signal::TERMINATE);
    told(&b1, Signal::TERMINATE);
    running.process.expect_exit().unwrap();
}

#[test]
fn a_member_that_was_given_up_has_a_line_too() {
    let fakes @ [a, _] = &fakes();
    let [first, second] = members(fakes, Restart::temporary());
    let (running, [a1, b1]) = Running::up(
        Parallel::new([first.stop_within(10 * SECOND), second]),
        fakes,
    );
    let admin = running.admin.clone();
    let asked = std::thread::spawn(move || admin.terminate("a"));
    assert_eq!(a1.wait_for_signal(), Signal::INTERRUPT);
    running.clock.advance_to_next();
    assert_eq!(a1.wait_for_signal(), Signal::KILL);
    running.clock.advance_to_next();
    assert!(asked.join().unwrap().is_err());
    assert!(
        line(&running, "a")
            .unwrap()
            .starts_with("abandoned, still running")
    );
    assert!(running.stop(&[&b1]).is_err());
    a1.ends(How::Ok);
    assert_eq!(a.calls(), 1);
}

#[test]
fn five_thousand_failures_of_members_that_were_removed_leave_a_bounded_history() {
    let keeper = Member::new("keeper", ifrit::testing::signal_recorder().0);
    let running = Running::new(Ordered::new([keeper]));
    running.process.expect_ready();
    for n in 0..5_000 {
        let runner = ifrit::run_fn(move |_, ready: ReadySender| {
            ready.notify();
            Err(format!("failure {n}").into())
        });
        let member = Member::new("job", runner).restart(Restart::temporary());
        let process = running.admin.add(member).unwrap();
        let _ = process.expect_exit();
        drop(running.admin.remove("job").unwrap());
    }
    running.process.signal(Signal::TERMINATE);
    let trace = running.trace();
    assert!(trace.len() <= 1_100, "{}", trace.len());
    assert_eq!(trace.len() as u64 + trace.omitted, 5_001);
    let newest = trace.get("job").unwrap().exit.as_ref().unwrap_err();
    assert_eq!(newest.to_string(), "failure 4999");
}

#[test]
fn ok_ends_of_members_that_were_removed_take_no_room_in_the_trace() {
    let keeper = Member::new("keeper", ifrit::testing::signal_recorder().0);
    let running = Running::new(Ordered::new([keeper]));
    running.process.expect_ready();
    for end in std::iter::once(How::Err).chain([How::Ok; 3]) {
        let fake = FakeRunner::new();
        let member = Member::new("job", fake.clone()).restart(Restart::temporary());
        running.admin.add(member).unwrap();
        running.ends("job", &up(&fake), end);
        drop(running.admin.remove("job").unwrap());
    }
    running.process.signal(Signal::TERMINATE);
    let trace = running.trace();
    let failed: Vec<_> = trace.failures().map(|end| &*end.name).collect();
    assert_eq!(failed, ["job"]);
    assert_eq!(trace.len(), 2, "the other is the keeper");
}

#[test]
fn removing_a_member_ends_no_group() {
    let [a, b] = &fakes();
    let group = Ordered::new([
        Member::new("a", a.clone()).one_shot(),
        Member::new("b", b.clone()),
    ]);
    let running = Running::new(group);
    a.wait_for_call().ends(How::Ok);
    let b1 = up(b);
    running.process.expect_ready();
    std::thread::scope(|scope| {
        let removed = scope.spawn(|| running.admin.remove("b").unwrap());
        told(&b1, Signal::INTERRUPT);
        assert_eq!(removed.join().unwrap().name(), "b");
    });
    // All that is left has completed; the group runs on, and takes members.
    assert_eq!(running.members().len(), 1);
    running.admin.add(Member::new("b", b.clone())).unwrap();
    let b2 = up(b);
    b2.ends(How::Ok); // now a member has ended
    running.process.expect_exit().unwrap();
}

#[test]
fn an_addition_in_a_crash_loop_before_the_group_was_ever_up_is_answered_at_once() {
    let fakes @ [a, b] = &fakes();
    let backoff = ifrit::restart::Backoff::constant(3_600 * SECOND);
    let group = Ordered::new(members(fakes, Restart::permanent().backoff(backoff)));
    let running = Running::new(group);
    let (a1, b1) = (up(a), b.wait_for_call());
    running.fails("a", &a1); // for an hour; b is not ready yet
    let new = FakeRunner::new();
    running.admin.add(Member::new("new", new.clone())).unwrap();
    let new1 = up(&new);

    b1.trigger_ready();
    assert!(!running.process.is_ready());
    running.stop(&[&new1, &b1]).unwrap();
}

#[test]
fn an_addition_that_waits_for_its_turn_is_answered_when_a_member_goes_down() {
    let fakes @ [a, b] = &fakes();
    let backoff = ifrit::restart::Backoff::constant(3_600 * SECOND);
    let group = Ordered::new(members(fakes, Restart::permanent().backoff(backoff)));
    let running = Running::new(group);
    let (a1, b1) = (up(a), b.wait_for_call());
    let new = FakeRunner::new();
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| running.admin.add(Member::new("new", new.clone())));
        while running.members().len() < 3 {
            std::thread::yield_now(); // until the group has heard of it
        }
        assert_eq!(new.calls(), 0);
        a1.fails();
        adding.join().unwrap().unwrap();
    });
    let new1 = up(&new);
    running.stop(&[&new1, &b1]).unwrap();
}

#[test]
fn a_thread_that_is_left_behind_by_a_group_that_was_asked_to_go_is_told_of_and_in_the_exit() {
    for removes in [false, true] {
        let fakes @ [deaf, other] = &fakes();
        let inner = Parallel::new([Member::new("deaf", deaf.clone())]).stop_within(2 * SECOND);
        let group = [
            Member::new("inner", inner),
            Member::new("b", other.clone()).restart(permanent()),
        ];
        let (running, [stuck, b1]) = Running::up(Parallel::new(group), fakes);
        let admin = running.admin.clone();
        let asked = std::thread::spawn(move || match removes {
            true => admin.remove("inner").map(drop),
            false => admin.terminate("inner"),
        });
        assert_eq!(stuck.wait_for_signal(), Signal::INTERRUPT);
        running.clock.advance_to_next();
        assert_eq!(stuck.wait_for_signal(), Signal::KILL);
        running.clock.advance_to_next();
        let refused = asked.join().unwrap().unwrap_err();
        assert_eq!(refused.reason(), Reason::Abandoned);
        assert_eq!(refused.stuck()[0].name, "deaf");
        assert_eq!(running.state("inner"), MemberState::Terminated);
        if removes {
            let member = running.admin.remove("inner").unwrap(); // it has gone, after all
            assert!(member.last_exit().unwrap().is_err());
        }
        b1.fails(); // the others are supervised as before
        let error = running.stop(&[&up(other)]).unwrap_err();
        let named: Vec<_> = error.stuck().iter().map(|one| &*one.name).collect();
        assert_eq!(named, ["deaf"]);
        stuck.ends(How::Ok);
    }
}
