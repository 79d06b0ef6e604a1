//! Draws one track.
//!
//! Invariants (those of the picture that are kept here):
//! 1. On each track, what is drawn comes in the order of time, and each slice ends before the one ends in which it began:
//!    they are opened and closed as a stack, and no time is before the one that was drawn there last.
//! 2. An arrow begins and ends inside of a slice.

use std::time::{Duration, Instant};

use super::json::{Fields, Value};
use super::lives::{Life, Lives};
use super::marks::{Arrows, Mark, Moment, Shape};
use super::time::{Time, nanos};
use super::tracks::{Span, Track};
use crate::draw::line_of;
use crate::observe::event::{Event, What};

/// The name of an instant has so many bytes at most; all of it stands beside it.
const LONGEST_NAME: usize = 100;

/// Draws one track.
pub(super) struct Pen<'t> {
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

impl<'t> Pen<'t> {
    pub(super) fn new(
        time: &'t Time<'t>,
        arrows: &'t Arrows,
        track: usize,
        marks: &'t mut Vec<Mark>,
    ) -> Self {
        Pen {
            time,
            arrows,
            track,
            last: (0, 0),
            open: Vec::new(),
            marks,
        }
    }

    pub(super) fn draw_all(&mut self, track: &Track, lives: &Lives<'_>, spans: &[Span]) {
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
            self.draw_arrows(at, place); // Invariant 2
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
            return; // Invariant 2
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
