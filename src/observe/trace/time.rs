//! When things are drawn: from when to when.

use std::time::{Duration, Instant};

use super::gap::Gap;
use super::lives::Life;
use super::tracks::Span;
use crate::observe::event::Event;

/// The time of a trace begins with its first event.
pub(super) struct Time<'e> {
    pub(super) events: &'e [Event],
    gaps: &'e [Gap],
    pub(super) begin: Option<Instant>,
    pub(super) end: u64,
}

impl<'e> Time<'e> {
    pub(super) fn of(events: &'e [Event], gaps: &'e [Gap], end: Option<Instant>) -> Self {
        let times = || events.iter().map(|event| event.at);
        let mut time = Time {
            events,
            gaps,
            begin: times().min(),
            end: 0,
        };
        let end = times().max().max(end);
        time.end = end.map_or(0, |end| time.at(end));
        time
    }

    fn at(&self, instant: Instant) -> u64 {
        let begin = self.begin.unwrap_or(instant);
        nanos(instant.saturating_duration_since(begin))
    }

    pub(super) fn of_event(&self, place: usize) -> u64 {
        let event = self.events.get(place);
        event.map_or(self.end, |event| self.at(event.at))
    }

    /// From when to when it is drawn. What began before the trace did begins with it.
    pub(super) fn span(&self, life: &Life<'_>) -> Span {
        let began = life.began.map(|began| self.at(began));
        let end = life.ended(self.events);
        (
            began.unwrap_or_else(|| self.begin_of_unknown(life.events[0])),
            end.map_or(u64::MAX, |place| self.of_event(place)),
        )
    }

    /// When a process is drawn to begin of which no start is known, and this is the first event: it has started where
    /// events are missing.
    fn begin_of_unknown(&self, first: usize) -> u64 {
        let before = self.gaps.iter().take_while(|gap| gap.place <= first);
        let from_the_start = self.gaps.first().is_none_or(|gap| gap.place == 0);
        match before.last() {
            Some(gap) if !from_the_start => self.of_event(gap.place),
            _ => 0,
        }
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
