//! How long a stop of a group may take. The arithmetic is that of [`Deadline`] and [`Limit::hand_down`].

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::limit::{Deadline, Limit, Span};
use crate::process::Core;

/// How long a stop of a group may take, KILL and grace included.
#[derive(Clone, Copy, Debug)]
pub(in crate::grouper) struct StopLimit {
    own: Option<Duration>,
    grace: Duration,
    /// When all is over. It only ever moves closer.
    end: Option<Limit>,
}

impl StopLimit {
    pub(super) fn new(own: Option<Duration>, grace: Duration) -> Self {
        StopLimit {
            own,
            grace,
            end: None,
        }
    }

    /// How long a stop may take that begins inside: the group's own limit, or what is left of the limit of the process
    /// it runs in. A member that is a group is over in less than that, by the same rule.
    pub(in crate::grouper) fn for_stops_inside(&self, host: Option<&Core>) -> Option<Span> {
        let handed = host.and_then(Core::stop_within);
        let handed = handed.map(|limit| limit.hand_down(self.grace));
        Span::lesser(self.own.map(Span::new), handed)
    }

    /// Takes in what is known now: the time the stop may take from its beginning on, and the end that was handed down.
    pub(super) fn tighten(&mut self, now: Instant, host: Option<&Core>) {
        let own = match self.end {
            Some(_) => None, // counted from the beginning of the stop, once
            None => self.for_stops_inside(host),
        };
        let own = own.and_then(|limit| limit.begin(now));
        let handed = host.and_then(Core::stop_end);
        let handed = handed.map(|end| end.hand_down(now, self.grace));
        self.end = Limit::earlier(self.end, Limit::earlier(own, handed));
    }

    /// The stop that this was for is over.
    pub(super) fn reset(&mut self) {
        self.end = None;
    }

    /// What one member has of it, with its own grace. In an ordered stop, while others wait for it, that is less than all, or one that does
    /// not stop would leave the others no time to be told anything but KILL.
    pub(super) fn share(
        &self,
        clock: &Clock,
        grace: Duration,
        others_wait: impl FnOnce() -> bool,
    ) -> Option<Deadline> {
        let mut end = self.end?;
        let now = clock.now();
        if others_wait() {
            end = end.hand_down(now, self.grace);
        }
        Some(Deadline::new(now, end, grace))
    }
}
