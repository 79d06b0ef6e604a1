//! The life of a process, with or without a restarter in it.

use std::collections::VecDeque;
use std::time::Duration;

use ifrit::Signal;

use super::exits::Exit;
use super::group::{Due, News};
use super::{Delays, Leaf, Limit, Restart, Time, What, World, earlier, spend};
use crate::model::scene::Again;

/// A process: its node, and its number there.
pub(crate) type Id = (usize, usize);

/// The process that a node is, or was the last time it ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Process {
    /// Which of those that the node has been.
    pub(crate) number: usize,
    /// The process it runs in; when that is gone and has left threads behind, the one that ran in.
    above: Option<Id>,
    pub(crate) inside: Inside,
    pub(crate) ready: bool,
    /// While its thread still runs, it was given up.
    pub(crate) exit: Option<Exit>,
    pub(crate) told: bool,
    pub(crate) killed: bool,
    /// When the stop is over, as what tells it has said.
    pub(crate) stop_end: Option<Time>,
    pub(crate) start: Option<Limit>,
    /// How long a stop may take that begins inside.
    pub(crate) stop_within: Option<Duration>,
    pub(crate) overdue: bool,
    /// When the process itself tells KILL and gives up, where it has a limit.
    pub(crate) enforced: Vec<(Time, Due)>,
    /// Signals not yet read.
    pub(crate) pending: VecDeque<Signal>,
    /// When its restarter has restarted it.
    pub(crate) spent: Vec<Time>,
    pub(crate) delays: Delays,
    /// Its restarter has restarted it, and it has not been ready since.
    pub(crate) restarting: bool,
}

/// What runs on a process's thread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Inside {
    #[default]
    NoThread,
    /// The thread has not come to it yet.
    Begins,
    Runs,
    /// A restarter waits until then.
    Pause(Time),
}

impl World {
    pub(crate) fn launch(&mut self, n: usize, start: Option<Limit>, stop_within: Option<Time>) {
        let parent = self.nodes[n].parent;
        self.nodes[n].process = Process {
            number: self.nodes[n].process.number + 1,
            above: parent.map(|parent| self.id(parent)),
            inside: Inside::Begins,
            start,
            stop_within,
            ..Process::default()
        };
        self.tell_of_start(n);
    }

    /// The runner is called, unless it has a restarter around it that was told to stop.
    pub(crate) fn enter(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if node.again.is_some() && node.process.told {
            return self.returns(n, Exit::Ok);
        }
        node.process.inside = Inside::Runs;
        node.process.delays.ready_since = None;
        match &mut node.what {
            What::Leaf(leaf) => {
                *leaf = Leaf {
                    runs: leaf.runs + 1,
                    ..Leaf::default()
                };
                if !node.options.lazy {
                    self.reads(n);
                }
            }
            What::Group(_) => self.run_begins(n),
        }
    }

    /// A leaf reads what it was told.
    pub(crate) fn reads(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if let What::Leaf(leaf) = &mut node.what {
            node.process
                .pending
                .drain(..)
                .for_each(|signal| leaf.hear(signal));
        }
    }

    /// What was called has returned: its restarter calls it again, or that was it.
    pub(crate) fn ends(&mut self, n: usize, exit: Exit) {
        let node = &mut self.nodes[n];
        let again = match node.again {
            None => false,
            Some(_) if node.process.told => false,
            Some(_) if exit.leaves_threads() || exit.is_fatal() => false,
            Some(Again::Always) => true,
            Some(Again::OnError) => !exit.is_ok(),
        };
        if !again {
            return self.returns(n, exit);
        }
        if !spend(&mut node.process.spent, self.now) {
            let source = exit.error();
            return self.returns(n, Exit::Budget { source });
        }
        let delay = node.process.delays.next(node.options, self.now);
        node.process.inside = Inside::Pause(self.now + delay);
        node.process.restarting = true;
        let restart = Restart {
            by_group: false,
            attempt: node.process.spent.len(),
            delay,
        };
        self.tell_of_restart(n, restart);
    }

