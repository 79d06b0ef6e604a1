//! The model: a tree of processes as a state, and what each move makes of it.
//!
//! A move sets off a cascade: an exit is heard by a group, which tells others, and so on until all is at rest. Each link
//! of it is an action. Where several are possible at once, real threads take them in any order; so does the model, and
//! each order that leads elsewhere makes a world of its own.

mod ends;
mod exits;
mod group;
mod moves;
mod process;
mod run;
mod schedule;
mod stops;
mod story;

use std::time::Duration;

use ifrit::grouper::MemberState;
use ifrit::{Signal, process::Status};

pub(crate) use group::Leaving;
pub(crate) use moves::Move;
pub(crate) use story::{Restart, Story, Why};

use crate::kit::SECOND;

use super::scene::{Again, Node as Spec, Options, ROOT, name_of_member};
use group::{Group, Member, Phase, Place};
use process::{Inside, Process};

/// Since the beginning.
pub(crate) type Time = Duration;

/// Each restart comes after this delay, or the first one does, where they grow.
pub(crate) const DELAY: Duration = Duration::from_secs(10);
/// They grow to this.
pub(crate) const MOST: Duration = Duration::from_secs(40);
/// A run that was ready for this long is followed by the first delay again.
pub(crate) const STEADY: Duration = Duration::from_secs(5);
/// So many restarts within this time, for groups and restarters alike.
pub(crate) const BUDGET: usize = 3;
pub(crate) const WITHIN: Duration = Duration::from_secs(25);
/// From KILL to being given up, unless a group has set it.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) moves: usize,
    /// Groups come before their members; the root is the first.
    pub(crate) nodes: Vec<Node>,
    /// Of those who have asked for something, in order: whether it was done.
    pub(crate) answers: Vec<Option<bool>>,
    /// What the events have told by now.
    pub(crate) story: Story,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) parent: Option<usize>,
    pub(crate) again: Option<Again>,
    pub(crate) options: Options,
    pub(crate) what: What,
    pub(crate) member: Member,
    pub(crate) process: Process,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Leaf(Leaf),
    Group(Group),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) runs: usize,
    /// By the last run.
    pub(crate) heard: Vec<Signal>,
    pub(crate) heard_now: Vec<Signal>,
    pub(crate) said_ready: bool,
}

impl World {
    pub(crate) fn new(root: &Spec) -> Self {
        let mut world = World {
            now: Time::ZERO,
            moves: 0,
            nodes: Vec::new(),
            answers: Vec::new(),
            story: Story::default(),
        };
        world.grow(ROOT.to_owned(), None, root);
        world.launch(0, None, None);
        world
    }

    /// Adds a node and all below it.
    fn grow(&mut self, name: String, parent: Option<usize>, spec: &Spec) -> usize {
        let node = self.nodes.len();
        let what = match &spec.group {
            None => What::Leaf(Leaf::default()),
            Some(group) => What::Group(Group::new(group.settings)),
        };
        self.nodes.push(Node {
            name,
            parent,
            again: spec.again,
            options: spec.options,
            what,
            member: Member::default(),
            process: Process::default(),
        });
        for member in spec.group.iter().flat_map(|group| &group.members) {
            self.grow_member(node, member);
        }
        node
    }

    pub(crate) fn grow_member(&mut self, group: usize, spec: &Spec) -> usize {
        let place = self.group(group).named;
        self.group_mut(group).named += 1;
        let name = name_of_member(&self.nodes[group].name, place);
        let member = self.grow(name, Some(group), spec);
        self.group_mut(group).members.push(member);
        member
    }

    /// From KILL to being given up, for the members of a group.
    pub(crate) fn grace(&self, g: usize) -> Time {
        let own = self.group(g).settings.kill_grace;
        own.map_or_else(|| self.grace_of(g), |grace| grace * SECOND)
    }

    /// The same, for a process.
    pub(crate) fn grace_of(&self, n: usize) -> Time {
        self.nodes[n].parent.map_or(GRACE, |g| self.grace(g))
    }

    // Looking.

    pub(crate) fn has_thread(&self, n: usize) -> bool {
        self.nodes[n].process.inside != Inside::NoThread
    }

    /// Those whose restarter waits.
    pub(crate) fn pausing(&self) -> impl Iterator<Item = usize> {
        let all = 0..self.nodes.len();
        all.filter(|n| matches!(self.nodes[*n].process.inside, Inside::Pause(_)))
    }

