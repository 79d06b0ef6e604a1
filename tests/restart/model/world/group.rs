//! What a group and its members are.

use std::collections::VecDeque;

use ifrit::Signal;

use super::exits::{Exit, Record};
use super::{Deadline, Delays, Limit, Time, What, World};
use crate::model::scene::Settings;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) settings: Settings,
    /// In start order.
    pub(crate) members: Vec<usize>,
    /// How many names of members were given away.
    pub(crate) named: usize,
    pub(crate) inbox: VecDeque<(usize, News)>,
    pub(crate) run: Run,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    Ready,
    Exited { exit: Exit, given_up: bool },
    EndedLate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Phase {
    #[default]
    Starting,
    Running,
    Stopping,
}

/// What is of one run only.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Run {
    pub(crate) phase: Phase,
    pub(crate) start: Option<Limit>,
    /// It is about to obey this.
    pub(crate) taken: Option<Signal>,
    /// What members are told when their turn comes.
    pub(crate) signal: Option<Signal>,
    /// When the stop is over.
    pub(crate) end: Option<Time>,
    /// When the starts of a round may begin.
    pub(crate) round: Option<Time>,
    pub(crate) spent: Vec<Time>,
    pub(crate) initiated: bool,
    /// A member's end was the last: a list that gets shorter ends no group.
    pub(crate) all_done: bool,
    /// How often a member was told a signal.
    pub(crate) tells: usize,
    pub(crate) trace: Vec<Record>,
}

/// What a group knows of a member in this run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Member {
    pub(crate) place: Place,
    /// Those after it are not started before it is ready or has ended.
    pub(crate) awaited: bool,
    pub(crate) ever_ready: bool,
    /// It should be up, has been, and is not.
    pub(crate) down: bool,
    pub(crate) in_round: bool,
    /// It is significant, and has not completed.
    pub(crate) counts: bool,
    pub(crate) told: Option<Time>,
    pub(crate) killed: bool,
    pub(crate) deadline: Option<Deadline>,
    /// Its turn has come, and it is told then.
    pub(crate) tell_at: Option<Time>,
    /// It waits for its restart since the group was starting.
    pub(crate) failed: Option<Record>,
    pub(crate) timer: Option<(Time, Due)>,
    pub(crate) restarts: u64,
    pub(crate) delays: Delays,
    /// A caller has asked for it to go, or to be added, and waits for this answer.
    pub(crate) leaving: Option<(Leaving, usize)>,
    pub(crate) joining: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Place {
    #[default]
    Waiting,
    Live,
    Down,
    Done,
    Terminated,
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Due {
    Tell,
    Kill,
    GiveUp,
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Leaving {
    Terminated,
    Removed,
}

impl Group {
    pub(crate) fn new(settings: Settings) -> Self {
        Group {
            settings,
            members: Vec::new(),
            named: 0,
            inbox: VecDeque::new(),
            run: Run::default(),
        }
    }
}

impl Run {
    pub(crate) fn record(&mut self, record: Record) {
        let same = |other: &Record| other.batch == record.batch && other.name > record.name;
        let place = self.trace.iter().rposition(|other| !same(other));
        self.trace
            .insert(place.map_or(0, |place| place + 1), record);
    }
}

impl World {
    pub(crate) fn is_group(&self, n: usize) -> bool {
        matches!(self.nodes[n].what, What::Group(_))
    }

    pub(crate) fn group(&self, n: usize) -> &Group {
        match &self.nodes[n].what {
            What::Group(group) => group,
            What::Leaf(_) => panic!("{} is a leaf", self.nodes[n].name),
        }
    }

    pub(crate) fn group_mut(&mut self, n: usize) -> &mut Group {
        match &mut self.nodes[n].what {
            What::Group(group) => group,
            What::Leaf(_) => panic!("it is a leaf"),
        }
    }

    pub(crate) fn run(&self, g: usize) -> &Run {
        &self.group(g).run
    }

    pub(crate) fn run_mut(&mut self, g: usize) -> &mut Run {
        &mut self.group_mut(g).run
    }

    pub(crate) fn member(&mut self, m: usize) -> &mut Member {
        &mut self.nodes[m].member
    }

    pub(crate) fn is_live(&self, m: usize) -> bool {
        self.nodes[m].member.place == Place::Live
    }

    /// The members of whom this is true, in start order.
    pub(crate) fn those(&self, g: usize, whom: impl Fn(&Member) -> bool) -> Vec<usize> {
        let members = self.group(g).members.iter().copied();
        members.filter(|m| whom(&self.nodes[*m].member)).collect()
    }

    pub(crate) fn has_members_down(&self, n: usize) -> bool {
        self.is_group(n) && !self.those(n, |m| m.down).is_empty()
    }
}
