//! The model: an ordered group with restarts, as a state and what each event makes of it.

use ifrit::grouper::{MemberState, Strategy};
use ifrit::prelude::Signal;

use crate::kit::How;

pub(super) const DELAY: u64 = 10;
pub(super) const BUDGET: usize = 3;
pub(super) const WITHIN: u64 = 25;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Policy {
    Permanent,
    Transient,
    Temporary,
}

/// What happens to the group. A number stands for a member: modulo those there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Ready(usize),
    Ends(usize, How),
    /// So many seconds.
    Passes(u64),
    Notified,
    Stopped,
    Terminate(usize),
    Restart(usize),
    Remove(usize),
    Add(Policy),
}

/// What must follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Effect {
    Called(usize),
    Told(usize, Signal),
    /// Whoever has asked for this member to go, or to be started: whether that was done.
    Answered(usize, bool),
    Exits,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Waiting,
    Live { ready: bool, told: bool },
    Down,
    Done,
    Terminated,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Starting,
    Running,
    Stopping,
    Over,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: usize,
    policy: Policy,
    place: Place,
    ever_ready: bool,
    /// Those after it are not started before it is ready or has ended.
    awaited: bool,
    in_round: bool,
    restart_at: Option<u64>,
    leaving: Option<Leaving>,
    pub(super) runs: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Leaving {
    Terminated,
    Removed,
}

#[derive(Debug)]
pub(super) struct Machine {
    strategy: Strategy,
    pub(super) members: Vec<Member>,
    ids: usize,
    phase: Phase,
    now: u64,
    spent: Vec<u64>,
    /// When the starts of the round may begin.
    round: Option<u64>,
    signal: Signal,
    pub(super) was_ready: bool,
    pub(super) failed: bool,
    effects: Vec<Effect>,
}

impl Member {
    fn new(id: usize, policy: Policy) -> Self {
        Member {
            id,
            policy,
            place: Place::Waiting,
            ever_ready: false,
            awaited: false,
            in_round: false,
            restart_at: None,
            leaving: None,
            runs: 0,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.place, Place::Live { .. })
    }

    fn is_told(&self) -> bool {
        matches!(self.place, Place::Live { told: true, .. })
    }

    pub(super) fn state(&self) -> MemberState {
        match self.place {
            Place::Waiting => MemberState::Waiting,
            Place::Live { told: true, .. } => MemberState::Stopping,
            Place::Live { ready: true, .. } => MemberState::Ready,
            Place::Live { .. } => MemberState::Starting,
            Place::Down => MemberState::Restarting,
            Place::Done => MemberState::Completed,
            Place::Terminated => MemberState::Terminated,
        }
    }
}

