//! What a dynamic group, its clients and its members share.
//!
//! Invariants:
//! 1. A member is admitted under the lock, on the caller's thread: from then on it is among the living, has its mailbox,
//!    and hears every signal, whether or not its thread has started. Closing happens under the same lock, so no member
//!    is admitted after a close and left unsignalled, and each one refused goes back to its caller.
//! 2. `threads` counts the members' threads that live, those that were given up included; it never exceeds the
//!    capacity. `living` has the members whose exit has not been heard; their names are those in `names`. `given_up` has
//!    those whose exit has been heard and whose threads still run.
//! 3. Locks are taken in this order: a process's, then this one, then those of the events and of the pool. So no process
//!    is asked or told anything under this lock.
//! 4. Nothing foreign is dropped under a lock: what falls out of the events and the history is returned to those who
//!    report, and dropped after every lock was released.

use super::events::{Entrance, ExitEvent};
use super::history::History;
use super::options::Options;
use super::state::{Phase, Running, State};
use crate::grouper::{MemberState, MemberStatus, member};
use crate::latch::Latch;
use crate::observe::{Events, Hub, Why, listen};
use crate::process::{Core, Process, Status};
use crate::spin::Spin;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard};

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// A place has become free, or the phase has changed.
    pub(super) changed: Condvar,
    pub(super) closed: Latch,
    pub(super) entrances: Arc<Mutex<Hub<Entrance>>>,
    pub(super) exits: Arc<Mutex<Hub<ExitEvent>>>,
    pub(super) spin: Spin,
    /// Wakes the group's own thread. One pending nudge is enough.
    pub(super) nudge: Sender<()>,
}

/// What the group's thread finds when it is nudged.
pub(super) enum Turn {
    GoOn,
    /// Closed, and no member lives.
    Done,
    /// A member's end stops the group, for this reason.
    Stop(Option<Why>),
}

impl Shared {
    pub(super) fn new(options: Options) -> (Arc<Self>, Receiver<()>) {
        let (nudge, nudges) = bounded(1);
        let shared = Arc::new(Shared {
            entrances: Hub::new(options.event_buffer),
            exits: Hub::new(options.event_buffer),
            state: Mutex::new(State::new(options)),
            changed: Condvar::new(),
            closed: Latch::default(),
            spin: Spin::for_a_place(),
            nudge,
        });
        (shared, nudges)
    }

    pub(super) fn configure(&self, set: impl FnOnce(&mut Options)) {
        let mut state = self.state.lock();
        set(&mut state.options);
        self.entrances.lock().resize(state.options.event_buffer);
        self.exits.lock().resize(state.options.event_buffer);
    }

    pub(super) fn options(&self) -> Options {
        self.state.lock().options
    }

    // For clients.

    pub(super) fn entrances(&self) -> Events<Entrance> {
        listen(&self.entrances)
    }

    pub(super) fn exits(&self) -> Events<ExitEvent> {
        listen(&self.exits)
    }

    pub(super) fn get(&self, name: &str) -> Option<Process> {
        let state = self.state.lock();
        let id = state.names.get(name)?;
        let living = state.living.get(id)?;
        Some(Process::from_core(Arc::clone(&living.core)))
    }

    pub(super) fn list(&self) -> Vec<MemberStatus> {
        let state = self.state.lock();
        let living = state.living.values().map(|living| &living.core);
        let members = living.chain(state.given_up.values());
        let mut members: Vec<_> = members.map(Arc::clone).collect();
        drop(state); // Invariant 3
        members.sort_unstable_by_key(|core| core.id);
        let status = |core: Arc<Core>| {
            let status = core.status();
            // One that has exited since is no member any more.
            (status != Status::Exited).then(|| {
                let past = core.past_runs();
                MemberStatus {
                    name: core.name.to_string(),
                    state: MemberState::of_living(status),
                    process: Some(Process::from_core(core)),
                    restarts: past.restarts,
                    last_exit: past.last_exit,
                }
            })
        };
        members.into_iter().filter_map(status).collect()
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.phase = match std::mem::replace(&mut state.phase, Phase::Over) {
            Phase::Idle { .. } => Phase::Idle { closed: true },
            Phase::Open(running) => Phase::Closed(running),
            phase => phase,
        };
        self.wake(state);
    }

    /// Everyone who waits looks again; and so does the group's own thread. The closed latch follows the phase.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if !state.must_wait() {
            state.waiting.tell_all();
        }
        let closed = !matches!(state.phase, Phase::Idle { closed: false } | Phase::Open(_));
        drop(state);
        if closed {
            self.closed.open();
        }
        self.changed.notify_all();
        let _ = self.nudge.try_send(());
    }

    // For the group's own thread.

    pub(super) fn open(&self, running: Running) {
        let _past = (self.entrances.lock().reopen(), self.exits.lock().reopen()); // Invariant 4: dropped below.
        let mut state = self.state.lock();
        let old = std::mem::take(&mut state.history);
        let running = Arc::new(running);
        state.phase = match state.phase {
            Phase::Idle { closed: true } => Phase::Closed(running),
            _ => Phase::Open(running),
        };
        self.wake(state);
        drop(old); // Invariant 4: after the lock, which `wake` has released.
    }

    pub(super) fn living(&self) -> Vec<Arc<Core>> {
        let state = self.state.lock();
        let living = state.living.values();
        living.map(|living| Arc::clone(&living.core)).collect()
    }

    pub(super) fn turn(&self) -> Turn {
        let state = self.state.lock();
        match state.phase {
            Phase::Stopping { ref why, .. } => Turn::Stop(why.clone()),
            Phase::Closed(_) if state.living.is_empty() => Turn::Done,
            _ => Turn::GoOn,
        }
    }

    /// Closes, where that has not happened yet: the members report to the engine from then on. Returns those who lived at
    /// that moment, in the order of their places.
    pub(super) fn hand_over(&self) -> Vec<(Arc<Core>, member::Options)> {
        let mut state = self.state.lock();
        state.begin_stopping(None);
        let members = match &mut state.phase {
            Phase::Stopping { members, .. } => std::mem::take(members),
            _ => Vec::new(),
        };
        self.wake(state);
        members
    }

    /// The run is over: the streams end, and the history is handed out.
    pub(super) fn finish(&self) -> History {
        let mut state = self.state.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Over);
        let history = std::mem::take(&mut state.history);
        self.wake(state);
        drop(phase); // with it goes the pool, all of whose workers are woken
        self.entrances.lock().end();
        self.exits.lock().end();
        history
    }
}
