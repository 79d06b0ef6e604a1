//! Other signals than those that come.

use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::runners::MapSignals;
use ifrit::testing::{FakeRunner, Harness, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

#[test]
fn each_signal_becomes_what_the_table_says_or_none() {
    let fake = FakeRunner::new();
    let mapped = MapSignals::new(fake.clone())
        .map(Signal::USER1, Signal::TERMINATE)
        .map(Signal::USER2, Signal::USER1)
        .swallow(Signal::HANGUP);
    let process = ifrit::background(mapped);
    let call = up(&fake);
    for signal in [Signal::HANGUP, Signal::USER2, Signal::PIPE, Signal::USER1] {
        process.signal(signal);
    }
    let heard: Vec<_> = (0..3).map(|_| call.wait_for_signal()).collect();
    assert_eq!(heard, [Signal::USER1, Signal::PIPE, Signal::TERMINATE]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn what_was_pending_before_it_ran_is_changed_too() {
    let mut heard = Vec::new();
    let recorder = ifrit::run_fn(|signals: Receiver<Signal>, _| {
        heard.extend(signals.try_iter());
        Ok(())
    });
    let mut mapped = MapSignals::new(recorder)
        .map(Signal::USER1, Signal::USER2)
        .swallow(Signal::HANGUP);
    let process = ifrit::scope(|scope| {
        let process = scope.background(ifrit::run_fn(|signals: Receiver<Signal>, ready| {
            // Until all have come; then the wrapper begins.
            while signals.len() < 3 {
                std::thread::yield_now();
            }
            mapped.run(signals, ready)
        }));
        for signal in [Signal::HANGUP, Signal::USER1, Signal::TERMINATE] {
            process.signal(signal);
        }
        process.expect_exit().unwrap();
        process
    });
    drop(process);
    drop(mapped);
    assert_eq!(heard, [Signal::USER2, Signal::TERMINATE]);
}

#[test]
fn the_last_word_on_a_signal_counts() {
    let mapped = MapSignals::new(ifrit::runners::Noop)
        .swallow(Signal::USER1)
        .map(Signal::USER1, Signal::TERMINATE);
    assert_eq!(
        mapped.plan().to_string(),
        "signals (SIGUSR1 as SIGTERM)\n└─ noop"
    );
    let process = ifrit::invoke(mapped);
    process.signal(Signal::USER1);
    process.expect_exit().unwrap();
}

#[test]
fn kill_stays_kill() {
    for mapped in [
        MapSignals::new(FakeRunner::new()).swallow(Signal::KILL),
        MapSignals::new(FakeRunner::new()).map(Signal::KILL, Signal::TERMINATE),
    ] {
        let outcome = Harness::new().run(&mut { mapped });
        assert!(matches!(
            outcome.exit,
            Err(Error::UncatchableSignal(Signal::KILL))
        ));
    }
    let same = MapSignals::new(ifrit::runners::Noop).map(Signal::KILL, Signal::KILL);
    ifrit::invoke(same).kill().unwrap();
}

#[test]
fn a_stop_that_it_makes_ends_a_restarter_inside() {
    let fake = FakeRunner::new();
    let mapped = MapSignals::new(again(fake.clone())).map(Signal::USER1, Signal::TERMINATE);
    let process = ifrit::background(mapped);
    let call = up(&fake);
    process.signal(Signal::USER1);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Err("broken while it was stopped".into()));
    assert!(process.expect_exit().is_err());
    assert_eq!(fake.calls(), 1);
}

#[test]
fn a_stop_that_it_makes_ends_the_delay_of_a_restarter_inside() {
    let fake = FakeRunner::new();
    let slow = Restart::transient().backoff(Backoff::constant(SECOND * 3600));
    let mapped = MapSignals::new(Restarter::with(fake.clone(), slow));
    let process = ifrit::background(mapped.map(Signal::USER1, Signal::TERMINATE));
    let events = process.events();
    up(&fake).trigger_exit(Err("broken".into()));
    while !matches!(
        events.recv_timeout(ifrit::testing::PATIENCE).unwrap().what,
        ifrit::observe::What::Restarting { .. }
    ) {}
    process.signal(Signal::USER1);
    process.expect_exit().unwrap();
}

#[test]
fn a_restarter_around_it_runs_it_again_after_a_stop_that_it_has_made() {
    let fake = FakeRunner::new();
    let mapped = MapSignals::new(fake.clone()).map(Signal::USER1, Signal::TERMINATE);
    let always = Restarter::with(mapped, Restart::permanent().backoff(Backoff::none()));
    let process = ifrit::background(always);
    for _ in 0..3 {
        let call = up(&fake);
        process.signal(Signal::USER1);
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        call.trigger_exit(Ok(()));
    }
    // One that is not read by one run is not heard by the next.
    process.signal(Signal::USER1);
    up(&fake).trigger_exit(Ok(()));
    let last = up(&fake);
    assert_eq!(unread(&last), []);
    process.signal(Signal::INTERRUPT);
    assert_eq!(last.wait_for_signal(), Signal::INTERRUPT);
    last.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_group_inside_is_stopped_by_a_stop_that_it_makes() {
    let (db, web) = (FakeRunner::new(), FakeRunner::new());
    let group = Ordered::new(Members::new().add("db", db.clone()).add("web", web.clone()));
    let process = ifrit::background(MapSignals::new(group).map(Signal::USER1, Signal::QUIT));
    let (db, web) = (up(&db), up(&web));
    process.signal(Signal::USER1);
    for call in [web, db] {
        assert_eq!(call.wait_for_signal(), Signal::QUIT);
        call.trigger_exit(Ok(()));
    }
    process.expect_exit().unwrap();
}

#[test]
fn a_stop_that_becomes_a_notification_counts_as_a_stop_all_the_same() {
    let fake = FakeRunner::new();
    let mapped = MapSignals::new(again(fake.clone())).map(Signal::TERMINATE, Signal::USER1);
    let clock = ifrit::testing::ManualClock::new();
    let process = Process::builder()
        .clock(clock.clock())
        .stop_within(SECOND)
        .background(mapped);
    let call = up(&fake);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::USER1);
    clock.advance_to_next();
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Err("killed".into()));
    assert!(process.expect_exit().is_err());
    assert_eq!(fake.calls(), 1);
}

#[test]
fn tables_in_each_other_are_passed_from_the_outside_in() {
    let fake = FakeRunner::new();
    let inner = MapSignals::new(fake.clone()).map(Signal::USER2, Signal::TERMINATE);
    let outer = MapSignals::new(inner).map(Signal::USER1, Signal::USER2);
    let process = ifrit::background(outer);
    let call = up(&fake);
    process.signal(Signal::USER1);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn by_hand_what_the_runner_has_not_read_is_unread() {
    let mut mapped =
        MapSignals::new(ifrit::run_fn(|_, _| Ok(()))).map(Signal::USER1, Signal::TERMINATE);
    let outcome = Harness::new()
        .signal(Signal::TERMINATE)
        .signal(Signal::HANGUP)
        .run(&mut mapped);
    assert!(outcome.exit.is_ok());
    assert_eq!(outcome.unread, [Signal::TERMINATE, Signal::HANGUP]);
}

#[test]
fn the_processes_of_a_scope_inside_hear_what_is_heard_there() {
    let fake = FakeRunner::new();
    let in_scope = fake.clone();
    let host = ifrit::run_fn(move |signals, ready| {
        ifrit::scope(|scope| {
            let child = scope.background(in_scope.clone());
            ready.notify();
            ifrit::until_stop(&signals);
            drop(child);
        });
        Ok(())
    });
    let mapped = MapSignals::new(host).map(Signal::USER1, Signal::USER2);
    let process = ifrit::background(mapped);
    let call = up(&fake);
    process.expect_ready();
    process.signal(Signal::USER1);
    assert_eq!(call.wait_for_signal(), Signal::USER2);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_notification_that_is_not_read_inside_is_heard_around_as_it_came() {
    let mut mapped =
        MapSignals::new(ifrit::run_fn(|_, _| Ok(()))).map(Signal::USER1, Signal::USER2);
    let outcome = Harness::new()
        .signal(Signal::USER1)
        .signal(Signal::HANGUP)
        .run(&mut mapped);
    assert_eq!(outcome.unread, [Signal::USER1, Signal::HANGUP]);
}

/// Runs `mapped` until `call` ends it; what it has not read by then, and is heard around it.
fn handed_back(
    mapped: MapSignals<FakeRunner>,
    fake: &FakeRunner,
    tell: fn(&Process),
) -> Vec<Signal> {
    let (send, back) = ifrit::crossbeam_channel::unbounded();
    let mut mapped = mapped;
    let process = ifrit::background(ifrit::run_fn(move |signals: Receiver<Signal>, ready| {
        mapped.run(signals.clone(), ready)?;
        signals
            .try_iter()
            .for_each(|signal| send.send(signal).unwrap());
        Ok(())
    }));
    let call = up(fake);
    process.signal(Signal::PIPE);
    process.signal(Signal::HANGUP);
    for _ in 0..2 {
        call.wait_for_signal();
    }
    tell(&process);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    back.iter().collect()
}

#[test]
fn a_stop_that_was_not_read_goes_back_as_the_stop_that_came() {
    for heard in [Signal::INTERRUPT, Signal::HANGUP, Signal::USER1] {
        let fake = FakeRunner::new();
        let mapped = MapSignals::new(fake.clone()).map(Signal::TERMINATE, heard);
        let back = handed_back(mapped, &fake, |process| {
            process.signal(Signal::TERMINATE);
        });
        assert_eq!(back, [Signal::TERMINATE], "heard as {heard}");
    }
}

#[test]
fn what_was_read_before_does_not_go_back_with_what_was_not() {
    let fake = FakeRunner::new();
    let mapped = MapSignals::new(fake.clone())
        .map(Signal::PIPE, Signal::USER1)
        .map(Signal::HANGUP, Signal::USER2)
        .map(Signal::USER2, Signal::USER1);
    let back = handed_back(mapped, &fake, |process| {
        process.signal(Signal::USER2);
    });
    assert_eq!(back, [Signal::USER2]);
}

#[test]
fn a_notification_goes_back_as_it_came_also_where_another_was_heard_as_that() {
    let fake = FakeRunner::new();
    let mapped = MapSignals::new(fake.clone())
        .map(Signal::HANGUP, Signal::USER1)
        .map(Signal::PIPE, Signal::HANGUP);
    let back = handed_back(mapped, &fake, |process| {
        process.signal(Signal::PIPE);
    });
    assert_eq!(back, [Signal::PIPE]);
}
