//! Why each member ended, as the trace has it.

use std::time::Duration;

use ifrit::crossbeam_channel::bounded;
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{
    Signal,
    error::Cause,
    grouper::{Group, Member, Members, Order, Ordered, Parallel},
};

use crate::support::{
    causes, end, fakes, heard, mark, on_every_kind, running, running_on, trace_of, up,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_exit_that_began_the_stop_is_the_initiator_also_when_it_was_a_good_one() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (group, [a, b]) = running(Group::<O>::new(members), &fakes);
        end(&a, Ok(()));
        assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
        end(&b, Err("no flush".into()));
        let trace = trace_of(group.expect_exit());
        let expected = [("a", Cause::Initiator), ("b", Cause::Consequence)];
        assert_eq!(causes(&trace), expected);
        assert!(trace.initiator().unwrap().exit.is_ok());
        assert_eq!(trace.initiator().unwrap().time_to_stop, None);
    }
    on_every_kind!(check);
}

#[test]
fn a_stop_from_outside_has_no_initiator() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (group, [a, b]) = running(Group::<O>::new(members), &fakes);
        group.signal(Signal::KILL);
        mark(&group);
        heard(&a);
        heard(&b);
        end(&a, Ok(()));
        end(&b, Err("cut off".into()));
        let trace = trace_of(group.expect_exit());
        let expected = [("a", Cause::Stopped), ("b", Cause::Stopped)];
        assert_eq!(causes(&trace), expected);
        assert!(trace.initiator().is_none());
    }
    on_every_kind!(check);
}

#[test]
fn a_stop_from_outside_after_a_members_exit_leaves_the_others_its_consequences() {
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running(Ordered::new(members), &fakes);
    end(&b, Err("broken".into()));
    assert_eq!(c.wait_for_signal(), Signal::INTERRUPT);
    group.signal(Signal::TERMINATE);
    assert_eq!(c.wait_for_signal(), Signal::TERMINATE);
    end(&c, Ok(()));
    assert_eq!(a.wait_for_signal(), Signal::TERMINATE);
    end(&a, Ok(()));
    let trace = trace_of(group.expect_exit());
    let expected = [
        ("b", Cause::Initiator),
        ("c", Cause::Consequence),
        ("a", Cause::Consequence),
    ];
    assert_eq!(causes(&trace), expected);
}

#[test]
fn a_crash_during_a_stop_from_outside_is_independent() {
    let (fakes, members) = fakes();
    let (group, [a, b]) = running(Ordered::new(members), &fakes);
    group.signal(Signal::INTERRUPT);
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    end(&a, Err("by itself".into())); // untold
    end(&b, Ok(()));
    let trace = trace_of(group.expect_exit());
    let expected = [("a", Cause::Independent), ("b", Cause::Stopped)];
    assert_eq!(causes(&trace), expected);
    assert!(trace.initiator().is_none());
}

#[test]
fn of_two_crashes_one_is_the_initiator_and_the_other_is_independent() {
    // The stop delay keeps the second from being told, so it is certain that it crashed by itself.
    let clock = ManualClock::new();
    let (a, b) = (FakeRunner::new(), FakeRunner::new());
    let group = Parallel::new([
        Member::new("a", a.clone()).stop_delay(SECOND),
        Member::new("b", b.clone()).stop_delay(SECOND),
    ]);
    let (group, [a, b]) = running_on(&clock, group, &[a, b]);
    end(&a, Err("one".into()));
    end(&b, Err("two".into()));
    let trace = trace_of(group.expect_exit());
    let expected = [("a", Cause::Initiator), ("b", Cause::Independent)];
    assert_eq!(causes(&trace), expected);
    assert_eq!(trace.failures().count(), 2);
}

#[test]
fn crashes_at_the_same_moment_have_one_initiator_and_every_error_is_kept() {
    fn check<O: Order>() {
        for _ in 0..20 {
            let (gate, opened) = bounded::<()>(0);
            let members: Members = (0..8)
                .map(|n| {
                    let opened = opened.clone();
                    let crashing = ifrit::run_fn(move |_, ready| {
                        ready.notify();
                        let _ = opened.recv();
                        Err(format!("crash {n}").into())
                    });
                    Member::new(n.to_string(), crashing)
                })
                .collect();
            let group = ifrit::background(Group::<O>::new(members));
            group.expect_ready();
            drop(gate);
            let trace = trace_of(group.expect_exit());
            assert_eq!(trace.failures().count(), 8);
            assert_eq!(trace[0].cause, Cause::Initiator);
            for exit in &trace[1..] {
                // Told first or crashed first: the trace knows, and both of its words agree.
                match exit.cause {
                    Cause::Consequence => assert!(exit.time_to_stop.is_some()),
                    Cause::Independent => assert!(exit.time_to_stop.is_none()),
                    other => panic!("{other}"),
                }
                assert_eq!(
                    exit.exit.as_ref().unwrap_err().to_string(),
                    format!("crash {}", exit.name)
                );
            }
        }
    }
    on_every_kind!(check);
}

#[test]
fn the_time_to_stop_runs_from_being_told_to_the_exit() {
    let clock = ManualClock::new();
    let (fakes, members) = fakes();
    let (group, [a, b]) = running_on(&clock, Ordered::new(members), &fakes);
    clock.advance(7 * SECOND);
    group.signal(Signal::INTERRUPT);
    assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
    clock.advance(3 * SECOND);
    end(&b, Ok(()));
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    clock.advance(2 * SECOND);
    group.signal(Signal::TERMINATE); // counts from the first
    assert_eq!(a.wait_for_signal(), Signal::TERMINATE);
    clock.advance(2 * SECOND);
    end(&a, Err("no flush".into()));
    let trace = trace_of(group.expect_exit());
    let times = ["b", "a"].map(|name| trace.get(name).unwrap().time_to_stop);
    assert_eq!(times, [Some(3 * SECOND), Some(4 * SECOND)]);
}

#[test]
fn members_that_were_never_started_are_not_in_the_trace() {
    let ([a, b, _], members) = fakes();
    let group = ifrit::background(Ordered::new(members));
    let [a] = up(&[a]);
    b.wait_for_call().trigger_exit(Err("no disk".into()));
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    a.trigger_exit(Ok(()));
    assert_eq!(trace_of(group.expect_exit()).len(), 2);
}
