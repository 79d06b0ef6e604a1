//! Streams of what happens, which never hold it up: [`Events`]; and lists of those who listen.
//!
//! There is one list for each thing that can be listened to: the entrances of a group, its exits, the events below one
//! process, those of the program. Each lies behind the lock of what publishes there.
//!
//! Invariants:
//! 1. Publishing never blocks. It takes a step for each listener that keeps up, and one for all others together: a listener
//!    that has no room left is parked when that is found. An event has a look at one of the parked, in turn, and puts it
//!    back if it has read; where many are parked, only each eighth event does, or the looks would cost more than the rest.
//! 2. Each event published on a list is received, or counted as missed, once, by each listener that was on it. The parked
//!    are not counted one by one: the list counts what it publishes, and the difference is what they have missed.
//! 3. Events come in the order in which they were published. A listener that comes late first gets past ones, which take
//!    up room like any other. Room costs nothing until it is used.
//! 4. The stream ends when the list does. A listener that is dropped leaves nothing behind.
//! 5. Nothing that was published is dropped here, and so under no lock: an event may hold the last handle to a user's error.
//!    A channel has a receiver for as long as its listener is on the list.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::channel::{Receiver, Sender, unbounded};

/// A stream of events. An iterator that blocks, and a channel that can be selected on.
///
/// It never holds up what publishes: a listener has room for so many events, and while it is full it misses those that
/// come. It is given events again once it has read, and [`missed`](Events::missed) counts the gap. Of several that are
/// full, one is looked at with each event, and where there are many with each eighth; so the gap may be longer by as many
/// events as there are such listeners, or eight times as many. One that reads as an iterator is back at once.
///
/// It ends when no further event can come; which of the streams do is said where they begin.
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
#[must_use = "it hears until it is dropped"]
pub struct Events<T> {
    receiver: Receiver<T>,
    ear: Arc<Ear>,
    place: Arc<dyn Place<T>>,
    /// On the list; `None` if it never was.
    key: Option<u64>,
}

/// What a listener and its list both know.
#[derive(Default)]
struct Ear {
    /// Up to the time when it was last parked.
    missed: AtomicU64,
    is_parked: AtomicBool,
}

/// Where a list of listeners lies.
pub(crate) trait Place<T>: Send + Sync {
    /// Does `work` on the list, under its lock; or nothing, if the list is gone.
    fn visit(&self, work: &mut dyn FnMut(&mut Listeners<T>));
}

impl<T> Events<T> {
    /// How many events this listener has missed because it was full. What it has received and what it has missed are
    /// together what has been published.
    ///
    /// Never blocks.
    pub fn missed(&self) -> u64 {
        let mut missed = None;
        if let Some(key) = self.key {
            let place = &self.place;
            place.visit(&mut |list| missed = Some(list.missed_by(key, &self.ear)));
        }
        missed.unwrap_or_else(|| self.ear.missed.load(Ordering::Relaxed))
    }

    /// What it has received by now. It is given events again at once, if it was full.
    pub(super) fn drain(&self) -> Vec<T> {
        let received = self.receiver.try_iter().take(self.receiver.len()).collect();
        self.come_back();
        received
    }

    /// Is given events again, if it was full and has read. To be called before each wait: or it would wait for an event
    /// that is given to it only after it was looked at.
    pub(super) fn come_back(&self) {
        if self.ear.is_parked.load(Ordering::Relaxed)
            && let Some(key) = self.key
        {
            self.place.visit(&mut |list| list.look_at(key));
        }
    }

    /// Ends the stream: it has what was published so far.
    pub(super) fn end(&self) {
        if let Some(key) = self.key {
            let mut listener = None;
            // Invariants 4 and 5: it leaves the list first, and is dropped under no lock.
            self.place.visit(&mut |list| listener = list.leave(key));
        }
    }
}

impl<T> Clone for Events<T> {
    /// A stream of its own: it begins at the newest event, with those that are published from now on. It has missed none.
    ///
    /// Never blocks.
    fn clone(&self) -> Self {
        let (listener, mut events) = pair(&self.place);
        let mut listener = Some(listener);
        self.place.visit(&mut |list| {
            if let Some(mut listener) = listener.take() {
                listener.room = list.room;
                events.key = list.enter(listener);
            }
        });
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
        self.come_back();
        self.receiver.recv().ok()
    }
}

impl<T> Drop for Events<T> {
    fn drop(&mut self) {
        self.end(); // which does nothing while it is being made, when the lock of its list may be held
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}

/// Those who listen to one thing.
pub(crate) struct Listeners<T> {
    /// Of those who come from now on.
    room: usize,
    keeping_up: BTreeMap<u64, Listener<T>>,
    parked: BTreeMap<u64, Parked<T>>,
    next_key: u64,
    /// The parked one that is looked at next, or the one after it.
    next_look: u64,
    published: u64,
    has_ended: bool,
}

struct Listener<T> {
    room: usize,
    /// How many fit in at least.
    left: usize,
    sender: Sender<T>,
    ear: Arc<Ear>,
}

/// So many parked listeners are few.
const FEW: usize = 8;

/// A listener that had no room left.
struct Parked<T> {
    listener: Listener<T>,
    /// How many had been published before it was.
    since: u64,
}

impl<T> Listeners<T> {
    pub(crate) fn new(room: usize) -> Self {
        Listeners {
            room,
            keeping_up: BTreeMap::new(),
            parked: BTreeMap::new(),
            next_key: 0,
            next_look: 0,
            published: 0,
            has_ended: false,
        }
    }