impl Machine {
    pub(super) fn new(strategy: Strategy, policies: &[Policy]) -> Self {
        let members = policies.iter().enumerate();
        Machine {
            strategy,
            members: members
                .map(|(id, policy)| Member::new(id, *policy))
                .collect(),
            ids: policies.len(),
            phase: Phase::Starting,
            now: 0,
            spent: Vec::new(),
            round: None,
            signal: Signal::INTERRUPT,
            was_ready: false,
            failed: false,
            effects: Vec::new(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Where this member stands, if there is any.
    pub(super) fn who(&self, number: usize) -> Option<usize> {
        (!self.members.is_empty()).then(|| number % self.members.len())
    }

    pub(super) fn next_id(&self) -> usize {
        self.ids
    }

    /// Whether the event can happen now.
    pub(super) fn can(&self, event: Event) -> bool {
        let member = |number| self.who(number).map(|at| &self.members[at]);
        match event {
            Event::Ready(n) => {
                member(n).is_some_and(|m| matches!(m.place, Place::Live { ready: false, .. }))
            }
            Event::Ends(n, _) => member(n).is_some_and(Member::is_live),
            Event::Terminate(n) | Event::Remove(n) | Event::Restart(n) => member(n).is_some(),
            Event::Add(_) => self.phase == Phase::Running,
            Event::Passes(_) | Event::Notified | Event::Stopped => true,
        }
    }

    /// What must follow from the beginning, or from an event that can happen.
    pub(super) fn begin(&mut self) -> Vec<Effect> {
        self.settle_down();
        std::mem::take(&mut self.effects)
    }

    pub(super) fn take(&mut self, event: Event) -> Vec<Effect> {
        let at = |machine: &Machine, number| machine.who(number).unwrap_or_default();
        match event {
            Event::Ready(n) => {
                let at = at(self, n);
                let member = &mut self.members[at];
                if let Place::Live { ready, .. } = &mut member.place {
                    *ready = true;
                }
                member.ever_ready = true;
                member.awaited = false;
            }
            Event::Ends(n, how) => self.ends(at(self, n), how),
            Event::Passes(seconds) => self.now += seconds,
            Event::Notified => {
                let live = self.members.iter().filter(|member| member.is_live());
                let told = live.map(|member| Effect::Told(member.id, Signal::USER1));
                self.effects.extend(told);
            }
            Event::Stopped => self.stopped(),
            Event::Terminate(n) => self.send_away(at(self, n), Leaving::Terminated),
            Event::Remove(n) => self.send_away(at(self, n), Leaving::Removed),
            Event::Restart(n) => self.restart_now(at(self, n)),
            Event::Add(policy) => {
                self.members.push(Member::new(self.ids, policy));
                self.ids += 1;
                self.start(self.members.len() - 1);
            }
        }
        self.settle_down();
        std::mem::take(&mut self.effects)
    }

    fn start(&mut self, at: usize) {
        let member = &mut self.members[at];
        member.place = Place::Live {
            ready: false,
            told: false,
        };
        member.restart_at = None;
        member.in_round = false;
        member.runs += 1;
        self.effects.push(Effect::Called(member.id));
    }

    fn tell(&mut self, at: usize, signal: Signal) {
        if let Place::Live { told, .. } = &mut self.members[at].place {
            *told = true;
            self.effects.push(Effect::Told(self.members[at].id, signal));
        }
    }

    fn stopped(&mut self) {
        let told: Vec<usize> = (0..self.members.len())
            .filter(|at| self.members[*at].is_told())
            .collect();
        if self.phase != Phase::Stopping {
            self.begin_stop();
        }
        self.signal = Signal::TERMINATE;
        for at in told {
            self.tell(at, Signal::TERMINATE);
        }
    }

    fn begin_stop(&mut self) {
        self.phase = Phase::Stopping;
        self.signal = Signal::INTERRUPT;
        self.round = None;
    }

    /// Whether a round is still stopping members.
    fn round_stops(&self) -> bool {
        self.round.is_some() && self.members.iter().any(|m| m.in_round && m.is_live())
    }

    fn ends(&mut self, at: usize, how: How) {
        let stopped_by_round = self.round_stops() && self.members[at].in_round;
        let starting = self.phase == Phase::Starting;
        let (ok, told) = (how == How::Ok, self.members[at].is_told());
        let member = &mut self.members[at];
        let is_first = starting && !member.ever_ready;
        let allowed = match member.policy {
            Policy::Permanent => false,
            Policy::Transient => ok,
            Policy::Temporary => true,
        };
        member.awaited = false;
        if self.phase == Phase::Stopping {
            member.place = Place::Done;
            self.failed |= !ok;
            if let Some(leaving) = member.leaving.take() {
                let done = leaving == Leaving::Terminated;
                self.effects.push(Effect::Answered(member.id, done));
            }
        } else if member.leaving.is_some() {
            self.leave(at);
        } else if member.policy == Policy::Temporary && told {
            member.place = Place::Done;
        } else if told {
            member.place = Place::Down;
        } else if allowed && (ok || !is_first) {
            member.place = Place::Done;
            self.failed |= !ok;
        } else if stopped_by_round {
            member.place = Place::Down;
        } else if is_first {
            member.place = Place::Done;
            self.failed |= !ok;
            self.begin_stop();
        } else {
            self.restart(at, starting);
        }
    }

    fn restart(&mut self, at: usize, starting: bool) {
        self.spent.retain(|spent| self.now - spent < WITHIN);
        self.spent.push(self.now);
        if self.spent.len() > BUDGET {
            self.members[at].place = Place::Done;
            self.failed = true;
            return self.begin_stop();
        }
        self.members[at].place = Place::Down;
        let from = match self.strategy {
            Strategy::OneForAll => 0,
            Strategy::RestForOne => at,
            _ => {
                self.members[at].restart_at = Some(self.now + DELAY);
                self.members[at].awaited = starting;
                return;
            }
        };
        for member in &mut self.members[from..] {
            member.in_round = true;
            member.awaited = false;
        }
        self.round = Some(self.now + DELAY);
        self.signal = Signal::INTERRUPT;
    }

    fn send_away(&mut self, at: usize, how: Leaving) {
        let member = &mut self.members[at];
        if self.phase == Phase::Stopping || member.leaving.is_some() {
            return self.effects.push(Effect::Answered(member.id, false));
        }
        member.leaving = Some(how);
        member.awaited &= member.is_live();
        if member.is_live() {
            self.tell(at, Signal::INTERRUPT);
        } else {
            self.leave(at);
        }
    }

    fn leave(&mut self, at: usize) {
        let member = &mut self.members[at];
        member.place = Place::Terminated;
        member.restart_at = None;
        self.effects.push(Effect::Answered(member.id, true));
        if member.leaving.take() == Some(Leaving::Removed) {
            self.members.remove(at);
        }
    }

    fn restart_now(&mut self, at: usize) {
        let member = &self.members[at];
        let may = match member.place {
            Place::Done | Place::Terminated => true,
            Place::Down => !member.in_round,
            _ => false,
        } && self.phase != Phase::Stopping;
        self.effects.push(Effect::Answered(member.id, may));
        if may {
            self.start(at);
        }
    }

    /// Everything that follows by itself.
    fn settle_down(&mut self) {
        while self.follows() {}
        let done = self
            .members
            .iter()
            .filter(|m| m.place == Place::Done)
            .count();
        let is_over = match self.phase {
            Phase::Running => done > 0 && done == self.members.len(),
            Phase::Stopping => !self.members.iter().any(Member::is_live),
            Phase::Starting | Phase::Over => false,
        };
        if is_over {
            self.phase = Phase::Over;
            self.effects.push(Effect::Exits);
        }
    }

    /// One thing that follows; false if nothing does.
    fn follows(&mut self) -> bool {
        // Those to stop are told in reverse, each when the one after it has gone.
        let stopping = self.phase == Phase::Stopping;
        let concerned =
            |m: &Member| m.is_live() && (stopping || self.round.is_some() && m.in_round);
        if let Some(last) = self.members.iter().rposition(concerned) {
            let tells = !self.members[last].is_told();
            if tells {
                self.tell(last, self.signal);
            }
            return tells;
        }
        if stopping {
            return false;
        }
        if let Some(resume_at) = self.round {
            if resume_at > self.now {
                return false;
            }
            self.round = None;
            for member in &mut self.members {
                if std::mem::take(&mut member.in_round) && member.place == Place::Down {
                    member.place = Place::Waiting;
                }
            }
        }
        let due =
            |m: &Member| m.place == Place::Down && m.restart_at.is_some_and(|at| at <= self.now);
        if let Some(due) = self.members.iter().position(due) {
            self.start(due);
            return true;
        }
        if self.members.iter().any(|member| member.awaited) {
            return false;
        }
        if let Some(next) = self.members.iter().position(|m| m.place == Place::Waiting) {
            self.members[next].awaited = true;
            self.start(next);
            return true;
        }
        if self.phase == Phase::Starting {
            self.phase = Phase::Running;
            self.was_ready = true;
        }
        false
    }
}
