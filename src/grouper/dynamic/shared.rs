//! What a dynamic group, its clients and its members share.
//!
//! Invariants:
//! 1. A member is admitted under the lock, on the caller's thread: from then on it is among the living, has its mailbox,
//!    and hears every signal, whether or not its thread has started. Closing happens under the same lock, so no member
//!    is admitted after a close and left unsignalled, and each one refused goes back to its caller.
//! 2. `threads` counts the members' threads that live, those that were given up included; it never exceeds the
//!    capacity. `living` has the members whose exit has not been heard; their names are those in `names`.
//! 3. Locks are taken in this order: a process's, then this one, then those of the events. So no process is asked or
//!    told anything under this lock.
//! 4. Nothing foreign is dropped under a lock: what falls out of the events and the history is returned to those who
//!    report, and dropped after every lock was released.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use super::events::{Events, Hub, listen};
use super::pool::{self, Pool};
use super::{Capacity, Ends, Entrance, ExitEvent};
use crate::error::{Cause, Exit, MemberExit, ProcessId};
use crate::grouper::Member;
use crate::grouper::member;
use crate::grouper::{InsertError, Refusal};
use crate::latch::Latch;
use crate::process::{
    Core, Detached, Leftover, Link, News, Parent, Process, Report, Request, drop_runner, earlier,
    launch,
};
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};

pub(super) struct Shared {
    state: Mutex<State>,
    /// A place has become free, or the phase has changed.
    changed: Condvar,
    pub(super) closed: Latch,
    entrances: Arc<Mutex<Hub<Entrance>>>,
    exits: Arc<Mutex<Hub<ExitEvent>>>,
    /// Wakes the group's own thread. One pending nudge is enough.
    nudge: Sender<()>,
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

struct State {
    options: Options,
    phase: Phase,
    names: HashMap<Arc<str>, ProcessId>,
    living: BTreeMap<ProcessId, Living>,
    threads: usize,
    waiting: usize,
    history: History,
}

enum Phase {
    /// Not run yet, or not again; `closed` beforehand if a client has asked for that.
    Idle {
        closed: bool,
    },
    Open(Running),
    /// It ends when the last member has.
    Closed(Running),
    /// Members report to the engine, which stops them.
    Stopping {
        running: Running,
        /// Those who lived when it began, in the order of their places; until the engine takes them over.
        members: Vec<(Arc<Core>, member::Options)>,
    },
    /// It has run, or is gone.
    Over,
}

/// What a group knows while it runs.
#[derive(Clone)]
pub(super) struct Running {
    /// What every member is started with.
    pub(super) request: Request,
    pub(super) pool: Option<Arc<Pool>>,
    pub(super) engine: Weak<dyn Parent>,
}

struct Living {
    core: Arc<Core>,
    options: member::Options,
    /// Its place in the engine, once the group is stopping.
    slot: usize,
}

/// The newest exits.
#[derive(Default)]
pub(super) struct History {
    pub(super) exits: VecDeque<MemberExit>,
    pub(super) omitted: u64,
    pub(super) failed: bool,
}

/// How long a caller wants to wait for a place.
#[derive(Clone, Copy)]
pub(super) enum Wait {
    ForEver,
    Until(Option<Instant>),
    Not,
}

/// What a member finds at the door.
enum Look {
    Enter(Running),
    Refuse(Refusal),
    NotNow(Refusal),
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
                living: BTreeMap::new(),
                threads: 0,
                waiting: 0,
                history: History::default(),
            }),
            changed: Condvar::new(),
            closed: Latch::default(),
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

    pub(super) fn insert(
        self: &Arc<Self>,
        member: Member,
        wait: Wait,
    ) -> Result<Process, Box<InsertError>> {
        match self.admit(&member, wait) {
            Ok(admitted) => Ok(admitted.start(member)),
            Err(reason) => Err(InsertError::new(reason, member)),
        }
    }

    /// Makes `member` one of the living. 1
    fn admit(self: &Arc<Self>, member: &Member, wait: Wait) -> Result<Admitted, Refusal> {
        if member.name.is_empty() {
            return Err(Refusal::EmptyName);
        }
        if let Some(option) = member.options.zero() {
            return Err(Refusal::ZeroDeadline(option));
        }
        if member.options.check().is_err() {
            return Err(Refusal::InvalidBackoff);
        }
        let mut state = self.state.lock();
        let mut waited = false;
        let refusal = loop {
            let why_not_now = match self.look(&state, member) {
                Look::Enter(running) => return Ok(self.enter(state, running, member)),
                Look::Refuse(reason) => break reason,
                Look::NotNow(reason) => reason,
            };
            state.waiting += 1;
            let timed_out = match wait {
                Wait::Not => true,
                Wait::Until(Some(limit)) => self.changed.wait_until(&mut state, limit).timed_out(),
                Wait::ForEver | Wait::Until(None) => {
                    self.changed.wait(&mut state);
                    false
                }
            };
            state.waiting -= 1;
            waited = true;
            match wait {
                Wait::Not => break why_not_now,
                _ if timed_out => break Refusal::TimedOut,
                _ => {}
            }
        };
        if waited {
            // The place this caller may have been woken for is somebody else's.
            self.changed.notify_one();
        }
        Err(refusal)
    }

    fn look(&self, state: &State, member: &Member) -> Look {
        let capacity = state.options.capacity;
        match &state.phase {
            _ if capacity.is_zero() => Look::Refuse(Refusal::ZeroCapacity),
            Phase::Open(_) if state.names.contains_key(member.name.as_str()) => {
                Look::Refuse(Refusal::DuplicateName)
            }
            Phase::Open(running) if capacity.has_room_beside(state.threads) => {
                Look::Enter(running.clone())
            }
            Phase::Open(_) => Look::NotNow(Refusal::Full),
            Phase::Idle { closed: false } => Look::NotNow(Refusal::NotRunning),
            _ => Look::Refuse(Refusal::Closed),
        }
    }

    fn enter(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        running: Running,
        member: &Member,
    ) -> Admitted {
        let name: Arc<str> = member.name.as_str().into();
        let request = Request {
            name: Some(Arc::clone(&name)),
            start_timeout: member.options.start_timeout,
            stop_within: earlier(member.options.stop_timeout, running.request.stop_within),
            ..running.request
        };
        let link = Link {
            parent: Arc::downgrade(self) as _,
            index: 0,
        };
        let core = request.core("member", Some(link));
        state.threads += 1;
        state.names.insert(name, core.id);
        let living = Living {
            core: Arc::clone(&core),
            options: member.options.clone(),
            slot: 0,
        };
        state.living.insert(core.id, living);
        drop(state);
        Admitted {
            core,
            request,
            pool: running.pool,
        }
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
        state.phase = Phase::Over;
        let history = std::mem::take(&mut state.history);
        self.wake(state);
        self.entrances.lock().end();
        self.exits.lock().end();
        history
    }
}

