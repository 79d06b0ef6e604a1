//! Where the events of one kind in a group are published: a list of listeners, and the newest past events for those who
//! come late.

use std::collections::VecDeque;

use super::stream::{Events, Listeners, Place};
use crate::sync::{Arc, Mutex, Weak};

pub(crate) struct Hub<T> {
    room: usize,
    past: VecDeque<T>,
    listeners: Listeners<T>,
}

impl<T: Clone> Hub<T> {
    pub(crate) fn new(room: usize) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Hub {
            room,
            past: VecDeque::new(),
            listeners: Listeners::new(room),
        }))
    }

    /// For those who listen from now on.
    pub(crate) fn resize(&mut self, room: usize) {
        self.room = room;
        self.listeners.set_room(room);
    }

    /// Returns what has fallen out of the past: it may hold the last handle to a user's error.
    #[must_use = "to be dropped where that is safe"]
    pub(crate) fn publish(&mut self, event: T) -> Option<T> {
        self.listeners.publish(&event);
        self.past.push_back(event);
        let full = self.past.len() > self.room;
        full.then(|| self.past.pop_front()).flatten()
    }

    /// Ends all streams; those that begin later get the past events only.
    pub(crate) fn end(&mut self) {
        self.listeners.end();
    }

    /// Takes up publishing again; returns the past events, which are those of another run.
    #[must_use = "to be dropped where that is safe"]
    pub(crate) fn reopen(&mut self) -> VecDeque<T> {
        self.listeners.reopen();
        std::mem::take(&mut self.past)
    }
}

/// A stream that begins with the newest past events.
pub(crate) fn listen<T: Clone + Send + 'static>(hub: &Arc<Mutex<Hub<T>>>) -> Events<T> {
    let place = Arc::new(At(Arc::downgrade(hub))) as _;
    let mut state = hub.lock();
    let past = state.past.clone();
    state.listeners.join(&place, past)
}

/// Weak: a stream that outlives the group has ended.
struct At<T>(Weak<Mutex<Hub<T>>>);

impl<T: Send> Place<T> for At<T> {
    fn visit(&self, work: &mut dyn FnMut(&mut Listeners<T>)) {
        if let Some(hub) = self.0.upgrade() {
            work(&mut hub.lock().listeners);
        }
    }
}
