//! Events of a longer while than the newest: [`Recording`].

use std::fmt;

use super::timeline::Timeline;
use crate::observe::event::Event;
use crate::observe::recorder;
use crate::observe::stream::Events;

/// Records the events of the program from now on, and its newest past ones: `limit` of them in all, and at least one.
///
/// What comes when there are so many is [missed](Recording::missed), and counted. An event takes 112 bytes and its
/// texts, which are at most 1,000 bytes each; memory is taken when there are events. Never blocks.
///
/// ```
/// let mut recording = ifrit::observe::record(10_000);
/// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// process.join()?;
/// let timeline = recording.take();
/// assert!(timeline.events().iter().any(|event| event.id == process.id()));
/// assert_eq!(recording.missed(), 0);
/// # Ok::<(), ifrit::Error>(())
/// ```
pub fn record(limit: usize) -> Recording {
    let (events, before) = recorder::events_with_room(limit);
    Recording {
        events,
        before,
        missed: 0,
    }
}

/// Listens to the events of the program, and keeps as many as it has room for; see [`record`].
///
/// It holds up no process, and needs no thread. It ends when it is dropped.
///
/// To record for as long as the program runs, take what there is from time to time, and keep as many of those parts as are
/// of interest: they can be put together with [`Timeline::append`].
#[must_use = "it records until it is dropped"]
pub struct Recording {
    events: Events<Event>,
    /// Were published before it began, and are not there.
    before: u64,
    /// So many have been told with what was taken.
    missed: u64,
}

impl Recording {
    /// Takes what was recorded since it began, or since this was called last. There is room for as much again. Never blocks.
    ///
    /// If it was full, the trace ends with how many events were missed until now.
    pub fn take(&mut self) -> Timeline {
        let mut timeline: Timeline = self.events.drain().into_iter().collect();
        let missed = self.events.missed();
        timeline.began_without(std::mem::take(&mut self.before));
        timeline.ends_without(missed - self.missed);
        self.missed = missed;
        timeline.ends_now();
        timeline
    }

    /// How many events it has missed since it began, because there was no room for them. Never blocks.
    pub fn missed(&self) -> u64 {
        self.events.missed()
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("recorded", &self.events.len())
            .field("missed", &self.missed())
            .finish()
    }
}
