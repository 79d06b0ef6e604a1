//! What a batch is built with: [`Batch`].

use std::fmt;
use std::time::Duration;

use super::job::Job;
use super::progress::Progress;
use super::run::{Run, Settings};
use crate::error::{Error, Result};
use crate::grouper::Capacity;
use crate::plan::Plan;
use crate::restart::Restart;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, never};

/// Runs jobs, at most so many at a time, and returns what each returned, in the order of the jobs.
///
/// A job is a closure that gets the signals of its own process, so that a long one can be told to stop. One that fails
/// or panics harms no other: its place in the results has the error.
///
/// The jobs are made on the caller's thread, each when there is room for it. So the iterator may be without end, and it
/// must not block: **while the iterator blocks in `next()`, the batch hears no signal**, KILL included. Jobs that come
/// over a channel go to a [`Dynamic`](crate::grouper::Dynamic) group instead: select over the channel, the signals and a
/// [`vacancy`](crate::grouper::DynamicClient::vacancy), or receive with `select!` and insert with
/// [`insert_unless`](crate::grouper::DynamicClient::insert_unless).
///
/// After a [stop](Batch::stop_on) no more jobs are made: the results cover those that were, and have no place for the
/// rest. A job that was made and not started has [`Error::NotStarted`].
///
/// Jobs cannot borrow from the caller: a job that was given up outlives the batch. Jobs that must borrow, and that are
/// waited for whatever they do, are started in a [`scope`](crate::scope).
///
/// ```
/// use ifrit::grouper::{Batch, Capacity};
///
/// let jobs = (1..=10u64).map(|n| move |_signals| Ok(n * n));
/// let results = Batch::new(Capacity::at_most(4)).run(jobs);
///
/// let sum: u64 = results.into_iter().map(|result| result.unwrap()).sum();
/// assert_eq!(sum, 385);
/// ```
#[must_use = "it starts nothing until `run`"]
#[doc(alias = "thread pool")]
pub struct Batch<'a>(Settings<'a>);

impl<'a> Batch<'a> {
    /// A batch of which so many jobs run at a time.
    ///
    /// With a capacity of 0 the first job is refused with [`Error::ZeroCapacity`], and no other one is made.
    pub fn new(capacity: Capacity) -> Self {
        Batch(Settings {
            capacity,
            retry: None,
            attempts: 5,
            job_within: None,
            stop_on_failure: false,
            signals: never(),
            on_progress: Box::new(|_| {}),
        })
    }

    /// Tries a job again after an error or a panic, [so many times](Batch::attempts) in all, after the delays that this
    /// value says. The result is that of the last attempt. Default: each job is tried once.
    ///
    /// Jobs that can run only once, those of [`run`](Batch::run) and [`Job::once`], are never tried again, nor is any after
    /// [`Restart::temporary`]. A job that has ended Ok is done, whatever the policy. A stop ends the delays, and no job is
    /// tried again after it; then the result is the last error.
    ///
    /// ```
    /// use ifrit::grouper::{Batch, Capacity, Job};
    /// use ifrit::restart::{Backoff, Restart};
    /// use std::time::Duration;
    ///
    /// let mut attempts = 0;
    /// let flaky = Job::new("flaky", move |_signals| {
    ///     attempts += 1;
    ///     if attempts < 3 { Err("not yet".into()) } else { Ok(attempts) }
    /// });
    /// let results = Batch::new(Capacity::at_most(1))
    ///     .retry(Restart::transient().backoff(Backoff::constant(Duration::from_millis(1))))
    ///     .run_jobs([flaky]);
    /// assert_eq!(*results[0].as_ref().unwrap(), 3);
    /// ```
    pub fn retry(mut self, restart: Restart) -> Self {
        self.0.retry = Some(restart);
        self
    }

    /// How often a job is tried, the first time included, where it is tried [again](Batch::retry). Default: 5.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// How long a job may take, all its attempts and the delays between them included. Default: as long as it likes.
    ///
    /// Past that it is told INT, after the grace KILL, and after the grace again it is given up; its result is
    /// [`Error::TimedOut`], whatever it returns then. A job that was given up keeps its place until its thread ends.
    /// Until it ends a job with a limit shows as [starting](crate::process::Status::Starting). A limit of zero is
    /// refused: the result of each job is [`Error::ZeroDeadline`].
    pub fn job_within(mut self, limit: Duration) -> Self {
        self.0.job_within = Some(limit);
        self
    }

    /// Stops the batch when a job has failed, after its last attempt: the jobs that run are told INT, and no more are
    /// made. Default: only an error marked as [fatal](crate::fatal) does that.
    pub fn stop_on_failure(mut self) -> Self {
        self.0.stop_on_failure = true;
        self
    }

