//! Stops: whose turn it is to be told, and how long that may take.

use ifrit::Signal;

use super::group::{Due, Member, Phase, Place};
use super::{Time, World, earlier};
use crate::kit::SECOND;
use crate::model::scene::Kind;

impl World {
    pub(crate) fn obey(&mut self, g: usize, signal: Signal) {
        let live = self.those(g, |m| m.place == Place::Live);
        let told = self.those(g, |m| m.told.is_some());
        let run = self.run(g);
        if !signal.is_stop() {
            for m in live {
                self.tell(m, signal, None);
            }
        } else if run.phase != Phase::Stopping || run.signal.is_none() {
            self.begin_stop(g, Some(signal));
            if signal != Signal::KILL {
                told.into_iter()
                    .for_each(|m| self.tell_member(g, m, signal));
            }
        } else {
            self.run_mut(g).signal = Some(signal);
            self.limit_stop(g);
            let whom = if signal == Signal::KILL { live } else { told };
            whom.into_iter()
                .for_each(|m| self.tell_member(g, m, signal));
        }
        self.go_on(g);
    }

    pub(crate) fn begin_stop(&mut self, g: usize, signal: Option<Signal>) {
        self.cancel_restarts(g);
        self.turn_away(g);
        let run = self.run_mut(g);
        run.phase = Phase::Stopping;
        run.signal = signal;
        if signal.is_some() {
            self.stop_those(g, |_| true);
        }
        self.go_on(g);
    }

    /// KILL goes to all of them at once, anything else to each in its turn.
    pub(crate) fn stop_those(&mut self, g: usize, whom: impl Fn(&Member) -> bool) {
        self.limit_stop(g);
        if let Some(Signal::KILL) = self.run(g).signal {
            for m in self.those(g, whom) {
                self.tell_member(g, m, Signal::KILL);
            }
        }
    }

    /// Whoever's turn it is is told, and a group whose members are all up says so.
    pub(crate) fn go_on(&mut self, g: usize) {
        let run = self.run(g);
        let stopping = run.phase == Phase::Stopping;
        if let Some(signal) = run.signal.filter(|_| stopping || run.round.is_some()) {
            let live = self.those(g, |m| m.place == Place::Live && (stopping || m.in_round));
            let in_turn = match self.group(g).settings.kind {
                Kind::Parallel => &live[..],
                Kind::Ordered => &live[live.len().saturating_sub(1)..],
                Kind::QueueOrdered => &live[..live.len().min(1)],
            };
            in_turn.iter().for_each(|m| self.turn_of(g, *m, signal));
        }
        if self.run(g).round.is_some() && !self.round_stops(g) {
            self.forget_limit(g);
        }
        let run = self.run(g);
        if run.phase == Phase::Starting
            && run.round.is_none()
            && self
                .those(g, |m| m.awaited || m.place == Place::Waiting)
                .is_empty()
        {
            self.run_mut(g).phase = Phase::Running;
            self.says_ready(g);
        }
    }

    fn turn_of(&mut self, g: usize, m: usize, signal: Signal) {
        let delay = self.nodes[m].options.stop_delay;
        let at = delay.map(|delay| self.now + delay * SECOND);
        let member = self.member(m);
        if member.told.is_some() {
            return;
        }
        match at {
            Some(at) => member.timer = member.timer.or(Some((at, Due::Tell))),
            None => self.tell_member(g, m, signal),
        }
    }

    pub(crate) fn tell_member(&mut self, g: usize, m: usize, signal: Signal) {
        if !self.is_live(m) {
            return;
        }
        let first = self.nodes[m].member.told.unwrap_or(self.now);
        let own = self.nodes[m]
            .options
            .stop_within
            .map(|limit| first + limit * SECOND);
        let kill_at = earlier(own, self.run(g).kill_at);
        if !self.tell(m, signal, kill_at) {
            return;
        }
        self.run_mut(g).tells += 1;
        let member = self.member(m);
        member.told = Some(first);
        if !member.killed {
            member.timer = kill_at.map(|at| (at, Due::Kill));
        }
    }

    // Time.

    /// How long a stop may take that begins here.
    pub(crate) fn limit_of_stop(&self, g: usize) -> Option<Time> {
        let own = self
            .group(g)
            .settings
            .stop_within
            .map(|limit| limit * SECOND);
        earlier(own, self.nodes[g].process.stop_within)
    }

    fn limit_stop(&mut self, g: usize) {
        let begins = self.run(g).kill_at.is_none();
        let own = self.limit_of_stop(g).filter(|_| begins);
        let own = own.map(|limit| self.now + limit);
        let by = earlier(own, self.nodes[g].process.stop_by);
        let handed = by.map(|by| self.hand_down(g, by));
        let run = self.run_mut(g);
        run.kill_at = earlier(run.kill_at, handed);
        run.kills = true;
    }

    pub(crate) fn forget_limit(&mut self, g: usize) {
        let run = self.run_mut(g);
        run.kill_at = None;
        run.kills = false;
    }

    pub(crate) fn is_due(&self, g: usize) -> bool {
        self.due_times(g).any(|at| at <= self.now)
    }

    pub(crate) fn next_due_in(&self, g: usize) -> Option<Time> {
        self.due_times(g).filter(|at| *at > self.now).min()
    }

    fn due_times(&self, g: usize) -> impl Iterator<Item = Time> {
        let (group, run) = (self.group(g), self.run(g));
        let members = group.members.iter();
        let timers = members.filter_map(|m| self.nodes[*m].member.timer.map(|(at, _)| at));
        let kills = run.kill_at.filter(|_| run.kills);
        let round = run.round.filter(|_| !self.round_stops(g));
        timers.chain(kills).chain(round)
    }

    pub(crate) fn do_what_is_due(&mut self, g: usize) {
        for m in self.group(g).members.clone() {
            let Some((_, due)) = self.nodes[m].member.timer.filter(|(at, _)| *at <= self.now)
            else {
                continue;
            };
            self.member(m).timer = None;
            match (due, self.run(g).signal) {
                (Due::Tell, Some(signal)) => self.tell_member(g, m, signal),
                (Due::Tell, None) => {}
                (Due::Kill, _) => self.kill(g, m),
                (Due::GiveUp, _) => self.give_up(m),
                (Due::Restart, _) => self.start(g, m),
            }
        }
        let (now, run) = (self.now, self.run_mut(g));
        if run.kills && run.kill_at.is_some_and(|at| at <= now) {
            run.kills = false;
            let stopping = run.phase == Phase::Stopping;
            let whom = self.those(g, |m| stopping || m.in_round);
            whom.into_iter().for_each(|m| self.kill(g, m));
        }
        let resumes = self.run(g).round.is_some_and(|at| at <= self.now);
        if resumes && !self.round_stops(g) {
            self.resume(g);
        }
        self.go_on(g);
    }

    fn kill(&mut self, g: usize, m: usize) {
        if !self.is_live(m) || self.nodes[m].member.killed {
            return;
        }
        self.member(m).killed = true;
        self.tell_member(g, m, Signal::KILL);
        self.member(m).timer = Some((self.now + self.grace(g), Due::GiveUp));
    }

    /// A limit for those below: shorter by what the group itself needs to report.
    pub(crate) fn hand_down(&self, g: usize, by: Time) -> Time {
        by - self.grace(g).min(by.saturating_sub(self.now) / 10)
    }
}
