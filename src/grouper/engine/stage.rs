//! Where a member stands in a run, and what exists of it there.
//!
//! A member is at home, or it has a process, or it was given up and its thread still runs. Its runner is at home in the
//! first case only, so that only from there it can be started: never two incarnations at once.

use std::time::Instant;

use super::admin::{Leaving, Reply};
use crate::limit::Deadline;
use crate::process::{Core, Guarded, Process};
use crate::sync::Arc;

pub(super) enum Stage {
    Home(Home),
    Live(Live),
    /// It was given up; its thread still runs and has its runner.
    Abandoned(Arc<Core>),
}

/// A member without a process.
pub(super) struct Home {
    /// None where the runner of a member that has ended does not come back.
    pub(super) runner: Option<Guarded>,
    pub(super) rest: Rest,
}

/// Why a member has no process.
#[derive(Default)]
pub(super) enum Rest {
    /// It is to be started, in its turn.
    #[default]
    Waiting,
    /// The same, and a caller has added it and waits for its start.
    Joining(Reply<Process>),
    /// It is to be started again, after a delay or a round.
    Down,
    /// It has ended and stays so in this run.
    Done,
    /// It was terminated through the handle, and only the handle can start it again.
    Terminated,
}

/// A member with a process.
pub(super) struct Live {
    pub(super) core: Arc<Core>,
    pub(super) ready_since: Option<Instant>,
    pub(super) stop: Stop,
    /// A caller has asked for it to be terminated or removed. In a box: each member has a place for it, and few need it.
    pub(super) leaving: Option<Box<Leaving>>,
}

/// How far the stop of one member is.
///
/// Deadlines are in boxes: each member has a place for one, and needs it only while it is being stopped.
#[derive(Debug, Default)]
pub(super) enum Stop {
    #[default]
    NotAsked,
    /// Its turn has come, and its stop delay runs.
    Delayed {
        /// When it is told; `None` if that is further off than time goes.
        tell_at: Option<Instant>,
        deadline: Option<Box<Deadline>>,
    },
    Told {
        since: Instant,
        /// With KILL; what remains is the grace.
        killed: bool,
        /// When it is told KILL and given up, as far as that is known.
        deadline: Option<Box<Deadline>>,
    },
}

impl Stop {
    pub(super) fn told(&self) -> Option<Instant> {
        match self {
            Stop::Told { since, .. } => Some(*since),
            _ => None,
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        !matches!(self, Stop::NotAsked)
    }

    pub(super) fn is_killed(&self) -> bool {
        matches!(self, Stop::Told { killed: true, .. })
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        match self {
            Stop::NotAsked => None,
            Stop::Delayed { deadline, .. } | Stop::Told { deadline, .. } => {
                deadline.as_deref().copied()
            }
        }
    }

    /// The deadline only ever moves closer.
    pub(super) fn hasten(&mut self, by: Option<Deadline>) {
        match self {
            Stop::NotAsked => {}
            Stop::Delayed { deadline, .. } | Stop::Told { deadline, .. } => {
                let sooner = Deadline::earlier(deadline.as_deref().copied(), by);
                *deadline = sooner.map(Box::new);
            }
        }
    }
}

impl Live {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Live {
            core,
            ready_since: None,
            stop: Stop::default(),
            leaving: None,
        }
    }
}

impl Stage {
    pub(super) fn at_home(runner: Option<Guarded>, rest: Rest) -> Self {
        Stage::Home(Home { runner, rest })
    }

    pub(super) fn live(&self) -> Option<&Live> {
        match self {
            Stage::Live(live) => Some(live),
            _ => None,
        }
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match self {
            Stage::Live(live) => Some(live),
            _ => None,
        }
    }

    pub(super) fn home_mut(&mut self) -> Option<&mut Home> {
        match self {
            Stage::Home(home) => Some(home),
            _ => None,
        }
    }

    pub(super) fn rest(&self) -> Option<&Rest> {
        match self {
            Stage::Home(home) => Some(&home.rest),
            _ => None,
        }
    }

    pub(super) fn core(&self) -> Option<&Arc<Core>> {
        match self {
            Stage::Home(_) => None,
            Stage::Live(live) => Some(&live.core),
            Stage::Abandoned(core) => Some(core),
        }
    }
}
