//! A runner that runs another one again: when, how often, and who hears of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ifrit::restart::{Backoff, Budget, Next, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{BoxRunner, Error, prelude::*, process::Status, sigmon::Sigmon};

use crate::kit::*;

/// Again and again, without delay and without end.
fn again(fake: &FakeRunner) -> Restarter<FakeRunner> {
    Restarter::new(fake.clone(), |_, _| Next::Again)
}

#[test]
fn it_is_not_ready_until_its_runner_is() {
    let fake = FakeRunner::new();
    let process = ifrit::background(again(&fake));
    let call = fake.wait_for_call();
    assert!(!process.is_ready());
    call.trigger_ready();
    process.expect_ready();
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn the_first_incarnation_that_becomes_ready_makes_it_ready() {
    let fake = FakeRunner::new();
    let process = ifrit::background(again(&fake));
    for _ in 0..3 {
        fake.wait_for_call().fails();
    }
    let call = fake.wait_for_call();
    assert!(!process.is_ready());
    call.trigger_ready();
    process.expect_ready();
    // Later ones find that it has been said.
    call.fails();
    let call = up(&fake);
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn it_counts_as_restarting_until_the_next_incarnation_is_ready() {
    let fake = FakeRunner::new();
    let process = ifrit::background(again(&fake));
    up(&fake).fails();
    for _ in 0..3 {
        let unready = fake.wait_for_call();
        assert!(process.is_ready(), "it has been");
        assert_eq!(process.status(), Status::Restarting);
        unready.fails();
    }
    let call = fake.wait_for_call();
    assert_eq!(process.status(), Status::Restarting);
    call.trigger_ready();
    assert_eq!(process.status(), Status::Ready);
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn load_sees_each_exit_and_decides() {
    let fake = FakeRunner::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let load = {
        let seen = Arc::clone(&seen);
        move |_: &mut FakeRunner, exit: &ifrit::Exit| {
            let mut seen = seen.lock().unwrap();
            seen.push(exit.as_ref().map_err(ToString::to_string).copied());
            if seen.len() < 3 {
                Next::Again
            } else {
                Next::End
            }
        }
    };
    let process = ifrit::background(Restarter::new(fake.clone(), load));
    fake.wait_for_call().trigger_exit(Err("one".into()));
    fake.wait_for_call().ends(How::Ok);
    fake.wait_for_call().trigger_exit(Err("three".into()));
    // The last result is the exit.
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "three");
    let (one, three) = (Err("one".to_owned()), Err("three".to_owned()));
    assert_eq!(*seen.lock().unwrap(), [one, Ok(()), three]);
}

#[test]
fn load_sees_a_panic_as_an_exit() {
    let fake = FakeRunner::new();
    let load = |_: &mut FakeRunner, exit: &ifrit::Exit| match exit {
        Err(Error::Panicked(panic)) if panic.message() == "broken" => Next::Again,
        _ => Next::End,
    };
    let process = ifrit::background(Restarter::new(fake.clone(), load));
    fake.wait_for_call().ends(How::Panic);
    fake.wait_for_call().ends(How::Ok);
    process.expect_exit().unwrap();
}

#[test]
fn load_may_put_another_runner_in_the_place() {
    let [first, second] = fakes();
    let (put, runner): (_, BoxRunner) = (second.clone(), Box::new(first.clone()));
    let process = ifrit::background(Restarter::new(runner, move |runner, exit| {
        *runner = Box::new(put.clone());
        if exit.is_err() {
            Next::Again
        } else {
            Next::End
        }
    }));
    first.wait_for_call().fails();
    second.wait_for_call().ends(How::Ok);
    process.expect_exit().unwrap();
    assert_eq!(calls(&[first, second]), [1, 1]);
}

#[test]
fn a_load_function_that_panics_is_the_exit() {
    let fake = FakeRunner::new();
    let load = |_: &mut FakeRunner, _: &ifrit::Exit| panic!("no idea");
    let process = ifrit::background(Restarter::new(fake.clone(), load));
    fake.wait_for_call().fails();
    match process.expect_exit() {
        Err(Error::Panicked(panic)) => assert_eq!(panic.message(), "no idea"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fake.calls(), 1);
}

/// How often a restarter runs its runner when that ends like this, for each end, and then Ok.
fn runs_after(make: impl Fn(FakeRunner) -> Restarter<FakeRunner>) -> [usize; 3] {
    EVERY_END.map(|how| {
        let fake = FakeRunner::new();
        let made = make(fake.clone()).backoff(Backoff::none());
        // One restart at most, so that it ends.
        let process = ifrit::background(made.budget(Budget::new(1, 60 * SECOND)));
        fake.wait_for_call().ends(how);
        fake.ensure_exit();
        let _ = process.expect_exit();
        fake.calls()
    })
}

#[test]
fn the_ready_made_ones_follow_the_ends_they_name() {
    // Ok, error, panic
    assert_eq!(runs_after(Restarter::always), [2, 2, 2]);
    assert_eq!(runs_after(Restarter::on_error), [1, 2, 2]);
    assert_eq!(runs_after(Restarter::on_panic), [1, 1, 2]);
    assert_eq!(
        runs_after(|fake| Restarter::on_error_if(fake, |error| error.to_string() == "broken")),
        [1, 2, 1]
    );
    assert_eq!(
        runs_after(|fake| Restarter::on_error_if(fake, |_| false)),
        [1, 1, 1]
    );
}

#[test]
fn the_ready_made_ones_wait_and_have_a_budget() {
    let all: [fn(FakeRunner) -> Restarter<FakeRunner>; 3] =
        [Restarter::always, Restarter::on_error, Restarter::on_panic];
    for make in all {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = on(&clock, make(fake.clone()));
        for restart in 0..5 {
            fake.wait_for_call().ends(How::Panic);
            let delay = clock.advance_to_next().as_secs_f64();
            let expected = 0.1 * f64::from(1 << restart);
            assert!((delay / expected - 1.0).abs() <= 0.1001, "{delay}");
        }
        fake.wait_for_call().ends(How::Panic);
        let exit = process.expect_exit();
        assert!(matches!(
            exit,
            Err(Error::RestartBudget { restarts: 5, .. })
        ));
    }
}

#[test]
fn the_bare_one_has_no_delay_and_no_budget() {
    let (clock, runs) = (ManualClock::new(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&runs);
    let crash = ifrit::run_fn(move |_, ready| {
        ready.notify();
        count.fetch_add(1, Ordering::Relaxed);
        Err("again".into())
    });
    let mut left = 10_000;
    let process = on(
        &clock,
        Restarter::new(crash, move |_, _| {
            left -= 1;
            if left == 0 { Next::End } else { Next::Again }
        }),
    );
    assert!(process.expect_exit().is_err());
    assert!(process.is_ready());
    assert_eq!(runs.load(Ordering::Relaxed), 10_000);
}

#[test]
fn a_factory_makes_a_fresh_runner_for_each_incarnation() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let factory = move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        ifrit::run_once(move |signals, ready| {
            if number < 3 {
                return Err("not yet".into());
            }
            ready.notify();
            ifrit::until_stop(&signals);
            Ok(())
        })
    };
    let process = ifrit::background(Restarter::from_factory(factory).backoff(Backoff::none()));
    process.expect_ready();
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 4);
}

#[test]
fn a_factory_that_panics_counts_as_an_incarnation_that_did() {
    let [fake] = fakes();
    let mut broken = true;
    let made = fake.clone();
    let factory = move || {
        if std::mem::take(&mut broken) {
            panic!("no material");
        }
        made.clone()
    };
    let process = ifrit::background(Restarter::from_factory(factory).backoff(Backoff::none()));
    let call = up(&fake);
    process.expect_ready();
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn a_runner_that_can_run_only_once_ends_with_how_that_run_ended() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let once = ifrit::run_once(|_, _| Err("once".into()));
    let process = ifrit::background(Restarter::new(once, move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Next::Again
    }));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "once");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn it_costs_no_thread_of_its_own() {
    let (sender, threads) = ifrit::crossbeam_channel::unbounded();
    let mut failures = 3;
    let runner = ifrit::run_fn(move |signals, ready| {
        sender.send(std::thread::current().id())?;
        if failures > 0 {
            failures -= 1;
            return Err("again".into());
        }
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    });
    let inner = Restarter::new(runner, |_, _| Next::Again);
    let process = ifrit::invoke(Restarter::new(Sigmon::new(inner), |_, _| Next::Again));
    let tree = ifrit::tree();
    let node = tree.get(process.id()).unwrap();
    assert!(node.children.is_empty());
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    let threads: Vec<_> = threads.try_iter().collect();
    assert_eq!(threads, [node.thread.unwrap(); 4]);
}

