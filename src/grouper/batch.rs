//! Many jobs, a few at a time, all results in order: [`Batch`].

use std::collections::HashMap;
use std::fmt;

use super::{Capacity, Dynamic, DynamicClient, Member};
use crate::error::{Error, Result};
use crate::process::{Process, invoke};
use crate::runner::run_once;
use crate::signal::{self, Signal};
use crate::sync::channel::{Receiver, Select, Sender, never, unbounded};

/// Runs jobs, at most so many at a time, and returns what each returned, in the order of the jobs.
///
/// A job is a closure that gets the signals of its own process, so that a long one can be told to stop. One that fails
/// or panics harms no other: its place in the results has the error.
///
/// ```
/// use ifrit::grouper::{Batch, Capacity};
///
/// let jobs = (1..=10u64).map(|n| move |_signals| Ok(n * n));
/// let results = Batch::new(Capacity::at_most(4)).run(jobs);
///
/// let sum: u64 = results.into_iter().map(|result| result.unwrap()).sum();
/// assert_eq!(sum, 385);
/// ```
#[must_use = "it starts nothing until `run`"]
#[doc(alias = "thread pool")]
pub struct Batch<'a> {
    capacity: Capacity,
    signals: Receiver<Signal>,
    on_progress: Box<dyn FnMut(Progress) + 'a>,
}

/// How far a [`Batch`] has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Jobs that have ended, well or badly.
    pub done: usize,
    /// Those among them that ended badly.
    pub failed: usize,
    /// Jobs that run now.
    pub running: usize,
}

impl<'a> Batch<'a> {
    /// A batch of which so many jobs run at a time.
    pub fn new(capacity: Capacity) -> Self {
        Batch {
            capacity,
            signals: never(),
            on_progress: Box::new(|_| {}),
        }
    }

    /// Stops the batch on a stop signal from here, such as the signals of the runner it is run in: the jobs that run are
    /// told, and those that do not yet are not started ([`Error::NotStarted`]). Other signals are passed to those that
    /// run. A disconnected channel counts as a stop.
    pub fn stop_on(mut self, signals: &Receiver<Signal>) -> Self {
        self.signals = signals.clone();
        self
    }

    /// Calls `show` on the caller's thread whenever a job has ended.
    pub fn on_progress(mut self, show: impl FnMut(Progress) + 'a) -> Self {
        self.on_progress = Box::new(show);
        self
    }

    /// Runs the jobs. Blocks until every one that was started has ended.
    pub fn run<T, J>(self, jobs: impl IntoIterator<Item = J>) -> Vec<std::result::Result<T, Error>>
    where
        T: Send + 'static,
        J: FnOnce(Receiver<Signal>) -> Result<T> + Send + 'static,
    {
        let group = Dynamic::new(self.capacity).reuse_threads().history(0);
        let group = Group {
            client: group.client(),
            process: invoke(group),
        };
        let (done, ended) = unbounded();
        let run = Run {
            batch: self,
            group,
            done,
            ended,
            running: HashMap::new(),
            results: Vec::new(),
            progress: Progress::default(),
            stopped: false,
        };
        run.run(jobs.into_iter())
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

type Ended<T> = (usize, Option<T>);

/// Says that a job has ended, with its value if it has one: also when it panics, and when it never ran.
struct Token<T> {
    index: usize,
    value: Option<T>,
    done: Sender<Ended<T>>,
}

impl<T> Token<T> {
    fn keep(&mut self, value: T) {
        self.value = Some(value);
    }
}

impl<T> Drop for Token<T> {
    fn drop(&mut self) {
        let _ = self.done.send((self.index, self.value.take()));
    }
}

/// Where the jobs run. They do not outlive it: the caller's iterator and what shows the progress may panic.
struct Group {
    client: DynamicClient,
    process: Process,
}

impl Drop for Group {
    fn drop(&mut self) {
        self.client.close();
        self.process.signal(Signal::INTERRUPT);
        let _ = self.process.join();
    }
}

struct Run<'a, T> {
    batch: Batch<'a>,
    group: Group,
    done: Sender<Ended<T>>,
    ended: Receiver<Ended<T>>,
    running: HashMap<usize, Process>,
    results: Vec<Option<std::result::Result<T, Error>>>,
    progress: Progress,
    stopped: bool,
}

impl<T: Send + 'static> Run<'_, T> {
    fn run<J>(mut self, mut jobs: impl Iterator<Item = J>) -> Vec<std::result::Result<T, Error>>
    where
        J: FnOnce(Receiver<Signal>) -> Result<T> + Send + 'static,
    {
        loop {
            while self.has_room() {
                let Some(job) = jobs.next() else { break };
                self.obey(); // a stop may have come while the caller made the job
                match self.stopped {
                    true => self.results.push(None),
                    false => self.start(job),
                }
            }
            if self.running.is_empty() {
                break;
            }
            self.wait();
        }
        self.group.client.close();
        let why_not = match self.group.process.join() {
            Err(Error::ZeroCapacity) => Error::ZeroCapacity,
            _ => Error::NotStarted,
        };
        // Those that were not started have a place in the results too.
        let rest = jobs.map(|_| None);
        let results = self.results.into_iter().chain(rest);
        results
            .map(|result| result.unwrap_or_else(|| Err(why_not.clone())))
            .collect()
    }

    fn has_room(&self) -> bool {
        !self.stopped && self.batch.capacity.has_room_beside(self.running.len())
    }

    fn start<J>(&mut self, job: J)
    where
        J: FnOnce(Receiver<Signal>) -> Result<T> + Send + 'static,
    {
        let index = self.results.len();
        let mut token = Token {
            index,
            value: None,
            done: self.done.clone(),
        };
        let runner = run_once(move |signals, ready| {
            ready.notify();
            token.keep(job(signals)?);
            Ok(())
        });
        match self
            .group
            .client
            .insert(Member::new(index.to_string(), runner))
        {
            Ok(process) => {
                self.results.push(None);
                self.running.insert(index, process);
                self.progress.running += 1;
            }
            Err(refused) => {
                // The group does not run: it is told why, and nothing more is started.
                drop(refused);
                let why = self.group.process.join().err().unwrap_or(Error::NotStarted);
                self.results.push(Some(Err(why)));
                self.stopped = true;
            }
        }
    }

    fn wait(&mut self) {
        let mut select = Select::new();
        select.recv(&self.ended);
        select.recv(&self.batch.signals);
        select.ready();
        while let Ok((index, value)) = self.ended.try_recv() {
            self.take(index, value);
        }
        self.obey();
    }

    /// Takes one signal, if there is one.
    fn obey(&mut self) {
        if let Some(signal) = signal::try_next(&mut self.batch.signals) {
            self.stopped |= signal.is_stop();
            self.group.process.signal(signal);
        }
    }

    fn take(&mut self, index: usize, value: Option<T>) {
        let Some(process) = self.running.remove(&index) else {
            return;
        };
        // The job has returned; its exit is about to be published.
        let exit = process.join();
        let result = exit.and_then(|()| value.ok_or(Error::NotStarted));
        self.progress.running -= 1;
        self.progress.done += 1;
        self.progress.failed += usize::from(result.is_err());
        self.results[index] = Some(result);
        (self.batch.on_progress)(self.progress);
    }
}
