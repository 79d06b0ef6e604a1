//! One job of a batch: [`Job`], and how it is run.

use std::fmt;

use crate::error::{Error, Exit, Result};
use crate::ready::ReadySender;
use crate::restart::{Asks, Next, Restart, Restarter};
use crate::runner::{BoxRunner, Runner};
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex};

/// A job of a [`Batch`](super::Batch), with a name.
///
/// The name is that of its process, and of its thread as the operating system shows it. Jobs run on threads that are used
/// again, and `std::thread::current().name()`, which the line that a panic prints begins with, is the name of the first
/// job on that thread; the error in the results has the right one. It must not be empty, and no two jobs that run at the same time may
/// share one.
///
/// ```
/// use ifrit::grouper::{Batch, Capacity, Job};
///
/// let jobs = ["a.txt", "b.txt"].map(|path| Job::new(path, move |_signals| Ok(path.len())));
/// let results = Batch::new(Capacity::at_most(2)).run_jobs(jobs);
/// assert_eq!(*results[0].as_ref().unwrap(), 5);
/// ```
pub struct Job<T> {
    pub(super) name: String,
    work: Work<T>,
}

enum Work<T> {
    Once(Option<Once<T>>),
    Again(Box<dyn FnMut(Receiver<Signal>) -> Result<T> + Send>),
}

type Once<T> = Box<dyn FnOnce(Receiver<Signal>) -> Result<T> + Send>;

impl<T> Job<T> {
    /// A job that can be tried [again](super::Batch::retry).
    pub fn new(
        name: impl Into<String>,
        work: impl FnMut(Receiver<Signal>) -> Result<T> + Send + 'static,
    ) -> Self {
        Job {
            name: name.into(),
            work: Work::Again(Box::new(work)),
        }
    }

    /// A job that can be run only once, and is never tried again.
    pub fn once(
        name: impl Into<String>,
        work: impl FnOnce(Receiver<Signal>) -> Result<T> + Send + 'static,
    ) -> Self {
        Job {
            name: name.into(),
            work: Work::Once(Some(Box::new(work))),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a job leaves on its thread for the caller of the batch.
pub(super) struct Slot<T>(Mutex<Left<T>>);

struct Left<T> {
    value: Option<T>,
    /// The error of the last attempt that was to be followed by another.
    failure: Option<Error>,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Slot(Mutex::new(Left {
            value: None,
            failure: None,
        })))
    }

    /// The result of a job whose process has ended in this way.
    pub(super) fn result(&self, exit: Exit) -> std::result::Result<T, Error> {
        exit?;
        let mut left = self.0.lock();
        let (value, failure) = (left.value.take(), left.failure.take());
        drop(left);
        // It ended well and has no value: it was told to stop before it was started, or between two attempts.
        value.ok_or(failure.unwrap_or(Error::NotStarted))
    }
}

/// How often a job is tried, and on what terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) retry: Option<Restart>,
    pub(super) attempts: usize,
    /// It counts as being started until it ends, so that the limit of a start is that of the whole job.
    pub(super) limited: bool,
}

impl<T: Send + 'static> Job<T> {
    pub(super) fn into_runner(self, slot: &Arc<Slot<T>>, terms: Terms) -> BoxRunner {
        let can_run_again = matches!(self.work, Work::Again(_));
        let once = Attempt {
            work: self.work,
            slot: Arc::clone(slot),
            limited: terms.limited,
        };
        let Some(retry) = terms.retry.filter(|_| can_run_again) else {
            return Box::new(once);
        };
        let slot = Arc::clone(slot);
        let mut left = terms.attempts;
        let load = move |_: &mut Attempt<T>, exit: &Exit| {
            left = left.saturating_sub(1);
            match exit {
                Err(error) if left > 0 && is_worth_another(retry, exit, error) => {
                    let before = slot.0.lock().failure.replace(error.clone());
                    drop(before);
                    Next::Again
                }
                _ => Next::End,
            }
        };
        let restarter = Restarter::new(once, load)
            .of_runs(terms.attempts)
            .backoff(retry.backoff)
            .reset_after(retry.reset_after);
        Box::new(restarter)
    }
}

/// Whether the policy asks for another attempt. What holds for every policy has been judged by the restarter.
fn is_worth_another(retry: Restart, exit: &Exit, error: &Error) -> bool {
    let worth_it = retry.only_if.is_none_or(|is_worth_it| is_worth_it(error));
    retry.asks(exit, worth_it) == Asks::Restart
}

/// The runner of one job, once or several times.
struct Attempt<T> {
    work: Work<T>,
    slot: Arc<Slot<T>>,
    limited: bool,
}

impl<T: Send> Runner for Attempt<T> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        if !self.limited {
            ready.notify();
        }
        let value = match &mut self.work {
            Work::Once(work) => work.take().ok_or(Error::AlreadyRan)?(signals),
            Work::Again(work) => work(signals),
        };
        self.slot.0.lock().value = Some(value?);
        Ok(())
    }
}
