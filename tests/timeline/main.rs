//! Timelines: traces of real runs, checked against the rules of their format; recordings; who made a start slow.
//!
//! The newest events of the whole program are kept. So a test that publishes very many runs alone.

mod chain;
mod pictures;
mod recordings;
mod rules;
mod trees;
mod writing;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ifrit::Process;
use ifrit::observe::Timeline;

static CALM: RwLock<()> = RwLock::new(());

/// No test that runs meanwhile publishes more than a few events.
fn calm() -> RwLockReadGuard<'static, ()> {
    CALM.read().unwrap_or_else(PoisonError::into_inner)
}

/// No other test runs meanwhile.
fn alone() -> RwLockWriteGuard<'static, ()> {
    CALM.write().unwrap_or_else(PoisonError::into_inner)
}

fn named(name: &str) -> ifrit::process::Builder {
    Process::builder().name(name)
}

/// What has happened to a process and all below it.
fn timeline_of(process: &Process) -> Timeline {
    process.events().try_iter().collect()
}

/// Works until it is told to stop.
fn idle() -> impl ifrit::Runner {
    ifrit::testing::signal_recorder().0
}
