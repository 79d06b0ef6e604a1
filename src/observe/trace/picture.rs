//! Events as slices, instants and arrows on tracks.
//!
//! Invariants:
//! 1. On each track, what is drawn comes in the order of time, and each slice ends before the one ends in which it began:
//!    they are opened and closed as a stack, and no time is before the one that was drawn there last.
//! 2. All of it stands in the order of time, and at one time in the order of the events: a cause before what follows.
//! 3. An arrow begins and ends inside of a slice, and what would not go forward in time is left out.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::causes::{Arrow, arrows};
use super::gap::Gap;
use super::json::{Fields, Value};
use super::lives::{Life, Lives};
use super::tracks::{Span, Track, tracks};
use crate::draw::line_of;
use crate::observe::event::{Event, What};

/// The name of an instant has so many bytes at most; all of it stands beside it.
const LONGEST_NAME: usize = 100;

/// What is drawn, in its order, and on what.
pub(super) struct Picture {
    pub(super) tracks: Vec<String>,
    pub(super) marks: Vec<Mark>,
}

/// One thing that is drawn.
pub(super) struct Mark {
    /// In nanoseconds, since the first event.
    pub(super) at: u64,
    order: usize,
    pub(super) track: usize,
    pub(super) shape: Shape,
}

pub(super) enum Shape {
    Begin {
        name: String,
        kind: &'static str,
        args: Fields,
    },
    /// Of the slice that was begun last on its track.
    End { args: Fields },
    Instant {
        name: String,
        kind: &'static str,
        args: Fields,
    },
    /// So many events are missing.
    Gap { missed: u64 },
    /// An arrow begins here, in the slice that began then.
    Out { arrow: Arrowhead, inside: Moment },
    /// It ends here.
    In { arrow: Arrowhead, inside: Moment },
}

/// One end of an arrow.
#[derive(Clone, Copy)]
pub(super) struct Arrowhead {
    pub(super) number: usize,
    pub(super) name: &'static str,
}

/// A time, and the place of the event that was then.
type Moment = (u64, usize);

/// The time of a trace begins with its first event.
struct Time<'e> {
    events: &'e [Event],
    gaps: &'e [Gap],
    begin: Option<Instant>,
    end: u64,
}

