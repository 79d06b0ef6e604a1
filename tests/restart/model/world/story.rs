//! What events must have told: all that does not depend on which thread was faster.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ifrit::Signal;

use super::World;
use super::process::Id;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Story {
    /// How many processes a node has been.
    pub(crate) starts: BTreeMap<usize, usize>,
    pub(crate) ready: BTreeSet<Id>,
    /// By the process that has ended, or in which a run has.
    pub(crate) restarts: BTreeMap<Id, Vec<Restart>>,
    /// Of each run that has stopped.
    pub(crate) stops: BTreeMap<Id, Vec<Why>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Restart {
    /// By its group; or by the restarter in it.
    pub(crate) by_group: bool,
    pub(crate) attempt: usize,
    pub(crate) delay: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Why {
    Signal(Signal),
    Member(Id),
    AutoShutdown,
}

impl World {
    pub(crate) fn tell_of_start(&mut self, n: usize) {
        *self.story.starts.entry(n).or_default() += 1;
    }

    pub(crate) fn tell_of_ready(&mut self, n: usize) {
        let id = self.id(n);
        self.story.ready.insert(id);
    }

    pub(crate) fn tell_of_restart(&mut self, n: usize, restart: Restart) {
        let id = self.id(n);
        self.story.restarts.entry(id).or_default().push(restart);
    }

    /// Of a member that a round has stopped, or holds back.
    pub(crate) fn tell_of_restart_in_round(&mut self, g: usize, m: usize) {
        let run = self.run(g);
        let restart = Restart {
            by_group: true,
            attempt: run.spent.len(),
            delay: run.round.unwrap_or_default().saturating_sub(self.now),
        };
        self.tell_of_restart(m, restart);
    }

    pub(crate) fn tell_of_stop(&mut self, g: usize, why: Why) {
        let id = self.id(g);
        self.story.stops.entry(id).or_default().push(why);
    }
}
