//! Moves: what happens to a tree from outside, and what its handles are asked for.

use ifrit::Signal;

use super::exits::{Exit, Record};
use super::group::{Leaving, Member, Phase, Place};
use super::{What, World};
use crate::kit::How;
use crate::model::scene::{Drawn, Event, Node as Spec, name_of_member};

/// An event, and the node to which it happens.
#[derive(Clone)]
pub(crate) enum Move {
    Ready(usize),
    Ends(usize, How),
    Reads(usize),
    Told(Signal),
    /// Of the handle of the group it is in.
    Leave(usize, Leaving),
    Restart(usize),
    Add(usize, Spec),
}

impl World {
    /// What it happens to, if there is such a node.
    pub(crate) fn resolve(&self, event: &Event) -> Option<Move> {
        Some(match event {
            Event::Ready(n) => Move::Ready(self.pick(*n, |n| self.can_say_ready(n))?),
            Event::Ends(n, how) => Move::Ends(self.pick(*n, |n| self.is_leaf_running(n))?, *how),
            Event::Reads(n) => Move::Reads(self.pick(*n, |n| !self.unread(n).is_empty())?),
            Event::Told(signal) => Move::Told(*signal),
            Event::Terminate(n) => {
                Move::Leave(self.pick(*n, |n| self.can_leave(n))?, Leaving::Terminated)
            }
            Event::Remove(n) => {
                Move::Leave(self.pick(*n, |n| self.can_leave(n))?, Leaving::Removed)
            }
            Event::Restart(n) => Move::Restart(self.pick(*n, |n| self.is_looked_after(n))?),
            Event::Add(n, spec) => {
                Move::Add(self.pick(*n, |n| self.takes_members(n))?, spec.clone())
            }
            Event::Passes(_) | Event::UntilDue => return None,
        })
    }

    fn pick(&self, number: usize, whom: impl Fn(usize) -> bool) -> Option<usize> {
        let all: Vec<_> = (0..self.nodes.len()).filter(|n| whom(*n)).collect();
        (!all.is_empty()).then(|| all[number % all.len()])
    }

    fn takes_members(&self, n: usize) -> bool {
        self.runs_group(n) && self.run(n).phase != Phase::Stopping
    }

    fn can_say_ready(&self, n: usize) -> bool {
        let What::Leaf(leaf) = &self.nodes[n].what else {
            return false;
        };
        self.is_leaf_running(n) && !leaf.said_ready
    }

    /// It is a member of a group that runs.
    fn is_looked_after(&self, n: usize) -> bool {
        let group = self.nodes[n].parent.filter(|group| self.runs_group(*group));
        group.is_some_and(|group| self.group(group).members.contains(&n))
    }

    /// As `is_looked_after`, and it can be seen when the group has been asked: it answers at once, or tells a member that
    /// was told nothing yet or is a leaf that reads it.
    fn can_leave(&self, n: usize) -> bool {
        let member = &self.nodes[n].member;
        let refuses = |group| self.run(group).phase == Phase::Stopping || member.leaving.is_some();
        self.is_looked_after(n)
            && (!self.is_live(n)
                || member.told.is_none() && self.status(n) != ifrit::process::Status::Stopping
                || !self.is_group(n) && !self.nodes[n].options.lazy
                || self.nodes[n].parent.is_some_and(refuses))
    }

    pub(crate) fn make(&mut self, made: &Move) {
        match made {
            Move::Ready(n) => self.says_ready(*n),
            Move::Ends(n, how) => self.ends(*n, (*how).into()),
            Move::Reads(n) => self.reads(*n),
            Move::Told(signal) => {
                self.tell(0, *signal, None);
            }
            Move::Leave(n, how) => self.send_away(*n, *how),
            Move::Restart(n) => self.restart_now(*n),
            Move::Add(group, spec) => self.add(*group, spec),
        }
    }

    // Looking after members.

    fn ask(&mut self) -> usize {
        self.answers.push(None);
        self.answers.len() - 1
    }

    pub(crate) fn answer(&mut self, asked: Option<usize>, done: bool) {
        if let Some(asked) = asked {
            self.answers[asked] = Some(done);
        }
    }