impl<'e> Time<'e> {
    fn of(events: &'e [Event], gaps: &'e [Gap], end: Option<Instant>) -> Self {
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

    fn of_event(&self, place: usize) -> u64 {
        let event = self.events.get(place);
        event.map_or(self.end, |event| self.at(event.at))
    }

    /// From when to when it is drawn. What began before the trace did begins with it.
    fn span(&self, life: &Life<'_>) -> Span {
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

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn picture(events: &[Event], gaps: &[Gap], end: Option<Instant>) -> Picture {
    let time = Time::of(events, gaps, end);
    let lives = Lives::of(events);
    let spans: Vec<_> = lives.all.iter().map(|life| time.span(life)).collect();
    let tracks = tracks(&lives, &spans);
    let arrows = Arrows::of(arrows(events, &lives));
    let mut marks = Vec::new();
    for (track, on) in tracks.iter().enumerate() {
        let mut pen = Pen {
            time: &time,
            arrows: &arrows,
            track,
            last: (0, 0),
            open: Vec::new(),
            marks: &mut marks,
        };
        pen.draw_all(on, &lives, &spans);
    }
    let mut tracks: Vec<_> = tracks.into_iter().map(|track| track.title).collect();
    if !gaps.is_empty() {
        let track = tracks.len();
        tracks.push("missing events".to_owned());
        marks.extend(gaps.iter().map(|gap| Mark {
            at: time.of_event(gap.place),
            order: gap.place,
            track,
            shape: Shape::Gap { missed: gap.missed },
        }));
    }
    marks.sort_by_key(|mark| (mark.at, mark.order)); // Invariant 2
    leave_out_backward(&mut marks);
    Picture { tracks, marks }
}

/// Invariant 3: an arrow whose slices began in the other order would be drawn backward.
fn leave_out_backward(marks: &mut Vec<Mark>) {
    let mut begun = HashMap::new();
    let mut forward = HashSet::new();
    for mark in &*marks {
        match mark.shape {
            Shape::Out { arrow, inside } => _ = begun.insert(arrow.number, inside),
            Shape::In { arrow, inside }
                if begun.get(&arrow.number).is_some_and(|from| *from <= inside) =>
            {
                forward.insert(arrow.number);
            }
            _ => {}
        }
    }
    marks.retain(|mark| match mark.shape {
        Shape::Out { arrow, .. } | Shape::In { arrow, .. } => forward.contains(&arrow.number),
        _ => true,
    });
}

/// The arrows at each event.
struct Arrows {
    out_of: HashMap<usize, Vec<Arrowhead>>,
    into: HashMap<usize, Vec<Arrowhead>>,
}

impl Arrows {
    fn of(all: Vec<Arrow>) -> Self {
        let (mut out_of, mut into) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (number, Arrow { name, from, to }) in all.into_iter().enumerate() {
            let arrow = Arrowhead { number, name };
            out_of.entry(from).or_default().push(arrow);
            into.entry(to).or_default().push(arrow);
        }
        Arrows { out_of, into }
    }
}

/// Draws one track.
struct Pen<'t> {
    time: &'t Time<'t>,
    arrows: &'t Arrows,
    track: usize,
    /// When something was drawn last, and at which event.
    last: Moment,
    /// The slices that are open, the innermost last.
    open: Vec<Open>,
    marks: &'t mut Vec<Mark>,
}

struct Open {
    slice: Slice,
    began: Moment,
}

#[derive(Clone, Copy, PartialEq)]
enum Slice {
    /// From the start of a process to its end.
    Life,
    /// Starting, ready and so on; this one is stopping or more.
    Stage { stops: bool },
    /// A run is to be followed by another then.
    Pause { until: u64 },
}

impl Pen<'_> {
    fn draw_all(&mut self, track: &Track, lives: &Lives<'_>, spans: &[Span]) {
        let nexts = track.lives.iter().skip(1).map(|next| spans[*next].0);
        let nexts = nexts.chain([self.time.end]);
        for (life, next) in track.lives.iter().zip(nexts) {
            self.draw(&lives.all[*life], spans[*life].0);
            // It may be waiting for its restart.
            self.end_pause(next);
            self.close_all(next, 0, Vec::new());
        }
    }

    fn draw(&mut self, life: &Life<'_>, begin: u64) {
        self.begin(life, begin);
        let ended = life.ended(self.time.events);
        for place in &life.events {
            let at = self.time.of_event(*place);
            self.end_pause(at);
            self.draw_event(*place, at);
            if Some(*place) == ended {
                self.close_all(at, *place, end_fields(&self.time.events[*place].what));
            }
        }
        if ended.is_none() {
            let end = self.time.end;
            self.end_pause(end);
            let exit = match life.exited {
                Some(_) => "given up; its thread still runs",
                None => "none yet",
            };
            self.close_all(end, usize::MAX, vec![("exit", text(exit))]);
        }
    }

    fn begin(&mut self, life: &Life<'_>, at: u64) {
        let place = life.events[0];
        let path = life.path.to_string();
        let mut fields = vec![("path", text(path)), ("process", text(life.id))];
        let began = self.time.begin.zip(life.began);
        match began.map(|(trace, began)| trace.saturating_duration_since(began)) {
            Some(Duration::ZERO) => {}
            Some(before) => fields.push((
                "started",
                text(format_args!("{before:.1?} before this trace")),
            )),
            None => fields.push(("started", text("where events are missing"))),
        }
        let name = line_of(life.path.name(), LONGEST_NAME);
        self.open(at, place, Slice::Life, name, "process", fields);
        let stage = match life.started.or(life.ready) {
            Some(_) => "starting",
            None => "running", // perhaps it is ready, and perhaps it is starting
        };
        self.open_stage(at, place, stage, Vec::new());
    }

    fn draw_event(&mut self, place: usize, at: u64) {
        let what = &self.time.events[place].what;
        let fields = || fields(&self.time.events[place]);
        match what {
            What::Ready { .. } if !self.stops() => {
                self.open_stage(at, place, "ready", fields());
            }
            What::Signalled { signal, .. } if signal.is_stop() && !self.stops() => {
                self.open_stage(at, place, "stopping", fields());
            }
            What::Stopping { .. } if !self.stops() => {
                self.open_stage(at, place, "stopping", fields());
            }
            What::Abandoned { .. } => self.open_stage(at, place, "given up", fields()),
            What::Restarting { delay, .. } => {
                let until = at.saturating_add(nanos(*delay));
                self.open_pause(at, place, until, fields());
            }
            _ => {}
        }
        if self.is_open(Slice::Life) {
            self.draw_arrows(at, place); // Invariant 3
            if is_instant(what) {
                self.draw_instant(at, place, fields());
            }
        }
    }

    fn innermost(&self) -> Option<Slice> {
        self.open.last().map(|open| open.slice)
    }

    fn is_open(&self, slice: Slice) -> bool {
        self.open.iter().any(|open| open.slice == slice)
    }

    /// Whether it stops or has been given up.
    fn stops(&self) -> bool {
        self.is_open(Slice::Stage { stops: true })
    }

    fn open_stage(&mut self, at: u64, place: usize, name: &'static str, fields: Fields) {
        while self.innermost().is_some_and(|slice| slice != Slice::Life) {
            self.close(at, place, Vec::new());
        }
        if self.open.is_empty() {
            return; // it has ended before
        }
        let stops = matches!(name, "stopping" | "given up");
        let slice = Slice::Stage { stops };
        self.open(at, place, slice, name.into(), "stage", fields);
    }

    fn open_pause(&mut self, at: u64, place: usize, until: u64, fields: Fields) {
        if let Some(Slice::Pause { .. }) = self.innermost() {
            self.close(at, place, Vec::new());
        }
        let slice = Slice::Pause { until };
        self.open(at, place, slice, "restarting".into(), "restart", fields);
    }

    /// Ends a pause that is over at this time.
    fn end_pause(&mut self, at: u64) {
        if let Some(Slice::Pause { until }) = self.innermost()
            && until <= at
        {
            self.close(until, 0, Vec::new());
        }
    }

    fn open(
        &mut self,
        at: u64,
        place: usize,
        slice: Slice,
        name: String,
        kind: &'static str,
        args: Fields,
    ) {
        self.mark(at, place, Shape::Begin { name, kind, args });
        let began = self.last;
        self.open.push(Open { slice, began });
    }

    fn close(&mut self, at: u64, place: usize, args: Fields) {
        self.open.pop();
        self.mark(at, place, Shape::End { args });
    }

    /// Closes all slices, the outermost with these details.
    fn close_all(&mut self, at: u64, place: usize, mut fields: Fields) {
        while let Some(inner) = self.open.len().checked_sub(1) {
            let fields = match inner {
                0 => std::mem::take(&mut fields),
                _ => Vec::new(),
            };
            self.close(at, place, fields);
        }
    }

    fn draw_arrows(&mut self, at: u64, place: usize) {
        let Some(inside) = self.open.last().map(|open| open.began) else {
            return; // Invariant 3
        };
        let arrows = self.arrows;
        for arrow in arrows.into.get(&place).into_iter().flatten().copied() {
            self.mark(at, place, Shape::In { arrow, inside });
        }
        for arrow in arrows.out_of.get(&place).into_iter().flatten().copied() {
            self.mark(at, place, Shape::Out { arrow, inside });
        }
    }

    fn draw_instant(&mut self, at: u64, place: usize, args: Fields) {
        let what = &self.time.events[place].what;
        let kind = match what {
            What::Signalled { .. } => "signal",
            What::Stopping { .. } => "stop",
            What::Note(_) => "note",
            What::Stalled { .. } => "stall",
            What::Waiting { .. } => "wait",
            _ => "end",
        };
        let name = line_of(what, LONGEST_NAME);
        self.mark(at, place, Shape::Instant { name, kind, args });
    }

    fn mark(&mut self, at: u64, order: usize, shape: Shape) {
        self.last = self.last.max((at, order)); // Invariant 1
        let (at, order) = self.last;
        self.marks.push(Mark {
            at,
            order,
            track: self.track,
            shape,
        });
    }
}

/// What no slice shows.
fn is_instant(what: &What) -> bool {
    match what {
        What::Started | What::Ready { .. } | What::Restarting { .. } => false,
        What::Exited { exit, .. } | What::ExitedLate { exit, .. } => exit.is_err(),
        _ => true,
    }
}

/// The details of an event.
fn fields(event: &Event) -> Fields {
    let mut fields = vec![("what", text(&event.what))];
    let mut add = |name, time: Option<Duration>| {
        if let Some(time) = time {
            fields.push((name, span(time)));
        }
    };
    let until = |then: Option<Instant>| then.map(|then| then.saturating_duration_since(event.at));
    let since = |then: Instant| Some(event.at.saturating_duration_since(then));
    match &event.what {
        What::Signalled {
            kill_at,
            give_up_at,
            ..
        } => {
            add("KILL follows in", until(*kill_at));
            add("given up in", until(*give_up_at));
        }
        What::Waiting {
            since: began,
            limit,
            ..
        } => {
            add("waits for", since(*began));
            add("limit in", until(*limit));
        }
        What::Stalled { since: last } => add("silent for", since(*last)),
        _ => {}
    }
    fields
}

/// The details of a life that has ended.
fn end_fields(what: &What) -> Fields {
    match what {
        What::Exited { exit, cause, took } => vec![
            ("exit", text(exit)),
            ("cause", text(cause)),
            ("took", span(*took)),
        ],
        What::ExitedLate { exit, took } => vec![
            ("exit", text(format_args!("{exit}, after it was given up"))),
            ("took", span(*took)),
        ],
        _ => Vec::new(),
    }
}

fn text(said: impl std::fmt::Display) -> Value {
    Value::Text(said.to_string())
}

fn span(time: Duration) -> Value {
    text(format_args!("{time:.1?}"))
}
