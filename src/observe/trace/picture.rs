//! Events as slices, instants and arrows on tracks.
//!
//! Invariants (that of each track is kept by the pen that draws it):
//! 1. All of it stands in the order of time, and at one time in the order of the events: a cause before what follows.
//! 2. An arrow that would not go forward in time is left out.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::causes::arrows;
use super::gap::Gap;
use super::lives::Lives;
use super::marks::{Arrows, Mark, Shape};
use super::pen::Pen;
use super::time::Time;
use super::tracks::tracks;
use crate::observe::event::Event;

/// What is drawn, in its order, and on what.
pub(super) struct Picture {
    pub(super) tracks: Vec<String>,
    pub(super) marks: Vec<Mark>,
}

pub(super) fn picture(events: &[Event], gaps: &[Gap], end: Option<Instant>) -> Picture {
    let time = Time::of(events, gaps, end);
    let lives = Lives::of(events);
    let spans: Vec<_> = lives.all.iter().map(|life| time.span(life)).collect();
    let tracks = tracks(&lives, &spans);
    let arrows = Arrows::of(arrows(events, &lives));
    let mut marks = Vec::new();
    for (track, on) in tracks.iter().enumerate() {
        Pen::new(&time, &arrows, track, &mut marks).draw_all(on, &lives, &spans);
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
    marks.sort_by_key(|mark| (mark.at, mark.order)); // Invariant 1
    leave_out_backward(&mut marks);
    Picture { tracks, marks }
}

/// Invariant 2: an arrow whose slices began in the other order would be drawn backward.
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