    /// For those who come from now on.
    pub(crate) fn set_room(&mut self, room: usize) {
        self.room = room;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keeping_up.is_empty() && self.parked.is_empty()
    }

    /// A listener that lies at `place`, where this list does, and gets these past events first, as far as it has room.
    pub(crate) fn join(
        &mut self,
        place: &Arc<dyn Place<T>>,
        past: impl IntoIterator<Item = T>,
    ) -> Events<T> {
        self.join_with_room(self.room, place, past)
    }

    /// The same, with room for so many events.
    pub(super) fn join_with_room(
        &mut self,
        room: usize,
        place: &Arc<dyn Place<T>>,
        past: impl IntoIterator<Item = T>,
    ) -> Events<T> {
        let (mut listener, mut events) = pair(place);
        for event in past {
            let _ = listener.sender.send(event); // the receiver is here
        }
        listener.room = room;
        events.key = self.enter(listener);
        events
    }

    /// How many events there have been.
    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// Its key. `None`, and it is gone, if no further event can come.
    fn enter(&mut self, listener: Listener<T>) -> Option<u64> {
        if self.has_ended {
            return None;
        }
        let key = self.next_key;
        self.next_key += 1;
        self.keeping_up.insert(key, listener);
        Some(key)
    }

    fn leave(&mut self, key: u64) -> Option<Listener<T>> {
        if let Some(parked) = self.parked.remove(&key) {
            let missed = self.published - parked.since;
            parked.listener.ear.hear_again(missed);
            return Some(parked.listener);
        }
        self.keeping_up.remove(&key)
    }

    fn missed_by(&self, key: u64, ear: &Ear) -> u64 {
        let parked = self.parked.get(&key);
        let meanwhile = parked.map_or(0, |parked| self.published - parked.since);
        ear.missed.load(Ordering::Relaxed) + meanwhile
    }

    /// Puts a parked listener back if it has read.
    fn look_at(&mut self, key: u64) {
        let has_read = |parked: &mut Parked<T>| parked.listener.has_room();
        if self.parked.get_mut(&key).is_some_and(has_read)
            && let Some(parked) = self.parked.remove(&key)
        {
            let missed = self.published - parked.since; // Invariant 2
            parked.listener.ear.hear_again(missed);
            self.keeping_up.insert(key, parked.listener);
        }
    }

    fn look_at_one(&mut self) {
        if self.parked.len() > FEW && !self.published.is_multiple_of(8) {
            return; // Invariant 1
        }
        let mut from_here = self.parked.range(self.next_look..);
        let next = from_here.next().or_else(|| self.parked.first_key_value());
        if let Some((key, _)) = next {
            let key = *key;
            self.next_look = key + 1;
            self.look_at(key);
        }
    }

    /// Ends all streams; those that begin later get past events only.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
        self.keeping_up.clear();
        while let Some((_, parked)) = self.parked.pop_first() {
            let missed = self.published - parked.since;
            parked.listener.ear.hear_again(missed);
        }
    }

    /// Takes up publishing again.
    pub(crate) fn reopen(&mut self) {
        self.has_ended = false;
    }
}

impl<T: Clone> Listeners<T> {
    pub(crate) fn publish(&mut self, event: &T) {
        self.look_at_one();
        let mut full = Vec::new();
        for (key, listener) in &mut self.keeping_up {
            match listener.has_room() {
                true => listener.push(event.clone()),
                false => full.push(*key),
            }
        }
        let since = self.published;
        self.published += 1;
        for key in full {
            if let Some(listener) = self.keeping_up.remove(&key) {
                listener.ear.is_parked.store(true, Ordering::Relaxed);
                self.parked.insert(key, Parked { listener, since }); // Invariant 1
            }
        }
    }
}

impl<T> Drop for Listeners<T> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<T> Listener<T> {
    /// Only the list pushes, so there is never less room than was found.
    fn has_room(&mut self) -> bool {
        if self.left == 0 {
            self.left = self.room.saturating_sub(self.sender.len());
        }
        self.left > 0
    }

    /// There is room.
    fn push(&mut self, event: T) {
        self.left -= 1;
        let _ = self.sender.send(event); // Invariant 5: the receiver lives
    }
}

impl Ear {
    fn hear_again(&self, missed: u64) {
        self.missed.fetch_add(missed, Ordering::Relaxed);
        self.is_parked.store(false, Ordering::Relaxed);
    }
}

/// Both sides of a stream that is on no list yet.
fn pair<T>(place: &Arc<dyn Place<T>>) -> (Listener<T>, Events<T>) {
    let (sender, receiver) = unbounded();
    let ear = Arc::<Ear>::default();
    let listener = Listener {
        room: 0,
        left: 0,
        sender,
        ear: Arc::clone(&ear),
    };
    let events = Events {
        receiver,
        ear,
        place: Arc::clone(place),
        key: None,
    };
    (listener, events)
}
