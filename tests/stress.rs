//! Races: signal against exit against drop against wait, many times over.
//!
//! `IFRIT_STRESS=100 cargo test --test stress` goes round a hundred times as often.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use ifrit::crossbeam_channel::TryRecvError;
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting, never_ready, signal_recorder};
use ifrit::{
    Error, Process, Signal, background, invoke, process::Status, run_fn, scope, until_stop,
};

fn rounds(at_least: usize) -> usize {
    let factor = std::env::var("IFRIT_STRESS").ok();
    at_least * factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

/// Does all of these at the same time, as far as that can be had.
fn at_once(actions: &[&(dyn Fn() + Sync)]) {
    let barrier = Barrier::new(actions.len());
    std::thread::scope(|threads| {
        for action in actions {
            threads.spawn(|| {
                barrier.wait();
                action();
            });
        }
    });
}

#[test]
fn signals_race_the_exit() {
    for _ in 0..rounds(300) {
        let fake = FakeRunner::new();
        let process = background(fake.clone());
        let call = fake.wait_for_call();
        at_once(&[
            &|| call.trigger_exit(Err("the one".into())),
            &|| process.signal(Signal::TERMINATE),
            &|| process.signal(Signal::HANGUP),
        ]);
        let error = process.expect_exit().unwrap_err();
        assert_eq!(error.to_string(), "the one");
    }
}

#[test]
fn waits_race_the_exit() {
    for _ in 0..rounds(300) {
        let fake = FakeRunner::new();
        let process = background(fake.clone());
        let call = fake.wait_for_call();
        let wait = || {
            let exit = process.wait().recv_timeout(PATIENCE).expect("an exit");
            assert!(exit.is_ok() && process.try_exit().is_some());
        };
        let drop_waits = || (0..20).for_each(|_| drop(process.wait()));
        at_once(&[
            &|| call.trigger_exit(Ok(())),
            &wait,
            &drop_waits,
            &|| process.expect_exit().unwrap(),
            &|| assert!(process.exited().recv_timeout(PATIENCE).is_err()),
        ]);
    }
}

#[test]
fn ready_races_the_exit() {
    for _ in 0..rounds(300) {
        let (lend, lent) = ifrit::crossbeam_channel::bounded(1);
        let process = background(run_fn(move |_, ready| {
            lend.send(ready)?;
            Ok(())
        }));
        let ready = lent.recv_timeout(PATIENCE).unwrap();
        let notify = Mutex::new(Some(ready));
        at_once(&[&|| notify.lock().unwrap().take().unwrap().notify(), &|| {
            // Whatever comes first: no waiter is stranded, and a process that was ready stays so.
            let started = process.wait_ready_timeout(PATIENCE).expect("resolved");
            assert_eq!(started.is_ok(), process.is_ready());
        }]);
        process.expect_exit().unwrap();
        let fired = process.ready().try_recv() == Err(TryRecvError::Disconnected);
        assert_eq!(fired, process.is_ready());
    }
}

#[test]
fn stops_race_each_other_and_the_exit() {
    for _ in 0..rounds(200) {
        let process = background(run_fn(|signals, ready| {
            ready.notify();
            until_stop(&signals);
            Err("stopped".into())
        }));
        let stop = |signal| {
            let error = process.stop(signal, PATIENCE).unwrap_err();
            assert_eq!(error.to_string(), "stopped");
        };
        at_once(&[
            &|| stop(Signal::TERMINATE),
            &|| stop(Signal::INTERRUPT),
            &|| process.signal(Signal::KILL),
        ]);
    }
}

#[test]
fn a_dropped_handle_takes_no_signal_with_it() {
    for _ in 0..rounds(300) {
        let (runner, recorded) = signal_recorder();
        let process = background(runner);
        let wait = process.wait();
        process.signal(Signal::HANGUP);
        process.signal(Signal::TERMINATE);
        drop(process);
        wait.recv_timeout(PATIENCE).unwrap().unwrap();
        assert_eq!(recorded.so_far(), [Signal::HANGUP, Signal::TERMINATE]);
    }
}

#[test]
fn no_stop_is_lost_among_those_who_read_and_those_who_send() {
    for _ in 0..rounds(100) {
        let (runner, recorded) = signal_recorder();
        let process = invoke(runner);
        let send = |signal| (0..50).for_each(|_| process.signal(signal));
        at_once(&[&|| send(Signal::HANGUP), &|| send(Signal::USER1), &|| {
            process.signal(Signal::QUIT)
        }]);
        process.expect_exit().unwrap();
        assert_eq!(recorded.so_far().last(), Some(&Signal::QUIT));
    }
}

#[test]
fn who_is_told_of_news_reads_it_after_it_was_written() {
    // The reader may be anywhere when a signal is coalesced with the one before; the news must not be lost with it.
    let news = Arc::new(AtomicUsize::new(0));
    let (sender, read) = ifrit::crossbeam_channel::unbounded();
    let written = Arc::clone(&news);
    let process = invoke(run_fn(move |signals, ready| {
        ready.notify();
        while signals.recv()? != Signal::TERMINATE {
            sender.send(news.load(Ordering::SeqCst))?;
        }
        Ok(())
    }));
    for round in 1..=rounds(3_000) {
        process.signal(Signal::HANGUP);
        written.store(round, Ordering::SeqCst);
        process.signal(Signal::HANGUP);
        while read.recv_timeout(PATIENCE).expect("a signal was lost") != round {}
    }
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn the_start_limit_races_ready_and_the_exit() {
    const LIMIT: Duration = Duration::from_secs(1);
    for _ in 0..rounds(200) {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = Process::builder()
            .clock(clock.clock())
            .start_within(LIMIT)
            .background(fake.clone());
        let call = fake.wait_for_call();
        at_once(&[&|| call.trigger_ready(), &|| clock.advance(LIMIT), &|| {
            call.trigger_exit(Ok(()))
        }]);
        match process.expect_exit() {
            Ok(()) => {}
            Err(Error::StartTimeout { .. }) => assert!(!process.is_ready()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn giving_up_races_the_exit() {
    const LIMIT: Duration = Duration::from_secs(1);
    for _ in 0..rounds(200) {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = Process::builder()
            .clock(clock.clock())
            .kill_grace(LIMIT)
            .start_within(LIMIT)
            .background(fake.clone());
        let call = fake.wait_for_call();
        let wait = process.wait();
        at_once(&[&|| clock.advance(LIMIT * 3), &|| {
            call.trigger_exit(Err("late".into()))
        }]);
        // One exit and no other, whichever it is.
        let first = wait.recv_timeout(PATIENCE).unwrap();
        let again = process.expect_exit();
        assert_eq!(format!("{first:?}"), format!("{again:?}"));
        while call.signals().recv_timeout(PATIENCE).is_ok() {}
        assert_eq!(process.status(), Status::Exited);
    }
}

#[test]
fn scopes_end_while_their_processes_do() {
    for _ in 0..rounds(100) {
        let mut exits = [false; 4];
        scope(|scope| {
            for (n, exit) in exits.iter_mut().enumerate() {
                let process = scope.background(run_fn(move |signals, _| {
                    if n % 2 == 0 {
                        until_stop(&signals);
                    }
                    *exit = true;
                    Ok(())
                }));
                if n == 0 {
                    process.signal(Signal::TERMINATE);
                }
            }
        });
        assert_eq!(exits, [true; 4]);
    }
}

#[test]
fn the_tree_can_be_looked_at_while_processes_come_and_go() {
    let come_and_go = || {
        for _ in 0..rounds(100) {
            let process = background(never_ready());
            assert!(ifrit::tree().get(process.id()).is_some());
            process.signal(Signal::INTERRUPT);
            process.expect_exit().unwrap();
            assert!(ifrit::tree().get(process.id()).is_none());
        }
    };
    at_once(&[&come_and_go, &come_and_go, &|| {
        for _ in 0..rounds(100) {
            let _ = ifrit::tree().to_string();
        }
    }]);
}
