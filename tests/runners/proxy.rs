//! Signals from a channel besides those of the process.

use ifrit::crossbeam_channel::{Receiver, Sender, unbounded};
use ifrit::grouper::Parallel;
use ifrit::prelude::*;
use ifrit::proxy::Proxy;
use ifrit::runners::{MapSignals, Noop};
use ifrit::testing::{FakeRunner, Harness, PATIENCE, Waiting};

use crate::kit::*;

fn channel() -> (Sender<Signal>, Receiver<Signal>) {
    unbounded()
}

/// Until the helper has nothing more to take, and lets go of its end.
fn until_taken(tell: &Sender<Signal>) {
    let begun = std::time::Instant::now();
    while !tell.is_empty() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}

#[test]
fn signals_of_the_channel_and_of_the_process_are_heard() {
    let (tell, told) = channel();
    let fake = FakeRunner::new();
    let process = ifrit::background(Proxy::new(fake.clone(), told));
    let call = up(&fake);
    tell.send(Signal::USER1).unwrap();
    assert_eq!(call.wait_for_signal(), Signal::USER1);
    process.signal(Signal::USER2);
    assert_eq!(call.wait_for_signal(), Signal::USER2);
    tell.send(Signal::INTERRUPT).unwrap();
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn what_is_in_the_channel_is_heard_before_it_is_ready_and_in_order() {
    let (tell, told) = channel();
    for signal in [Signal::HANGUP, Signal::USER1, Signal::TERMINATE] {
        tell.send(signal).unwrap();
    }
    let fake = FakeRunner::new();
    let process = ifrit::background(Proxy::new(fake.clone(), told));
    let call = fake.wait_for_call();
    let heard: Vec<_> = (0..3).map(|_| call.wait_for_signal()).collect();
    assert_eq!(heard, [Signal::HANGUP, Signal::USER1, Signal::TERMINATE]);
    assert!(!process.is_ready());
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_run_that_ends_by_itself_ends_it_whatever_the_channel_does() {
    for open in [true, false] {
        for exit in [Ok(()), Err("no")] {
            let (tell, told) = channel();
            let tell = open.then_some(tell);
            let fake = FakeRunner::new();
            let process = ifrit::background(Proxy::new(fake.clone(), told));
            let call = fake.wait_for_call();
            call.trigger_exit(exit.map_err(Into::into));
            assert_eq!(process.expect_exit().is_ok(), exit.is_ok());
            drop(tell);
        }
    }
}

#[test]
fn a_panic_inside_is_its_exit() {
    let (_tell, told) = channel();
    let panics = ifrit::run_fn(|_, _| std::panic::resume_unwind(Box::new("a bug")));
    let exit = ifrit::background(Proxy::new(panics, told)).expect_exit();
    assert!(matches!(exit, Err(ifrit::Error::Panicked(_))), "{exit:?}");
}

#[test]
fn a_channel_that_is_disconnected_is_no_stop() {
    let (tell, told) = channel();
    let fake = FakeRunner::new();
    let process = ifrit::background(Proxy::new(fake.clone(), told));
    let call = up(&fake);
    tell.send(Signal::USER1).unwrap();
    drop(tell);
    assert_eq!(call.wait_for_signal(), Signal::USER1);
    process.signal(Signal::USER2);
    assert_eq!(call.wait_for_signal(), Signal::USER2);
    assert_eq!(process.status(), ifrit::process::Status::Ready);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_stop_out_of_the_channel_stops_what_is_inside_and_nothing_around_it() {
    let (tell, told) = channel();
    let fake = FakeRunner::new();
    let inner = Parallel::new(Members::new().add("a", fake.clone()).add("b", Noop));
    let process = ifrit::background(again(Proxy::new(inner, told)));
    let call = up(&fake);
    tell.send(Signal::INTERRUPT).unwrap();
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    call.trigger_exit(Err("an error, after which it is run again".into()));
    let call = up(&fake);
    assert_eq!(process.try_exit().map(|_| ()), None);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_notification_that_a_layer_inside_makes_a_stop_of_stops_a_group_inside() {
    let (tell, told) = channel();
    let group = Parallel::new(Members::new().add("a", Noop).add("b", Noop));
    let mapped = MapSignals::new(group).map(Signal::USER1, Signal::TERMINATE);
    let process = ifrit::invoke(Proxy::new(mapped, told));
    process.expect_ready();
    tell.send(Signal::USER1).unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn kill_out_of_the_channel_reaches_all_members_of_a_group_inside() {
    let (tell, told) = channel();
    let fakes = [FakeRunner::new(), FakeRunner::new()];
    let members = fakes.iter().enumerate();
    let members = members.map(|(n, fake)| Member::new(n.to_string(), fake.clone()));
    let process = ifrit::background(Proxy::new(Ordered::new(members), told));
    let calls = fakes.each_ref().map(up);
    tell.send(Signal::KILL).unwrap();
    for call in calls {
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        call.trigger_exit(Ok(()));
    }
    process.expect_exit().unwrap();
}

#[test]
fn a_notification_that_a_run_has_not_read_is_read_by_the_next_one() {
    let (tell, told) = channel();
    let fake = FakeRunner::new();
    let process = ifrit::background(again(Proxy::new(fake.clone(), told)));
    let call = up(&fake);
    tell.send(Signal::USER1).unwrap();
    until_taken(&tell);
    call.trigger_exit(Err("again".into()));
    let call = up(&fake);
    assert_eq!(call.wait_for_signal(), Signal::USER1);
    process.signal(Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn driven_by_hand_it_hears_both() {
    let (tell, told) = channel();
    tell.send(Signal::USER1).unwrap();
    let mut heard = Vec::new();
    let runner = ifrit::run_fn(|signals: Receiver<Signal>, _| {
        // The channel of the harness ends, which is a stop.
        let told = signals.iter().filter(|signal| !signal.is_stop());
        heard = told.take(2).collect();
        Ok(())
    });
    let mut proxy = Proxy::new(runner, told);
    let outcome = Harness::new().signal(Signal::USER2).run(&mut proxy);
    assert!(outcome.exit.is_ok());
    drop(proxy);
    heard.sort_unstable_by_key(|signal| signal.as_raw());
    assert_eq!(heard, [Signal::USER1, Signal::USER2]);
}

#[test]
fn signals_that_race_with_the_end_of_a_run_hang_nothing() {
    for _ in 0..stress(200) {
        let (tell, told) = channel();
        let process = ifrit::background(Proxy::new(ifrit::run_fn(|_, _| Ok(())), told));
        for signal in [Signal::USER1, Signal::TERMINATE, Signal::KILL] {
            let _ = tell.send(signal);
        }
        process.expect_exit().unwrap();
    }
}

#[test]
fn its_plan_is_that_of_what_runs_inside_with_one_level_more() {
    let (_tell, told) = channel();
    let plan = Proxy::new(Noop, told).plan();
    assert_eq!(plan.to_string(), "proxy\n└─ noop");
}
