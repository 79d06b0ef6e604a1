//! A group and its client against a model, over random scenes.
//!
//! The members are fakes that do what the scene says, one step at a time. After each step whatever the model predicts is
//! waited for, so a scene is deterministic, and one that fails shrinks to the shortest that does.

use std::collections::{BTreeMap, VecDeque};

use ifrit::crossbeam_channel::TryRecvError;
use ifrit::testing::{Call, Waiting};
use ifrit::{
    Error, Process, Signal,
    error::Cause,
    grouper::{Capacity, Dynamic, DynamicClient, Ends, Entrance, ExitEvent, Reason},
    observe::Events,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::kit::{fake, recv, stress};

/// So few names that they often meet.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const BUFFER: usize = 3;
const HISTORY: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert {
        name: usize,
        one_shot: bool,
    },
    Ready(usize),
    Exit(usize, How),
    Get(usize),
    Signal(Signal),
    Close,
    /// A late listener looks, and goes.
    Listen,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Well,
    Badly,
    Panicking,
}

#[derive(Clone, Debug)]
struct Scene {
    capacity: Option<usize>,
    ends: Option<Ends>,
    reuse_threads: bool,
    steps: Vec<Step>,
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    let how = select(vec![How::Well, How::Badly, How::Panicking]);
    let notification = select(vec![Signal::USER1, Signal::HANGUP]);
    let stop = select(vec![Signal::INTERRUPT, Signal::TERMINATE, Signal::KILL]);
    prop_oneof![
        8 => (name(), any::<bool>()).prop_map(|(name, one_shot)| Step::Insert { name, one_shot }),
        4 => name().prop_map(Step::Ready),
        6 => (name(), how).prop_map(|(name, how)| Step::Exit(name, how)),
        2 => name().prop_map(Step::Get),
        2 => notification.prop_map(Step::Signal),
        1 => stop.prop_map(Step::Signal),
        1 => Just(Step::Close),
        2 => Just(Step::Listen),
    ]
}

fn scene() -> impl Strategy<Value = Scene> {
    let capacity = select(vec![Some(1), Some(2), Some(3), None]);
    let ends = select(vec![None, None, Some(Ends::Any), Some(Ends::Errors)]);
    (capacity, ends, any::<bool>(), vec(step(), 1..40)).prop_map(
        |(capacity, ends, reuse_threads, steps)| Scene {
            capacity,
            ends,
            reuse_threads,
            steps,
        },
    )
}

/// A member as the model sees it, and the handles to the real one.
struct Alive {
    process: Process,
    call: Call,
    one_shot: bool,
    ready: bool,
    told: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Open,
    Closed,
    /// Whether the exit of a member began it.
    Stopping {
        initiated: bool,
    },
}

struct Model {
    scene: Scene,
    phase: Phase,
    alive: BTreeMap<usize, Alive>,
    past_entrances: VecDeque<String>,
    past_exits: VecDeque<String>,
    trace: Vec<(String, bool, Cause)>,
}

/// The real one.
struct Real {
    client: DynamicClient,
    group: Process,
    entrances: Events<Entrance>,
    exits: Events<ExitEvent>,
}

fn play(scene: Scene) {
    let capacity = scene
        .capacity
        .map_or(Capacity::unlimited(), Capacity::at_most);
    let mut group = Dynamic::new(capacity).event_buffer(BUFFER).history(HISTORY);
    if let Some(ends) = scene.ends {
        group = group.stop_on_exit(ends);
    }
    if scene.reuse_threads {
        group = group.reuse_threads();
    }
    let client = group.client();
    let real = Real {
        entrances: client.entrances(),
        exits: client.exits(),
        group: ifrit::invoke(group),
        client,
    };
    let steps = scene.steps.clone();
    let mut model = Model {
        scene,
        phase: Phase::Open,
        alive: BTreeMap::new(),
        past_entrances: VecDeque::new(),
        past_exits: VecDeque::new(),
        trace: Vec::new(),
    };
    for step in steps {
        model.step(&real, step);
        if model.is_over() {
            return model.end(real);
        }
    }
    model.signal(&real, Signal::INTERRUPT);
    for name in 0..NAMES.len() {
        model.exit(&real, name, How::Well);
    }
    model.end(real);
}