#[test]
fn it_can_run_again_after_it_has_returned() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let mut restarter = Restarter::on_error(fake.clone())
        .backoff(Backoff::exponential(SECOND, 8 * SECOND))
        .budget(Budget::new(2, 60 * SECOND));
    for _ in 0..3 {
        ifrit::scope(|scope| {
            let builder = Process::builder().clock(clock.clock());
            let process = builder.background_scoped(scope, &mut restarter);
            for delay in [1, 2] {
                fake.wait_for_call().fails();
                assert_eq!(clock.advance_to_next(), delay * SECOND);
            }
            assert!(!process.is_ready());
            up(&fake).ends(How::Ok);
            process.expect_exit().unwrap();
            assert!(process.is_ready());
        });
    }
}

#[test]
fn one_inside_another_is_restarted_whole() {
    let fake = FakeRunner::new();
    let inner = Restarter::on_error(fake.clone())
        .backoff(Backoff::none())
        .budget(Budget::new(1, SECOND));
    let outer = Restarter::on_error(inner).backoff(Backoff::none());
    let clock = ManualClock::new();
    let process = on(&clock, outer);
    for _ in 0..4 {
        fake.wait_for_call().fails(); // every other one ends the inner one
    }
    let call = fake.wait_for_call();
    assert!(!process.is_ready());
    call.trigger_ready();
    process.expect_ready();
    process.signal(Signal::USER1);
    assert_eq!(call.wait_for_signal(), Signal::USER1);
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(fake.calls(), 5);
}

