//! The one thread that receives the operating system's signals and passes them on.
//!
//! Invariants:
//! 1. The handler of a signal is installed before its first subscriber's runner starts, and stays; the thread is
//!    started with the first and stays too. It sleeps in a read.
//! 2. While a signal has a subscriber, each gets it. While it has none, it does what it did before: `idle` is set, and
//!    the handler then acts as the system's default would, unless the signal was ignored or handled by somebody else
//!    when it was first subscribed to.
//! 3. Subscribers are called without the lock. One that gives up a process lets go of what others have left there, and
//!    whatever comes of that, the thread goes on: it is everybody's.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::unregister;

use crate::error::catch;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, thread};

pub(super) trait Subscriber: Send + Sync {
    fn receive(&self, signal: Signal);
}

struct Broker {
    handle: Handle,
    topics: BTreeMap<Signal, Topic>,
    next: u64,
}

struct Topic {
    subscribers: BTreeMap<u64, Arc<dyn Subscriber>>,
    idle: Arc<AtomicBool>,
}

static BROKER: Mutex<Option<Broker>> = Mutex::new(None);

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
        none => none.insert(Broker::start().map_err(|error| (None, error))?),
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
            topic.idle.store(false, Ordering::SeqCst);
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
                topic
                    .idle
                    .store(topic.subscribers.is_empty(), Ordering::SeqCst); // 2
            }
        }
    }
}

impl Broker {
    fn start() -> io::Result<Self> {
        let mut signals = Signals::new(std::iter::empty::<i32>())?;
        let handle = signals.handle();
        thread::Builder::new()
            .name("ifrit-signals".into())
            .spawn(move || {
                for raw in signals.forever() {
                    if let Some(signal) = Signal::from_raw(raw) {
                        dispatch(signal);
                    }
                }
            })?;
        Ok(Broker {
            handle,
            topics: BTreeMap::new(),
            next: 0,
        })
    }

    fn install(&mut self, signal: Signal) -> io::Result<()> {
        if self.topics.contains_key(&signal) {
            return Ok(());
        }
        let idle = Arc::new(AtomicBool::new(true)); // 2
        let mut emulated = None;
        if Disposition::now()?.is_default(signal) {
            // A real-time signal has no default that could be emulated; once subscribed to, it is ignored when idle.
            let default = flag::register_conditional_default(signal.as_raw(), Arc::clone(&idle));
            emulated = default.ok();
        }
        self.handle.add_signal(signal.as_raw()).inspect_err(|_| {
            emulated.map(unregister);
        })?;
        let topic = Topic {
            subscribers: BTreeMap::new(),
            idle,
        };
        self.topics.insert(signal, topic);
        Ok(())
    }
}

fn dispatch(signal: Signal) {
    let subscribers: Vec<_> = {
        let broker = BROKER.lock();
        let topic = broker
            .as_ref()
            .and_then(|broker| broker.topics.get(&signal));
        let subscribers = topic.iter().flat_map(|topic| topic.subscribers.values());
        subscribers.map(Arc::clone).collect()
    };
    for subscriber in subscribers {
        let _ = catch(|| subscriber.receive(signal)); // 3
    }
}

/// Which signals the program ignores or handles, as masks with a bit for each.
struct Disposition {
    ignored: u64,
    caught: u64,
}

impl Disposition {
    /// As the system tells; one that keeps no such account has everything count as default.
    ///
    /// # Errors
    ///
    /// It cannot be read now. That is no time to guess: a signal that was ignored would end the program later.
    fn now() -> io::Result<Self> {
        let status = match fs::read_to_string("/proc/self/status") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            status => status?,
        };
        let mask = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
                .unwrap_or(0)
        };
        Ok(Disposition {
            ignored: mask("SigIgn:"),
            caught: mask("SigCgt:"),
        })
    }

    fn is_default(&self, signal: Signal) -> bool {
        let bit = 1 << (signal.as_raw() - 1);
        (self.ignored | self.caught) & bit == 0
    }
}
