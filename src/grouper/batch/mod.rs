//! Many jobs, a few at a time, all results in order: [`Batch`].

mod builder;
mod job;
mod progress;
mod run;

pub use builder::Batch;
pub use job::Job;
pub use progress::Progress;
