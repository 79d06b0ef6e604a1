//! Members that were told to stop, told KILL, and did not return.

use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ifrit::testing::{Call, FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{
    Error, Process, ReadySender, Runner, Signal,
    error::Cause,
    grouper::{Group, Member, Members, Order, Ordered, Parallel},
    process::Status,
};

use crate::support::{
    Again, causes, end, heard, living, mark, on, on_every_kind, running_on, trace_of, until_gone,
    up,
};

const SECOND: Duration = Duration::from_secs(1);
const TERM: Signal = Signal::TERMINATE;
const KILL: Signal = Signal::KILL;

/// Stops a group in which no other member is left, until the member of this run is given up.
fn give_up(clock: &ManualClock, group: &Process, call: &Call) -> Error {
    group.signal(TERM);
    assert_eq!(call.wait_for_signal(), TERM);
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(call.wait_for_signal(), KILL);
    assert_eq!(clock.advance_to_next(), SECOND);
    group.expect_exit().unwrap_err()
}

/// A member that has 10 s to stop.
fn limited(name: &str, runner: impl Runner + 'static) -> Member {
    Member::new(name, runner).stop_within(10 * SECOND)
}

#[test]
fn the_error_and_the_tree_name_the_thread() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let group = Group::<O>::new([limited("deaf", fake.clone())]);
        let (group, [call]) = running_on(&clock, group, &[fake]);
        let member = ifrit::tree().get(group.id()).unwrap().children[0].clone();
        let id = member.id.unwrap();

        let error = give_up(&clock, &group, &call);
        let [stuck] = error.stuck()[..] else {
            panic!("{error}")
        };
        assert_eq!(stuck.name, "deaf");
        assert_eq!(stuck.id, id);
        assert_eq!(stuck.thread, member.thread);
        let thread = match stuck.os_thread_id {
            Some(id) => format!("thread {id}"),
            None => format!("{:?}", stuck.thread.unwrap()),
        };
        let numbers = format!("({}, {thread})", stuck.id);
        assert_eq!(
            error.to_string(),
            format!("deaf: abandoned, still running {numbers} [abandoned, 10 s]")
        );
        assert_eq!(stuck.path(), format!("{}/deaf", group.path()));
        assert_eq!((stuck.told(), stuck.was_killed()), (Some(TERM), true));
        let report = error.report().to_string();
        let expected = format!(
            "deaf: told TERM, then KILL, and did not stop within 10s\n   {thread} still runs"
        );
        assert!(report.starts_with(&expected), "{report}");

        // Its group is gone; it stays in the tree until its thread is.
        let tree = ifrit::tree();
        assert!(tree.get(group.id()).is_none());
        let node = tree.get(id).unwrap();
        assert_eq!(node.status, Status::Abandoned);
        let line = format!("deaf {id} abandoned for <1 s (up 10 s), still running");
        assert!(node.to_string().starts_with(&line), "{node}");
        end(&call, Ok(()));
        assert!(ifrit::tree().get(id).is_none());
    }
    on_every_kind!(check);
}

#[test]
fn the_stop_goes_on_with_the_next_member() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Ordered::new([Member::new("a", a.clone()), limited("b", b.clone())]);
    let (group, [a, b]) = running_on(&clock, group, &[a, b]);
    group.signal(TERM);
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(clock.advance_to_next(), SECOND);
    assert_eq!(a.wait_for_signal(), TERM);
    a.trigger_exit(Ok(()));
    let trace = trace_of(group.expect_exit());
    let expected = [("b", Cause::Abandoned), ("a", Cause::Stopped)];
    assert_eq!(causes(&trace), expected);
    b.trigger_exit(Ok(()));
}

#[test]
fn a_run_while_one_is_missing_is_refused_and_one_after_it_came_home_works() {
    fn check<O: Order>() {
        let clock = ManualClock::new();
        let fake = FakeRunner::new();
        let group = Again::new(Group::<O>::new([limited("deaf", fake.clone())]));
        let (run, [call]) = running_on(&clock, group.clone(), std::array::from_ref(&fake));
        give_up(&clock, &run, &call);

        for _ in 0..2 {
            let refused = on(&clock, group.clone());
            let error = refused.expect_exit().unwrap_err();
            assert!(matches!(&error, Error::Abandoned(stuck) if stuck[0].name == "deaf"));
            assert!(!refused.is_ready());
            let plan = group.plan();
            assert_eq!(plan.parts()[0].kind(), "away");
        }
        end(&call, Err("late".into()));

        let (run, [call]) = running_on(&clock, group.clone(), std::array::from_ref(&fake));
        run.signal(TERM);
        assert_eq!(call.wait_for_signal(), TERM);
        call.trigger_exit(Ok(()));
        assert!(run.expect_exit().is_ok()); // and no late error of the run before
        assert_eq!(fake.calls(), 2);
    }
    on_every_kind!(check);
}