    fn send_away(&mut self, m: usize, how: Leaving) {
        let (asked, g) = (self.ask(), self.parent_of(m));
        let stopping = self.run(g).phase == Phase::Stopping;
        let member = self.member(m);
        if stopping
            || member.leaving.is_some()
            || member.joining.is_some()
            || member.place == Place::Abandoned
        {
            return self.answer(Some(asked), false);
        }
        member.leaving = Some((how, asked));
        if self.is_live(m) {
            let termination = self.group(g).settings.termination;
            return self.tell_member(g, m, termination.unwrap_or(Signal::INTERRUPT));
        }
        let member = self.member(m);
        member.timer = None;
        member.awaited = false;
        self.leave(g, m);
        self.go_on(g);
    }

    /// A member that a caller has asked to go has gone, or was given up.
    pub(crate) fn leave(&mut self, g: usize, m: usize) {
        let member = self.member(m);
        member.down = false;
        member.counts = false;
        let Some((how, asked)) = member.leaving.take() else {
            return;
        };
        let gone = member.place != Place::Abandoned;
        self.answer(Some(asked), gone);
        if gone {
            self.member(m).place = Place::Terminated;
            if how == Leaving::Removed {
                self.forget_ok_ends(g, m);
                self.vanish(g, m);
            }
        }
    }

    /// A group that was asked to go has gone, and threads below it were given up.
    pub(crate) fn leave_threads(&mut self, g: usize, m: usize, record: Record) {
        let member = self.member(m);
        member.down = false;
        member.counts = false;
        member.place = Place::Terminated;
        let asked = member.leaving.take().map(|(_, asked)| asked);
        self.answer(asked, false);
        self.run_mut(g).record(record);
    }

    /// A member that was asked to go has ended in a stop of the group.
    pub(crate) fn overtaken(&mut self, leaving: Option<(Leaving, usize)>, exit: &Exit) {
        if let Some((how, asked)) = leaving {
            let gone = !matches!(exit, Exit::Abandoned(_));
            self.answer(Some(asked), gone && how == Leaving::Terminated);
        }
    }

    fn restart_now(&mut self, m: usize) {
        let (asked, g) = (self.ask(), self.parent_of(m));
        let place = self.nodes[m].member.place;
        let may = match place {
            Place::Done | Place::Terminated => true,
            Place::Down => !self.nodes[m].member.in_round,
            _ => false,
        } && self.run(g).phase != Phase::Stopping;
        self.answer(Some(asked), may);
        if may {
            if place != Place::Down {
                self.forget_ok_ends(g, m);
            }
            self.member(m).timer = None;
            self.start(g, m);
        }
    }

    fn add(&mut self, g: usize, spec: &Spec) {
        let (asked, m) = (self.ask(), self.grow_member(g, spec));
        self.member(m).joining = Some(asked);
        self.member(m).counts = spec.options.significant;
        self.run_mut(g).all_done = false;
        if self.run(g).phase == Phase::Running || self.has_members_down(g) {
            self.start(g, m);
        }
    }

    /// Those who were added and not started are handed back.
    pub(crate) fn turn_away(&mut self, g: usize) {
        for m in self.those(g, |m| m.joining.is_some()) {
            let joining = self.member(m).joining.take();
            self.answer(joining, false);
            self.vanish(g, m);
        }
    }

    fn vanish(&mut self, g: usize, m: usize) {
        *self.member(m) = Member::default();
        self.group_mut(g).members.retain(|other| *other != m);
    }

    fn forget_ok_ends(&mut self, g: usize, m: usize) {
        let name = self.nodes[m].name.clone();
        let trace = &mut self.run_mut(g).trace;
        trace.retain(|record| record.name != name || !record.exit.is_ok());
    }

    fn parent_of(&self, m: usize) -> usize {
        self.nodes[m].parent.unwrap_or_default()
    }

    /// What happens, in words.
    pub(crate) fn tells(&self, made: &Move) -> String {
        let name = |n: &usize| &self.nodes[*n].name[..];
        match made {
            Move::Ready(n) => format!("{} says ready", name(n)),
            Move::Ends(n, how) => format!("{} ends {how:?}", name(n)),
            Move::Reads(n) => format!("{} reads", name(n)),
            Move::Told(signal) => format!("the root is told {signal}"),
            Move::Leave(n, how) => format!("{} is to be {how:?}", name(n)),
            Move::Restart(n) => format!("{} is to be restarted", name(n)),
            Move::Add(g, spec) => {
                let added = name_of_member(name(g), self.group(*g).named);
                format!("to {} is added:{}", name(g), Drawn(added, spec))
            }
        }
    }
}
