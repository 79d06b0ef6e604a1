//! The ready-made runners, and the wrappers around one runner; one behaviour a test. All time is moved by hand.

mod kit;
mod leases;

mod actor;
mod actor_jobs;
mod closer;
#[cfg(feature = "cron")]
mod cron;
mod gate;
mod guarded;
mod health_check;
mod noop;
mod retry;
mod ticker;

// Wrappers around one runner.
mod delay;
mod depth;
mod hooks;
mod map_signals;
mod proxy;
mod serial;
mod throttle;
mod timeout;