#[test]
fn every_missing_member_is_named_and_none_of_the_others_is_started() {
    let clock = ManualClock::new();
    let fakes: [FakeRunner; 3] = std::array::from_fn(|_| FakeRunner::new());
    let members = ["a", "b", "c"].into_iter().zip(&fakes);
    let members = members.map(|(name, fake)| limited(name, fake.clone()));
    let group = Again::new(Parallel::new(members));
    let (run, [a, b, c]) = running_on(&clock, group.clone(), &fakes);
    run.signal(TERM);
    assert_eq!(b.wait_for_signal(), TERM);
    end(&b, Ok(()));
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(c.wait_for_signal(), TERM);
    assert_eq!(c.wait_for_signal(), KILL); // and so has a, which is told before it
    assert_eq!(clock.advance_to_next(), SECOND);
    assert_eq!(run.expect_exit().unwrap_err().stuck().len(), 2);

    let refused = |expected: &[&str]| {
        let error = on(&clock, group.clone()).expect_exit().unwrap_err();
        let names: Vec<_> = error.stuck().iter().map(|stuck| &*stuck.name).collect();
        assert_eq!(names, expected);
    };
    refused(&["a", "c"]);
    end(&a, Ok(()));
    refused(&["c"]);
    end(&c, Ok(()));
    assert_eq!(fakes.each_ref().map(FakeRunner::calls), [1, 1, 1]);
    let (run, [a, b, c]) = running_on(&clock, group.clone(), &fakes);
    for call in [a, b, c] {
        end(&call, Ok(()));
    }
    assert!(run.expect_exit().is_ok());
}

#[test]
fn one_that_comes_home_while_the_others_still_stop_is_no_longer_missing() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let members = [Member::new("a", a.clone()), limited("b", b.clone())];
    let group = Again::new(Ordered::new(members));
    let (run, [a_call, b_call]) = running_on(&clock, group.clone(), &[a.clone(), b.clone()]);
    run.signal(TERM);
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(clock.advance_to_next(), SECOND);
    assert_eq!(a_call.wait_for_signal(), TERM);
    end(&b_call, Err("late".into()));
    end(&a_call, Ok(()));
    let trace = trace_of(run.expect_exit());
    // Its exit was published; what it returned later is not in the trace.
    let expected = [("b", Cause::Abandoned), ("a", Cause::Stopped)];
    assert_eq!(causes(&trace), expected);
    let (run, calls) = running_on(&clock, group, &[a, b]);
    for call in calls {
        end(&call, Ok(()));
    }
    assert!(run.expect_exit().is_ok());
}

#[test]
fn one_given_up_before_its_turn_to_be_told_did_not_end_by_itself() {
    let clock = ManualClock::new();
    let (a, late) = (FakeRunner::new(), FakeRunner::new());
    let slow = Member::new("late", late.clone()).start_within(SECOND);
    let members = [Member::new("a", a.clone()), slow.stop_delay(10 * SECOND)];
    let group = on(&clock, Ordered::new(members));
    let [a] = up(&[a]);
    let late = late.wait_for_call();
    clock.advance(SECOND);
    group.signal(TERM);
    mark(&group);
    assert_eq!(heard(&a), []);
    assert_eq!(heard(&late), [Signal::INTERRUPT]); // not ready in time; the delay of its stop has begun
    clock.advance(SECOND);
    assert_eq!(late.wait_for_signal(), KILL);
    clock.advance(SECOND);
    assert_eq!(a.wait_for_signal(), TERM);
    a.trigger_exit(Ok(()));
    let trace = trace_of(group.expect_exit());
    let expected = [("late", Cause::Abandoned), ("a", Cause::Stopped)];
    assert_eq!(causes(&trace), expected);
    end(&late, Ok(()));
}

#[test]
fn a_late_readiness_of_one_given_up_says_nothing() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Parallel::new([
        Member::new("a", a.clone()).start_within(10 * SECOND),
        Member::new("b", b.clone()),
    ]);
    let group = on(&clock, group);
    let [b] = up(&[b]);
    let a = a.wait_for_call();
    assert_eq!(clock.advance_to_next(), 10 * SECOND);
    clock.advance(2 * SECOND);
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    a.trigger_ready();
    mark(&group);
    assert_eq!(heard(&b), []);
    assert!(!group.is_ready());
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_err());
    a.trigger_exit(Ok(()));
}

