//! A batch of jobs, against a stop, and against a job that does not end.

use super::*;
use crate::error::{Error, Result};
use crate::grouper::{Batch, Capacity, Job};
use crate::runner::until_stop;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, unbounded};

/// More jobs than one at a time; the second waits until it is told. Another thread stops them all.
fn stopped() {
    let (send, signals) = unbounded();
    go(move || {
        let _ = send.send(Signal::TERMINATE);
    });
    let (runs, made) = (Count::default(), Count::default());
    let jobs = (0..3).map(|number| {
        made.up();
        let runs = runs.clone();
        move |signals: Receiver<Signal>| -> Result<usize> {
            on_its_own();
            runs.up();
            if number == 1 {
                until_stop(&signals);
            }
            Ok(number)
        }
    });
    let batch = Batch::new(Capacity::at_most(2)).stop_on(&signals);
    let results = batch.on_progress(|_| on_its_own()).run(jobs);
    assert_eq!(results.len(), made.get(), "each job has its result");
    for (number, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(*value, number, "in order"),
            Err(error) => assert!(matches!(error, Error::NotStarted), "{error}"),
        }
    }
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(done, runs.get(), "what ran is in the results");
}

/// The first job hears nothing, and is given up past its limit; the others end by themselves. Time may pass at any step, so
/// that their limit, too, may be over. Calls `gone` when the first has its result.
fn with_a_deaf_job(capacity: usize, gate: Receiver<()>, mut gone: impl FnMut()) {
    let runs = Count::default();
    let others = runs.clone();
    let deaf = Job::once("deaf", move |_| {
        on_its_own();
        let _ = gate.recv();
        Ok(0)
    });
    let others = (1..3).map(move |number| {
        let runs = others.clone();
        Job::once(number.to_string(), move |_| {
            on_its_own();
            runs.up();
            Ok(number)
        })
    });
    let batch = Batch::new(Capacity::at_most(capacity)).job_within(SECOND);
    let batch = batch.on_progress(|progress| {
        on_its_own();
        if progress.name == "deaf" {
            gone();
        }
    });
    let results = batch.run_jobs(std::iter::once(deaf).chain(others));
    assert_eq!(results.len(), 3, "each job has its result");
    for (number, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert_eq!((*value, number > 0), (number, true), "in order"),
            Err(Error::TimedOut { name, stuck, .. }) => {
                let expected = ["deaf", "1", "2"][number];
                assert_eq!(&**name, expected, "in order");
                assert!(stuck.is_some() || number > 0, "its thread is named");
                assert!(
                    sync::elapsed() >= SECOND,
                    "invariant 6: not before its time"
                );
            }
            Err(error) => panic!("{error}"),
        }
    }
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert!(done <= runs.get(), "a value comes of a run");
}

/// The thread of the job that is given up runs on when the batch is over.
fn given_up() {
    let (hold, gate) = unbounded();
    with_a_deaf_job(2, gate, || {});
    drop(hold);
}

/// It has the only place, which is free when its thread has ended: at any step after it was given up.
fn given_up_in_the_only_place() {
    let (hold, gate) = unbounded();
    let mut hold = Some(hold);
    with_a_deaf_job(1, gate, || {
        let hold = hold.take();
        go(move || drop(hold));
    });
}

#[test]
fn each_job_has_its_result() {
    check("batch, stopped", Schedules::Some, stopped);
}

#[test]
fn a_job_that_is_given_up_is_named_and_the_others_have_their_results() {
    check("batch, given up", Schedules::Some, given_up);
    let only_place = given_up_in_the_only_place;
    check("batch, in the only place", Schedules::Some, only_place);
}

#[test]
fn a_batch_that_does_not_wait_for_a_place_is_found() {
    let place = "fn wait( > select.recv(place)";
    let broken = (Fault::Forgotten, "src/grouper/batch/run.rs", place);
    let only_place = given_up_in_the_only_place;
    finds(DEADLOCK, broken, Schedules::Some, only_place);
}

#[test]
fn a_given_up_job_that_the_batch_does_not_hear_of_is_found() {
    let place = "impl Drop for Watcher > self.exits.send(";
    let broken = (Fault::Forgotten, "src/grouper/dynamic/watcher.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, given_up);
}

#[test]
fn a_batch_that_does_not_wait_for_signals_is_found() {
    let place = "fn wait( > select.recv(&self.settings.signals)";
    let broken = (Fault::Forgotten, "src/grouper/batch/run.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, stopped);
}

#[test]
fn an_exit_that_the_batch_does_not_hear_is_found() {
    let place = "impl Drop for Watcher > self.exits.send(";
    let broken = (Fault::Forgotten, "src/grouper/dynamic/watcher.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, stopped);
}