fn remember(past: &mut VecDeque<String>, name: &str) {
    past.push_back(name.to_owned());
    if past.len() > BUFFER {
        past.pop_front();
    }
}

/// The newest failures, and the newest exits that were well beside them, in their order.
fn kept(trace: &[(String, bool, Cause)]) -> Vec<(String, bool, Cause)> {
    let newest = |well: bool, room: usize| {
        let places = (0..trace.len())
            .rev()
            .filter(move |place| trace[*place].1 == well);
        places.take(room).collect::<Vec<_>>()
    };
    let mut places = newest(false, HISTORY);
    places.extend(newest(true, HISTORY - places.len()));
    places.sort_unstable();
    places.iter().map(|place| trace[*place].clone()).collect()
}

impl Model {
    fn step(&mut self, real: &Real, step: Step) {
        match step {
            Step::Insert { name, one_shot } => self.insert(real, name, one_shot),
            Step::Ready(name) => self.ready(real, name),
            Step::Exit(name, how) => self.exit(real, name, how),
            Step::Get(name) => {
                let found = real.client.get(NAMES[name]).map(|process| process.id());
                let expected = self.alive.get(&name).map(|member| member.process.id());
                assert_eq!(found, expected);
            }
            Step::Signal(signal) => self.signal(real, signal),
            Step::Close => {
                real.client.close();
                if self.phase == Phase::Open {
                    self.phase = Phase::Closed;
                }
            }
            Step::Listen => {
                let entrances = real.client.entrances();
                let names: VecDeque<_> = entrances.try_iter().map(|event| event.name).collect();
                assert_eq!(names, self.past_entrances);
                let exits = real.client.exits();
                let names: VecDeque<_> = exits.try_iter().map(|event| event.name).collect();
                assert_eq!(names, self.past_exits);
            }
        }
        let closed = real.client.closed().try_recv() == Err(TryRecvError::Disconnected);
        assert_eq!(closed, self.phase != Phase::Open);
    }

    fn refusal(&self, name: usize) -> Option<Reason> {
        let full = self
            .scene
            .capacity
            .is_some_and(|limit| self.alive.len() >= limit);
        match self.phase {
            Phase::Closed | Phase::Stopping { .. } => Some(Reason::Closed),
            Phase::Open if self.alive.contains_key(&name) => Some(Reason::DuplicateName),
            Phase::Open => full.then_some(Reason::Full),
        }
    }

    fn insert(&mut self, real: &Real, name: usize, one_shot: bool) {
        let (mut member, fake) = fake(NAMES[name]);
        if one_shot {
            member = member.one_shot();
        }
        let inserted = real.client.try_insert(member);
        let refusal = inserted.as_ref().err().map(|refused| refused.reason());
        assert_eq!(refusal, self.refusal(name));
        if let Ok(process) = inserted {
            let call = fake.wait_for_call();
            let member = Alive {
                process,
                call,
                one_shot,
                ready: false,
                told: false,
            };
            self.alive.insert(name, member);
        } else {
            assert_eq!(fake.calls(), 0);
        }
    }

    fn ready(&mut self, real: &Real, name: usize) {
        let Some(member) = self.alive.get_mut(&name) else {
            return;
        };
        member.call.trigger_ready();
        member.process.expect_ready();
        if !std::mem::replace(&mut member.ready, true) {
            let entrance = recv(&real.entrances);
            assert_eq!(entrance.name, NAMES[name]);
            assert_eq!(entrance.process.id(), member.process.id());
            remember(&mut self.past_entrances, NAMES[name]);
        }
        assert!(real.entrances.is_empty());
    }

