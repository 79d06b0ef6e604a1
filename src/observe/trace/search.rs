//! How the critical chain of a start is found.
//!
//! Backwards. A group was ready when the last one that it had waited for was; where it starts its members one by
//! one, that one was started when the one before was ready; and so on until the start of the group. The same is done for
//! each of those. What no member accounts for is the share of the group itself.
//!
//! Which members a group has waited for is not said. It follows from the order: one that starts them one by one starts none
//! while another one is not ready yet, and any other group starts all at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::chain::{ChainLink, CriticalChain};
use super::lives::{Life, Lives};
use crate::error::Cause;
use crate::id::ProcessId;
use crate::observe::event::{Event, Outcome, What};

/// What takes less of the whole than one in so many is left out.
const NEGLIGIBLE: u32 = 1_000;

/// A time, and the place of the event that was then.
type Moment = (Instant, usize);

pub(super) fn critical_chain(
    events: &[Event],
    gaps: &[usize],
    end: Option<Instant>,
    process: ProcessId,
) -> Option<CriticalChain> {
    let lives = Lives::of(events);
    let place = lives.place_of(process)?;
    let root = &lives.all[place];
    let began = root.began?;
    let until = match (root.ready, root.exited) {
        (Some(place), _) => (events[place].at, place),
        (None, Some(_)) => return None,
        (None, None) => {
            let said = root.events.iter().map(|place| events[*place].at).max();
            let end = end.or_else(|| events.last().map(|event| event.at));
            (end.max(said)?, usize::MAX)
        }
    };
    let took = until.0.saturating_duration_since(began);
    let search = Search {
        events,
        lives: &lives,
        children: lives.by_parent(),
        negligible: took / NEGLIGIBLE,
    };
    let is_gap = |gap: &usize| root.started.is_none_or(|started| *gap > started) && *gap <= until.1;
    Some(CriticalChain {
        links: search.links(Step {
            life: place,
            began,
            until,
            is_ready: root.ready.is_some(),
            restarts: 0,
            last_exit: None,
            depth: 0,
        }),
        took,
        is_complete: root.started.is_some() && !gaps.iter().any(is_gap),
    })
}

struct Search<'e> {
    events: &'e [Event],
    lives: &'e Lives<'e>,
    children: HashMap<ProcessId, Vec<usize>>,
    negligible: Duration,
}

/// A link that is still to be looked into.
struct Step {
    /// Its last run.
    life: usize,
    began: Instant,
    until: Moment,
    is_ready: bool,
    restarts: usize,
    last_exit: Option<Outcome>,
    depth: usize,
}

