//! Stops: whose turn it is to be told, and how long that may take.

use ifrit::Signal;

use super::group::{Due, Member, Phase, Place};
use super::{Deadline, Time, Why, World, earlier, sooner};
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
            self.begin_stop(g, Some(signal), Why::Signal(signal));
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

    pub(crate) fn begin_stop(&mut self, g: usize, signal: Option<Signal>, why: Why) {
        if self.run(g).phase != Phase::Stopping {
            self.tell_of_stop(g, why);
        }
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

    /// Members whose turn it is are told, and a group whose members are all up says so.
    pub(crate) fn go_on(&mut self, g: usize) {
        let run = self.run(g);
        let stopping = run.phase == Phase::Stopping;
        if let Some(signal) = run.signal.filter(|_| stopping || run.round.is_some()) {
            let live = self.to_stop(g);
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
        if member.told.is_some() || member.tell_at.is_some() {
            self.hasten(g, m);
        } else if at.is_some() {
            member.tell_at = at;
            self.hasten(g, m);
        } else {
            self.tell_member(g, m, signal);
        }
    }

    pub(crate) fn tell_member(&mut self, g: usize, m: usize, signal: Signal) {
        if !self.is_live(m) {
            return;
        }
        let member = &self.nodes[m].member;
        let mut deadline = sooner(member.deadline, self.share(g, m));
        if member.told.is_none() {
            let own = self.nodes[m].options.stop_within;
            let own = own.map(|limit| self.deadline(g, self.now + limit * SECOND));
            deadline = sooner(deadline, own);
        }
        if signal == Signal::KILL && !member.killed {
            deadline = sooner(deadline, Some((self.now, self.now + self.grace(g))));
        }
        if !self.tell(m, signal, deadline.map(|(_, end)| end)) {
            return;
        }
        self.run_mut(g).tells += 1;
        let now = self.now;
        let member = self.member(m);
        member.told.get_or_insert(now);
        member.tell_at = None;
        member.killed |= signal == Signal::KILL;
        member.deadline = deadline;
        member.set_timer();
    }

    /// Its deadline moves closer, if that is what the stop demands.
    fn hasten(&mut self, g: usize, m: usize) {
        let share = self.share(g, m);
        let member = self.member(m);
        member.deadline = sooner(member.deadline, share);
        member.set_timer();
    }

    /// What one member has of the time of the stop. In an ordered one, as long as others wait to be told, it is over a
    /// little sooner than all.
    fn share(&self, g: usize, m: usize) -> Option<Deadline> {
        let mut end = self.run(g).end?;
        let live = self.to_stop(g);
        if !live.contains(&m) {
            return None;
        }
        let in_turn = match self.group(g).settings.kind {
            Kind::Parallel => None,
            Kind::Ordered => live.last(),
            Kind::QueueOrdered => live.first(),
        };
        let waits = |other: &usize| *other != m && self.nodes[*other].member.told.is_none();
        let in_order = self.run(g).signal != Some(Signal::KILL);
        if in_order && in_turn == Some(&m) && live.iter().any(waits) {
            end = self.hand_down(g, end);
        }
        Some(self.deadline(g, end))
    }

    fn to_stop(&self, g: usize) -> Vec<usize> {
        let stopping = self.run(g).phase == Phase::Stopping;
        self.those(g, |m| m.place == Place::Live && (stopping || m.in_round))
    }

    // Time.

    /// How long a stop may take that begins here.
    pub(crate) fn limit_of_stop(&self, g: usize) -> Option<Time> {
        let own = self.group(g).settings.stop_within;
        let own = own.map(|limit| limit * SECOND);
        let handed = self.nodes[g].process.stop_within;
        earlier(
            own,
            handed.map(|limit| limit - self.grace(g).min(limit / 10)),
        )
    }

    fn limit_stop(&mut self, g: usize) {
        let begins = self.run(g).end.is_none();
        let own = self.limit_of_stop(g).filter(|_| begins);
        let own = own.map(|limit| self.now + limit);
        let handed = self.nodes[g].process.stop_end;
        let handed = handed.map(|end| self.hand_down(g, end));
        let run = self.run_mut(g);
        run.end = earlier(run.end, earlier(own, handed));
        for m in self.those(g, |m| m.told.is_some() || m.tell_at.is_some()) {
            self.hasten(g, m);
        }
    }

    pub(crate) fn forget_limit(&mut self, g: usize) {
        self.run_mut(g).end = None;
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
        let start = self.overdue_member(g).and(run.start);
        let start = start.map(|limit| limit.end);
        let round = run.round.filter(|_| !self.round_stops(g));
        timers.chain(start).chain(round)
    }

    /// The first member that waits for its restart while the group, which has a limit for that, is starting.
    fn overdue_member(&self, g: usize) -> Option<usize> {
        let starting = self.run(g).phase == Phase::Starting;
        let down = self.those(g, |m| m.failed.is_some() && m.place == Place::Down);
        down.first().filter(|_| starting).copied()
    }

    pub(crate) fn do_what_is_due(&mut self, g: usize) {
        while self.is_due(g) {
            self.do_once_what_is_due(g);
        }
        self.go_on(g);
    }

    /// The limit of the start counts first: what it is over for is not started any more.
    fn do_once_what_is_due(&mut self, g: usize) {
        let is_over = self.run(g).start.is_some_and(|limit| limit.end <= self.now);
        if let Some(m) = self.overdue_member(g).filter(|_| is_over)
            && let Some(record) = self.member(m).failed.take()
        {
            self.not_ready_in_time(g, m, record);
        }
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
        let resumes = self.run(g).round.is_some_and(|at| at <= self.now);
        if resumes && !self.round_stops(g) {
            self.resume(g);
        }
    }

    fn kill(&mut self, g: usize, m: usize) {
        if !self.nodes[m].member.killed {
            self.tell_member(g, m, Signal::KILL);
        }
    }

    /// A stop that is over at `end`.
    fn deadline(&self, g: usize, end: Time) -> Deadline {
        (self.hand_down(g, end), end)
    }

    /// A limit for those below: shorter by what the group itself needs to report.
    pub(crate) fn hand_down(&self, g: usize, by: Time) -> Time {
        by - self.grace(g).min(by.saturating_sub(self.now) / 10)
    }
}

impl Member {
    /// What comes next for one that is being stopped.
    fn set_timer(&mut self) {
        let tell = self.tell_at.map(|at| (at, Due::Tell));
        self.timer = match self.deadline {
            None => tell,
            Some((_, end)) if self.killed => Some((end, Due::GiveUp)),
            Some((kill_at, _)) => match tell {
                Some((at, due)) if at < kill_at => Some((at, due)),
                _ => Some((kill_at, Due::Kill)),
            },
        };
    }
}
