//! What these tests share.

use std::time::Duration;

use ifrit::Signal;
use ifrit::observe::{Event, Events, What};
use ifrit::testing::PATIENCE;

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
