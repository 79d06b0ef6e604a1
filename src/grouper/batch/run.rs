//! A batch at work, on its caller's thread.
//!
//! Invariants:
//! 1. A job that was made has its place in the results from then on, and a job that was started has its result there once
//!    the run is over, also where that is because the caller's code has panicked.
//! 2. `next()` is never called after a stop, nor where there is no room for one more.
//! 3. The jobs do not outlive the batch, but for those that were given up.
//! 4. The exit of a job is heard when its place in the group is free. So an insert of the next one never waits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::job::{Job, Slot, Terms};
use super::progress::{Names, Progress};
use crate::error::{Error, Exit};
use crate::grouper::dynamic::Watcher;
use crate::grouper::member::Options;
use crate::grouper::{Capacity, Dynamic, DynamicClient, Member, Reason};
use crate::process::waits::{self, Waiting};
use crate::process::{Process, current_host};
use crate::restart::Restart;
use crate::signal::{self, Signal};
use crate::spin::Spin;
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select, Sender, unbounded};

type Results<T> = Vec<std::result::Result<T, Error>>;

pub(super) struct Settings<'a> {
    pub(super) capacity: Capacity,
    pub(super) retry: Option<Restart>,
    pub(super) attempts: usize,
    pub(super) job_within: Option<Duration>,
    pub(super) stop_on_failure: bool,
    pub(super) signals: Receiver<Signal>,
    pub(super) on_progress: Box<dyn FnMut(Progress<'_>) + 'a>,
}

pub(super) struct Run<'a, T> {
    settings: Settings<'a>,
    client: DynamicClient,
    group: Process,
    /// The process of this thread waits for the jobs, to the end of the run: a job that joined it would never end.
    _waiting: Option<Waiting>,
    /// The exits of the jobs, with the places of their results.
    exits: Receiver<(usize, Exit)>,
    exited: Sender<(usize, Exit)>,
    spin: Spin,
    running: BTreeMap<usize, Running<T>>,
    results: &'a mut Results<T>,
    done: usize,
    failed: usize,
    given_up: usize,
    stopped: bool,
    /// Where its results begin.
    first: usize,
}

struct Running<T> {
    name: Arc<str>,
    slot: Arc<Slot<T>>,
}

impl<T> Names for BTreeMap<usize, Running<T>> {
    fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        Box::new(self.values().map(|job| &*job.name))
    }
}

