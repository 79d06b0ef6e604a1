//! The ready-made runners, and the wrappers around one runner; one behaviour a test. All time is moved by hand.

mod kit;

mod actor;
mod actor_jobs;
mod noop;
mod ticker;

// Wrappers around one runner.
mod delay;
mod map_signals;
mod timeout;
