//! Which sigmons hear the operating system's signals.
//!
//! Invariants:
//! 1. The handler of a signal is installed before its first subscriber's runner starts, and stays; the thread that
//!    receives the signals is started with the first and stays too.
//! 2. While a signal has a subscriber, it is heard. While it has none, it does what it did before: its handler is idle.
//!    A stop signal that came while it had one, which has gone since, does what it did before as well: no stop is lost.
//! 3. One signal is heard once on each thread. A sigmon runs its runner on its own thread, so subscribers that share a
//!    thread stand in each other, and the one that came last is the innermost: it decides. Those around it are told
//!    what was decided before it is done, since what is done may end the program.
//! 4. Listeners are called without the lock. One that gives up a process lets go of what others have left there: no
//!    foreign destructor runs on the thread, which serves the whole program, and it goes on whatever a listener does.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use super::listener::Listener;
use crate::disposal::defer;
use crate::error::catch;
use crate::signal::Signal;
use crate::sync::os_signals::{Handler, OsSignals};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, Mutex, statics};

struct Broker {
    system: OsSignals,
    topics: BTreeMap<Signal, Topic>,
    next: u64,
}

struct Topic {
    /// By the number of their subscription: what stands in another comes after it.
    subscribers: BTreeMap<u64, Subscriber>,
    handler: Handler,
}

struct Subscriber {
    thread: ThreadId,
    listener: Arc<Listener>,
}

statics! {
    static BROKER: Mutex<Option<Broker>> = Mutex::new(None);
}

/// Unsubscribes when dropped.
pub(super) struct Subscription {
    number: u64,
    signals: BTreeSet<Signal>,
}

/// Hands the signals to `listener` from now on: those of `named`, and those of `defaults` that the program did not
/// ignore when it started. It is called on the thread of the run.
///
/// # Errors
///
/// The thread does not start, or the system refuses a signal; nothing is then subscribed to.
pub(super) fn subscribe(
    defaults: &[Signal],
    named: &BTreeSet<Signal>,
    listener: Arc<Listener>,
) -> Result<Subscription, (Option<Signal>, io::Error)> {
    let mut broker = BROKER.lock();
    let broker = match &mut *broker {
        Some(broker) => broker,
        none => none.insert(Broker {
            system: OsSignals::start(dispatch).map_err(|error| (None, error))?,
            topics: BTreeMap::new(),
            next: 0,
        }),
    };
    let ignored = |signal: &Signal| broker.system.was_ignored(signal.as_raw());
    let unasked = defaults.iter().filter(|signal| !ignored(signal));
    let signals: BTreeSet<_> = named.iter().chain(unasked).copied().collect();
    for signal in &signals {
        broker
            .install(*signal)
            .map_err(|error| (Some(*signal), error))?;
    }
    let number = broker.next;
    broker.next += 1;
    for signal in &signals {
        if let Some(topic) = broker.topics.get_mut(signal) {
            let subscriber = Subscriber {
                thread: thread::current().id(),
                listener: Arc::clone(&listener),
            };
            topic.subscribers.insert(number, subscriber);
            topic.handler.set_idle(false);
        }
    }
    Ok(Subscription { number, signals })
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut broker = BROKER.lock();
        let Some(broker) = &mut *broker else { return };
        for signal in &self.signals {
            if let Some(topic) = broker.topics.get_mut(signal) {
                topic.subscribers.remove(&self.number);
                // Invariant 2: without a subscriber it does what it did before.
                topic.handler.set_idle(topic.subscribers.is_empty());
            }
        }
    }
}

impl Broker {
    fn install(&mut self, signal: Signal) -> io::Result<()> {
        if let Entry::Vacant(topic) = self.topics.entry(signal) {
            topic.insert(Topic {
                subscribers: BTreeMap::new(),
                handler: self.system.install(signal.as_raw())?,
            });
        }
        Ok(())
    }
}

impl Topic {
    /// The listeners of each thread, outermost first.
    fn nests(&self) -> Vec<Vec<Arc<Listener>>> {
        let mut nests: Vec<Vec<_>> = Vec::new();
        let mut places = HashMap::new();
        for subscriber in self.subscribers.values() {
            let place = *places.entry(subscriber.thread).or_insert(nests.len());
            if place == nests.len() {
                nests.push(Vec::new());
            }
            nests[place].push(Arc::clone(&subscriber.listener));
        }
        nests
    }
}

/// A signal has come; on the thread that receives them.
fn dispatch(raw: i32) {
    let _deferring = defer();
    let Some(signal) = Signal::from_raw(raw) else {
        return;
    };
    let nests = {
        let broker = BROKER.lock();
        let Some(topic) = broker
            .as_ref()
            .and_then(|broker| broker.topics.get(&signal))
        else {
            return;
        };
        if topic.subscribers.is_empty() && signal.is_stop() {
            topic.handler.act_as_before(); // invariant 2: the one that it came for has gone
        }
        topic.nests()
    };
    for nest in nests {
        let _ = catch(|| hear(&nest, signal)); // invariant 4: the thread goes on
    }
}

/// Invariant 3: the innermost decides, all know of it, and then it is done, once.
fn hear(nest: &[Arc<Listener>], signal: Signal) {
    let Some(innermost) = nest.last() else { return };
    if let Some(step) = innermost.decide(signal) {
        for listener in nest {
            listener.record(signal, step);
        }
        innermost.act(signal, step);
    }
}
