//! What these tests share.

use std::time::Duration;

use ifrit::observe::{Event, Events, What};
use ifrit::prelude::*;
use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::testing::{Call, FakeRunner, ManualClock, PATIENCE};

/// How often a race is run; longer with `IFRIT_STRESS`.
pub(crate) fn stress(rounds: usize) -> usize {
    let factor = std::env::var("IFRIT_STRESS").ok();
    rounds * factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

/// The stop signals but KILL.
pub(crate) const STOPS: [Signal; 3] = [Signal::INTERRUPT, Signal::TERMINATE, Signal::QUIT];

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The next note that `events` has; panics if none comes.
#[track_caller]
pub(crate) fn next_note(events: &Events<Event>) -> String {
    loop {
        let event = events.recv_timeout(PATIENCE).expect("a note");
        if let What::Note(text) = event.what {
            return text.to_string();
        }
    }
}

/// A process on this clock.
pub(crate) fn on(clock: &ManualClock, runner: impl Runner + 'static) -> Process {
    Process::builder().clock(clock.clock()).background(runner)
}

/// Run again after errors, at once.
pub(crate) fn again<R: Runner>(runner: R) -> Restarter<R> {
    Restarter::with(runner, Restart::transient().backoff(Backoff::none()))
}

/// The next run, ready.
pub(crate) fn up(fake: &FakeRunner) -> Call {
    let call = fake.wait_for_call();
    call.trigger_ready();
    call
}

/// What the run has not read of its signals.
pub(crate) fn unread(call: &Call) -> Vec<Signal> {
    call.signals().try_iter().collect()
}