impl Search<'_> {
    fn links(&self, root: Step) -> Vec<ChainLink> {
        let mut links = Vec::new();
        let mut next = vec![root];
        while let Some(mut step) = next.pop() {
            let life = &self.lives.all[step.life];
            let inner = self.restarts_inside(life, step.until);
            if let Some((_, why)) = inner.last() {
                step.restarts += inner.len();
                step.last_exit = Some((*why).clone());
            }
            // What an earlier run of it has started is not what it has waited for in the end.
            let from = inner.last().map(|(moment, _)| *moment);
            let from = from.or(life.began.map(|began| (began, 0)));
            let waited = from.map_or_else(Vec::new, |from| self.waited_for(life, from, &step));
            let time_of = |step: &Step| step.until.0.saturating_duration_since(step.began);
            let of_others: Duration = waited.iter().map(time_of).sum();
            links.push(ChainLink {
                id: life.id,
                path: life.path.clone(),
                depth: step.depth,
                started: step.began,
                ready: step.is_ready.then_some(step.until.0),
                share: time_of(&step).saturating_sub(of_others),
                restarts: step.restarts,
                last_exit: step.last_exit,
            });
            next.extend(waited); // the earliest is the last of them, and comes next
        }
        links
    }

    /// When a run inside of it has ended that was followed by another, until then, and how.
    fn restarts_inside(&self, life: &Life<'_>, until: Moment) -> Vec<(Moment, &Outcome)> {
        let inside = life
            .events
            .iter()
            .filter(|place| life.exited.is_none_or(|exit| **place < exit));
        inside
            .filter_map(|place| match &self.events[*place] {
                Event {
                    at,
                    what: What::Restarting { why, .. },
                    ..
                } => Some(((*at, *place), why)),
                _ => None,
            })
            .filter(|(moment, _)| *moment <= until)
            .collect()
    }

    /// For whom it has waited from then on, the last first.
    fn waited_for(&self, life: &Life<'_>, from: Moment, step: &Step) -> Vec<Step> {
        let members = self.members(life.id, from, step.until);
        let mut waited = Vec::new();
        let mut until = step.until;
        if !step.is_ready
            && let Some(member) = members.iter().find(|member| !member.is_settled)
        {
            let run = member.runs.len() - 1;
            self.waits_for(&mut waited, member, run, until, step);
            until = member.began;
        }
        let mut settled: Vec<_> = members.iter().flat_map(|member| &member.settled).collect();
        settled.sort_unstable();
        let one_by_one = is_one_by_one(&members);
        let mut is_first = until == step.until;
        for (moment, member, run) in settled.into_iter().rev() {
            if *moment > until {
                continue;
            }
            if !is_first && !one_by_one {
                break;
            }
            let member = &members[*member];
            self.waits_for(&mut waited, member, *run, *moment, step);
            (until, is_first) = (member.began, false);
        }
        waited
    }

    fn waits_for(
        &self,
        waited: &mut Vec<Step>,
        member: &Member,
        run: usize,
        until: Moment,
        step: &Step,
    ) {
        let is_ready = until.1 != usize::MAX;
        let time = until.0.saturating_duration_since(member.began.0);
        if is_ready && (time.is_zero() || time < self.negligible) {
            return;
        }
        let before = run
            .checked_sub(1)
            .map(|before| &self.lives.all[member.runs[before]]);
        let exit = before.and_then(|before| before.exited);
        let last_exit = exit.and_then(|place| match &self.events[place].what {
            What::Exited { exit, .. } | What::Abandoned { exit, .. } => Some(exit.clone()),
            _ => None,
        });
        waited.push(Step {
            life: member.runs[run],
            began: member.began.0,
            until,
            is_ready,
            restarts: run,
            last_exit,
            depth: step.depth + 1,
        });
    }

    /// The members of a group that were started in this time, in the order of their first starts.
    fn members(&self, group: ProcessId, from: Moment, until: Moment) -> Vec<Member> {
        let children = self.children.get(&group).map(Vec::as_slice);
        let children = children.unwrap_or_default().iter();
        let began = |life: &Life<'_>| Some((life.began?, life.started.unwrap_or(0)));
        let mut runs: Vec<_> = children
            .filter_map(|child| Some((began(&self.lives.all[*child])?, *child)))
            .filter(|(began, _)| from <= *began && *began <= until)
            .collect();
        runs.sort_unstable();
        let mut members: Vec<Member> = Vec::new();
        let mut by_name = HashMap::new();
        for (began, child) in runs {
            let life = &self.lives.all[child];
            let place = *by_name.entry(life.path.name()).or_insert_with(|| {
                members.push(Member::new(began));
                members.len() - 1
            });
            let member = &mut members[place];
            let run = member.runs.len();
            member.runs.push(child);
            let settled = self.settles(life).filter(|moment| *moment <= until);
            member.is_settled = settled.is_some();
            let settled = settled.map(|moment| (moment, place, run));
            member.settled.extend(settled);
        }
        members
    }

    /// When others need not wait for it any more: it is ready, or has ended well by itself, if it is one that is to.
    fn settles(&self, life: &Life<'_>) -> Option<Moment> {
        let completed = |place: &usize| match &self.events[*place].what {
            What::Exited { exit, cause, .. } => exit.is_ok() && *cause == Cause::Completed,
            _ => false,
        };
        let place = life.ready.or_else(|| life.exited.filter(completed))?;
        Some((self.events[place].at, place))
    }
}

/// All runs of one name in a group.
struct Member {
    began: Moment,
    runs: Vec<usize>,
    /// When, and which member and which run of it.
    settled: Vec<(Moment, usize, usize)>,
    /// The last run is.
    is_settled: bool,
}

impl Member {
    fn new(began: Moment) -> Self {
        Member {
            began,
            runs: Vec::new(),
            settled: Vec::new(),
            is_settled: false,
        }
    }
}

/// Whether none was started while another one was still to become ready.
fn is_one_by_one(members: &[Member]) -> bool {
    let mut latest = None;
    let mut all_settled = true;
    members.iter().all(|member| {
        let is_in_turn = all_settled && latest.is_none_or(|latest| latest <= member.began);
        let settled = member.settled.iter().map(|(moment, ..)| *moment).min();
        all_settled &= settled.is_some();
        latest = latest.max(settled);
        is_in_turn
    })
}
