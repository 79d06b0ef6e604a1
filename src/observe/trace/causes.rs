//! What led to what: the arrows of a trace.

use std::collections::HashMap;

use super::lives::{Life, Lives};
use crate::observe::event::{Event, What, Why};

/// From a cause to what follows from it, both told as the place of the event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrow {
    pub(super) name: &'static str,
    pub(super) from: usize,
    pub(super) to: usize,
}

pub(super) fn arrows(events: &[Event], lives: &Lives<'_>) -> Vec<Arrow> {
    let children = lives.by_parent();
    let mut arrows = Vec::new();
    let mut draw = |name, from: usize, to: usize| {
        // A cause comes first. Where two clocks are in play it may not look so.
        if from < to && events[from].at <= events[to].at {
            arrows.push(Arrow { name, from, to });
        }
    };
    for life in &lives.all {
        let stops = stops_of(life, events);
        for stop in &stops {
            if let What::Stopping {
                why: Why::Member { id, .. },
            } = &events[*stop].what
                && let Some(exit) = lives.get(*id).and_then(|member| member.exited)
            {
                draw("its end stops the others", exit, *stop);
            }
        }
        let children = children.get(&life.id).map(Vec::as_slice);
        let children = children.unwrap_or_default().iter();
        let children = children.map(|place| &lives.all[*place]);
        let mut steps = Vec::new();
        for child in children {
            if let Some((stop, told)) = told_to_stop(child, &stops, events) {
                draw("stop", stop, told);
            }
            steps.extend(restarts_of(child, events));
        }
        steps.sort_by_key(|(place, _)| *place);
        let mut down = HashMap::new();
        for (place, step) in steps {
            match step {
                Step::Restarts { name, exit } => {
                    down.insert(name, exit);
                }
                Step::Starts { name } => {
                    if let Some(exit) = down.remove(name) {
                        draw("restart", exit, place);
                    }
                }
            }
        }
    }
    arrows
}

/// What becomes of the members of one group.
enum Step<'e> {
    /// The one of this name has exited there and is to be started again.
    Restarts {
        name: &'e str,
        exit: usize,
    },
    Starts {
        name: &'e str,
    },
}

fn restarts_of<'e>(member: &Life<'e>, events: &[Event]) -> impl Iterator<Item = (usize, Step<'e>)> {
    let name = member.path.name();
    let starts = member.started.map(|place| (place, Step::Starts { name }));
    let is_restart = |place: &&usize| matches!(events[**place].what, What::Restarting { .. });
    let restarts = member.events.iter().rev().find(is_restart).copied();
    let restarts = restarts.zip(member.exited);
    let restarts = restarts.filter(|(place, exit)| place > exit);
    let restarts = restarts.map(|(place, exit)| (place, Step::Restarts { name, exit }));
    starts.into_iter().chain(restarts)
}

/// Where it stops those that it has started.
fn stops_of(life: &Life<'_>, events: &[Event]) -> Vec<usize> {
    let stops = |place: &usize| matches!(events[*place].what, What::Stopping { .. });
    life.events.iter().copied().filter(stops).collect()
}

/// Which of these stops has told it to stop, and where it was told.
fn told_to_stop(life: &Life<'_>, stops: &[usize], events: &[Event]) -> Option<(usize, usize)> {
    let is_stop = |place: &&usize| match events[**place].what {
        What::Signalled { signal, .. } => signal.is_stop(),
        _ => false,
    };
    let told = *life.events.iter().find(is_stop)?;
    let before = stops.partition_point(|stop| *stop < told);
    let stop = *stops[..before].last()?;
    (life.events[0] < stop).then_some((stop, told)) // or it belongs to a later run of the group
}
