//! Many jobs, all results in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use ifrit::Receiver;
use ifrit::crossbeam_channel::unbounded;
use ifrit::observe::What;
use ifrit::restart::{Backoff, Restart};
use ifrit::testing::{ManualClock, Waiting};
use ifrit::{
    Error, Result, Signal,
    grouper::{Batch, Capacity, Job},
};

use crate::kit::{SECOND, recv};

type WorkOfNumber = Box<dyn FnOnce(Receiver<Signal>) -> Result<usize> + Send>;

fn job(work: impl FnOnce() -> Result<usize> + Send + 'static) -> WorkOfNumber {
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
    let mut seen = Vec::new();
    let jobs = (0..10).map(|n| job(move || if n % 2 == 0 { Ok(n) } else { Err("odd".into()) }));
    let _ = at_most(3)
        .on_progress(|progress| seen.push((progress.done, progress.failed, progress.running)))
        .run(jobs);
    let done: Vec<_> = seen.iter().map(|(done, ..)| *done).collect();
    assert_eq!(done, (1..=10).collect::<Vec<_>>());
    assert!(seen.iter().all(|(.., running)| *running < 3));
    assert!(seen.is_sorted_by_key(|(_, failed, _)| *failed));
    assert_eq!(seen.last(), Some(&(10, 5, 0)));
}

