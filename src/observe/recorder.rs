//! The recorder: the newest events of the program, and those who listen to them.
//!
//! Invariants:
//! 1. One lock is around all of it, so that a listener that comes gets each event of its subtree once: as a past one or as
//!    a new one. It is a leaf: under it no other is taken, nothing foreign runs or is dropped, and nothing is waited for.
//! 2. Events are published by those to whom they happen, under their own lock or ordered by it, and before the effect can
//!    be seen. So the events of one process are in the order of its states.
//! 3. What is kept is bounded: `NEWEST` events, the texts of which are bounded, and a list for each subtree that one listens
//!    to at the time.
//! 4. An event takes a step for each process above it, where one listens at all, and not for each that listens.

use std::collections::VecDeque;

use super::event::{Event, What};
use super::stream::{Events, Listeners, Place};
use crate::id::ProcessId;
use crate::id_map::{ById, take_out};
use crate::sync::{Arc, LazyLock, Mutex, statics};

/// So many events are kept.
#[cfg(not(all(test, ifrit_shuttle)))]
const NEWEST: usize = 1_024;
/// Few, so that a model comes to the end of them.
#[cfg(all(test, ifrit_shuttle))]
const NEWEST: usize = 2;

/// So many events a listener has room for, the past ones included.
const ROOM: usize = 2 * NEWEST;

statics! {
    static PROGRAM: LazyLock<Mutex<Program>> = LazyLock::new(Mutex::default);
}

struct Program {
    newest: VecDeque<Event>,
    to_all: Listeners<Event>,
    /// By the highest process of the subtree.
    to_some: ById<Listeners<Event>>,
    #[cfg(feature = "metrics")]
    running: Running,
}

/// How much runs now.
#[cfg(feature = "metrics")]
#[derive(Clone, Copy, Default)]
pub(super) struct Running {
    /// Those that have started, and have neither exited nor were given up.
    pub(super) processes: u64,
    /// Threads of processes that were given up.
    pub(super) abandoned: u64,
}

#[cfg(feature = "metrics")]
impl Running {
    fn count(&mut self, what: &What) {
        match what {
            What::Started => self.processes += 1,
            What::Exited { .. } => self.processes -= 1,
            What::Abandoned { .. } => {
                self.processes -= 1;
                self.abandoned += 1;
            }
            What::ExitedLate { .. } => self.abandoned -= 1,
            _ => {}
        }
    }
}

#[cfg(feature = "metrics")]
pub(super) fn running() -> Running {
    PROGRAM.lock().running
}

impl Default for Program {
    fn default() -> Self {
        Program {
            newest: VecDeque::new(),
            to_all: Listeners::new(ROOM),
            to_some: ById::default(),
            #[cfg(feature = "metrics")]
            running: Running::default(),
        }
    }
}

/// A stream of the events of all processes of this program. It begins with the newest past ones, 1,024 at most, and never
/// ends.
///
/// The listener has room for 2,048 events, the past ones included. Never blocks.
///
/// ```
/// use ifrit::observe::What;
///
/// let process = ifrit::background(ifrit::run_fn(|_, _| Err("no disk".into())));
/// let exit = ifrit::observe::events().find_map(|event| match event.what {
///     What::Exited { exit, .. } if event.id == process.id() => Some(exit),
///     _ => None,
/// });
/// assert_eq!(exit.unwrap().error(), Some("no disk"));
/// ```
pub fn events() -> Events<Event> {
    listen(Whose(None))
}

/// The same of one process and what stands below it.
pub(crate) fn events_below(id: ProcessId) -> Events<Event> {
    listen(Whose(Some(id)))
}

fn listen(whose: Whose) -> Events<Event> {
    let place = Arc::new(whose) as _;
    let mut program = PROGRAM.lock();
    let past = program.newest.iter().filter(|event| whose.has(event));
    let past: Vec<_> = past.cloned().collect();
    let list = match whose.0 {
        None => &mut program.to_all,
        Some(id) => {
            let lists = &mut program.to_some;
            lists.entry(id).or_insert_with(|| Listeners::new(ROOM))
        }
    };
    list.join(&place, past)
}

/// A stream of them that has room for so many, the past ones included; and how many were published before those. At least
/// one has room.
pub(super) fn events_with_room(room: usize) -> (Events<Event>, u64) {
    let place = Arc::new(Whose(None)) as _;
    let mut program = PROGRAM.lock();
    let room = room.max(1);
    let left_out = program.newest.len().saturating_sub(room);
    let past: Vec<_> = program.newest.iter().skip(left_out).cloned().collect();
    let before = program.to_all.published() - past.len() as u64;
    (program.to_all.join_with_room(room, &place, past), before)
}

/// The newest events of the program, and how many were published before those.
pub(super) fn newest() -> (Vec<Event>, u64) {
    let program = PROGRAM.lock();
    let newest: Vec<_> = program.newest.iter().cloned().collect();
    let before = program.to_all.published() - newest.len() as u64;
    (newest, before)
}

/// The newest event of this process that tells what it did itself, as far as it is kept.
pub(crate) fn last_of(id: ProcessId) -> Option<Event> {
    let program = PROGRAM.lock();
    let mut newest = program.newest.iter().rev();
    let is_its_own = |event: &&Event| {
        let befell = matches!(
            event.what,
            What::Signalled { .. }
                | What::Abandoned { .. }
                | What::Waiting { .. }
                | What::Stalled { .. }
        );
        event.id == id && !befell
    };
    newest.find(is_its_own).cloned()
}

/// Keeps an event, and hands it to those who listen. Never blocks.
pub(crate) fn publish(event: Event) {
    let mut program = PROGRAM.lock();
    #[cfg(feature = "metrics")]
    program.running.count(&event.what);
    program.to_all.publish(&event);
    if !program.to_some.is_empty() {
        let above = event.path.above();
        for id in std::iter::once(event.id).chain(above) {
            if let Some(list) = program.to_some.get_mut(&id) {
                list.publish(&event); // Invariant 4
            }
        }
    }
    let full = program.newest.len() == NEWEST;
    let oldest = full.then(|| program.newest.pop_front()).flatten();
    program.newest.push_back(event);
    drop(program);
    drop(oldest);
}

/// A subtree, by its highest process; or all.
#[derive(Clone, Copy)]
struct Whose(Option<ProcessId>);

impl Whose {
    fn has(self, event: &Event) -> bool {
        self.0
            .is_none_or(|id| event.id == id || event.path.above().any(|above| above == id))
    }
}

impl Place<Event> for Whose {
    fn visit(&self, work: &mut dyn FnMut(&mut Listeners<Event>)) {
        let mut program = PROGRAM.lock();
        let Some(id) = self.0 else {
            return work(&mut program.to_all);
        };
        if let Some(list) = program.to_some.get_mut(&id) {
            work(list);
            if list.is_empty() {
                take_out(&mut program.to_some, &id); // Invariant 3
            }
        }
    }
}
