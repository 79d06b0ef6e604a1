//! One run of a group: its beginning, its starts, what it hears, and its end.

use super::exits::Exit;
use super::group::{Member, News, Phase, Place, Run};
use super::{Limit, World, earlier};
use crate::kit::SECOND;
use crate::model::scene::Kind;

impl World {
    pub(crate) fn run_begins(&mut self, g: usize) {
        let members = self.group(g).members.clone();
        let away = members.iter().filter(|m| self.has_thread(**m));
        let mut away: Vec<_> = away.map(|m| self.nodes[*m].name.clone()).collect();
        away.sort();
        if !away.is_empty() {
            return self.ends(g, Exit::Abandoned(away));
        }
        for m in members {
            *self.member(m) = Member {
                counts: self.nodes[m].options.significant,
                ..Member::default()
            };
        }
        let process = &self.nodes[g].process;
        let handed = process.start.filter(|_| !process.ready);
        let handed = handed.map(|limit| Limit {
            end: self.hand_down(g, limit.end),
            ..limit
        });
        let own = self.group(g).settings.start_within;
        let own = own.map(|limit| Limit::new(self.now, limit));
        let start = Limit::first(own, handed);
        let group = self.group_mut(g);
        group.inbox.clear();
        group.run = Run {
            start,
            ..Run::default()
        };
        self.go_on(g);
    }

    pub(crate) fn is_over(&self, g: usize) -> bool {
        match self.run(g).phase {
            Phase::Starting => false,
            Phase::Running => self.run(g).all_done && self.are_all_done(g),
            Phase::Stopping => self.those(g, |m| m.place == Place::Live).is_empty(),
        }
    }

    /// Every member has ended for good.
    pub(crate) fn are_all_done(&self, g: usize) -> bool {
        self.those(g, |m| m.place != Place::Done).is_empty()
    }

    pub(crate) fn run_ends(&mut self, g: usize) {
        self.record_abandoned(g);
        let trace = std::mem::take(&mut self.run_mut(g).trace);
        let all_ok = trace.iter().all(|record| record.exit.is_ok());
        let exit = if all_ok { Exit::Ok } else { Exit::Group(trace) };
        self.ends(g, exit);
    }

    // Starts.

    pub(crate) fn may_start(&self, g: usize) -> bool {
        let in_time = match self.group(g).settings.kind {
            Kind::Parallel => true,
            Kind::Ordered | Kind::QueueOrdered => self.those(g, |m| m.awaited).is_empty(),
        };
        let run = self.run(g);
        in_time
            && run.phase != Phase::Stopping
            && run.round.is_none()
            && !self.those(g, |m| m.place == Place::Waiting).is_empty()
    }

    pub(crate) fn start_next(&mut self, g: usize) {
        let waiting = self.those(g, |m| m.place == Place::Waiting);
        if let Some(next) = waiting.first() {
            self.member(*next).awaited = true;
            self.start(g, *next);
        }
    }

    pub(crate) fn start(&mut self, g: usize, m: usize) {
        let run = self.run(g);
        let handed = run.start.filter(|_| run.phase == Phase::Starting);
        let inside = self.limit_of_stop(g);
        let options = self.nodes[m].options;
        let own = options.start_within;
        let own = own.map(|limit| Limit::new(self.now, limit));
        let stop_within = options.stop_within.map(|limit| limit * SECOND);
        let member = self.member(m);
        member.place = Place::Live;
        member.in_round = false;
        member.counts = options.significant;
        member.delays.ready_since = None;
        member.failed = None;
        let joining = member.joining.take();
        self.answer(joining, true);
        self.run_mut(g).all_done = false;
        self.launch(m, Limit::first(own, handed), earlier(stop_within, inside));
    }

    // What it hears.

    pub(crate) fn hear(&mut self, g: usize) {
        let Some((m, news)) = self.group_mut(g).inbox.pop_front() else {
            return;
        };
        let now = self.now;
        let member = self.member(m);
        match news {
            News::Ready => {
                member.delays.ready_since = Some(now);
                member.ever_ready = true;
                member.awaited = false;
                member.down &= member.in_round;
            }
            News::EndedLate if member.place == Place::Abandoned => member.place = Place::Terminated,
            News::EndedLate => {}
            News::Exited { exit, given_up } => self.exited(g, m, exit, given_up),
        }
        self.go_on(g);
    }
}
