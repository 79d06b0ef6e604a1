//! A batch that is stopped in the middle, and one whose caller panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ifrit::crossbeam_channel::{Receiver, Sender, unbounded};
use ifrit::testing::Waiting;
use ifrit::{
    Error, Result, Signal,
    grouper::{Batch, Capacity},
    run_once, until_stop,
};

use crate::kit::{elsewhere, recv};

/// A job that says that it runs, and returns the signal that stops it.
fn waits(
    begun: &Sender<usize>,
    n: usize,
) -> impl FnOnce(Receiver<Signal>) -> Result<Signal> + 'static {
    let begun = begun.clone();
    move |signals| {
        begun.send(n)?;
        Ok(until_stop(&signals))
    }
}

#[test]
fn those_that_run_are_told_and_the_rest_is_not_started() {
    let (stop, signals) = unbounded();
    let (begun, begins) = unbounded();
    let batch = elsewhere(move || {
        let jobs = (0..5).map(|n| waits(&begun, n));
        Batch::new(Capacity::at_most(2)).stop_on(&signals).run(jobs)
    });
    let mut running = [recv(&begins), recv(&begins)];
    running.sort_unstable();
    assert_eq!(running, [0, 1]);
    stop.send(Signal::TERMINATE).unwrap();
    let results = batch.outcome();
    assert_eq!(results.len(), 5);
    for result in &results[..2] {
        assert_eq!(*result.as_ref().unwrap(), Signal::TERMINATE);
    }
    for result in &results[2..] {
        assert!(matches!(result, Err(Error::NotStarted)));
    }
    assert!(begins.is_empty());
}

#[test]
fn a_notification_reaches_those_that_run_and_stops_nothing() {
    let (signal, signals) = unbounded();
    let (heard, hears) = unbounded();
    let batch = elsewhere(move || {
        let jobs = (0..3).map(|n| {
            let heard = heard.clone();
            move |signals: Receiver<Signal>| {
                heard.send(n)?;
                Ok(signals.recv()?)
            }
        });
        Batch::new(Capacity::at_most(1)).stop_on(&signals).run(jobs)
    });
    for n in 0..3 {
        assert_eq!(recv(&hears), n);
        signal.send(Signal::USER1).unwrap();
    }
    let results: Vec<_> = batch
        .outcome()
        .into_iter()
        .map(std::result::Result::unwrap)
        .collect();
    assert_eq!(results, [Signal::USER1; 3]);
}

#[test]
fn a_disconnected_channel_counts_as_a_stop() {
    let (stop, signals) = unbounded();
    let (begun, begins) = unbounded();
    let batch = elsewhere(move || {
        let jobs = (0..2).map(|n| waits(&begun, n));
        Batch::new(Capacity::at_most(1)).stop_on(&signals).run(jobs)
    });
    recv(&begins);
    drop(stop);
    let results = batch.outcome();
    assert_eq!(*results[0].as_ref().unwrap(), Signal::INTERRUPT);
    assert!(matches!(results[1], Err(Error::NotStarted)));
}

#[test]
fn a_second_signal_reaches_those_that_stop() {
    let (stop, signals) = unbounded();
    let (heard, hears) = unbounded();
    let (begun, begins) = unbounded();
    let batch = elsewhere(move || {
        let job = move |signals: Receiver<Signal>| {
            begun.send(())?;
            for signal in signals.iter().take(2) {
                heard.send(signal)?;
            }
            Ok(())
        };
        Batch::new(Capacity::at_most(1))
            .stop_on(&signals)
            .run([job])
    });
    recv(&begins);
    for signal in [Signal::TERMINATE, Signal::KILL] {
        stop.send(signal).unwrap();
        assert_eq!(recv(&hears), signal);
    }
    batch.outcome()[0].as_ref().unwrap();
}

#[test]
fn a_batch_that_is_stopped_before_it_begins_starts_nothing() {
    for capacity in [Capacity::at_most(2), Capacity::unlimited()] {
        let (stop, signals) = unbounded();
        stop.send(Signal::TERMINATE).unwrap();
        let started = Arc::new(AtomicUsize::new(0));
        let jobs = (0..5).map(|_| {
            let started = Arc::clone(&started);
            move |_signals| Ok(started.fetch_add(1, Ordering::SeqCst))
        });
        let results = Batch::new(capacity).stop_on(&signals).run(jobs);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(Error::NotStarted)))
        );
        assert_eq!((results.len(), started.load(Ordering::SeqCst)), (5, 0));
    }
}

#[test]
fn a_stop_is_heard_while_jobs_are_still_being_started() {
    let (stop, signals) = unbounded();
    let started = Arc::new(AtomicUsize::new(0));
    let jobs = (0..1_000).map(|n| {
        if n == 10 {
            stop.send(Signal::TERMINATE).unwrap();
        }
        let started = Arc::clone(&started);
        move |_signals| Ok(started.fetch_add(1, Ordering::SeqCst))
    });
    let results = Batch::new(Capacity::unlimited())
        .stop_on(&signals)
        .run(jobs);
    assert_eq!(results.len(), 1_000);
    assert!(started.load(Ordering::SeqCst) <= 11);
    assert!(matches!(results[999], Err(Error::NotStarted)));
}

#[test]
fn in_a_runner_it_stops_with_the_runner() {
    let (begun, begins) = unbounded();
    let runner = run_once(move |signals, ready| {
        ready.notify();
        let jobs = (0..3).map(|n| waits(&begun, n));
        let results = Batch::new(Capacity::at_most(1)).stop_on(&signals).run(jobs);
        let stopped = results
            .iter()
            .filter(|result| matches!(result, Err(Error::NotStarted)));
        assert_eq!(stopped.count(), 2);
        Ok(())
    });
    let process = ifrit::invoke(runner);
    assert_eq!(recv(&begins), 0);
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
}

#[test]
fn a_caller_that_panics_leaves_no_job_behind() {
    let (begun, begins) = unbounded();
    let (told, tells) = unbounded();
    let jobs = (0..2).map(|n| {
        assert_eq!(n, 0, "the caller's own panic");
        let (begun, told) = (begun.clone(), told.clone());
        move |signals: Receiver<Signal>| {
            begun.send(())?;
            Ok(told.send(until_stop(&signals))?)
        }
    });
    let batch = || Batch::new(Capacity::at_most(2)).run(jobs);
    assert!(catch_unwind(AssertUnwindSafe(batch)).is_err());
    // It has ended by now, if it began; and nobody holds its end of the channel.
    let heard: Vec<_> = tells.try_iter().collect();
    assert_eq!(heard.len(), begins.try_iter().count());
    assert!(heard.iter().all(|signal| *signal == Signal::INTERRUPT));
}

#[test]
fn a_progress_that_panics_leaves_no_job_behind() {
    let (told, tells) = unbounded();
    type Job = Box<dyn FnOnce(Receiver<Signal>) -> Result<()> + Send>;
    let patient = move |signals: Receiver<Signal>| Ok(told.send(until_stop(&signals))?);
    let jobs: [Job; 2] = [Box::new(patient), Box::new(|_| Ok(()))];
    let batch = Batch::new(Capacity::at_most(2)).on_progress(|_| panic!("the caller's own"));
    assert!(catch_unwind(AssertUnwindSafe(|| batch.run(jobs))).is_err());
    assert_eq!(tells.try_recv(), Ok(Signal::INTERRUPT));
}
