//! Members that break the contract harm only themselves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ifrit::crossbeam_channel::{Sender, bounded, unbounded};
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{
    Error, Process, Runner, Signal,
    grouper::{Group, Members, Order, Ordered, Parallel},
};

use crate::support::{end, fakes, heard, mark, on, on_every_kind, running, trace_of, up};

#[test]
fn a_panic_is_an_exit_that_stops_the_others() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (group, [a, b]) = running(Group::<O>::new(members), &fakes);
        a.trigger_panic("out of luck");
        assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
        b.trigger_exit(Ok(()));
        let trace = trace_of(group.expect_exit());
        let initiator = trace.initiator().unwrap();
        assert_eq!(initiator.name, "a");
        let Err(Error::Panicked(panic)) = &initiator.exit else {
            panic!("{initiator}")
        };
        assert_eq!(panic.message(), "out of luck");
        assert!(panic.location().unwrap().contains("testing/call.rs"));
    }
    on_every_kind!(check);
}

#[test]
fn a_panic_before_ready_fails_the_start() {
    fn check<O: Order>() {
        let ([a, b], members) = fakes();
        b.ensure_exit(); // a parallel group starts it, too
        let group = ifrit::background(Group::<O>::new(members));
        a.wait_for_call().trigger_panic("no luck at all");
        assert!(matches!(
            group.expect_exit().unwrap_err().root_cause(),
            Error::Panicked(_)
        ));
        assert!(!group.is_ready());
    }
    on_every_kind!(check);
}

/// Panics when it is dropped.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        panic!("sore");
    }
}

#[test]
fn a_member_whose_destructor_panics_harms_neither_the_group_nor_its_siblings() {
    fn check<O: Order>() {
        let sore = || {
            let sore = Sore;
            ifrit::run_fn(move |signals, ready| {
                let _owned = &sore;
                ready.notify();
                ifrit::until_stop(&signals);
                Ok(())
            })
        };
        let (fakes, members) = fakes();
        let members = members.add("sore", sore()).add("sorer", sore());
        let (group, [a]) = running(Group::<O>::new(members), &fakes);
        group.signal(Signal::KILL);
        a.trigger_exit(Ok(()));
        // The members are dropped with the group, before its exit.
        assert!(group.expect_exit().is_ok());

        // The same in a group that never ran.
        drop(Group::<O>::new(Members::new().add("sore", sore())));
    }
    on_every_kind!(check);
}

/// Says where it was dropped.
struct Tell(Sender<&'static str>, &'static str);

impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[test]
fn the_siblings_of_a_panicking_destructor_are_dropped_all_the_same() {
    let (sender, dropped) = unbounded();
    let owning = |name| {
        let tell = Tell(sender.clone(), name);
        ifrit::run_fn(move |_, _| {
            let _owned = &tell;
            Ok(())
        })
    };
    let sore = Sore;
    let sore = ifrit::run_fn(move |_, _| {
        let _owned = &sore;
        Ok(())
    });
    let members = Members::new().add("first", owning("first"));
    let members = members.add("sore", sore).add("last", owning("last"));
    drop(Parallel::new(members));
    let mut names: Vec<_> = dropped.try_iter().collect();
    names.sort();
    assert_eq!(names, ["first", "last"]);
}

#[test]
fn a_leaked_ready_sender_says_nothing_after_its_run() {
    let leak = Arc::new(Mutex::new(None));
    let leaking = {
        let leak = Arc::clone(&leak);
        ifrit::run_fn(move |_, ready| {
            *leak.lock().unwrap() = Some(ready);
            Err("gone".into())
        })
    };
    let ([a], members) = fakes();
    let group = ifrit::background(Parallel::new(members.add("leaking", leaking)));
    let [a] = up(&[a]);
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    // The group still runs, and now hears of a readiness that is none.
    leak.lock().unwrap().take().unwrap().notify();
    mark(&group);
    assert_eq!(heard(&a), []);
    assert!(!group.is_ready());
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_err());
    assert!(!group.is_ready());
}