    pub(crate) fn returns(&mut self, n: usize, exit: Exit) {
        if exit.leaves_threads() {
            let (gone, above) = (Some(self.id(n)), self.nodes[n].process.above);
            for node in &mut self.nodes {
                if node.process.above == gone {
                    node.process.above = above;
                }
            }
        }
        let process = &mut self.nodes[n].process;
        process.inside = Inside::NoThread;
        process.pending.clear();
        if process.exit.is_some() {
            return self.report(n, News::EndedLate);
        }
        let exit = if process.overdue {
            let source = exit.error();
            let stuck = false;
            let after = process.start.map(|limit| limit.set);
            Exit::StartTimeout {
                after,
                stuck,
                source,
            }
        } else {
            exit
        };
        self.exits(n, exit, false);
    }

    pub(crate) fn give_up(&mut self, n: usize) {
        let process = &self.nodes[n].process;
        if process.exit.is_some() {
            return;
        }
        let exit = if process.overdue {
            Exit::StartTimeout {
                after: process.start.map(|limit| limit.set),
                stuck: true,
                source: None,
            }
        } else {
            Exit::Abandoned(self.with_a_thread(n))
        };
        self.exits(n, exit, true);
    }

    fn exits(&mut self, n: usize, exit: Exit, given_up: bool) {
        let process = &mut self.nodes[n].process;
        process.exit = Some(exit.clone());
        process.enforced.clear();
        self.report(n, News::Exited { exit, given_up });
    }

    pub(crate) fn id(&self, n: usize) -> Id {
        (n, self.nodes[n].process.number)
    }

    /// The names of those whose threads run, in this process or below it.
    fn with_a_thread(&self, n: usize) -> Vec<String> {
        let above = |m: &usize| self.nodes[*m].process.above;
        let is_below = |m: usize| {
            let next = |m: &usize| above(m).filter(|id| *id == self.id(id.0));
            let mut lineage = std::iter::successors(Some(m), |m| next(m).map(|(m, _)| m));
            lineage.any(|m| m == n)
        };
        let all = (0..self.nodes.len()).filter(|m| self.has_thread(*m) && is_below(*m));
        let mut names: Vec<_> = all.map(|m| self.nodes[m].name.clone()).collect();
        names.sort();
        names
    }

    /// Whether it is part of the tree below that node, or is that node.
    pub(crate) fn is_in(&self, n: usize, above: usize) -> bool {
        let mut lineage = std::iter::successors(Some(n), |n| self.nodes[*n].parent);
        lineage.any(|n| n == above)
    }

    fn report(&mut self, n: usize, news: News) {
        if let Some(parent) = self.nodes[n].parent {
            self.group_mut(parent).inbox.push_back((n, news));
        }
    }

    pub(crate) fn says_ready(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if let What::Leaf(leaf) = &mut node.what {
            leaf.said_ready = true;
        }
        let process = &mut node.process;
        process.delays.ready_since.get_or_insert(self.now);
        process.restarting = false;
        if !process.ready && process.exit.is_none() && !process.overdue {
            process.ready = true;
            self.tell_of_ready(n);
            self.report(n, News::Ready);
        }
    }

    /// Says whether it was told before its exit.
    pub(crate) fn tell(&mut self, n: usize, signal: Signal, end: Option<Time>) -> bool {
        let grace_ends = self.now + self.grace_of(n);
        let node = &mut self.nodes[n];
        let process = &mut node.process;
        process.told |= signal.is_stop();
        if signal.is_stop() && process.exit.is_none() {
            process.stop_end = earlier(process.stop_end, end);
            // A process with a limit sees to the grace itself, where no sooner end was handed down.
            let begins = signal == Signal::KILL && !process.killed && process.start.is_some();
            if begins && process.stop_end.is_none_or(|end| grace_ends < end) {
                process.stop_end = Some(grace_ends);
                process.enforced.push((grace_ends, Due::GiveUp));
            }
        }
        process.killed |= signal == Signal::KILL;
        match (&mut node.what, process.inside) {
            (_, Inside::NoThread) => {}
            (What::Leaf(leaf), Inside::Runs) if !node.options.lazy => leaf.hear(signal),
            _ if process.pending.contains(&signal) => {}
            _ => process.pending.push_back(signal),
        }
        process.exit.is_none()
    }
}

impl Process {
    /// There is a limit to its start that still counts.
    pub(crate) fn is_watched(&self) -> bool {
        let is_over = self.ready || self.killed || self.overdue || self.exit.is_some();
        !is_over && self.inside != Inside::NoThread
    }
}
