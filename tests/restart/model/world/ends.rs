//! What the exit of a member means: for the trace, for the others, and for itself.

use ifrit::Signal;
use ifrit::{
    error::Cause,
    grouper::{AutoShutdown, Strategy},
};

use super::exits::{Exit, Record};
use super::group::{Due, Member, Phase, Place};
use super::{Node, Restart, Time, Why, World, spend};
use crate::model::scene::{Options, Policy};

/// Whether the policy allows such an end.
fn is_allowed(options: Options, ok: bool) -> bool {
    match options.policy {
        _ if options.one_shot && ok => true,
        None | Some(Policy::Permanent) => false,
        Some(Policy::Transient) => ok,
        Some(Policy::Temporary) => true,
    }
}

impl World {
    pub(crate) fn exited(&mut self, g: usize, m: usize, exit: Exit, given_up: bool) {
        let stopped_by_round = self.round_stops(g) && self.nodes[m].member.in_round;
        let (now, batch) = (self.now, (self.moves, self.run(g).tells));
        let member = self.member(m);
        let told = member.told.take();
        member.awaited = false;
        member.killed = false;
        member.deadline = None;
        member.tell_at = None;
        member.timer = None;
        member.place = match given_up {
            true => Place::Abandoned,
            false => Place::Down,
        };
        let is_leaving = member.leaving.is_some();
        let record = Record {
            name: self.nodes[m].name.clone(),
            number: self.nodes[m].process.number,
            exit,
            cause: Cause::Initiator,
            time_to_stop: told.map(|told| now - told),
            batch,
        };
        if self.run(g).phase == Phase::Stopping {
            let cause = self.cause_in_a_stop(g, m, &record);
            let unasked = told.is_none() && self.is_unasked(m, &record);
            let record = if unasked { record.unasked() } else { record };
            self.is_final(g, m, Record { cause, ..record });
        } else if record.exit.is_fatal() {
            self.initiates(g, m, record);
        } else if is_leaving && !given_up && record.exit.leaves_threads() {
            let cause = Cause::Stopped;
            self.leave_threads(g, m, Record { cause, ..record });
        } else if is_leaving {
            self.leave(g, m);
        } else {
            self.goes_by_policy(g, m, record, stopped_by_round);
        }
    }

    fn cause_in_a_stop(&self, g: usize, m: usize, record: &Record) -> Cause {
        let node = &self.nodes[m];
        match record.time_to_stop {
            _ if node.member.place == Place::Abandoned => Cause::Abandoned,
            Some(_) if self.run(g).initiated => Cause::Consequence,
            Some(_) => Cause::Stopped,
            None if is_allowed(node.options, record.exit.is_ok()) && !node.options.essential => {
                Cause::Completed
            }
            None => Cause::Independent,
        }
    }

    /// It should not have ended, not even well.
    fn is_unasked(&self, m: usize, record: &Record) -> bool {
        self.nodes[m].options.essential && record.exit.is_ok()
    }

    fn goes_by_policy(&mut self, g: usize, m: usize, record: Record, stopped_by_round: bool) {
        let Node {
            options,
            ref member,
            ..
        } = self.nodes[m];
        let (told, ok) = (record.time_to_stop.is_some(), record.exit.is_ok());
        let first_failed = self.run(g).phase == Phase::Starting && !member.ever_ready;
        let temporary = options.policy == Some(Policy::Temporary);
        let allowed = is_allowed(options, ok) && (ok || !first_failed);
        let given_up = member.place == Place::Abandoned;
        let cause = Cause::Completed;
        if given_up || record.exit.leaves_threads() && !temporary {
            self.initiates(g, m, record); // no member is started again whose threads may still run
        } else if told && temporary {
            let member = self.member(m);
            member.place = Place::Done;
            member.down = false;
            member.counts = false;
            self.run_mut(g).all_done = self.are_all_done(g);
        } else if told {
            self.tell_of_restart_in_round(g, m);
        } else if allowed && options.essential {
            self.initiates_or_unasked(g, m, record);
        } else if allowed && self.shuts_down(g, m) {
            self.initiates_because(g, m, record, Why::AutoShutdown);
        } else if allowed {
            self.is_final(g, m, Record { cause, ..record });
        } else if stopped_by_round {
            self.tell_of_restart_in_round(g, m); // as if it had been told
        } else if first_failed && (temporary || !options.from_the_start) || options.policy.is_none()
        {
            self.initiates_or_unasked(g, m, record);
        } else {
            self.restart(g, m, record);
        }
    }

    /// A member has completed: whether that ends the group.
    fn shuts_down(&mut self, g: usize, m: usize) -> bool {
        if !std::mem::take(&mut self.member(m).counts) {
            return false;
        }
        match self.group(g).settings.auto_shutdown {
            AutoShutdown::Any => true,
            AutoShutdown::All => self.those(g, |m| m.counts).is_empty(),
            _ => false,
        }
    }

    /// An end that it was not told to, and that ends the group.
    fn initiates_or_unasked(&mut self, g: usize, m: usize, record: Record) {
        let unasked = self.is_unasked(m, &record);
        let record = if unasked { record.unasked() } else { record };
        self.initiates(g, m, record);
    }

