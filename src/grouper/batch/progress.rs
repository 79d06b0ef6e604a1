//! How far a batch has come: [`Progress`].

use std::fmt;

use crate::error::Error;

/// How far a [`Batch`](super::Batch) has come, as its [`on_progress`](super::Batch::on_progress) sees it after each job.
///
/// ```
/// use ifrit::grouper::{Batch, Capacity, Job};
///
/// let jobs = ["a", "b"].map(|name| Job::new(name, |_signals| Ok(())));
/// let results = Batch::new(Capacity::at_most(2))
///     .on_progress(|progress| {
///         let running: Vec<_> = progress.running_names().collect();
///         println!("{} has ended, {running:?} still run", progress.name);
///     })
///     .run_jobs(jobs);
/// assert!(results.iter().all(Result::is_ok));
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Progress<'p> {
    /// The job that has ended just now.
    pub name: &'p str,
    /// Its error, if it ended badly.
    pub error: Option<&'p Error>,
    /// Jobs that have ended, well or badly.
    pub done: usize,
    /// Those among them that ended badly.
    pub failed: usize,
    /// Jobs that run now.
    pub running: usize,
    pub(super) names: &'p dyn Names,
}

/// The names of the jobs that run, in the order of the jobs.
pub(super) trait Names {
    fn names(&self) -> Box<dyn Iterator<Item = &str> + '_>;
}

impl<'p> Progress<'p> {
    /// The names of the jobs that run now, in the order of the jobs. It costs nothing unless it is asked for.
    pub fn running_names(&self) -> impl Iterator<Item = &'p str> + 'p {
        self.names.names()
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("name", &self.name)
            .field("error", &self.error)
            .field("done", &self.done)
            .field("failed", &self.failed)
            .field("running", &self.running)
            .finish()
    }
}
