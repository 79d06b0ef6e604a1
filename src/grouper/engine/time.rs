//! How time shrinks on its way down a tree.
//!
//! Two equal limits, one inside the other, run out together, and then the outer one cannot say who was slow. So whoever
//! hands time down keeps some of it back: the grace it gives a member after KILL, or a tenth of the time, whichever is
//! less.

use std::time::{Duration, Instant};

use crate::process::{Core, earlier};

/// What is left of a limit for those below.
pub(super) fn hand_down(now: Instant, by: Instant, grace: Duration) -> Instant {
    by - kept_back(by.saturating_duration_since(now), grace)
}

fn kept_back(limit: Duration, grace: Duration) -> Duration {
    grace.min(limit / 10)
}

/// How long a stop of a group may take.
#[derive(Clone, Copy, Debug)]
pub(in crate::grouper) struct StopLimit {
    own: Option<Duration>,
    grace: Duration,
    /// When every member that still lives is told KILL. It only ever moves closer.
    pub(super) kill_at: Option<Instant>,
}

impl StopLimit {
    pub(super) fn new(own: Option<Duration>, grace: Duration) -> Self {
        StopLimit {
            own,
            grace,
            kill_at: None,
        }
    }

    /// For a member that is a group itself: how long a stop may take that begins inside it.
    pub(in crate::grouper) fn for_stops_inside(&self, host: Option<&Core>) -> Option<Duration> {
        let limit = self.for_own_stop(host)?;
        Some(limit - kept_back(limit, self.grace))
    }

    fn for_own_stop(&self, host: Option<&Core>) -> Option<Duration> {
        earlier(self.own, host.and_then(Core::stop_within))
    }

    /// Takes in what is known now: the time the stop may take from its beginning on, and what those above have set.
    pub(super) fn tighten(&mut self, now: Instant, host: Option<&Core>) {
        let own = match self.kill_at {
            Some(_) => None, // counted from the beginning of the stop, once
            None => self
                .for_own_stop(host)
                .and_then(|limit| now.checked_add(limit)),
        };
        let by = earlier(own, host.and_then(Core::stop_by));
        let handed_down = by.map(|by| hand_down(now, by, self.grace));
        self.kill_at = earlier(self.kill_at, handed_down);
    }
}
