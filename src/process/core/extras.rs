//! What few processes have, and an idle leaf does not pay for.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::beat::Beats;
use super::reloads::Part;
use super::{Core, Limit};
use crate::ancestor::Ancestor;
use crate::disposal::defer_quietly;
use crate::error::Exit;
use crate::on_drop::OnDrop;
use crate::process::board::Board;
use crate::process::last_exit::LastExit;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender};
use crate::sync::{Arc, Mutex, OnceLock, Weak, thread_local};

/// Hears what a process is told, besides what runs in it.
///
/// It is called on the thread of the sender, outside of every lock, and must not block.
pub(crate) trait Overhear: Send + Sync {
    fn overhear(&self, signal: Signal, end: Option<Limit>);
}

type Listeners = Vec<Arc<dyn Overhear>>;

/// What is shown of a process beside its note, as it is when the tree is looked at.
///
/// It is read under no lock, and must not block.
pub(crate) trait Gauge: Send + Sync {
    fn read(&self) -> String;
}

#[derive(Default)]
pub(super) struct Extras {
    /// What runs here, where that is more than a leaf.
    kind: OnceLock<&'static str>,
    /// What its children have above them. Set when it starts the first.
    as_ancestor: OnceLock<Arc<Ancestor>>,
    listeners: Mutex<Listeners>,
    /// Of a member that restarts inside, once it has. In a box, since a group has extras and no such runs.
    past_runs: OnceLock<Box<Mutex<PastRuns>>>,
    /// What it has said of itself last.
    note: Mutex<Option<Arc<str>>>,
    /// What is shown of it as it is when the tree is looked at. In a box, since few have one.
    gauge: OnceLock<Box<Mutex<Weak<dyn Gauge>>>>,
    /// What the group that runs here shows of its members. In a box, since few are ever down.
    board: OnceLock<Box<Board>>,
    /// Of one that has promised to say that it makes progress.
    beats: OnceLock<Box<Mutex<Beats>>>,
    /// Those of its runner that take part in reloads.
    reloads: OnceLock<Box<Mutex<Vec<Arc<Part>>>>>,
    /// Set before the start, where it matters whether the exit comes to anything that waits for it.
    delivery: OnceLock<Mutex<Delivery>>,
}

/// What is kept of the runs inside a process that were followed by another.
#[derive(Clone, Default)]
pub(crate) struct PastRuns {
    pub(crate) restarts: u64,
    pub(crate) last_exit: Option<LastExit>,
    /// When the latest of those restarts comes or came; `None` if it came at once, or never does.
    pub(crate) next_try: Option<Instant>,
}

/// Whether the exit has come to anything that waits for it.
#[derive(Default)]
struct Delivery {
    done: bool,
    /// The channels of the waits that live, and whether the exit was sent into them. One that is empty then was read.
    waits: BTreeMap<u64, (Receiver<Exit>, bool)>,
}

impl Delivery {
    fn is_read((channel, sent): &(Receiver<Exit>, bool)) -> bool {
        *sent && channel.is_empty()
    }
}

impl Core {
    fn extras(&self) -> &Extras {
        self.extras.get_or_init(Box::default)
    }

