//! Who gets the operating system's signals.
//!
//! Invariants:
//! 1. The handler of a signal is installed before its first subscriber's runner starts, and stays; the thread that
//!    receives the signals is started with the first and stays too.
//! 2. While a signal has a subscriber, each gets it. While it has none, it does what it did before: its handler is idle.
//!    A stop signal that came while it had one, who has gone since, does what it did before as well: no stop is lost.
//! 3. Subscribers are called without the lock. One that gives up a process lets go of what others have left there, and
//!    whatever comes of that, the thread goes on: it is everybody's.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use super::system::{Handler, System};
use crate::error::catch;
use crate::signal::Signal;
use crate::sync::{Arc, Mutex, statics};

pub(super) trait Subscriber: Send + Sync {
    fn receive(&self, signal: Signal);
}

struct Broker {
    system: System,
    topics: BTreeMap<Signal, Topic>,
    next: u64,
}

struct Topic {
    subscribers: BTreeMap<u64, Arc<dyn Subscriber>>,
    handler: Handler,
}

statics! {
    static BROKER: Mutex<Option<Broker>> = Mutex::new(None);
}

/// Unsubscribes when dropped.
pub(super) struct Subscription(Vec<(Signal, u64)>);

/// Hands every one of `signals` to `subscriber` from now on.
///
/// # Errors
///
/// The thread does not start, or the system refuses a signal; nothing is then subscribed to.
pub(super) fn subscribe(
    signals: &[Signal],
    subscriber: &Arc<dyn Subscriber>,
) -> Result<Subscription, (Option<Signal>, io::Error)> {
    let mut broker = BROKER.lock();
    let broker = match &mut *broker {
        Some(broker) => broker,
        none => none.insert(Broker {
            system: System::start(dispatch).map_err(|error| (None, error))?,
            topics: BTreeMap::new(),
            next: 0,
        }),
    };
    for signal in signals {
        broker
            .install(*signal)
            .map_err(|error| (Some(*signal), error))?;
    }
    let mut subscription = Subscription(Vec::with_capacity(signals.len()));
    for signal in signals {
        let key = broker.next;
        broker.next += 1;
        if let Some(topic) = broker.topics.get_mut(signal) {
            topic.subscribers.insert(key, Arc::clone(subscriber));
            topic.handler.set_idle(false);
            subscription.0.push((*signal, key));
        }
    }
    Ok(subscription)
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut broker = BROKER.lock();
        let Some(broker) = &mut *broker else { return };
        for (signal, key) in &self.0 {
            if let Some(topic) = broker.topics.get_mut(signal) {
                topic.subscribers.remove(key);
                topic.handler.set_idle(topic.subscribers.is_empty()); // 2
            }
        }
    }
}

impl Broker {
    fn install(&mut self, signal: Signal) -> io::Result<()> {
        if let Entry::Vacant(topic) = self.topics.entry(signal) {
            topic.insert(Topic {
                subscribers: BTreeMap::new(),
                handler: self.system.install(signal)?,
            });
        }
        Ok(())
    }
}

fn dispatch(signal: Signal) {
    let subscribers: Vec<_> = {
        let broker = BROKER.lock();
        let Some(topic) = broker
            .as_ref()
            .and_then(|broker| broker.topics.get(&signal))
        else {
            return;
        };
        if topic.subscribers.is_empty() && signal.is_stop() {
            topic.handler.act_as_before(); // 2
        }
        topic.subscribers.values().map(Arc::clone).collect()
    };
    for subscriber in subscribers {
        let _ = catch(|| subscriber.receive(signal)); // 3
    }
}
