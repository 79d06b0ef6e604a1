//! Waiting with a channel until a member can be inserted: [`Vacancy`].
//!
//! Invariants:
//! 1. A registration fires at most once, and is gone then. It is made under the group's lock, and only where an insert would
//!    have to wait; what ends that wait happens under the same lock. So none is missed.
//! 2. A place that becomes free is told to everyone who only asks, and to one of those that wait to insert. One that was told
//!    and does not use the place tells the next.
//! 3. A registration that is dropped leaves nothing behind.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use super::shared::Shared;
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Sender, bounded};

/// A channel that fires once, when a [`Dynamic`](super::Dynamic) group has room for a member or takes no more; see
/// [`DynamicClient::vacancy`](super::DynamicClient::vacancy).
///
/// It derefs to the channel. A clone is registered anew, and fires by itself. A bare [`Receiver`] that was cloned out of it
/// hears only what comes before the vacancy is dropped. Dropping it leaves nothing behind.
pub struct Vacancy {
    shared: Arc<Shared>,
    receiver: Receiver<()>,
    /// None if it has fired from the start.
    key: Option<Key>,
}

/// Who is told, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Asks, and reserves nothing: told of every place.
    Asks(u64),
    /// Waits to insert, one after the other.
    Inserts(u64),
}

/// The registrations of one group.
#[derive(Default)]
pub(super) struct Waiting {
    next: u64,
    senders: BTreeMap<Key, Sender<()>>,
}

impl Waiting {
    fn register(&mut self, key: fn(u64) -> Key, sender: Sender<()>) -> Key {
        let key = key(self.next);
        self.next += 1;
        self.senders.insert(key, sender);
        key
    }

    /// There is room for one.
    pub(super) fn tell_of_a_place(&mut self) {
        // Invariant 2. Those who ask come first in the map.
        while let Some((key, sender)) = self.senders.pop_first() {
            let _ = sender.try_send(()); // it has room for one message, and there is only one
            if matches!(key, Key::Inserts(_)) {
                break;
            }
        }
    }

    /// Nothing has to be waited for any longer, or there is room for more than one.
    pub(super) fn tell_all(&mut self) {
        for sender in std::mem::take(&mut self.senders).into_values() {
            let _ = sender.try_send(());
        }
    }
}

impl Vacancy {
    /// For a caller that only asks.
    pub(super) fn asking(shared: &Arc<Shared>) -> Self {
        Vacancy::new(shared, Key::Asks)
    }

    /// For a caller that inserts as soon as it can, and says whether it did; see [`Vacancy::has_fired`].
    pub(super) fn inserting(shared: &Arc<Shared>) -> Self {
        Vacancy::new(shared, Key::Inserts)
    }

    fn new(shared: &Arc<Shared>, key: fn(u64) -> Key) -> Self {
        let (sender, receiver) = bounded(1);
        let mut state = shared.state.lock();
        let key = if state.must_wait() {
            Some(state.waiting.register(key, sender)) // Invariant 1
        } else {
            let _ = sender.try_send(());
            None
        };
        drop(state);
        Vacancy {
            shared: Arc::clone(shared),
            receiver,
            key,
        }
    }

    /// Ends the wait, and says whether the caller was told.
    pub(super) fn has_fired(mut self) -> bool {
        let key = self.key.take();
        key.is_none_or(|key| !self.take_out(key))
    }

    fn take_out(&self, key: Key) -> bool {
        let sender = self.shared.state.lock().waiting.senders.remove(&key);
        sender.is_some()
    }
}

impl Clone for Vacancy {
    fn clone(&self) -> Self {
        Vacancy::asking(&self.shared)
    }
}

impl Deref for Vacancy {
    type Target = Receiver<()>;

    fn deref(&self) -> &Receiver<()> {
        &self.receiver
    }
}

impl Drop for Vacancy {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.take_out(key); // Invariant 3
        }
    }
}

impl fmt::Debug for Vacancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vacancy")
    }
}
