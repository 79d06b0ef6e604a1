//! Many jobs, all results in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use ifrit::Receiver;
use ifrit::crossbeam_channel::unbounded;
use ifrit::{
    Error, Result, Signal,
    grouper::{Batch, Capacity, Progress},
};

type Job = Box<dyn FnOnce(Receiver<Signal>) -> Result<usize> + Send>;

fn job(work: impl FnOnce() -> Result<usize> + Send + 'static) -> Job {
    Box::new(move |_| work())
}

fn at_most(jobs: usize) -> Batch<'static> {
    Batch::new(Capacity::at_most(jobs))
}

#[test]
fn the_results_come_in_the_order_of_the_jobs_whatever_order_they_end_in() {
    const JOBS: usize = 16;
    // Each waits for the one after it.
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..JOBS).map(|_| unbounded::<()>()).unzip();
    let jobs = senders.into_iter().zip(0..).map(|(done, n)| {
        let next = receivers.get(n + 1).cloned();
        job(move || {
            let _ = next.map(|next| next.recv());
            done.send(())?;
            Ok(n)
        })
    });
    let results = at_most(JOBS).run(jobs);
    let values: Vec<_> = results
        .into_iter()
        .map(std::result::Result::unwrap)
        .collect();
    assert_eq!(values, (0..JOBS).collect::<Vec<_>>());
}

#[test]
fn a_job_that_fails_or_panics_harms_no_other() {
    for capacity in [
        Capacity::at_most(1),
        Capacity::at_most(4),
        Capacity::unlimited(),
    ] {
        let jobs = (0..9).map(|n| {
            job(move || match n % 3 {
                0 => Ok(n),
                1 => Err(format!("job {n}").into()),
                _ => panic!("job {n}"),
            })
        });
        let results = Batch::new(capacity).run(jobs);
        assert_eq!(results.len(), 9);
        for (n, result) in results.into_iter().enumerate() {
            match n % 3 {
                0 => assert_eq!(result.unwrap(), n),
                1 => assert_eq!(result.unwrap_err().to_string(), format!("job {n}")),
                _ => assert!(matches!(
                    result,
                    Err(Error::Panicked(panic)) if panic.message() == format!("job {n}")
                )),
            }
        }
    }
}

#[test]
fn an_error_of_a_job_can_be_found() {
    let results = at_most(1).run([|_signals| Ok("x".parse::<u8>()?)]);
    let error = results[0].as_ref().unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
}

#[test]
fn no_more_jobs_run_at_a_time_than_may() {
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = Arc::new((running, most));
    let jobs = (0..300).map(|n| {
        let count = Arc::clone(&count);
        job(move || {
            let now = count.0.fetch_add(1, Ordering::SeqCst) + 1;
            count.1.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            count.0.fetch_sub(1, Ordering::SeqCst);
            Ok(n)
        })
    });
    assert_eq!(at_most(3).run(jobs).len(), 300);
    assert!((1..=3).contains(&count.1.load(Ordering::SeqCst)));
}

#[test]
fn as_many_run_at_a_time_as_may() {
    for capacity in [Capacity::at_most(8), Capacity::unlimited()] {
        let together = Arc::new(Barrier::new(8));
        let jobs = (0..8).map(|n| {
            let together = Arc::clone(&together);
            job(move || {
                together.wait();
                Ok(n)
            })
        });
        assert!(
            Batch::new(capacity)
                .run(jobs)
                .iter()
                .all(|result| result.is_ok())
        );
    }
}

#[test]
fn the_jobs_are_taken_as_there_is_room() {
    let taken = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let jobs = (0..20).map(|n| {
        taken.fetch_add(1, Ordering::SeqCst);
        assert!(taken.load(Ordering::SeqCst) <= ended.load(Ordering::SeqCst) + 2);
        let ended = Arc::clone(&ended);
        job(move || {
            ended.fetch_add(1, Ordering::SeqCst);
            Ok(n)
        })
    });
    assert_eq!(at_most(2).run(jobs).len(), 20);
}

#[test]
fn progress_is_shown_after_each_job() {
    let mut seen: Vec<Progress> = Vec::new();
    let jobs = (0..10).map(|n| job(move || if n % 2 == 0 { Ok(n) } else { Err("odd".into()) }));
    at_most(3)
        .on_progress(|progress| seen.push(progress))
        .run(jobs);
    assert_eq!(
        seen.iter().map(|p| p.done).collect::<Vec<_>>(),
        (1..=10).collect::<Vec<_>>()
    );
    assert!(seen.iter().all(|progress| progress.running < 3));
    assert!(seen.is_sorted_by_key(|progress| progress.failed));
    let last = seen.last().unwrap();
    assert_eq!((last.failed, last.running), (5, 0));
}

#[test]
fn no_jobs_give_no_results() {
    for capacity in [
        Capacity::at_most(0),
        Capacity::at_most(1),
        Capacity::unlimited(),
    ] {
        assert!(Batch::new(capacity).run(Vec::<Job>::new()).is_empty());
    }
}

#[test]
fn with_room_for_nobody_every_job_is_refused_and_dropped() {
    let alive = Arc::new(());
    let jobs = (0..3).map(|n| {
        let alive = Arc::clone(&alive);
        job(move || {
            drop(alive);
            Ok(n)
        })
    });
    let results = at_most(0).run(jobs);
    assert_eq!(results.len(), 3);
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Err(Error::ZeroCapacity)))
    );
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_job_may_run_a_batch_of_its_own() {
    let jobs = (0..4usize).map(|n| {
        job(move || {
            let inner = (0..4).map(|m| move |_signals| Ok(n * m));
            let results = at_most(2).run(inner);
            Ok(results.into_iter().map(std::result::Result::unwrap).sum())
        })
    });
    let sums: Vec<_> = at_most(2)
        .run(jobs)
        .into_iter()
        .map(std::result::Result::unwrap)
        .collect();
    assert_eq!(sums, [0, 6, 12, 18]);
}

#[test]
fn a_job_has_its_number_as_its_name() {
    let name = |_signals| Ok(ifrit::current().map(|job| job.name().to_owned()));
    let results = at_most(1).run([name, name, name]);
    let names: Vec<_> = results
        .into_iter()
        .map(|result| result.unwrap().unwrap())
        .collect();
    assert_eq!(names, ["0", "1", "2"]);
}
