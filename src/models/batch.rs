//! A batch of jobs, against a stop.

use super::*;
use crate::error::{Error, Result};
use crate::grouper::{Batch, Capacity};
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

#[test]
fn each_job_has_its_result() {
    check("batch, stopped", Schedules::Some, stopped);
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