#[test]
fn one_given_up_stays_in_the_tree_below_its_group_as_long_as_that_lives() {
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Ordered::new([Member::new("a", a.clone()), limited("b", b.clone())]);
    let (group, [a, b]) = running_on(&clock, group, &[a, b]);
    group.signal(TERM);
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(clock.advance_to_next(), SECOND);
    assert_eq!(a.wait_for_signal(), TERM);
    let tree = ifrit::tree();
    let states = tree.get(group.id()).unwrap().children.iter();
    let states: Vec<_> = states.map(|child| (&*child.name, child.status)).collect();
    let expected = [("a", Status::Stopping), ("b", Status::Abandoned)];
    assert_eq!(states, expected);
    end(&b, Ok(()));
    assert_eq!(living(&group), ["a"]);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_err());
}

#[test]
fn one_that_outlives_its_group_stands_below_the_next_one_up_and_is_named_there() {
    let clock = ManualClock::new();
    let (deaf, (ended, has_ended)) = (FakeRunner::new(), bounded(1));
    let (release, released) = bounded::<()>(0);
    let inner = Ordered::new([limited("deaf", deaf.clone())]);
    let mut mid = Ordered::new(Members::new().add("inner", inner));
    let clinging = ifrit::run_fn(move |signals, ready| {
        let exit = mid.run(signals, ready);
        ended.send(()).unwrap();
        let _ = released.recv();
        exit
    });
    let outer = Member::new("outer", clinging).stop_within(60 * SECOND);
    let (group, [deaf]) = running_on(&clock, Ordered::new([outer]), &[deaf]);
    group.signal(TERM);
    assert_eq!(deaf.wait_for_signal(), TERM);
    clock.wait_for_timers(3); // one of each group; it is told before its time is set
    assert_eq!(clock.advance_to_next(), 9 * SECOND);
    assert_eq!(deaf.wait_for_signal(), KILL);
    clock.wait_for_timers(3);
    assert_eq!(clock.advance_to_next(), SECOND);
    has_ended.recv_timeout(PATIENCE).unwrap();
    let tree = ifrit::tree();
    let outer = &tree.get(group.id()).unwrap().children[0];
    assert_eq!(outer.children[0].name, "deaf");

    assert_eq!(clock.advance_to_next(), 49 * SECOND);
    assert_eq!(clock.advance_to_next(), SECOND);
    let error = group.expect_exit().unwrap_err();
    let names: Vec<_> = error.stuck().iter().map(|stuck| &*stuck.name).collect();
    assert_eq!(names, ["outer", "deaf"]);
    drop(release);
    end(&deaf, Ok(()));
}

/// Runs as the fake does; its destructor says so, and panics.
struct Sore(FakeRunner, Sender<()>);

impl Runner for Sore {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        self.0.run(signals, ready)
    }
}

impl Drop for Sore {
    fn drop(&mut self) {
        self.1.send(()).unwrap();
        panic!("sore");
    }
}

#[test]
fn one_that_comes_home_when_its_group_is_gone_is_dropped_on_its_own_thread() {
    let clock = ManualClock::new();
    let (fake, (sender, dropped)) = (FakeRunner::new(), unbounded());
    let group = Parallel::new([limited("deaf", Sore(fake.clone(), sender))]);
    let (group, [call]) = running_on(&clock, group, &[fake]);
    give_up(&clock, &group, &call);
    assert!(dropped.is_empty());
    end(&call, Ok(()));
    assert!(dropped.recv_timeout(PATIENCE).is_ok());
}

#[test]
fn one_that_came_home_unseen_is_dropped_with_its_group_and_harms_nobody() {
    let clock = ManualClock::new();
    let (fake, (sender, dropped)) = (FakeRunner::new(), unbounded());
    let group = Parallel::new([limited("deaf", Sore(fake.clone(), sender))]);
    let group = Again::new(group);
    let (run, [call]) = running_on(&clock, group.clone(), &[fake]);
    give_up(&clock, &run, &call);
    end(&call, Ok(()));
    assert!(dropped.is_empty()); // it is with the group, which has not run since
    drop(group);
    assert_eq!(dropped.try_iter().count(), 1);
}

#[test]
fn a_nested_group_that_misses_a_member_fails_the_next_run_of_the_outer_one_at_once() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let inner = Parallel::new([limited("deaf", fake.clone())]);
    let group = Again::new(Ordered::new(Members::new().add("inner", inner)));
    let (run, [call]) = running_on(&clock, group.clone(), std::array::from_ref(&fake));
    give_up(&clock, &run, &call);

    let error = on(&clock, group.clone()).expect_exit().unwrap_err();
    assert!(matches!(error.root_cause(), Error::Abandoned(_)));
    assert_eq!(error.stuck()[0].name, "deaf");
    call.trigger_exit(Ok(()));
    until_gone(&call);
    let (run, [call]) = running_on(&clock, group, &[fake]);
    call.trigger_exit(Ok(()));
    assert!(run.expect_exit().is_ok());
}