#[test]
fn a_ready_sender_given_to_another_thread_counts_while_the_run_lasts() {
    fn check<O: Order>() {
        let (sender, given) = bounded(1);
        let delegating = ifrit::run_fn(move |signals, ready| {
            sender.send(ready)?;
            ifrit::until_stop(&signals);
            Ok(())
        });
        let group = ifrit::background(Group::<O>::new(
            Members::new().add("delegating", delegating),
        ));
        given.recv_timeout(PATIENCE).unwrap().notify();
        group.expect_ready();
        group.signal(Signal::TERMINATE);
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_dropped_ready_sender_is_no_readiness() {
    let (drops, dropped) = unbounded();
    let dropping = ifrit::run_fn(move |signals, ready| {
        drop(ready);
        let _ = drops.send(());
        ifrit::until_stop(&signals);
        Ok(())
    });
    let ([a], members) = fakes();
    let late = FakeRunner::new();
    let members = members.add("dropping", dropping).add("late", late.clone());
    let group = ifrit::background(Ordered::new(members));
    let [a] = up(&[a]);
    dropped.recv_timeout(PATIENCE).unwrap();
    mark(&group);
    assert_eq!(heard(&a), []);
    assert!(!group.is_ready());
    group.signal(Signal::INTERRUPT);
    assert_eq!(a.wait_for_signal(), Signal::INTERRUPT);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
    assert_eq!(late.calls(), 0);
}

#[test]
fn a_member_that_drops_its_signals_is_only_waited_for() {
    fn check<O: Order>() {
        let (release, released) = bounded::<()>(0);
        let deaf = ifrit::run_fn(move |signals, ready| {
            drop(signals);
            ready.notify();
            let _ = released.recv();
            Ok(())
        });
        let (fakes, members) = fakes();
        let members = members.add("deaf", deaf);
        let (group, [a]) = running(Group::<O>::new(members), &fakes);
        group.signal(Signal::KILL);
        end(&a, Ok(()));
        for _ in 0..100 {
            group.signal(Signal::KILL);
        }
        drop(release);
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_member_that_waits_for_its_own_groups_exit_on_a_channel_only_gets_stuck_itself() {
    // A join would be refused; what a channel is waited for is not known. The group stays stoppable, and gives it up.
    let clock = ManualClock::new();
    let (sender, group_handle) = bounded::<Process>(1);
    let joining = ifrit::run_fn(move |_, ready| {
        ready.notify();
        let group = group_handle.recv()?;
        let _ = group.wait().recv();
        Ok(())
    });
    let members = Members::new().add("joining", joining);
    let group = on(&clock, Ordered::new(members));
    group.expect_ready();
    sender.send(group.clone()).unwrap();
    let stopper = ifrit::background(ifrit::run_fn({
        let group = group.clone();
        move |_, _| Ok(group.stop(Signal::TERMINATE, Duration::from_secs(100))?)
    }));
    clock.wait_for_timers(2);
    clock.advance_to_next(); // the group tells it KILL
    clock.wait_for_timers(2);
    clock.advance_to_next(); // and gives it up
    let error = stopper.expect_exit().unwrap_err();
    assert_eq!(error.stuck()[0].name, "joining");
}

#[test]
fn a_runner_that_can_run_only_once_fails_its_group_the_second_time() {
    let once = ifrit::run_once(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    });
    let mut group = Parallel::new(Members::new().add("once", once));
    ifrit::scope(|scope| {
        let first = scope.invoke(&mut group as &mut dyn Runner);
        first.signal(Signal::TERMINATE);
        assert!(first.expect_exit().is_ok());
    });
    let second = ifrit::background(group).expect_exit().unwrap_err();
    assert!(matches!(second.root_cause(), Error::AlreadyRan));
}