impl State {
    fn begin_stopping(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Open(running) | Phase::Closed(running) => {
                let members = self.living.values_mut().enumerate().map(|(slot, living)| {
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
    pub(super) fn push(&mut self, record: MemberExit, room: usize) -> Option<MemberExit> {
        self.failed |= record.exit.is_err();
        self.exits.push_back(record);
        if self.exits.len() <= room {
            return None;
        }
        self.omitted += 1;
        self.exits.pop_front()
    }
}

impl Parent for Shared {
    fn hear(&self, report: Report) -> Leftover {
        let mut state = self.state.lock();
        match report.news {
            News::Ready => self.entered(&state, report.id),
            News::EndedLate { .. } => {
                self.place_free(&mut state);
                Leftover::default()
            }
            News::Exited {
                given_up, ref exit, ..
            } => {
                let Some(living) = state.living.remove(&report.id) else {
                    return Leftover::default();
                };
                state.names.remove(&living.core.name);
                if !given_up {
                    if living.core.runs_on_this_thread() {
                        pool::release_this_thread();
                    }
                    self.place_free(&mut state);
                }
                let event = ExitEvent {
                    name: living.core.name.to_string(),
                    id: report.id,
                    exit: exit.clone(),
                };
                let event = self.exits.lock().publish(event);
                if let Phase::Stopping { running, .. } = &state.phase {
                    let index = living.slot;
                    let engine = running.engine.upgrade();
                    let report = engine.map(|engine| engine.hear(Report { index, ..report }));
                    Leftover::new((event, report, living))
                } else {
                    let record = self.ended(&mut state, &living, exit.clone());
                    Leftover::new((event, record, living))
                }
            }
        }
    }
}

impl Shared {
    fn entered(&self, state: &State, id: ProcessId) -> Leftover {
        let Some(living) = state.living.get(&id) else {
            return Leftover::default();
        };
        let entrance = Entrance {
            name: living.core.name.to_string(),
            process: Process::from_core(Arc::clone(&living.core)),
        };
        Leftover::new(self.entrances.lock().publish(entrance))
    }

    /// A member's thread is about to be done with it, or has not started.
    fn place_free(&self, state: &mut State) {
        state.threads -= 1;
        if state.waiting > 0 {
            self.changed.notify_one();
        }
    }

    /// A member's end in a group that is not stopping. Returns what has fallen out of the history.
    fn ended(&self, state: &mut State, living: &Living, exit: Exit) -> Option<MemberExit> {
        let stops = !(living.options.one_shot && exit.is_ok())
            && match state.options.ends {
                Some(Ends::Any) => true,
                Some(Ends::Errors) => exit.is_err(),
                None => false,
            };
        let record = MemberExit {
            name: living.core.name.to_string(),
            id: living.core.id,
            exit,
            cause: if stops {
                Cause::Initiator
            } else {
                Cause::Completed
            },
            time_to_stop: None,
        };
        let room = state.options.history;
        let fallen = state.history.push(record, room);
        if stops {
            state.begin_stopping();
            self.changed.notify_all();
        }
        if stops || (matches!(state.phase, Phase::Closed(_)) && state.living.is_empty()) {
            let _ = self.nudge.try_send(());
        }
        fallen
    }
}

/// One of the living, whose thread has not started yet.
struct Admitted {
    core: Arc<Core>,
    request: Request,
    pool: Option<Arc<Pool>>,
}

impl Admitted {
    fn start(self, member: Member) -> Process {
        let runner = match member.options.restart {
            Some(restart) => restart.around(member.runner),
            None => member.runner,
        };
        match &self.pool {
            Some(pool) => launch(&self.core, &self.request, runner, drop_runner, &**pool),
            None => launch(&self.core, &self.request, runner, drop_runner, Detached),
        }
        Process::from_core(self.core)
    }
}
