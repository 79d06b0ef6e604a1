//! Waiting for a stop to be asked for, with a channel: [`StopWatch`].
//!
//! Invariants:
//! 1. A watch that begins before the stop was asked for is told of it: both happen under the lock of the process. One that
//!    begins later has fired from the start.
//! 2. A watch that is dropped leaves nothing behind.

use std::convert::Infallible;

use super::Core;
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Sender, bounded};

/// Those who watch one process.
#[derive(Default)]
pub(super) struct Watchers {
    next: u64,
    watching: Vec<(u64, Sender<Infallible>)>,
}

/// A channel that is disconnected once the process was asked to stop, whether or not it has read the signal.
pub(crate) struct StopWatch {
    core: Arc<Core>,
    key: u64,
    receiver: Receiver<Infallible>,
}

impl StopWatch {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let (sender, receiver) = bounded(0);
        let mut state = core.state.lock();
        let (mut key, mut fired) = (0, None);
        if !state.told_inside() {
            let watchers = state.watchers.get_or_insert_default();
            key = watchers.next;
            watchers.next += 1;
            watchers.watching.push((key, sender)); // Invariant 1
        } else {
            fired = Some(sender);
        }
        drop(state);
        drop(fired);
        StopWatch {
            core,
            key,
            receiver,
        }
    }

    pub(crate) fn receiver(&self) -> &Receiver<Infallible> {
        &self.receiver
    }
}

impl Drop for StopWatch {
    fn drop(&mut self) {
        let mut state = self.core.state.lock();
        let Some(watchers) = &mut state.watchers else {
            return;
        };
        let watching = &mut watchers.watching;
        let place = watching.iter().position(|(key, _)| *key == self.key);
        let _sender = place.map(|place| watching.swap_remove(place)); // Invariant 2
        drop(state); // before the sender
    }
}
