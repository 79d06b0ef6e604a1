//! The newest events of the program as a trace: [`Timeline`].

use std::fmt;
use std::io::{self, Write};
use std::time::Instant;

use super::chain::CriticalChain;
use super::format;
use super::gap::Gap;
use super::picture::picture;
use super::search;
use crate::id::ProcessId;
use crate::observe::event::Event;
use crate::observe::recorder;
use crate::sync::now;

/// What has happened for a while, as a trace that [Perfetto](https://ui.perfetto.dev) and `chrome://tracing` open.
///
/// [`timeline()`](super::timeline()) gives the newest events of the program, a [`Recording`](super::Recording) those of a
/// longer while, and any events can be collected into one, such as those of
/// [one process and all below it](crate::Process::events).
///
/// # What is drawn
///
/// Each process has a track of its own, which is named by its path; the tracks stand in the order of the tree. On it stands
/// a slice for its life, in which slices follow each other that say what it was at: `starting`, `ready`, `stopping`, or
/// `given up` while its thread runs on. A member that is restarted stays on its track, and `restarting` stands between two
/// of its lives. Two processes that have the same path at the same time have two tracks. In a place where more than 16 names
/// come and go, and at most half as many are there at the same time, members share as many tracks as it takes, named `*`.
///
/// Signals, notes, failed ends and the like are instants. Arrows lead from the end of a member to the stop of its group, from
/// there to each member that is told to stop, and from an end to the restart.
///
/// The time of a trace begins with its first event. What has started before begins with it, and what still runs at the end
/// ends with it; either is said in the details of the slice. Where events are missing stands how many.
///
/// `Display` is the whole trace, as text.
///
/// ```
/// use ifrit::observe::Timeline;
/// use ifrit::prelude::*;
///
/// let db = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let app = ifrit::invoke(Ordered::new(Members::new().add("db", db)));
/// app.signal(Signal::TERMINATE);
/// app.join()?;
///
/// let timeline: Timeline = app.events().try_iter().collect();
/// let path = std::env::temp_dir().join("ifrit-documentation-trace.json");
/// timeline.write_to(std::fs::File::create(&path)?)?;
/// # assert!(std::fs::read_to_string(&path)?.ends_with("]}\n"));
/// # std::fs::remove_file(path)?;
/// # Ok::<(), ifrit::BoxError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    events: Vec<Event>,
    /// In their order.
    gaps: Vec<Gap>,
    /// When it was taken, if it was taken of what runs.
    end: Option<Instant>,
}

/// The newest events of the program as a trace: 1,024 at most, and how many came before. Never blocks.
///
/// ```
/// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// process.join()?;
/// let trace = ifrit::observe::timeline().to_string();
/// assert!(trace.contains(r#""name":"thread_name""#));
/// # Ok::<(), ifrit::Error>(())
/// ```
pub fn timeline() -> Timeline {
    let (events, missed) = recorder::newest();
    let mut timeline: Timeline = events.into_iter().collect();
    timeline.began_without(missed);
    timeline.ends_now();
    timeline
}

impl Timeline {
    /// What has happened, in its order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many events are known to be missing, those before the first one included.
    pub fn missed(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.missed).sum()
    }

    /// Adds what has happened later, such as the next part of a [`Recording`](super::Recording).
    pub fn append(&mut self, later: Timeline) {
        let place = self.events.len();
        for gap in later.gaps {
            self.misses(place + gap.place, gap.missed);
        }
        self.events.extend(later.events);
        self.end = self.end.max(later.end);
    }

    /// Who made the start of a process slow; see [`CriticalChain`]. `None` if the events do not tell of its start, or if it
    /// has exited without having become ready.
    ///
    /// ```
    /// use ifrit::observe::Timeline;
    ///
    /// let process = ifrit::invoke(ifrit::testing::signal_recorder().0);
    /// let timeline: Timeline = process.events().try_iter().collect();
    /// let chain = timeline.critical_chain(process.id()).unwrap();
    /// assert_eq!(chain.links[0].id, process.id());
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn critical_chain(&self, process: ProcessId) -> Option<CriticalChain> {
        self.critical_chain_until(process, self.end)
    }

    /// Writes the trace.
    ///
    /// Blocks as the writer does. It writes in pieces of about 64 KB and flushes at the end, so a writer needs no buffer.
    ///
    /// # Errors
    ///
    /// The first error of the writer, such as that of a full disk. What was written until then is no whole trace.
    ///
    /// ```
    /// let mut trace = Vec::new();
    /// ifrit::observe::timeline().write_to(&mut trace)?;
    /// assert!(trace.starts_with(b"{") && trace.ends_with(b"]}\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_to(&self, mut writer: impl Write) -> io::Result<()> {
        let picture = picture(&self.events, &self.gaps, self.end);
        let about = format::About {
            events: self.events.len(),
            missed: self.missed(),
        };
        format::write(&about, picture, &mut writer)
    }

    /// So many were published before the first one.
    pub(super) fn began_without(&mut self, missed: u64) {
        if missed > 0 {
            self.gaps.insert(0, Gap { place: 0, missed });
        }
    }

    /// So many are missing behind the last one.
    pub(super) fn ends_without(&mut self, missed: u64) {
        self.misses(self.events.len(), missed);
    }

    /// What still runs has run until now.
    pub(super) fn ends_now(&mut self) {
        self.end = Some(now());
    }

    /// The same for a process that has its own clock.
    pub(crate) fn critical_chain_until(
        &self,
        process: ProcessId,
        end: Option<Instant>,
    ) -> Option<CriticalChain> {
        let gaps: Vec<_> = self.gaps.iter().map(|gap| gap.place).collect();
        search::critical_chain(&self.events, &gaps, end, process)
    }

    fn misses(&mut self, place: usize, missed: u64) {
        if missed > 0 {
            self.gaps.push(Gap { place, missed });
        }
    }
}

impl FromIterator<Event> for Timeline {
    /// Of these events, in the order in which they have happened. Its end is the last of them.
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        Timeline {
            events: events.into_iter().collect(),
            ..Timeline::default()
        }
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = Pieces(f);
        self.write_to(&mut pieces).map_err(|_| fmt::Error)
    }
}

/// A formatter as a writer of text that comes in whole characters.
struct Pieces<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Pieces<'_, '_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(piece).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
