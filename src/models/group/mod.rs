//! The engine of fixed groups: starts, stops, exits, rounds, deadlines and its handle against each other.
//!
//! Nothing starts after a stop. A group ends when all its members have, or were given up and named. Each exit stands in
//! the trace once, with its cause. Never two incarnations of a member at once. Each call of the handle is answered.

mod exits;
mod order;
mod restarts;
mod tree;

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::error::Result;
use crate::grouper::{Member, Ordered, Parallel};
use crate::process::builder::background;
use crate::ready::ReadySender;
use crate::runner::{Runner, until_stop};
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, bounded};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Started,
    Ready,
    Told(Signal),
    Ended,
}

/// What has happened to whom, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(&'static str, Step)>>>);

impl Log {
    fn add(&self, name: &'static str, step: Step) {
        self.0.lock().unwrap().push((name, step));
    }

    fn at(&self, name: &'static str, step: Step) -> Option<usize> {
        let steps = self.0.lock().unwrap();
        steps.iter().position(|entry| *entry == (name, step))
    }

    fn count(&self, name: &'static str, step: Step) -> usize {
        let steps = self.0.lock().unwrap();
        steps.iter().filter(|entry| **entry == (name, step)).count()
    }

    fn all_have_ended(&self) -> bool {
        let steps = self.0.lock().unwrap();
        let count = |step| steps.iter().filter(|entry| entry.1 == step).count();
        count(Step::Started) == count(Step::Ended)
    }
}

/// What a member of a model does.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    /// Ready at once, until it is told.
    Idle,
    /// Ready, and then it fails.
    Fails,
    /// The first time it fails, later it is idle.
    FailsOnce,
    /// It does as it is told by KILL only.
    Stubborn,
}

struct Worker {
    name: &'static str,
    habit: Habit,
    log: Log,
    alive: Count,
    runs: usize,
    /// Where it says that it is up, a moment before it is ready.
    up: Option<Sender<&'static str>>,
    /// It becomes ready, or returns, when this is disconnected.
    gate: Option<Receiver<()>>,
}

impl Worker {
    fn new(name: &'static str, habit: Habit, log: &Log) -> Self {
        Worker {
            name,
            habit,
            log: log.clone(),
            alive: Count::default(),
            runs: 0,
            up: None,
            gate: None,
        }
    }

    fn member(self) -> Member {
        Member::new(self.name, self)
    }

    fn work(&mut self, signals: &Receiver<Signal>, ready: ReadySender) -> Result<()> {
        if let Some(gate) = self.gate.take() {
            let _ = gate.recv();
        }
        let fails = match self.habit {
            Habit::Fails => true,
            Habit::FailsOnce => self.runs == 1,
            _ => false,
        };
        if !fails && let Some(up) = &self.up {
            let _ = up.send(self.name);
        }
        self.log.add(self.name, Step::Ready);
        ready.notify();
        if fails {
            return Err("broken".into());
        }
        loop {
            let signal = until_stop(signals);
            self.log.add(self.name, Step::Told(signal));
            if self.habit != Habit::Stubborn || signal == Signal::KILL {
                return Ok(());
            }
        }
    }
}

impl Runner for Worker {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        on_its_own();
        require(self.alive.up() == 0, "engine 7: two incarnations at once");
        self.runs += 1;
        self.log.add(self.name, Step::Started);
        let result = self.work(&signals, ready);
        self.log.add(self.name, Step::Ended);
        self.alive.down();
        result
    }
}

const DRIVE: &str = "src/grouper/engine/drive.rs";