    pub(crate) fn is_leaf_running(&self, n: usize) -> bool {
        self.nodes[n].process.inside == Inside::Runs && !self.is_group(n)
    }

    /// What a lazy leaf has not read.
    pub(crate) fn unread(&self, n: usize) -> Vec<Signal> {
        let pending = self.nodes[n].process.pending.iter();
        pending
            .filter(|_| self.is_leaf_running(n))
            .copied()
            .collect()
    }

    /// It was told to stop, by a group that waits for its exit.
    pub(crate) fn is_told_leaf(&self, n: usize) -> bool {
        let process = &self.nodes[n].process;
        self.is_leaf_running(n) && process.told && process.exit.is_none()
    }

    pub(crate) fn status(&self, n: usize) -> Status {
        let process = &self.nodes[n].process;
        let restarting =
            process.restarting || process.inside == Inside::Runs && self.has_members_down(n);
        match &process.exit {
            Some(_) if self.has_thread(n) => Status::Abandoned,
            Some(_) => Status::Exited,
            None if process.told => Status::Stopping,
            None if restarting => Status::Restarting,
            None if process.ready => Status::Ready,
            None => Status::Starting,
        }
    }

    pub(crate) fn runs_group(&self, n: usize) -> bool {
        self.is_group(n) && self.nodes[n].process.inside == Inside::Runs
    }

    /// The members of a group that have no process and are to have one.
    pub(crate) fn waiting_or_down(&self, g: usize) -> Vec<(usize, Status)> {
        let members = self.group(g).members.iter();
        let members = members.filter(|_| self.run(g).phase != Phase::Stopping);
        let away = members.filter_map(|m| match self.nodes[*m].member.place {
            Place::Waiting => Some((*m, Status::Waiting)),
            Place::Down => Some((*m, Status::Down)),
            _ => None,
        });
        away.collect()
    }

    pub(crate) fn state_of_member(&self, m: usize) -> MemberState {
        match self.nodes[m].member.place {
            Place::Waiting => MemberState::Waiting,
            Place::Live => match self.status(m) {
                Status::Ready => MemberState::Ready,
                Status::Restarting => MemberState::Restarting,
                Status::Stopping => MemberState::Stopping,
                _ => MemberState::Starting,
            },
            Place::Down => MemberState::Restarting,
            Place::Done => MemberState::Completed,
            Place::Terminated => MemberState::Terminated,
            Place::Abandoned => MemberState::Abandoned,
        }
    }
}

impl Leaf {
    /// Equal signals that come together count as one.
    pub(crate) fn hear(&mut self, signal: Signal) {
        if !self.heard_now.contains(&signal) {
            self.heard_now.push(signal);
            self.heard.push(signal);
        }
    }
}

/// The delays before the restarts of a member, or of what a restarter runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Delays {
    /// How many there have been.
    past: u32,
    /// Since when it is ready, in this incarnation.
    pub(crate) ready_since: Option<Time>,
}

impl Delays {
    pub(crate) fn next(&mut self, options: Options, now: Time) -> Time {
        if self.ready_since.is_some_and(|since| now - since >= STEADY) {
            self.past = 0;
        }
        let past = self.past;
        self.past += 1;
        match options.grows {
            true => MOST.min(DELAY * 2_u32.pow(past)),
            false => DELAY,
        }
    }
}

/// Pays for a restart, or says that it is one too many.
pub(crate) fn spend(spent: &mut Vec<Time>, now: Time) -> bool {
    spent.retain(|at| now - *at < WITHIN);
    spent.push(now);
    spent.len() <= BUDGET
}

/// A limit, as it was set, and when it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) set: Time,
    pub(crate) end: Time,
}

impl Limit {
    pub(crate) fn new(now: Time, seconds: u32) -> Self {
        let set = seconds * SECOND;
        let end = now + set;
        Limit { set, end }
    }

    /// The one that is over first; of two that are over together, `own`.
    pub(crate) fn first(own: Option<Self>, handed: Option<Self>) -> Option<Self> {
        let limits = [own, handed].into_iter().flatten();
        limits.min_by_key(|limit| limit.end)
    }
}

/// When KILL comes, and when all is over.
pub(crate) type Deadline = (Time, Time);

/// The sooner of each.
pub(crate) fn sooner(one: Option<Deadline>, other: Option<Deadline>) -> Option<Deadline> {
    let kills = one.into_iter().chain(other).map(|(kill_at, _)| kill_at);
    let ends = one.into_iter().chain(other).map(|(_, end)| end);
    kills.min().zip(ends.min())
}

pub(crate) fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}