#[test]
fn a_group_inside_is_restarted_whole() {
    let fakes @ [a, b] = &fakes();
    let group = Ordered::new(Members::new().add("a", a.clone()).add("b", b.clone()));
    let process = ifrit::background(Restarter::on_error(group).backoff(Backoff::none()));
    let [first, second] = all_up(fakes);
    process.expect_ready();
    second.fails();
    told(&first, Signal::INTERRUPT);

    let [first, second] = all_up(fakes);
    process.signal(Signal::TERMINATE);
    told(&second, Signal::TERMINATE);
    told(&first, Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(calls(fakes), [2, 2]);
}

#[test]
fn sigmon_inside_and_around_changes_nothing() {
    let builders: [fn(FakeRunner) -> BoxRunner; 2] = [
        |fake| {
            Box::new(Sigmon::new(
                Restarter::on_error(fake).backoff(Backoff::none()),
            ))
        },
        |fake| Box::new(Restarter::on_error(Sigmon::new(fake)).backoff(Backoff::none())),
    ];
    for build in builders {
        let fake = FakeRunner::new();
        let process = ifrit::background(build(fake.clone()));
        fake.wait_for_call().fails();
        let call = up(&fake);
        process.expect_ready();
        process.signal(Signal::HANGUP);
        assert_eq!(call.wait_for_signal(), Signal::HANGUP);
        call.fails();
        let call = fake.wait_for_call();
        process.signal(Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
        call.fails();
        assert_eq!(process.expect_exit().unwrap_err().to_string(), "broken");
        assert_eq!(fake.calls(), 3);
    }
}