#[test]
fn progress_names_the_job_that_has_ended_and_those_that_run() {
    let (first, second) = (unbounded::<()>(), unbounded::<()>());
    let waits = |name: &str, gate: &Receiver<()>, error: Option<&'static str>| {
        let gate = gate.clone();
        Job::new(name, move |_signals| {
            let _ = gate.recv();
            error.map_or(Ok(()), |error| Err(error.into()))
        })
    };
    let jobs = [
        waits("a", &first.1, None),
        waits("b", &second.1, Some("broken")),
        Job::new("c", |_signals| Ok(())),
    ];
    let (mut first, mut second) = (Some(first.0), Some(second.0));
    let mut seen = Vec::new();
    let _ = at_most(3)
        .on_progress(|progress| {
            let error = progress.error.map(ToString::to_string);
            let running: Vec<_> = progress.running_names().map(str::to_owned).collect();
            seen.push((progress.name.to_owned(), error, running));
            // One after the other.
            drop(second.take().or_else(|| first.take()));
        })
        .run_jobs(jobs);
    let entry = |name: &str, error: Option<&str>, running: &[&str]| {
        let running = running.iter().map(ToString::to_string).collect();
        (name.to_owned(), error.map(str::to_owned), running)
    };
    let expected: [(String, Option<String>, Vec<String>); 3] = [
        entry("c", None, &["a", "b"]),
        entry("b", Some("broken"), &["a"]),
        entry("a", None, &[]),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn no_jobs_give_no_results() {
    for capacity in [
        Capacity::at_most(0),
        Capacity::at_most(1),
        Capacity::unlimited(),
    ] {
        assert!(
            Batch::new(capacity)
                .run(Vec::<WorkOfNumber>::new())
                .is_empty()
        );
    }
}

#[test]
fn with_room_for_none_the_first_job_is_refused_and_no_other_is_made() {
    let alive = Arc::new(());
    let mut made = 0;
    let jobs = (0..).map(|n| {
        made += 1;
        let alive = Arc::clone(&alive);
        job(move || {
            drop(alive);
            Ok(n)
        })
    });
    let results = at_most(0).run(jobs);
    assert!(matches!(results[..], [Err(Error::ZeroCapacity)]));
    assert_eq!((made, Arc::strong_count(&alive)), (1, 1));
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

#[test]
fn a_job_has_the_name_that_it_is_given() {
    let names = ["first", "second"];
    let jobs = names.map(|name| {
        Job::once(name, |_signals| {
            let thread = std::thread::current().name().map(str::to_owned);
            Ok((ifrit::current().map(|job| job.name().to_owned()), thread))
        })
    });
    let results = at_most(2).run_jobs(jobs);
    for (name, result) in names.iter().zip(results) {
        let (process, thread) = result.unwrap();
        assert_eq!(process.as_deref(), Some(*name));
        assert!(thread.is_some());
    }
}

#[test]
fn a_job_without_a_name_or_with_that_of_one_that_runs_is_not_started() {
    let (gate, opens) = unbounded::<()>();
    let jobs = ["same", "same", "", "same"].map(|name| {
        let opens = opens.clone();
        Job::new(name, move |_signals| {
            let _ = opens.recv();
            Ok(())
        })
    });
    let mut gate = Some(gate);
    let results = at_most(2)
        .on_progress(|_| {
            gate.take_if(|gate| gate.is_empty());
        })
        .run_jobs(jobs);
    assert_eq!(results.len(), 4);
    assert!(results[0].is_ok());
    assert!(matches!(&results[1], Err(Error::DuplicateNames(names)) if *names == ["same"]));
    assert!(matches!(&results[2], Err(Error::EmptyNames { positions }) if *positions == [2]));
}

#[test]
fn a_job_is_tried_again_until_it_ends_well_or_its_attempts_are_used_up() {
    for attempts in [None, Some(3), Some(1), Some(0)] {
        let runs = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let jobs = [4, usize::MAX]
            .into_iter()
            .zip(&runs)
            .map(|(well_at, runs)| {
                let runs = Arc::clone(runs);
                Job::new(well_at.to_string(), move |_signals| {
                    match runs.fetch_add(1, Ordering::SeqCst) + 1 {
                        run if run == well_at => Ok(run),
                        run if run % 2 == 0 => panic!("run {run}"),
                        run => Err(format!("run {run}").into()),
                    }
                })
            });
        let batch = at_most(2).retry(Restart::transient().backoff(Backoff::none()));
        let batch = match attempts {
            Some(attempts) => batch.attempts(attempts),
            None => batch,
        };
        let results = batch.run_jobs(jobs);
        let most = attempts.unwrap_or(5).max(1);
        let runs = runs.map(|runs| runs.load(Ordering::SeqCst));
        assert_eq!(runs, [most.min(4), most]);
        match &results[0] {
            Ok(run) => assert_eq!((*run, most), (4, 5)),
            Err(error) => assert!(error.to_string().contains(&format!("run {most}"))),
        }
        let last = results[1].as_ref().unwrap_err().to_string();
        assert!(last.contains(&format!("run {most}")), "{last}");
    }
}

#[test]
fn another_attempt_is_said_to_be_one_of_as_many_as_there_are() {
    let (say, said) = unbounded();
    let runner = ifrit::run_once(move |_, _| {
        let bad = Job::new("bad", |_signals| Err::<(), _>("HTTP 404".into()));
        let retry = Restart::transient().backoff(Backoff::none());
        let batch = at_most(1).retry(retry).attempts(4);
        say.send(batch.run_jobs([bad]))?;
        Ok(())
    });
    let process = ifrit::background(runner);
    assert!(recv(&said)[0].is_err());
    process.expect_exit().unwrap();
    let attempts: Vec<_> = process
        .events()
        .try_iter()
        .filter_map(|event| match event.what {
            What::Restarting { attempt, of, .. } => Some((attempt, of)),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [(2, Some(4)), (3, Some(4)), (4, Some(4))]);
}

#[test]
fn a_job_that_can_run_only_once_or_that_no_policy_retries_is_tried_once() {
    let failing = || Job::<()>::once("once", |_signals| Err("broken".into()));
    let results = at_most(1).retry(Restart::permanent()).run_jobs([failing()]);
    assert_eq!(results[0].as_ref().unwrap_err().to_string(), "broken");
    let mut runs = 0;
    let again = Job::<()>::new("again", move |_signals| {
        runs += 1;
        Err(format!("run {runs}").into())
    });
    let results = at_most(1).retry(Restart::temporary()).run_jobs([again]);
    assert_eq!(results[0].as_ref().unwrap_err().to_string(), "run 1");
}

#[test]
fn a_job_that_ends_well_is_done_whatever_the_policy() {
    let jobs = [Job::new("a", |_signals| Ok(7))];
    let results = at_most(1).retry(Restart::permanent()).run_jobs(jobs);
    assert_eq!(*results[0].as_ref().unwrap(), 7);
}

#[test]
fn a_job_that_takes_too_long_is_told_and_has_timed_out() {
    let clock = ManualClock::new();
    let (begun, begins) = unbounded();
    let batch = ifrit::Process::builder().clock(clock.clock());
    let (say, said) = unbounded();
    let runner = ifrit::run_once(move |_, _| {
        let slow = Job::new("slow", move |signals: Receiver<Signal>| {
            begun.send(())?;
            Ok(ifrit::until_stop(&signals))
        });
        let quick = Job::new("quick", |_signals| Ok(Signal::HANGUP));
        let batch = at_most(1).job_within(SECOND).retry(Restart::transient());
        say.send(batch.run_jobs([slow, quick]))?;
        Ok(())
    });
    let process = batch.background(runner);
    recv(&begins);
    clock.advance(SECOND);
    let results = recv(&said);
    let error = results[0].as_ref().unwrap_err();
    assert!(matches!(error, Error::TimedOut { after, stuck: None, .. } if *after == SECOND));
    // Without its name, as any other error of a job.
    assert_eq!(error.to_string(), "not done within 1s");
    assert_eq!(*results[1].as_ref().unwrap(), Signal::HANGUP);
    process.expect_exit().unwrap();
    let ended = process
        .events()
        .try_iter()
        .find_map(|event| match event.what {
            What::Exited { exit, .. } if event.path.name() == "slow" => Some(exit),
            _ => None,
        });
    assert_eq!(ended.unwrap().error(), Some("not done within 1s"));
}

#[test]
fn a_job_that_is_given_up_keeps_its_place_and_the_others_have_their_results() {
    let clock = ManualClock::new();
    let builder = ifrit::Process::builder()
        .clock(clock.clock())
        .kill_grace(SECOND);
    let (begun, begins) = unbounded();
    let (gate, opens) = unbounded::<()>();
    let (say, said) = unbounded();
    let runner = ifrit::run_once(move |_, _| {
        let deaf = Job::once("deaf", move |_signals| {
            begun.send(())?;
            let _ = opens.recv();
            Ok(0)
        });
        let quick = (1..4).map(|n| Job::once(n.to_string(), move |_signals| Ok(n)));
        let batch = at_most(1).job_within(SECOND);
        let progress = say.clone();
        let batch = batch.on_progress(move |progress_made| {
            let _ = progress.send(Err(progress_made.name.to_owned()));
        });
        say.send(Ok(batch.run_jobs(std::iter::once(deaf).chain(quick))))?;
        Ok(())
    });
    let process = builder.background(runner);
    recv(&begins);
    for _told_told_kill_given_up in 0..3 {
        clock.wait_for_timers(1); // the job may have begun a moment before its limit was set
        clock.advance(SECOND);
    }
    assert_eq!(recv(&said).unwrap_err(), "deaf");
    assert!(said.is_empty()); // its thread has the only place
    drop(gate);
    for name in ["1", "2", "3"] {
        assert_eq!(recv(&said).unwrap_err(), name);
    }
    let results = recv(&said).unwrap();
    let error = results[0].as_ref().unwrap_err();
    assert!(matches!(error, Error::TimedOut { stuck: Some(stuck), .. } if stuck.name == "deaf"));
    let values: Vec<_> = results[1..]
        .iter()
        .map(|result| *result.as_ref().unwrap())
        .collect();
    assert_eq!(values, [1, 2, 3]);
    process.expect_exit().unwrap();
}

#[test]
fn a_limit_of_no_length_is_refused() {
    let jobs = [Job::new("a", |_signals| Ok(()))];
    let results = at_most(1).job_within(Duration::ZERO).run_jobs(jobs);
    assert!(matches!(
        &results[0],
        Err(Error::ZeroDeadline { who, option: "job_within" }) if who == "a"
    ));
}

#[test]
fn results_are_put_behind_those_that_are_there() {
    let mut results = vec![Ok(7)];
    at_most(1).run_into(
        [
            Job::new("", |_signals| Ok(8)),
            Job::new("b", |_signals| Ok(9)),
        ],
        &mut results,
    );
    assert_eq!(*results[0].as_ref().unwrap(), 7);
    assert!(matches!(&results[1], Err(Error::EmptyNames { positions }) if *positions == [0]));
    assert_eq!(*results[2].as_ref().unwrap(), 9);
}

/// A job that always fails, and says which run it was.
fn fails(what: &'static str, error: fn(String) -> ifrit::BoxError) -> Job<()> {
    let mut runs = 0;
    Job::new(what, move |_signals| {
        runs += 1;
        Err(error(format!("{what}, run {runs}")))
    })
}

#[test]
fn an_error_that_is_not_worth_it_is_not_followed_by_another_attempt() {
    let jobs = ["hopeless", "flaky"].map(|what| fails(what, Into::into));
    let retry = Restart::transient()
        .backoff(Backoff::none())
        .only_if(|error| !error.to_string().contains("hopeless"));
    let results = at_most(1).retry(retry).attempts(3).run_jobs(jobs);
    let errors: Vec<_> = results
        .into_iter()
        .map(|result| result.unwrap_err().to_string())
        .collect();
    assert_eq!(errors, ["hopeless, run 1", "flaky, run 3"]);
}

#[test]
fn an_error_that_is_fatal_is_not_followed_by_another_attempt_and_stops_the_batch() {
    let jobs = ["fatal", "never made"].map(|what| fails(what, |error| ifrit::fatal(error)));
    let results = at_most(1).retry(Restart::transient()).run_jobs(jobs);
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].as_ref().unwrap_err().to_string(), "fatal, run 1");
}
