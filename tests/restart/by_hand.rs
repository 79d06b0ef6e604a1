//! A restarter that is not called with the signals of the process it runs in.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ifrit::crossbeam_channel::{Select, bounded, unbounded};
use ifrit::restart::{Backoff, Budget, Next, Restarter};
use ifrit::sigmon::Sigmon;
use ifrit::testing::{FakeRunner, Harness, ManualClock, Waiting, signal_recorder};
use ifrit::{Error, prelude::*};

use crate::kit::*;

/// Calls a runner with what it lets through of its own signals.
struct Filter<R>(R);

impl<R: Runner> Runner for Filter<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        let (sender, filtered) = unbounded();
        std::thread::spawn(move || {
            let wanted = signals.iter().filter(|signal| *signal != Signal::USER1);
            wanted.for_each(|signal| sender.send(signal).unwrap_or(()));
        });
        self.0.run(filtered, ready)
    }
}

fn again(fake: &FakeRunner) -> Restarter<FakeRunner> {
    Restarter::new(fake.clone(), |_, _| Next::Again)
}

#[test]
fn behind_a_filter_it_restarts_hears_and_stops() {
    let fake = FakeRunner::new();
    let process = ifrit::background(Filter(again(&fake)));
    fake.wait_for_call().fails();
    let call = up(&fake);
    process.expect_ready();
    process.signal(Signal::USER1); // not let through
    process.signal(Signal::USER2);
    assert_eq!(call.wait_for_signal(), Signal::USER2);
    call.fails();
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.fails();
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "broken");
    assert_eq!(fake.calls(), 3);
}

#[test]
fn behind_a_filter_a_stop_ends_a_delay_on_the_clock_of_the_process() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let restarter = again(&fake).backoff(Backoff::constant(SECOND));
    let process = on(&clock, Filter(restarter));
    fake.wait_for_call().fails();
    assert_eq!(clock.advance_to_next(), SECOND);
    fake.wait_for_call().fails();
    clock.wait_for_timers(1);
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(fake.calls(), 2);
}

#[test]
fn behind_a_filter_a_group_is_restarted_whole() {
    let fakes @ [a] = &fakes();
    let group = Ordered::new(Members::new().add("a", a.clone()));
    let restarter = Restarter::new(group, |_, _| Next::Again);
    let process = ifrit::background(Filter(restarter));
    up(a).fails();
    let call = up(a);
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(calls(fakes), [2]);
}

#[test]
fn filters_and_restarters_nest() {
    let fake = FakeRunner::new();
    let inner = Restarter::on_error(fake.clone())
        .backoff(Backoff::none())
        .budget(Budget::new(1, 60 * SECOND));
    let outer = Restarter::on_error(Filter(inner)).backoff(Backoff::none());
    let process = ifrit::background(Filter(outer));
    for _ in 0..4 {
        fake.wait_for_call().fails();
    }
    let call = up(&fake);
    process.expect_ready();
    process.signal(Signal::HANGUP);
    assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    process.signal(Signal::QUIT);
    told(&call, Signal::QUIT);
    process.expect_exit().unwrap();
}

#[test]
fn in_a_harness_it_hears_what_is_there_and_stops() {
    let (runner, recorded) = signal_recorder();
    let mut restarter = Restarter::always(runner);
    let outcome = Harness::new().signal(Signal::TERMINATE).run(&mut restarter);
    outcome.exit.unwrap();
    // The stop was there before the start, or came to the first incarnation.
    let started = outcome.ready;
    assert_eq!(
        recorded.so_far(),
        if started {
            vec![Signal::TERMINATE]
        } else {
            vec![]
        }
    );
}

#[test]
fn in_a_harness_disconnected_signals_stop_it() {
    let (runner, _) = signal_recorder();
    Harness::new()
        .run(&mut Restarter::always(runner))
        .exit
        .unwrap();
}

#[test]
fn in_a_harness_its_errors_are_what_they_are() {
    let broken = ifrit::run_fn(|_, _| Err("broken".into()));
    let mut restarter = Restarter::new(broken, |_, _| Next::End);
    // Without a sender that is kept, a stop may come before the start.
    let (_keep, signals) = unbounded();
    let error = restarter
        .run(signals, ifrit::ready_channel().0)
        .unwrap_err();
    assert_eq!(error.to_string(), "broken");
    assert!(matches!(error.downcast_ref(), Some(Error::Runner(_))));
}

#[test]
fn by_hand_it_runs_on_the_thread_of_whoever_calls_and_may_borrow() {
    let (sender, signals) = unbounded();
    let mut threads = Vec::new();
    let mut left = 3;
    let runner = ifrit::run_fn(|signals: Receiver<Signal>, ready: ReadySender| {
        threads.push(std::thread::current().id());
        ready.notify();
        sender.send(Signal::HANGUP)?;
        assert_eq!(signals.recv()?, Signal::HANGUP);
        Err("again".into())
    });
    let mut restarter = Restarter::new(runner, move |_, _| {
        left -= 1;
        if left == 0 { Next::End } else { Next::Again }
    });
    let (ready, is_ready) = ifrit::ready_channel();
    assert!(restarter.run(signals, ready).is_err());
    assert!(is_ready.try_recv().unwrap_err().is_disconnected());
    drop(restarter);
    assert_eq!(threads, [std::thread::current().id(); 3]);
}

#[test]
fn by_hand_a_signal_that_a_run_has_not_read_before_it_panicked_reaches_the_next() {
    let (sender, signals) = unbounded();
    let (taken, is_taken) = (signals.clone(), signals.clone());
    let panics = ifrit::run_fn(move |signals: Receiver<Signal>, _| {
        sender.send(Signal::USER1)?;
        let mut select = Select::new();
        select.recv(&signals);
        select.ready(); // it has come from the channel, and stays unread
        panic!("unread")
    });
    let mut first = Sigmon::new(panics).only([]);
    let run = || first.run(taken, ifrit::ready_channel().0);
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    let (hear, heard) = bounded(1);
    let reads = ifrit::run_fn(move |signals: Receiver<Signal>, _| {
        hear.send(signals.try_recv())?;
        Ok(())
    });
    let mut second = Sigmon::new(reads).only([]);
    second.run(is_taken, ifrit::ready_channel().0).unwrap();
    assert_eq!(heard.recv().unwrap(), Ok(Signal::USER1));
}

#[test]
fn by_hand_a_dead_incarnations_signals_are_disconnected() {
    let (sender, signals) = unbounded();
    let (leak, leaked) = bounded::<Receiver<Signal>>(2);
    let runner = ifrit::run_fn(move |signals, _| {
        leak.send(signals)?;
        Err("again".into())
    });
    let mut left = 2;
    let mut restarter = Restarter::new(runner, move |_, _| {
        left -= 1;
        if left == 0 { Next::End } else { Next::Again }
    });
    assert!(restarter.run(signals, ifrit::ready_channel().0).is_err());
    for signals in leaked.try_iter() {
        assert!(signals.try_recv().unwrap_err().is_disconnected());
    }
    drop(sender);
}