    /// Stops the batch on a stop signal from here, such as the signals of the runner it is run in: the jobs that run are
    /// told, and no more are made. Other signals are passed to those that run. A disconnected channel counts as a stop.
    ///
    /// Where the process that it runs in has a limit for its stop, the jobs have it too: one that does not return in time
    /// is given up, and the batch returns the results of the others.
    pub fn stop_on(mut self, signals: &Receiver<Signal>) -> Self {
        self.0.signals = signals.clone();
        self
    }

    /// Calls `show` on the caller's thread whenever a job has ended.
    pub fn on_progress(mut self, show: impl FnMut(Progress<'_>) + 'a) -> Self {
        self.0.on_progress = Box::new(show);
        self
    }

    /// What it is going to do. It has no parts: the jobs come while it runs.
    ///
    /// ```
    /// use ifrit::grouper::{Batch, Capacity};
    /// use std::time::Duration;
    ///
    /// let batch = Batch::new(Capacity::at_most(4)).job_within(Duration::from_secs(2));
    /// assert_eq!(batch.plan().to_string(), "batch (at most 4, job 2s)");
    /// ```
    pub fn plan(&self) -> Plan {
        let settings = &self.0;
        let again = settings.retry.as_ref().map(Restart::planned);
        let mut plan = Plan::new("batch").note(settings.capacity.to_string());
        if let Some(again) = &again {
            let attempts = settings.attempts;
            plan = plan
                .note(again.to_string())
                .note(format!("{attempts} attempts"));
        }
        plan = plan.limits(&[("job", settings.job_within)]);
        if settings.stop_on_failure {
            plan = plan.note("stops on a failure");
        }
        plan.runner.again = again;
        plan.runner.has_no_room = settings.capacity.is_zero();
        plan
    }

    /// Runs the jobs, whose names are their numbers from 0. Blocks until every one that was started has ended.
    ///
    /// # Panics
    ///
    /// If the iterator or `on_progress` does; then the jobs that run are told INT and waited for. Where the results are to
    /// be had even so, use [`run_into`](Batch::run_into).
    #[must_use = "the results have the errors of the jobs"]
    pub fn run<T, J>(self, jobs: impl IntoIterator<Item = J>) -> Vec<std::result::Result<T, Error>>
    where
        T: Send + 'static,
        J: FnOnce(Receiver<Signal>) -> Result<T> + Send + 'static,
    {
        let jobs = jobs.into_iter().enumerate();
        self.run_jobs(jobs.map(|(number, job)| Job::once(number.to_string(), job)))
    }

    /// As [`run`](Batch::run), of jobs with names, some of which can be tried [again](Batch::retry).
    ///
    /// A job without a name, or with that of one that runs, is not started: its result is [`Error::EmptyNames`] or
    /// [`Error::DuplicateNames`].
    #[must_use = "the results have the errors of the jobs"]
    pub fn run_jobs<T: Send + 'static>(
        self,
        jobs: impl IntoIterator<Item = Job<T>>,
    ) -> Vec<std::result::Result<T, Error>> {
        let mut results = Vec::new();
        self.run_into(jobs, &mut results);
        results
    }

    /// As [`run_jobs`](Batch::run_jobs), but puts the results behind those in `results`. They are there also if the
    /// iterator or `on_progress` panics: then every job that was made has its place.
    ///
    /// ```
    /// use ifrit::grouper::{Batch, Capacity, Job};
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    ///
    /// let mut results = Vec::new();
    /// let jobs = (1..).map(|n| {
    ///     assert!(n < 4, "no more input");
    ///     Job::new(n.to_string(), move |_signals| Ok(n))
    /// });
    /// let batch = Batch::new(Capacity::at_most(1));
    /// assert!(catch_unwind(AssertUnwindSafe(|| batch.run_into(jobs, &mut results))).is_err());
    /// assert_eq!(results.len(), 3);
    /// ```
    pub fn run_into<T: Send + 'static>(
        self,
        jobs: impl IntoIterator<Item = Job<T>>,
        results: &mut Vec<std::result::Result<T, Error>>,
    ) {
        Run::new(self.0, results).run(jobs.into_iter());
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            capacity,
            retry,
            attempts,
            job_within,
            stop_on_failure,
            ..
        } = &self.0;
        f.debug_struct("Batch")
            .field("capacity", capacity)
            .field("retry", retry)
            .field("attempts", attempts)
            .field("job_within", job_within)
            .field("stop_on_failure", stop_on_failure)
            .finish_non_exhaustive()
    }
}
