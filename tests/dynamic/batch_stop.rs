//! A batch that is stopped in the middle, and one whose caller panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ifrit::crossbeam_channel::{Receiver, Sender, unbounded};
use ifrit::restart::{Backoff, Restart};
use ifrit::testing::{ManualClock, Waiting};
use ifrit::{
    Error, Process, Result, Signal,
    grouper::{Batch, Capacity, Job, Member, Ordered},
    run_once, until_stop,
};

use crate::kit::{SECOND, elsewhere, recv};

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
fn those_that_run_are_told_and_no_more_are_made() {
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
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!(result.unwrap(), Signal::TERMINATE);
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
    assert!(matches!(results[..], [Ok(Signal::INTERRUPT)]));
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
fn a_batch_that_is_stopped_before_it_begins_makes_no_job() {
    for capacity in [Capacity::at_most(2), Capacity::unlimited()] {
        let (stop, signals) = unbounded();
        stop.send(Signal::TERMINATE).unwrap();
        let jobs = std::iter::from_fn(|| -> Option<Job<()>> { panic!("next() after a stop") });
        let results = Batch::new(capacity).stop_on(&signals).run_jobs(jobs);
        assert!(results.is_empty());
    }
}

#[test]
fn no_job_is_made_after_a_stop_not_even_of_an_iterator_without_end() {
    for capacity in [Capacity::at_most(2), Capacity::unlimited()] {
        let (stop, signals) = unbounded();
        let started = Arc::new(AtomicUsize::new(0));
        let mut stopped = false;
        let jobs = (0..).map(|n| {
            assert!(!stopped, "next() after a stop");
            if n == 10 {
                stop.send(Signal::TERMINATE).unwrap();
                stopped = true;
            }
            let started = Arc::clone(&started);
            move |_signals| Ok(started.fetch_add(1, Ordering::SeqCst))
        });
        let results = Batch::new(capacity).stop_on(&signals).run(jobs);
        assert_eq!(results.len(), 11);
        assert!(started.load(Ordering::SeqCst) <= 10);
        assert!(matches!(results[10], Err(Error::NotStarted)));
    }
}

#[test]
fn a_failure_stops_a_batch_that_is_to_stop_on_one() {
    let (begun, begins) = unbounded();
    let begins_again = begins.clone();
    let mut made = 0;
    let jobs = (0..).map(|n| {
        made += 1;
        let (begun, begins) = (begun.clone(), begins.clone());
        Job::once(n.to_string(), move |signals: Receiver<Signal>| {
            if n == 1 {
                begins.recv()?; // the other one runs
                return Err("broken".into());
            }
            begun.send(())?;
            Ok(until_stop(&signals))
        })
    });
    let results = Batch::new(Capacity::at_most(2))
        .stop_on_failure()
        .run_jobs(jobs);
    assert!(matches!(
        results[..],
        [Ok(Signal::INTERRUPT), Err(Error::Runner(_))]
    ));
    assert_eq!(made, 2);
    assert!(begins_again.is_empty());
}

#[test]
fn a_stop_ends_the_delay_before_another_attempt_and_the_last_error_is_the_result() {
    let clock = ManualClock::new();
    let builder = Process::builder().clock(clock.clock());
    let (say, said) = unbounded();
    let process = builder.background(run_once(move |signals, _| {
        let slow = Restart::transient().backoff(Backoff::constant(SECOND));
        let jobs = [Job::<()>::new("a", |_signals| Err("broken".into()))];
        let batch = Batch::new(Capacity::at_most(1)).retry(slow);
        say.send(batch.stop_on(&signals).run_jobs(jobs))?;
        Ok(())
    }));
    clock.wait_for_timers(1);
    process.signal(Signal::TERMINATE);
    let results = recv(&said);
    assert_eq!(results[0].as_ref().unwrap_err().to_string(), "broken");
    process.expect_exit().unwrap();
}

#[test]
fn in_a_runner_it_stops_with_the_runner() {
    let (begun, begins) = unbounded();
    let runner = run_once(move |signals, ready| {
        ready.notify();
        let jobs = (0..3).map(|n| waits(&begun, n));
        let results = Batch::new(Capacity::at_most(1)).stop_on(&signals).run(jobs);
        assert_eq!(results.len(), 1);
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
    // It has ended by now, if it began; and its end of the channel is gone.
    let heard: Vec<_> = tells.try_iter().collect();
    assert_eq!(heard.len(), begins.try_iter().count());
    assert!(heard.iter().all(|signal| *signal == Signal::INTERRUPT));
}

#[test]
fn a_progress_that_panics_leaves_no_job_behind_and_every_result_can_be_had() {
    let (told, tells) = unbounded();
    let patient = move |signals: Receiver<Signal>| {
        let signal = until_stop(&signals);
        told.send(signal)?;
        Ok(signal)
    };
    let jobs = [
        Job::once("patient", patient),
        Job::once("quick", |_signals| Ok(Signal::HANGUP)),
    ];
    let batch = Batch::new(Capacity::at_most(2)).on_progress(|_| panic!("the caller's own"));
    let mut results = Vec::new();
    let run = AssertUnwindSafe(|| batch.run_into(jobs, &mut results));
    assert!(catch_unwind(run).is_err());
    assert_eq!(tells.try_recv(), Ok(Signal::INTERRUPT));
    let expected = [Ok(Signal::INTERRUPT), Ok(Signal::HANGUP)];
    assert!(matches!(&results[..], [Ok(a), Ok(b)] if [Ok::<_, ()>(*a), Ok(*b)] == expected));
}

#[test]
fn an_iterator_that_panics_leaves_the_results_of_the_jobs_that_were_made() {
    let (begun, begins) = unbounded();
    let jobs = (0..2).map(|n| {
        assert_eq!(n, 0, "the caller's own panic");
        let begun = begun.clone();
        Job::once("a", move |signals: Receiver<Signal>| {
            begun.send(())?;
            Ok(until_stop(&signals))
        })
    });
    let batch = Batch::new(Capacity::at_most(2));
    let mut results = Vec::new();
    let run = AssertUnwindSafe(|| batch.run_into(jobs, &mut results));
    assert!(catch_unwind(run).is_err());
    match begins.try_recv() {
        Ok(()) => assert!(matches!(results[..], [Ok(Signal::INTERRUPT)])),
        Err(_) => assert!(matches!(results[..], [Err(Error::NotStarted)])),
    }
}

#[test]
fn a_job_that_does_not_stop_is_given_up_in_time_and_the_others_have_their_results() {
    let clock = ManualClock::new();
    let (begun, begins) = unbounded();
    let (gate, opens) = unbounded::<()>();
    let (say, said) = unbounded();
    let worker = run_once(move |signals, ready: ifrit::ReadySender| {
        ready.notify();
        let deaf = Job::once("deaf", move |signals: Receiver<Signal>| {
            begun.send(None)?;
            for _ in 0..2 {
                begun.send(Some(until_stop(&signals)))?;
            }
            let _ = opens.recv();
            Ok(0)
        });
        let quick = Job::once("quick", |_signals| Ok(7));
        let batch = Batch::new(Capacity::at_most(2)).stop_on(&signals);
        say.send(batch.run_jobs([deaf, quick]))?;
        Ok(())
    });
    let group = Ordered::new([Member::new("worker", worker)])
        .stop_within(10 * SECOND)
        .kill_grace(SECOND);
    let group = Process::builder().clock(clock.clock()).background(group);
    assert_eq!(recv(&begins), None);
    group.signal(Signal::TERMINATE);
    assert_eq!(recv(&begins), Some(Signal::TERMINATE));
    clock.advance(9 * SECOND);
    assert_eq!(recv(&begins), Some(Signal::KILL));
    clock.advance(9 * SECOND);
    let results = recv(&said);
    let stuck = results[0].as_ref().unwrap_err().stuck();
    assert_eq!(stuck[0].name, "deaf");
    assert_eq!(*results[1].as_ref().unwrap(), 7);
    drop(gate);
    let _ = group.expect_exit();
}
