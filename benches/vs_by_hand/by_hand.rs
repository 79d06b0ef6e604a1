//! The floor: the same job, written by hand with `std::thread` and crossbeam channels.
//!
//! It is what a careful engineer writes who needs no more than is measured. A worker is a named thread with a stop
//! channel of its own; that it is ready, and its exit, come back over a channel. A group is a worker that starts others:
//! they all report on one channel, so that an event costs the same however many there are. It starts them in order or
//! all at once, says ready when all are, stops them when it is told to or when one of them ends, and returns every
//! exit.
//!
//! It is fair, and rather too good: it takes no notice of panics, has no deadlines, no order of signals, no handles that
//! can be cloned, nothing that can be asked later. Threads are not joined: neither are ours, since an exit is news when
//! it is published.

use std::error::Error;
use std::thread;

use ifrit::crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};

pub(crate) type Exit = Result<(), Box<dyn Error + Send + Sync>>;

pub(crate) struct Stop;

pub(crate) enum Event {
    Ready,
    Exited { index: usize, exit: Exit },
}

/// A thread that works until it is told to stop.
pub(crate) struct Worker {
    stop: Sender<Stop>,
    events: Receiver<Event>,
}

impl Worker {
    /// Starts `work` on a thread of this name; returns once it is ready or has exited.
    pub(crate) fn start(
        name: String,
        work: impl FnOnce(Receiver<Stop>, Ready<'_>) -> Exit + Send + 'static,
    ) -> Self {
        let (report, events) = bounded(2);
        let stop = start(name, 0, report, work);
        events
            .recv()
            .expect("it lives or has said that it does not");
        Worker { stop, events }
    }

    pub(crate) fn stop(&self) {
        let _ = self.stop.try_send(Stop);
    }

    pub(crate) fn wait(&self) -> Exit {
        match self.events.recv()? {
            Event::Exited { exit, .. } => exit,
            Event::Ready => unreachable!("it was ready before"),
        }
    }
}

/// What a worker says "ready" with.
pub(crate) struct Ready<'t>(&'t Sender<Event>);

impl Ready<'_> {
    fn notify(self) {
        let _ = self.0.send(Event::Ready);
    }
}

/// Starts a thread that reports; returns the sender that stops it.
fn start(
    name: String,
    index: usize,
    report: Sender<Event>,
    work: impl FnOnce(Receiver<Stop>, Ready<'_>) -> Exit + Send + 'static,
) -> Sender<Stop> {
    let (stop, stopped) = bounded(1);
    let body = move || {
        let exit = work(stopped, Ready(&report));
        let _ = report.send(Event::Exited { index, exit });
    };
    thread::Builder::new()
        .name(name)
        .spawn(body)
        .expect("a thread");
    stop
}

/// The work of all workers here: none.
pub(crate) fn idle(stopped: Receiver<Stop>, ready: Ready<'_>) -> Exit {
    ready.notify();
    let _ = stopped.recv();
    Ok(())
}

#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// Started one after the other, stopped in reverse.
    Ordered,
    Parallel,
}

/// The work of a group of idle workers.
pub(crate) fn group(
    order: Order,
    names: Vec<String>,
) -> impl FnOnce(Receiver<Stop>, Ready<'_>) -> Exit + Send + 'static {
    move |stopped, ready| {
        let mut members = Members::new(names.len());
        for name in names {
            members.start(name);
            if let Order::Ordered = order {
                members.hear();
            }
        }
        while members.ready + members.exits.len() < members.stops.len() {
            members.hear();
        }
        ready.notify();
        select! {
            recv(stopped) -> _ => {}
            recv(members.events) -> event => members.take(event?),
        }
        match order {
            Order::Ordered => {
                while let Some(stop) = members.stops.pop() {
                    let _ = stop.try_send(Stop);
                    members.hear();
                }
            }
            Order::Parallel => {
                for stop in &members.stops {
                    let _ = stop.try_send(Stop);
                }
                while members.exits.len() < members.stops.len() {
                    members.hear();
                }
            }
        }
        let failed = members.exits.into_iter().find(|(_, exit)| exit.is_err());
        failed.map_or(Ok(()), |(index, _)| {
            Err(format!("member {index} failed").into())
        })
    }
}

struct Members {
    report: Sender<Event>,
    events: Receiver<Event>,
    stops: Vec<Sender<Stop>>,
    ready: usize,
    /// In the order in which they came.
    exits: Vec<(usize, Exit)>,
}

impl Members {
    fn new(count: usize) -> Self {
        let (report, events) = unbounded();
        Members {
            report,
            events,
            stops: Vec::with_capacity(count),
            ready: 0,
            exits: Vec::with_capacity(count),
        }
    }

    fn start(&mut self, name: String) {
        let index = self.stops.len();
        self.stops
            .push(start(name, index, self.report.clone(), idle));
    }

    fn hear(&mut self) {
        let event = self.events.recv().expect("a sender is ours");
        self.take(event);
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Ready => self.ready += 1,
            Event::Exited { index, exit } => self.exits.push((index, exit)),
        }
    }
}