impl<'a, T: Send + 'static> Run<'a, T> {
    pub(super) fn new(settings: Settings<'a>, results: &'a mut Results<T>) -> Self {
        let group = Dynamic::new(settings.capacity).reuse_threads().history(0);
        let (exited, exits) = unbounded();
        let first = results.len();
        let client = group.client();
        let group = Process::builder().name("batch").invoke(group);
        Run {
            settings,
            client,
            _waiting: waits::begin(waits::here(), group.id()),
            group,
            exits,
            exited,
            spin: Spin::for_a_place(),
            running: BTreeMap::new(),
            results,
            done: 0,
            failed: 0,
            given_up: 0,
            stopped: false,
            first,
        }
    }

    pub(super) fn run(mut self, mut jobs: impl Iterator<Item = Job<T>>) {
        let mut more = true;
        loop {
            while more && self.has_room() {
                self.obey();
                if self.stopped {
                    break; // Invariant 2
                }
                match jobs.next() {
                    Some(job) => self.add(job),
                    None => more = false,
                }
            }
            more &= !self.stopped;
            if self.running.is_empty() && !more {
                return;
            }
            self.wait(more);
        }
    }

    fn has_room(&self) -> bool {
        let taken = self.running.len() + self.stuck();
        // With room for none the first job is made, and refused.
        taken == 0 || self.settings.capacity.has_room_beside(taken)
    }

    /// Jobs that were given up and whose threads still run. They keep their places in the group.
    fn stuck(&self) -> usize {
        match self.given_up {
            0 => 0,
            _ => self.client.given_up(),
        }
    }

    /// Gives a job its place, and starts it.
    fn add(&mut self, job: Job<T>) {
        let index = self.results.len();
        self.results.push(Err(Error::NotStarted)); // Invariant 1
        self.obey(); // a stop may have come while the caller made the job
        if self.stopped {
            return;
        }
        let name: Arc<str> = job.name.as_str().into();
        if let Err(error) = self.start(index, &name, job) {
            self.ended(index, &name, Err(error));
        }
    }

    fn start(&mut self, index: usize, name: &Arc<str>, job: Job<T>) -> Result<(), Error> {
        let within = self.settings.job_within;
        let terms = Terms {
            retry: self.settings.retry,
            attempts: self.settings.attempts,
            limited: within.is_some(),
        };
        let slot = Slot::new();
        let member = Member {
            name: Arc::clone(name),
            runner: job.into_runner(&slot, terms),
            options: Options {
                start_within: within,
                starts_until_its_end: within.is_some(),
                ..Options::default()
            },
            last_exit: None,
        };
        let watcher = Watcher::new(index, self.exited.clone());
        let job = Running {
            name: Arc::clone(name),
            slot,
        };
        self.running.insert(index, job);
        let Err(refused) = self.client.insert_watched(member, watcher) else {
            return Ok(());
        };
        self.running.remove(&index);
        Err(match refused.reason() {
            Reason::EmptyName => Error::EmptyNames {
                positions: vec![index - self.first],
            },
            Reason::DuplicateName => Error::DuplicateNames(vec![name.to_string()]),
            Reason::ZeroDeadline(_) => Error::ZeroDeadline {
                who: name.to_string(),
                option: "job_within",
            },
            _ => {
                self.stopped = true;
                if self.group.is_ready() {
                    Error::NotStarted // a fatal error has ended it, which is about to be heard
                } else {
                    self.group.join().err().unwrap_or(Error::NotStarted) // why it does not run
                }
            }
        })
    }

    /// Blocks until a job has ended, a signal has come or, where there may be `more` jobs, a place has become free.
    fn wait(&mut self, more: bool) {
        let mut turns = self.spin.begin();
        while self.exits.is_empty() && self.settings.signals.is_empty() && turns.any_left() {
            turns.let_others_run();
        }
        if self.exits.is_empty() {
            let place = (more && self.given_up > 0).then(|| self.client.vacancy());
            let mut select = Select::new();
            select.recv(&self.exits);
            select.recv(&self.settings.signals);
            if let Some(place) = &place {
                select.recv(place);
            }
            select.ready();
        }
        while let Ok((index, exit)) = self.exits.try_recv() {
            if let Some((name, result)) = self.settle(index, exit) {
                self.ended(index, &name, result);
            }
        }
        self.obey();
    }

    fn ended(&mut self, index: usize, name: &str, result: std::result::Result<T, Error>) {
        self.done += 1;
        self.failed += usize::from(result.is_err());
        let stops = |error: &Error| self.settings.stop_on_failure || error.is_fatal();
        if result.as_ref().is_err_and(stops) {
            self.stop(Signal::INTERRUPT);
        }
        self.results[index] = result;
        (self.settings.on_progress)(Progress {
            name,
            error: self.results[index].as_ref().err(),
            done: self.done,
            failed: self.failed,
            running: self.running.len(),
            names: &self.running,
        });
    }

    /// Passes on the signals that have come.
    fn obey(&mut self) {
        loop {
            match signal::try_next(&mut self.settings.signals) {
                Some(signal) if signal.is_stop() => self.stop(signal),
                Some(notification) => self.group.signal(notification),
                None => return,
            }
        }
    }

    fn stop(&mut self, signal: Signal) {
        self.stopped = true;
        // The jobs have no more time than the process whose thread this is.
        let end = current_host().and_then(|host| host.stop_end());
        self.group.core().tell(signal, end);
    }
}

impl<T> Run<'_, T> {
    /// What has become of a job.
    fn settle(
        &mut self,
        index: usize,
        exit: Exit,
    ) -> Option<(Arc<str>, std::result::Result<T, Error>)> {
        let Running { name, slot } = self.running.remove(&index)?;
        let result = slot.result(exit);
        let is_stuck = |error: &Error| error.stuck().iter().any(|stuck| stuck.name == *name);
        self.given_up += usize::from(result.as_ref().is_err_and(is_stuck));
        Some((name, result))
    }
}

impl<T> Drop for Run<'_, T> {
    /// The end, also where the caller's code has panicked.
    fn drop(&mut self) {
        self.client.close();
        if !self.running.is_empty() {
            self.group.signal(Signal::INTERRUPT);
        }
        // Each is heard of: its end is said after its exit is published, or when it is given up.
        while !self.running.is_empty()
            && let Ok((index, exit)) = self.exits.recv()
        {
            if let Some((_, result)) = self.settle(index, exit) {
                self.results[index] = result; // Invariant 1
            }
        }
        let _ = self.group.join(); // Invariant 3
    }
}
