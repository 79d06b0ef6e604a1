//! Waiting for several channels.

use std::time::Instant;

use super::channel::Receiver;
use super::fault::{Fault, is_seeded};
use super::wait::{Waiters, choose, doze, point, wait_for};
use super::{meter, time};
use std::panic::Location;

/// What can be waited for.
pub(super) trait Source {
    fn is_ready(&self) -> bool;
    fn arrivals(&self) -> &Waiters;
    /// When it will be ready by itself.
    fn alarm(&self) -> Option<Instant>;
}

/// Waits until one is ready, and returns which. Where several are, any of them.
pub(super) fn wait_for_any(sources: &[&dyn Source]) -> usize {
    loop {
        meter::steps(sources.len());
        let ready: Vec<usize> = (0..sources.len())
            .filter(|index| sources[*index].is_ready())
            .collect();
        if !ready.is_empty() {
            return ready[choose(ready.len())];
        }
        match sources.iter().filter_map(|source| source.alarm()).min() {
            Some(alarm) => {
                doze();
                if !sources.iter().any(|source| source.is_ready()) {
                    time::reach(alarm);
                }
            }
            None => {
                let arrivals: Vec<&Waiters> =
                    sources.iter().map(|source| source.arrivals()).collect();
                wait_for(&arrivals);
            }
        }
    }
}

#[derive(Default)]
pub(crate) struct Select<'s> {
    /// None: it was forgotten to wait for this one.
    sources: Vec<Option<&'s dyn Source>>,
}

impl<'s> Select<'s> {
    pub(crate) fn new() -> Self {
        Select::default()
    }

    #[track_caller]
    pub(crate) fn recv<T>(&mut self, receiver: &'s Receiver<T>) -> usize {
        let forgotten = is_seeded(Fault::Forgotten, Location::caller());
        let source: &'s dyn Source = &*receiver.0;
        self.sources.push((!forgotten).then_some(source));
        self.sources.len() - 1
    }

    /// Which is ready, if one is.
    pub(crate) fn try_ready(&mut self) -> Result<usize, ()> {
        point();
        let is_ready = |source: &Option<&dyn Source>| source.is_some_and(Source::is_ready);
        self.sources.iter().position(is_ready).ok_or(())
    }

    pub(crate) fn ready(&mut self) -> usize {
        let indices = (0..self.sources.len()).filter(|index| self.sources[*index].is_some());
        let indices: Vec<usize> = indices.collect();
        let sources: Vec<&dyn Source> = self.sources.iter().copied().flatten().collect();
        point();
        indices[wait_for_any(&sources)]
    }
}
