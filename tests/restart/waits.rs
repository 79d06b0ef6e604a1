//! Waits that could never be over are refused, and all others are not; and how a member comes by its group's handle.

use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Sender, bounded};
use ifrit::grouper::{Admin, Batch, Capacity, Dynamic, MemberState, Ordered, Parallel, Reason};
use ifrit::restart::{Next, Restarter};
use ifrit::testing::{FakeRunner, PATIENCE, Waiting, signal_recorder};
use ifrit::{Error, prelude::*};

use crate::kit::*;

/// Does `act` before it is ready, or after, says what came of it, and waits for its stop.
fn acts<T: Send + 'static>(
    first_ready: bool,
    act: impl FnOnce() -> T + Send + 'static,
) -> (impl Runner, Receiver<T>) {
    let (say, said): (Sender<T>, _) = bounded(1);
    let runner = ifrit::run_once(move |signals, ready: ReadySender| {
        let mut ready = Some(ready);
        if first_ready && let Some(ready) = ready.take() {
            ready.notify();
        }
        say.send(act()).map_err(|_| "not heard")?;
        if let Some(ready) = ready {
            ready.notify();
        }
        ifrit::until_stop(&signals);
        Ok(())
    });
    (runner, said)
}

fn heard<T>(said: &Receiver<T>) -> T {
    said.recv_timeout(PATIENCE).expect("it is answered")
}

/// A member that adds "new" through this handle.
fn adds(admin: Admin, first_ready: bool) -> (impl Runner, Receiver<Option<Reason>>) {
    acts(first_ready, move || {
        let new = Member::new("new", signal_recorder().0);
        admin.add(new).err().map(|refused| refused.reason())
    })
}

#[test]
fn an_addition_by_a_member_that_is_not_ready_in_an_ordered_start_would_deadlock() {
    for (first_ready, expected) in [(false, Some(Reason::WouldDeadlock)), (true, None)] {
        let admin = Admin::new();
        let (first, said) = adds(admin.clone(), first_ready);
        let group = Ordered::new(Members::new().add("a", first)).with_admin(admin);
        let process = ifrit::background(group);
        assert_eq!(heard(&said), expected);
        process.expect_ready();
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
    }
}