    fn exit(&mut self, real: &Real, name: usize, how: How) {
        let Some(member) = self.alive.remove(&name) else {
            return;
        };
        match how {
            How::Well => member.call.trigger_exit(Ok(())),
            How::Badly => member.call.trigger_exit(Err("badly".into())),
            How::Panicking => member.call.trigger_panic("panicking"),
        }
        let exit = member.process.expect_exit();
        assert_eq!(exit.is_ok(), how == How::Well);
        let event = recv(&real.exits);
        assert_eq!((&*event.name, event.id), (NAMES[name], member.process.id()));
        assert_eq!(event.exit.is_ok(), how == How::Well);
        assert!(real.exits.is_empty());
        remember(&mut self.past_exits, NAMES[name]);
        self.ended(real, name, &member, how);
    }

    /// What the end of a member means to the others.
    fn ended(&mut self, real: &Real, name: usize, member: &Alive, how: How) {
        let completed = member.one_shot && how == How::Well;
        let stops = !completed
            && match self.scene.ends {
                Some(Ends::Any) => true,
                Some(Ends::Errors) => how != How::Well,
                _ => false,
            };
        let cause = match self.phase {
            Phase::Stopping { initiated: true } => Cause::Consequence,
            Phase::Stopping { initiated: false } => Cause::Stopped,
            _ if stops => Cause::Initiator,
            _ => Cause::Completed,
        };
        assert_eq!(member.told, matches!(self.phase, Phase::Stopping { .. }));
        self.trace
            .push((NAMES[name].to_owned(), how == How::Well, cause));
        if cause == Cause::Initiator {
            self.phase = Phase::Stopping { initiated: true };
            self.tell(Signal::INTERRUPT);
            crate::kit::expect_fired(real.client.closed());
        }
    }

    fn signal(&mut self, real: &Real, signal: Signal) {
        if !signal.is_stop() && self.alive.is_empty() {
            return; // the next to come might hear of it or not
        }
        real.group.signal(signal);
        if signal.is_stop() && !matches!(self.phase, Phase::Stopping { .. }) {
            self.phase = Phase::Stopping { initiated: false };
            crate::kit::expect_fired(real.client.closed());
        }
        self.tell(signal);
    }

    /// Every one of the living hears `signal`.
    fn tell(&mut self, signal: Signal) {
        for member in self.alive.values_mut() {
            assert_eq!(member.call.wait_for_signal(), signal);
            member.told |= signal.is_stop();
        }
    }

    fn is_over(&self) -> bool {
        self.phase != Phase::Open && self.alive.is_empty()
    }

    fn end(self, real: Real) {
        let exit = real.group.expect_exit();
        assert_eq!((real.entrances.missed(), real.exits.missed()), (0, 0));
        assert_eq!((real.entrances.count(), real.exits.count()), (0, 0));
        let late: VecDeque<_> = real.client.exits().map(|event| event.name).collect();
        assert_eq!(late, self.past_exits);
        assert!(NAMES.iter().all(|name| real.client.get(name).is_none()));
        if self.trace.iter().all(|(_, well, _)| *well) {
            return assert!(exit.is_ok());
        }
        let Err(Error::Group(trace)) = exit else {
            panic!("a member failed, but: {exit:?}")
        };
        let kept = kept(&self.trace);
        assert_eq!(trace.omitted as usize, self.trace.len() - kept.len());
        let failures = |exits: &[(String, bool, Cause)]| {
            let failed = exits.iter().filter(|(_, well, _)| !well);
            failed.count()
        };
        let forgotten = failures(&self.trace) - failures(&kept);
        assert_eq!(trace.omitted_failures as usize, forgotten);
        let exits = trace
            .iter()
            .map(|exit| (exit.name.clone(), exit.exit.is_ok(), exit.cause));
        assert_eq!(exits.collect::<Vec<_>>(), kept);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128 * stress() as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn in_any_order_the_group_does_what_the_model_does(scene in scene()) {
        play(scene);
    }
}
