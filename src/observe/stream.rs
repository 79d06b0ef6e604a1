//! Streams of what happens in a group, which never hold it up: [`Events`].
//!
//! Invariants:
//! 1. Publishing never blocks. A listener has room for a fixed number of events; where it is full, its oldest is dropped
//!    and counted as missed, and the newest is kept. Room costs nothing until it is used.
//! 2. Events come in the order in which they were published. A listener that comes late first gets the newest past
//!    ones, which take up room like any other.
//! 3. The stream ends when the hub does. A listener that is dropped leaves nothing behind.
//! 4. Nothing that was published is dropped inside: the publisher gets back what has fallen out, and drops it where
//!    that is safe. An event may hold the last handle to a user's error.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Deref;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::channel::{Receiver, Sender, unbounded};
use crate::sync::{Arc, Mutex, Weak};

/// A stream of events of a group. An iterator that blocks, and a channel that can be selected on.
///
/// It ends when no further event can come. It never holds up the group: a listener that does not keep up loses the
/// oldest events, and [`missed`](Events::missed) counts them.
///
/// It derefs to the channel. A clone is a stream of its own. A bare [`Receiver`] that was cloned out of the channel takes
/// events away from this stream, and hears only what comes before the stream is dropped.
///
/// ```
/// use ifrit::grouper::{Capacity, Dynamic};
/// use ifrit::prelude::*;
///
/// let group = Dynamic::new(Capacity::at_most(2));
/// let client = group.client();
/// let exits = client.exits();
/// let group = ifrit::invoke(group);
/// for name in ["a", "b", "c"] {
///     client.insert(Member::new(name, ifrit::run_fn(|_, _| Ok(()))))?;
/// }
/// client.close();
///
/// let mut names: Vec<_> = exits.map(|exit| exit.name).collect();
/// names.sort();
/// assert_eq!(names, ["a", "b", "c"]);
/// # group.join()?;
/// # Ok::<(), ifrit::BoxError>(())
/// ```
pub struct Events<T> {
    receiver: Receiver<T>,
    missed: Arc<AtomicU64>,
    hub: Weak<Mutex<Hub<T>>>,
    /// None if the stream had ended when it was asked for.
    key: Option<u64>,
}

impl<T> Events<T> {
    /// How many events were dropped because this listener was full.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

impl<T> Clone for Events<T> {
    /// A stream of its own: it begins at the newest event, with those that are published from now on. It has missed none.
    ///
    /// Never blocks.
    fn clone(&self) -> Self {
        let hub = self.hub.upgrade();
        let state = hub.as_ref().map(|hub| hub.lock());
        let room = state.as_ref().map_or(0, |state| state.room);
        let (listener, mut events) = pair(room, Weak::clone(&self.hub));
        events.key = state.and_then(|mut state| state.register(listener));
        events
    }
}

impl<T> Deref for Events<T> {
    type Target = Receiver<T>;

    fn deref(&self) -> &Receiver<T> {
        &self.receiver
    }
}

impl<T> Iterator for Events<T> {
    type Item = T;

    /// Blocks until the next event; `None` when no further one can come.
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> Drop for Events<T> {
    fn drop(&mut self) {
        if let Some(key) = &self.key
            && let Some(hub) = self.hub.upgrade()
        {
            // Invariant 3: nothing is left behind. The listener is dropped when the lock is released.
            let _listener = hub.lock().listeners.remove(key);
        }
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}

/// Where events of one kind are published.
pub(crate) struct Hub<T> {
    room: usize,
    past: VecDeque<T>,
    listeners: BTreeMap<u64, Listener<T>>,
    next: u64,
    ended: bool,
}

struct Listener<T> {
    room: usize,
    sender: Sender<T>,
    /// The group's hand in the channel, to take out the oldest.
    oldest: Receiver<T>,
    missed: Arc<AtomicU64>,
}

impl<T> Hub<T> {
    /// None, and the listener is gone, if no further event can come.
    fn register(&mut self, listener: Listener<T>) -> Option<u64> {
        if self.ended {
            return None;
        }
        let key = self.next;
        self.next += 1;
        self.listeners.insert(key, listener);
        Some(key)
    }
}

impl<T: Clone> Hub<T> {
    pub(crate) fn new(room: usize) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Hub {
            room,
            past: VecDeque::new(),
            listeners: BTreeMap::new(),
            next: 0,
            ended: false,
        }))
    }

    /// For those who listen from now on.
    pub(crate) fn resize(&mut self, room: usize) {
        self.room = room;
    }

    /// Returns what has fallen out of the past, and out of the channels of listeners that do not keep up (invariant 4).
    #[must_use = "to be dropped where that is safe"]
    pub(crate) fn publish(&mut self, event: T) -> (Option<T>, Vec<T>) {
        let listeners = self.listeners.values();
        let missed = listeners.filter_map(|listener| listener.push(event.clone()));
        let missed = missed.collect();
        self.past.push_back(event);
        let full = self.past.len() > self.room;
        (full.then(|| self.past.pop_front()).flatten(), missed)
    }

    /// Ends all streams; those that begin later get the past events only.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.listeners.clear();
    }

    /// Takes up publishing again; returns the past events, which are those of another run.
    #[must_use = "to be dropped where that is safe"]
    pub(crate) fn reopen(&mut self) -> VecDeque<T> {
        self.ended = false;
        std::mem::take(&mut self.past)
    }
}

impl<T> Listener<T> {
    /// Returns what has fallen out. Only one at a time pushes, so there is never more in it than there is room (invariant 1).
    fn push(&self, event: T) -> Option<T> {
        let full = self.sender.len() >= self.room;
        let fallen = full.then(|| self.oldest.try_recv().ok()).flatten();
        if fallen.is_some() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        let _ = self.sender.send(event); // `oldest` keeps the channel open
        fallen
    }
}

/// A stream that begins with the newest past events.
pub(crate) fn listen<T: Clone>(hub: &Arc<Mutex<Hub<T>>>) -> Events<T> {
    let mut state = hub.lock();
    let (listener, mut events) = pair(state.room, Arc::downgrade(hub));
    for event in &state.past {
        let _fits = listener.push(event.clone()); // Invariant 2: there is as much room as there are past events
    }
    events.key = state.register(listener);
    drop(state);
    events
}

/// Both sides of a stream that is not registered yet.
fn pair<T>(room: usize, hub: Weak<Mutex<Hub<T>>>) -> (Listener<T>, Events<T>) {
    let (sender, receiver) = unbounded();
    let missed = Arc::new(AtomicU64::new(0));
    let listener = Listener {
        room,
        sender,
        oldest: receiver.clone(),
        missed: Arc::clone(&missed),
    };
    let events = Events {
        receiver,
        missed,
        hub,
        key: None,
    };
    (listener, events)
}
