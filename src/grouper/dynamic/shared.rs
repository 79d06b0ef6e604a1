//! What a dynamic group, its clients and its members share.
//!
//! Invariants:
//! 1. A member is admitted under the lock, on the caller's thread: from then on it is among the living, has its mailbox,
//!    and hears every signal, whether or not its thread has started. Closing happens under the same lock, so no member
//!    is admitted after a close and left unsignalled, and each one refused goes back to its caller.
//! 2. `threads` counts the members' threads that live, those that were given up included; it never exceeds the
//!    capacity. `living` has the members whose exit has not been heard; their names are those in `names`.
//! 3. Locks are taken in this order: a process's, then this one, then those of the events and of the pool. So no process
//!    is asked or told anything under this lock.
//! 4. Nothing foreign is dropped under a lock: what falls out of the events and the history is returned to those who
//!    report, and dropped after every lock was released.

use std::collections::{HashMap, VecDeque};

use super::look_out::LookOut;
use super::pool::Pool;
use super::{Capacity, Ends, Entrance, ExitEvent};
use crate::error::MemberExit;
use crate::grouper::member;
use crate::id::ProcessId;
use crate::latch::Latch;
use crate::observe::{Events, Hub, listen};
use crate::process::{ById, Core, Parent, Process, Request};
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// A place has become free, or the phase has changed.
    pub(super) changed: Condvar,
    pub(super) closed: Latch,
    pub(super) entrances: Arc<Mutex<Hub<Entrance>>>,
    pub(super) exits: Arc<Mutex<Hub<ExitEvent>>>,
    pub(super) look_out: LookOut,
    /// Wakes the group's own thread. One pending nudge is enough.
    pub(super) nudge: Sender<()>,
}

/// What the group was built with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) capacity: Capacity,
    pub(super) event_buffer: usize,
    pub(super) history: usize,
    pub(super) reuse_threads: bool,
    pub(super) ends: Option<Ends>,
}

pub(super) struct State {
    pub(super) options: Options,
    pub(super) phase: Phase,
    pub(super) names: HashMap<Arc<str>, ProcessId>,
    pub(super) living: ById<Living>,
    pub(super) threads: usize,
    pub(super) history: History,
}

pub(super) enum Phase {
    /// Not run yet, or not again; `closed` beforehand if a client has asked for that.
    Idle {
        closed: bool,
    },
    Open(Arc<Running>),
    /// It ends when the last member has.
    Closed(Arc<Running>),
    /// Members report to the engine, which stops them.
    Stopping {
        running: Arc<Running>,
        /// Those who lived when it began, in the order of their places; until the engine takes them over.
        members: Vec<(Arc<Core>, member::Options)>,
    },
    /// It has run, or is gone.
    Over,
}

impl Phase {
    /// Whose threads the members run on, if they are used again.
    fn pool(&self) -> Option<&Pool> {
        match self {
            Phase::Open(running) | Phase::Closed(running) | Phase::Stopping { running, .. } => {
                running.pool.as_ref()
            }
            Phase::Idle { .. } | Phase::Over => None,
        }
    }
}

/// What a group knows while it runs.
pub(super) struct Running {
    /// What every member is started with.
    pub(super) request: Request,
    pub(super) pool: Option<Pool>,
    pub(super) engine: Weak<dyn Parent>,
}

pub(super) struct Living {
    pub(super) core: Arc<Core>,
    pub(super) options: member::Options,
    /// Its place in the engine, once the group is stopping.
    pub(super) slot: usize,
}

/// The newest exits.
#[derive(Default)]
pub(super) struct History {
    pub(super) exits: VecDeque<MemberExit>,
    pub(super) omitted: u64,
    pub(super) failed: bool,
}

/// What the group's thread finds when it is nudged.
pub(super) enum Turn {
    GoOn,
    /// Closed, and nobody lives.
    Done,
    /// A member's end stops the group.
    Stop,
}

impl Shared {
    pub(super) fn new(options: Options) -> (Arc<Self>, Receiver<()>) {
        let (nudge, nudges) = bounded(1);
        let shared = Arc::new(Shared {
            entrances: Hub::new(options.event_buffer),
            exits: Hub::new(options.event_buffer),
            state: Mutex::new(State {
                options,
                phase: Phase::Idle { closed: false },
                names: HashMap::new(),
                living: ById::default(),
                threads: 0,
                history: History::default(),
            }),
            changed: Condvar::new(),
            closed: Latch::default(),
            look_out: LookOut::for_a_place(),
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
    fn wake(&self, state: MutexGuard<'_, State>) {
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
        let _past = (self.entrances.lock().reopen(), self.exits.lock().reopen()); // 4
        let mut state = self.state.lock();
        let old = std::mem::take(&mut state.history);
        let running = Arc::new(running);
        state.phase = match state.phase {
            Phase::Idle { closed: true } => Phase::Closed(running),
            _ => Phase::Open(running),
        };
        self.wake(state);
        drop(old); // 4
    }

    pub(super) fn living(&self) -> Vec<Arc<Core>> {
        let state = self.state.lock();
        let living = state.living.values();
        living.map(|living| Arc::clone(&living.core)).collect()
    }

    pub(super) fn turn(&self) -> Turn {
        let state = self.state.lock();
        match state.phase {
            Phase::Stopping { .. } => Turn::Stop,
            Phase::Closed(_) if state.living.is_empty() => Turn::Done,
            _ => Turn::GoOn,
        }
    }

    /// Closes, where that has not happened yet: the members report to the engine from then on. Returns those who lived at
    /// that moment, in the order of their places.
    pub(super) fn hand_over(&self) -> Vec<(Arc<Core>, member::Options)> {
        let mut state = self.state.lock();
        state.begin_stopping();
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

impl State {
    /// A member of this group is about to be done with this thread, which may be one that is used again.
    pub(super) fn release_this_thread(&self) {
        if let Some(pool) = self.phase.pool() {
            pool.release_this_thread();
        }
    }

    pub(super) fn begin_stopping(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Open(running) | Phase::Closed(running) => {
                let mut living: Vec<_> = self.living.values_mut().collect();
                living.sort_unstable_by_key(|living| living.core.id);
                let members = living.into_iter().enumerate().map(|(slot, living)| {
                    living.slot = slot;
                    (Arc::clone(&living.core), living.options.clone())
                });
                Phase::Stopping {
                    running,
                    members: members.collect(),
                }
            }
            phase => phase,
        };
    }
}

impl History {
    /// Returns what has fallen out.
    pub(super) fn push(
        &mut self,
        failed: bool,
        room: usize,
        record: impl FnOnce() -> MemberExit,
    ) -> Option<MemberExit> {
        self.failed |= failed;
        let is_full = self.exits.len() >= room;
        self.omitted += u64::from(is_full);
        let fallen = is_full.then(|| self.exits.pop_front()).flatten();
        if room > 0 {
            self.exits.push_back(record());
        }
        fallen
    }
}
