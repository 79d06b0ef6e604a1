//! The real thing, next to the model.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use ifrit::grouper::{Ordered, Strategy};
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{Call, FakeRunner, Waiting};
use ifrit::{Signal, prelude::Member};

use super::machine::{BUDGET, DELAY, Effect, Event, Machine, Policy, WITHIN};
use crate::kit::{How, Running, SECOND};

struct Drive {
    model: Machine,
    running: Running,
    fakes: BTreeMap<usize, FakeRunner>,
    calls: BTreeMap<usize, Call>,
    /// Those who have asked for a member to go and wait for the answer, by member; the last one on top.
    asking: BTreeMap<usize, Vec<JoinHandle<bool>>>,
}

fn name(id: usize) -> String {
    format!("m{id}")
}

fn member(id: usize, policy: Policy, fake: &FakeRunner) -> Member {
    let restart = match policy {
        Policy::Permanent => Restart::permanent(),
        Policy::Transient => Restart::transient(),
        Policy::Temporary => Restart::temporary(),
    };
    let backoff = Backoff::constant(DELAY as u32 * SECOND);
    Member::new(name(id), fake.clone()).restart(restart.backoff(backoff))
}

/// Lets it all happen, and panics where the group does not do what the model says.
pub(super) fn run(strategy: Strategy, policies: &[Policy], up: bool, events: &[Event]) {
    let fakes: BTreeMap<_, _> = (0..policies.len())
        .map(|id| (id, FakeRunner::new()))
        .collect();
    let members = policies.iter().enumerate();
    let members = members.map(|(id, policy)| member(id, *policy, &fakes[&id]));
    let group = Ordered::new(members)
        .strategy(strategy)
        .budget(Budget::new(BUDGET, WITHIN as u32 * SECOND));
    let mut drive = Drive {
        model: Machine::new(strategy, policies),
        running: Running::new(group),
        fakes,
        calls: BTreeMap::new(),
        asking: BTreeMap::new(),
    };
    let effects = drive.model.begin();
    drive.expect(&effects);
    if up {
        for number in 0..policies.len() {
            drive.happens(Event::Ready(number));
        }
    }
    for event in events {
        drive.happens(*event);
    }
    drive.end();
}

impl Drive {
    fn happens(&mut self, event: Event) {
        if self.model.is_over() || !self.model.can(event) {
            return;
        }
        self.make(event);
        let effects = self.model.take(event);
        self.expect(&effects);
        if !self.model.is_over() {
            self.compare();
        }
    }

    fn id(&self, number: usize) -> usize {
        let at = self.model.who(number).unwrap_or_default();
        self.model.members[at].id
    }

    /// Makes the event happen to the group.
    fn make(&mut self, event: Event) {
        let admin = self.running.admin.clone();
        match event {
            Event::Ready(n) => self.calls[&self.id(n)].trigger_ready(),
            Event::Ends(n, how) => {
                let id = self.id(n);
                self.running.ends(&name(id), &self.calls[&id], how);
            }
            Event::Passes(seconds) => self.running.clock.advance(seconds as u32 * SECOND),
            Event::Notified => self.running.process.signal(Signal::USER1),
            Event::Stopped => self.running.process.signal(Signal::TERMINATE),
            Event::Terminate(n) => self.ask(n, move |name| admin.terminate(name).is_ok()),
            Event::Remove(n) => self.ask(n, move |name| admin.remove(name).is_ok()),
            Event::Restart(n) => self.ask(n, move |name| admin.restart(name).is_ok()),
            Event::Add(policy) => {
                let (id, fake) = (self.model.next_id(), FakeRunner::new());
                admin.add(member(id, policy, &fake)).unwrap();
                self.fakes.insert(id, fake);
            }
        }
    }

    fn ask(&mut self, number: usize, ask: impl FnOnce(&str) -> bool + Send + 'static) {
        let id = self.id(number);
        let asking = std::thread::spawn(move || ask(&name(id)));
        self.asking.entry(id).or_default().push(asking);
    }

    fn expect(&mut self, effects: &[Effect]) {
        for effect in effects {
            match *effect {
                Effect::Called(id) => {
                    self.calls.insert(id, self.fakes[&id].wait_for_call());
                }
                Effect::Told(id, signal) => {
                    assert_eq!(self.calls[&id].wait_for_signal(), signal, "{}", name(id));
                }
                Effect::Answered(id, done) => {
                    let asking = self.asking.get_mut(&id).and_then(Vec::pop);
                    assert_eq!(asking.map(|asking| asking.join().unwrap()), Some(done));
                }
                Effect::Exits => {
                    let exit = self.running.process.expect_exit();
                    assert_eq!(exit.is_err(), self.model.failed, "{exit:?}");
                }
            }
        }
    }

    fn compare(&self) {
        let model = self.model.members.iter();
        let model: Vec<_> = model
            .map(|member| (name(member.id), member.state()))
            .collect();
        let real = self.running.members().into_iter();
        let real: Vec<_> = real.map(|member| (member.name, member.state)).collect();
        assert_eq!(real, model);
        assert_eq!(self.running.process.is_ready(), self.model.was_ready);
        for member in &self.model.members {
            let silent = |call: &Call| call.signals().is_empty();
            assert!(
                self.calls.get(&member.id).is_none_or(silent),
                "{}",
                name(member.id)
            );
            assert_eq!(
                self.fakes[&member.id].calls(),
                member.runs,
                "{}",
                name(member.id)
            );
        }
    }

    /// Stops what still runs.
    fn end(&mut self) {
        self.happens(Event::Stopped);
        while let Some(at) = self
            .model
            .members
            .iter()
            .rposition(|member| member.is_live())
        {
            if self.model.is_over() {
                break;
            }
            self.happens(Event::Ends(at, How::Ok));
        }
        assert!(self.model.is_over() && self.running.process.try_exit().is_some());
        for (id, fake) in &self.fakes {
            let runs = self.model.members.iter().find(|member| member.id == *id);
            assert!(runs.is_none_or(|member| member.runs == fake.calls()));
        }
    }
}