    /// What runs here, where that is more than a leaf.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        self.extras.get()?.kind.get().copied()
    }

    pub(crate) fn set_kind(&self, kind: &'static str) {
        let _ = self.extras().kind.set(kind);
    }

    /// What a child of it has above it.
    pub(crate) fn as_ancestor(&self) -> Arc<Ancestor> {
        let ancestor = &self.extras().as_ancestor;
        Arc::clone(
            ancestor
                .get_or_init(|| Arc::new(Ancestor::new(self.id, &self.name, self.above.as_ref()))),
        )
    }

    /// Whether a process that it has started lives.
    pub(super) fn has_children(&self) -> bool {
        let extras = self.extras.get();
        let ancestor = extras.and_then(|extras| extras.as_ancestor.get());
        ancestor.is_some_and(|ancestor| ancestor.has_children())
    }

    /// From now on `listener` hears each signal. Returns the stop signal that has come before, KILL or else the latest.
    pub(in crate::process) fn let_hear(&self, listener: Arc<dyn Overhear>) -> Option<Signal> {
        self.extras().listeners.lock().push(listener);
        // Read afterwards: a signal that comes in between is heard twice and not missed.
        self.state.lock().stop_signal
    }

    pub(in crate::process) fn let_hear_no_more(&self, listener: &Arc<dyn Overhear>) {
        let mut listeners = self.extras().listeners.lock();
        let place = listeners.iter().position(|one| Arc::ptr_eq(one, listener));
        let _gone = place.map(|place| listeners.remove(place));
        drop(listeners);
    }

    /// Lets those hear `signal` who hear what the process is told.
    pub(super) fn pass_on(&self, signal: Signal, end: Option<Limit>) {
        let Some(extras) = self.extras.get() else {
            return;
        };
        let listeners = extras.listeners.lock().clone();
        if !listeners.is_empty() {
            let heard = listeners.into_iter().map(|one| (one, signal, end));
            tell_all(heard.collect());
        }
    }

    /// A run inside it has ended so, and is followed by another, at `next_try`.
    pub(crate) fn restarts_after(&self, last: LastExit, next_try: Option<Instant>) {
        self.beats_end();
        self.reloads_end();
        let mut past = self.extras().past_runs.get_or_init(Box::default).lock();
        past.restarts += 1;
        past.last_exit = Some(last);
        past.next_try = next_try;
    }

    pub(crate) fn past_runs(&self) -> PastRuns {
        let extras = self.extras.get();
        let past = extras.and_then(|extras| extras.past_runs.get());
        past.map_or_else(PastRuns::default, |past| past.lock().clone())
    }

    /// Keeps what it says of itself; returns what it has said before.
    pub(super) fn keep_note(&self, note: Arc<str>) -> Option<Arc<str>> {
        self.extras().note.lock().replace(note)
    }

    /// What it has said of itself last, behind what its gauge shows.
    pub(crate) fn last_note(&self) -> Option<Arc<str>> {
        let extras = self.extras.get()?;
        let note = extras.note.lock().clone();
        let gauge = extras.gauge.get().and_then(|gauge| gauge.lock().upgrade());
        match (gauge, note) {
            (Some(gauge), Some(note)) => Some(format!("{}; {note}", gauge.read()).into()),
            (Some(gauge), None) => Some(gauge.read().into()),
            (None, note) => note,
        }
    }

    /// From now on it shows this, for as long as it is there.
    #[cfg(feature = "net")]
    pub(crate) fn show(&self, gauge: Weak<dyn Gauge>) {
        let kept = &self.extras().gauge;
        if let Err(gauge) = kept
            .set(Box::new(Mutex::new(gauge)))
            .map_err(|kept| kept.into_inner())
            && let Some(kept) = kept.get()
        {
            *kept.lock() = gauge;
        }
    }

    /// What the group that runs here shows of its members; made when there is something to show.
    pub(crate) fn board(&self) -> &Board {
        self.extras().board.get_or_init(Box::default)
    }

    /// The same, if there has ever been something to show.
    pub(crate) fn board_if_any(&self) -> Option<&Board> {
        Some(self.extras.get()?.board.get()?)
    }

    pub(super) fn beats(&self) -> &Mutex<Beats> {
        self.extras().beats.get_or_init(Box::default)
    }

    pub(super) fn beats_if_any(&self) -> Option<&Mutex<Beats>> {
        let extras = self.extras.get()?;
        extras.beats.get().map(Box::as_ref)
    }

    pub(super) fn reload_parts(&self) -> &Mutex<Vec<Arc<Part>>> {
        self.extras().reloads.get_or_init(Box::default)
    }

    pub(super) fn reload_parts_if_any(&self) -> Option<&Mutex<Vec<Arc<Part>>>> {
        self.extras.get()?.reloads.get().map(Box::as_ref)
    }

    /// From now on it is known whether the exit has been delivered.
    pub(in crate::process) fn track_delivery(&self) {
        let _ = self.extras().delivery.set(Mutex::default());
    }

    fn delivery(&self) -> Option<&Mutex<Delivery>> {
        self.extras.get()?.delivery.get()
    }

    /// The exit has been handed out.
    pub(super) fn delivered(&self) {
        if let Some(delivery) = self.delivery() {
            delivery.lock().done = true;
        }
    }

    /// A channel waits for the exit. Returns its key, `least` or more.
    pub(super) fn wait_begins(&self, least: u64, channel: &Receiver<Exit>) -> u64 {
        let Some(delivery) = self.delivery() else {
            return least;
        };
        let mut state = delivery.lock();
        let last = state.waits.last_key_value().map(|(key, _)| *key);
        let key = last.map_or(least, |last| least.max(last + 1));
        state.waits.insert(key, (channel.clone(), false));
        key
    }

    /// Sends the exit into the channel of a wait.
    pub(super) fn serve_wait(&self, key: u64, channel: &Sender<Exit>, exit: Exit) {
        let Some(delivery) = self.delivery() else {
            let _ = channel.send(exit);
            return;
        };
        let mut state = delivery.lock(); // in one step, or it might have been read and not have been sent
        let unwanted = channel.send(exit);
        if let Some((_, sent)) = state.waits.get_mut(&key) {
            *sent = true;
        }
        drop(state);
        drop(unwanted);
    }

    pub(super) fn wait_ends(&self, key: u64) {
        if let Some(delivery) = self.delivery() {
            let mut state = delivery.lock();
            let wait = state.waits.remove(&key);
            state.done |= wait.as_ref().is_some_and(Delivery::is_read);
            drop(state); // before the channel, which may hold the exit
        }
    }

    /// Whether the exit has come to anything that waited for it.
    pub(in crate::process) fn was_delivered(&self) -> bool {
        self.delivery().is_some_and(|delivery| {
            let state = delivery.lock();
            state.done || state.waits.values().any(Delivery::is_read)
        })
    }
}

type Heard = VecDeque<(Arc<dyn Overhear>, Signal, Option<Limit>)>;

thread_local! {
    /// What is yet to be heard, while this thread passes signals on.
    static HEARD: RefCell<Option<Heard>> = const { RefCell::new(None) };
}

/// One after the other, and not each inside the one above: they may stand deeper in each other than a stack is.
fn tell_all(mut heard: Heard) {
    let is_first = HEARD.try_with(|queue| {
        let mut queue = queue.borrow_mut();
        let is_first = queue.is_none();
        queue.get_or_insert_default().append(&mut heard);
        is_first
    });
    let Ok(is_first) = is_first else {
        // This thread ends, and its storage is gone: a destructor in it tells them.
        for (listener, signal, end) in heard {
            listener.overhear(signal, end);
        }
        return;
    };
    if is_first {
        let _deferring = defer_quietly(); // the last handle to a process that has exited may fall here
        let _passed_on = OnDrop(|| {
            let _ = HEARD.with(|queue| queue.borrow_mut().take());
        });
        let next = || HEARD.with(|queue| queue.borrow_mut().as_mut()?.pop_front());
        while let Some((listener, signal, end)) = next() {
            listener.overhear(signal, end);
        }
    }
}