    fn initiates(&mut self, g: usize, m: usize, record: Record) {
        let why = Why::Member(self.id(m));
        self.initiates_because(g, m, record, why);
    }

    fn initiates_because(&mut self, g: usize, m: usize, record: Record, why: Why) {
        self.is_final(g, m, record);
        let termination = self.group(g).settings.termination;
        self.run_mut(g).initiated = termination.is_some();
        self.begin_stop(g, termination, why);
    }

    fn is_final(&mut self, g: usize, m: usize, record: Record) {
        let member = self.member(m);
        if member.place != Place::Abandoned {
            member.place = Place::Done;
        }
        member.down = false;
        let leaving = member.leaving.take();
        self.overtaken(leaving, &record.exit);
        self.run_mut(g).record(record);
        self.run_mut(g).all_done = self.are_all_done(g);
    }

    pub(crate) fn record_abandoned(&mut self, g: usize) {
        for m in self.those(g, |m| m.place == Place::Abandoned) {
            let name = self.nodes[m].name.clone();
            let number = self.nodes[m].process.number;
            let is_it = |record: &Record| record.name == name && record.number == number;
            if !self.run(g).trace.iter().any(is_it) {
                let record = Record {
                    number,
                    exit: Exit::Abandoned(vec![name.clone()]),
                    name,
                    cause: Cause::Abandoned,
                    time_to_stop: None,
                    batch: (usize::MAX, 0),
                };
                self.run_mut(g).record(record);
            }
        }
    }

    /// The limit of the group's start is over, and this one waits for its restart, or would.
    pub(crate) fn not_ready_in_time(&mut self, g: usize, m: usize, record: Record) {
        let set = self.run(g).start.map(|limit| limit.set);
        let exit = match record.exit {
            Exit::StartTimeout { after, .. } if after == set => record.exit, // it is not said twice
            exit => Exit::StartTimeout {
                after: set,
                stuck: false,
                source: exit.error(),
            },
        };
        let batch = (self.moves, self.run(g).tells);
        let record = Record {
            exit,
            batch,
            ..record
        };
        self.initiates(g, m, record);
    }

    fn restart(&mut self, g: usize, m: usize, record: Record) {
        let limit = self
            .run(g)
            .start
            .filter(|_| self.run(g).phase == Phase::Starting);
        if limit.is_some_and(|limit| limit.end <= self.now) {
            return self.not_ready_in_time(g, m, record);
        }
        let (now, run) = (self.now, self.run_mut(g));
        if !spend(&mut run.spent, now) {
            let source = record.exit.error();
            let exit = Exit::Budget { source };
            return self.initiates(g, m, Record { exit, ..record });
        }
        let (starting, attempt) = (run.phase == Phase::Starting, run.spent.len());
        let options = self.nodes[m].options;
        let member = self.member(m);
        let at = now + member.delays.next(options, now);
        member.restarts += 1;
        let restart = Restart {
            by_group: true,
            attempt,
            delay: at - now,
        };
        member.down = true;
        member.failed = limit.map(|_| record);
        self.tell_of_restart(m, restart);
        let members = self.group(g).members.iter();
        let position = members.take_while(|other| **other != m).count();
        match self.group(g).settings.strategy {
            Strategy::OneForAll => self.begin_round(g, 0, at),
            Strategy::RestForOne => self.begin_round(g, position, at),
            _ => {
                let member = self.member(m);
                member.awaited = starting;
                member.timer = Some((at, Due::Restart));
            }
        }
        // What was added does not wait for a member that is down.
        for m in self.those(g, |m| m.joining.is_some()) {
            self.start(g, m);
        }
    }

    // Rounds: those concerned are stopped, the delay passes, and they are started again.

    fn begin_round(&mut self, g: usize, from: usize, at: Time) {
        for m in self.group(g).members.clone().split_off(from) {
            let member = self.member(m);
            member.awaited = false;
            member.in_round = true;
        }
        for m in self.those(g, |m| m.in_round && m.place == Place::Live) {
            self.member(m).down = true;
        }
        let termination = self.group(g).settings.termination;
        let run = self.run_mut(g);
        run.round = Some(at);
        run.signal = Some(termination.unwrap_or(Signal::INTERRUPT));
        self.forget_limit(g);
        self.stop_those(g, |m| m.in_round);
    }

    /// Whether a round is still stopping members.
    pub(crate) fn round_stops(&self, g: usize) -> bool {
        let live = |m: &Member| m.in_round && m.place == Place::Live;
        self.run(g).round.is_some() && !self.those(g, live).is_empty()
    }

    /// The starts of a round begin.
    pub(crate) fn resume(&mut self, g: usize) {
        self.run_mut(g).round = None;
        for m in self.those(g, |m| m.in_round) {
            let member = self.member(m);
            member.in_round = false;
            if member.place == Place::Down {
                member.place = Place::Waiting;
            }
        }
    }

    /// A stop has begun: no member comes back.
    pub(crate) fn cancel_restarts(&mut self, g: usize) {
        if self.run_mut(g).round.take().is_some() {
            self.forget_limit(g);
        }
        for m in self.group(g).members.clone() {
            let member = self.member(m);
            member.in_round = false;
            member.down = false;
            member.timer = member.timer.filter(|(_, due)| *due != Due::Restart);
        }
    }
}
