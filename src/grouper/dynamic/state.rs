//! What stands behind the lock of a dynamic group.

use std::collections::HashMap;

use super::history::History;
use super::options::Options;
use super::vacancy::Waiting;
use super::watcher::Watcher;
use crate::grouper::member;
use crate::id::ProcessId;
use crate::id_map::ById;
use crate::observe::Why;
use crate::process::{Core, Life, Parent, Pool, Request};
use crate::sync::{Arc, Weak};

pub(super) struct State {
    pub(super) options: Options,
    pub(super) phase: Phase,
    pub(super) names: HashMap<Arc<str>, ProcessId>,
    pub(super) living: ById<Living>,
    /// Those whose exit has been heard and whose threads still run.
    pub(super) given_up: ById<Arc<Core>>,
    pub(super) threads: usize,
    /// Those who wait, with a channel, for this group to take a member.
    pub(super) waiting: Waiting,
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
        /// The end that began it, if it was one.
        why: Option<Why>,
    },
    /// It has run, or is gone.
    Over,
}

impl Phase {
    /// Whose threads the members run on, if they are used again.
    fn pool(&self) -> Option<&Pool<Life<'static>>> {
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
    pub(super) pool: Option<Pool<Life<'static>>>,
    pub(super) engine: Weak<dyn Parent>,
}

pub(super) struct Living {
    pub(super) core: Arc<Core>,
    pub(super) options: member::Options,
    /// Its place in the engine, once the group is stopping.
    pub(super) slot: usize,
    pub(super) watcher: Option<Watcher>,
}

impl State {
    pub(super) fn new(options: Options) -> Self {
        State {
            options,
            phase: Phase::Idle { closed: false },
            names: HashMap::new(),
            living: ById::default(),
            given_up: ById::default(),
            threads: 0,
            waiting: Waiting::default(),
            history: History::default(),
        }
    }

    /// Whether an insert would have to wait, of a member that is not refused for its own sake.
    pub(super) fn must_wait(&self) -> bool {
        let capacity = self.options.capacity;
        match self.phase {
            _ if capacity.is_zero() => false,
            Phase::Open(_) => !capacity.has_room_beside(self.threads),
            Phase::Idle { closed } => !closed,
            _ => false,
        }
    }

    /// A member of this group is about to be done with this thread, which may be one that is used again.
    pub(super) fn release_this_thread(&self) {
        if let Some(pool) = self.phase.pool() {
            pool.release_this_thread();
        }
    }

    pub(super) fn begin_stopping(&mut self, why: Option<Why>) {
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
                    why,
                }
            }
            phase => phase,
        };
    }
}