#[test]
fn an_addition_by_a_member_that_nothing_waits_for_is_no_deadlock() {
    let admin = Admin::new();
    let (first, said) = adds(admin.clone(), false);
    let group = Parallel::new(Members::new().add("a", first)).with_admin(admin);
    let process = ifrit::background(group);
    assert_eq!(heard(&said), None);
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn an_addition_from_inside_a_member_is_refused_as_far_as_that_waits_for_the_caller() {
    for (first_ready, expected) in [(false, Some(Reason::WouldDeadlock)), (true, None)] {
        let admin = Admin::new();
        let (leaf, said) = adds(admin.clone(), first_ready);
        let slow = FakeRunner::new();
        let inner = Parallel::new(Members::new().add("leaf", leaf).add("slow", slow.clone()));
        let group = Ordered::new(Members::new().add("inner", inner)).with_admin(admin);
        let process = ifrit::background(group);
        slow.wait_for_call().trigger_ready();
        assert_eq!(heard(&said), expected);
        process.expect_ready();
        process.signal(Signal::TERMINATE);
        slow.ensure_exit();
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_member_cannot_join_its_own_group_nor_a_group_around_that() {
    for up in 1..=2 {
        type Wait = fn(&Process) -> ifrit::Exit;
        let waits: [Wait; 2] = [
            |process| process.join(),
            |process| process.stop(Signal::TERMINATE, Duration::from_secs(3_600)),
        ];
        for wait in waits {
            let (leaf, said) = acts(true, move || {
                let me = ifrit::current().unwrap();
                let above = (0..up).fold(me, |process, _| process.parent().unwrap());
                wait(&above)
            });
            let inner = Ordered::new(Members::new().add("leaf", leaf));
            let process = ifrit::background(Ordered::new(Members::new().add("inner", inner)));
            assert!(matches!(heard(&said), Err(Error::WouldDeadlock { .. })));
            process.signal(Signal::TERMINATE);
            process.expect_exit().unwrap();
        }
    }
}

#[test]
fn a_member_of_a_dynamic_group_cannot_join_that() {
    let group = Dynamic::new(Capacity::unlimited());
    let client = group.client();
    let group = ifrit::invoke(group);
    let (leaf, said) = acts(true, || ifrit::current().unwrap().parent().unwrap().join());
    client.insert(Member::new("leaf", leaf)).unwrap();
    assert!(matches!(heard(&said), Err(Error::WouldDeadlock { .. })));
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
}

#[test]
fn what_runs_in_a_scope_cannot_join_the_process_around_it() {
    let outer = ifrit::run_fn(|_, _| {
        let exit = ifrit::scope(|scope| {
            let (leaf, said) = acts(true, || ifrit::current().unwrap().parent().unwrap().join());
            scope.background(leaf);
            heard(&said)
        });
        assert!(matches!(exit, Err(Error::WouldDeadlock { .. })));
        Ok(())
    });
    ifrit::background(outer).expect_exit().unwrap();
}

#[test]
fn a_scope_in_a_wrapper_driven_by_hand_is_one_of_the_process_around_it() {
    let inner = ifrit::run_fn(|_, _| {
        let (leaf, said) = acts(true, || ifrit::current().unwrap().parent().unwrap().join());
        let exit = ifrit::scope(|scope| {
            scope.background(leaf);
            heard(&said)
        });
        assert!(matches!(exit, Err(Error::WouldDeadlock { .. })));
        Ok(())
    });
    let mut inner = Restarter::new(inner, |_, _| Next::End);
    let outer = ifrit::run_fn(move |_, ready| {
        let (_keep, filtered) = bounded(0);
        inner.run(filtered, ready)
    });
    ifrit::background(outer).expect_exit().unwrap();
}

#[test]
fn a_job_of_a_batch_cannot_join_the_process_that_waits_for_it() {
    let outer = ifrit::run_fn(|_, _| {
        let me = ifrit::current().unwrap();
        let joins = move |_| Ok(matches!(me.join(), Err(Error::WouldDeadlock { .. })));
        let results = Batch::new(Capacity::at_most(1)).run([joins]);
        assert!(matches!(results[..], [Ok(true)]), "{results:?}");
        Ok(())
    });
    ifrit::background(outer).expect_exit().unwrap();
}

#[test]
fn a_member_that_is_not_ready_cannot_wait_for_the_start_of_a_group_around_it() {
    for up in 1..=2 {
        for first_ready in [false, true] {
            let (leaf, said) = acts(first_ready, move || {
                let me = ifrit::current().unwrap();
                let above = (0..up).fold(me, |process, _| process.parent().unwrap());
                above.wait_ready()
            });
            let inner = Ordered::new(Members::new().add("leaf", leaf));
            let process = ifrit::background(Parallel::new(Members::new().add("inner", inner)));
            match heard(&said) {
                Err(Error::WouldDeadlock { .. }) => assert!(!first_ready),
                other => assert!(first_ready && other.is_ok(), "{other:?}"),
            }
            process.expect_ready();
            process.signal(Signal::TERMINATE);
            process.expect_exit().unwrap();
        }
    }
}

#[test]
fn what_runs_in_a_scope_may_wait_for_the_start_of_the_process_around_it() {
    let outer = ifrit::run_once(|_, ready: ReadySender| {
        let (begin, begun) = bounded(1);
        let (leaf, said) = acts(false, move || {
            let _ = begin.send(());
            ifrit::current().unwrap().parent().unwrap().wait_ready()
        });
        Ok(ifrit::scope(|scope| {
            scope.background(leaf);
            heard(&begun);
            ready.notify();
            heard(&said)
        })?)
    });
    ifrit::background(outer).expect_exit().unwrap();
}

#[test]
fn a_process_may_join_the_one_that_has_started_it() {
    let (say, said) = bounded(1);
    let parent = ifrit::run_once(move |_, ready: ReadySender| {
        let (child, exit) = acts(true, || ifrit::current().unwrap().parent().unwrap().join());
        let child = ifrit::background(child);
        say.send((child, exit)).map_err(|_| "not heard")?;
        ready.notify();
        Err("done".into())
    });
    let _ = ifrit::background(parent).expect_exit();
    let (child, exit) = heard(&said);
    // It hears the exit, or there is no parent any more.
    if let Ok(exit) = exit.recv_timeout(PATIENCE) {
        assert_eq!(exit.unwrap_err().to_string(), "done");
    }
    child.signal(Signal::INTERRUPT);
    let _ = child.expect_exit();
}

#[test]
fn of_two_siblings_that_terminate_each_other_one_is_refused() {
    for _ in 0..stress(20) {
        let admin = Admin::new();
        let (go, start) = bounded::<()>(2);
        let other = |name: &'static str| {
            let (admin, start) = (admin.clone(), start.clone());
            acts(true, move || {
                let _ = start.recv(); // when both are up
                admin.terminate(name).err().map(|refused| refused.reason())
            })
        };
        let ((a, a_said), (b, b_said)) = (other("b"), other("a"));
        let group = Parallel::new(
            Members::new()
                .add("a", a)
                .add("b", b)
                .add("c", signal_recorder().0),
        );
        let process = ifrit::background(group.with_admin(admin.clone()));
        process.expect_ready();
        (0..2).for_each(|_| go.send(()).unwrap());
        // The one that was refused is free to stop; then the other is answered.
        let answers = [heard(&a_said), heard(&b_said)];
        let refused = answers
            .iter()
            .flatten()
            .filter(|reason| **reason == Reason::WouldDeadlock);
        assert!(refused.count() <= 1);
        assert!(answers.contains(&None), "{answers:?}");
        let states: Vec<_> = admin
            .list()
            .unwrap()
            .iter()
            .map(|member| member.state)
            .collect();
        assert!(states.contains(&MemberState::Terminated), "{states:?}");
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
    }
}

#[test]
fn of_a_terminate_and_a_join_that_wait_for_each_other_the_second_is_refused() {
    let admin = Admin::new();
    let (give, given) = bounded::<Process>(1);
    let (joins, joined) = acts(true, move || given.recv().map(|other| other.join()));
    let asks = admin.clone();
    let (terminates, terminated) = acts(true, move || {
        let me = ifrit::current().unwrap();
        let _ = give.send(me);
        asks.terminate("joins")
            .err()
            .map(|refused| refused.reason())
    });
    let members = Members::new()
        .add("joins", joins)
        .add("terminates", terminates);
    let process = ifrit::background(Parallel::new(members).with_admin(admin));
    let terminate = heard(&terminated);
    process.signal(Signal::TERMINATE);
    let join = heard(&joined).unwrap();
    match terminate {
        // It came second, and the join went on until the other was told to stop.
        Some(reason) => assert_eq!((reason, join.is_ok()), (Reason::WouldDeadlock, true)),
        None => assert!(matches!(join, Err(Error::WouldDeadlock { .. }))),
    }
    process.expect_exit().unwrap();
}

#[test]
fn a_handle_made_first_speaks_to_the_group_that_runs_and_to_one_at_a_time() {
    let admin = Admin::new();
    assert_eq!(admin.list().unwrap_err().reason(), Reason::NotRunning);
    let group = |name| {
        let members = Members::new().add(name, signal_recorder().0);
        Ordered::new(members).with_admin(admin.clone())
    };
    let name = || admin.list().unwrap()[0].name.clone();
    let first = ifrit::invoke(group("first"));
    assert_eq!(name(), "first");
    let second = ifrit::invoke(group("second"));
    assert_eq!(name(), "first");
    for process in [&second, &first] {
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
    }
    assert_eq!(admin.list().unwrap_err().reason(), Reason::NotRunning);
    let third = ifrit::invoke(group("third"));
    assert_eq!(name(), "third");
    third.signal(Signal::TERMINATE);
    third.expect_exit().unwrap();
}
