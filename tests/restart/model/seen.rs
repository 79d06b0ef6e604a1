//! What can be seen of a tree from outside: of the model's, and of the real one.

use std::fmt;

use ifrit::grouper::MemberState;
use ifrit::{Signal, process::Status};

use super::world::{What, World};

#[derive(Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) root: (Status, bool),
    /// What the handles of the groups say: nothing while a group does not run.
    pub(super) groups: Vec<(String, Option<Vec<OfMember>>)>,
    pub(super) leaves: Vec<(String, OfLeaf)>,
    /// What the tree shows of members that have no process, in the order of their groups.
    pub(super) away: Vec<(String, Status)>,
    pub(super) answers: Vec<Option<bool>>,
    pub(super) threads: usize,
}

#[derive(Clone, PartialEq)]
pub(super) struct OfMember {
    pub(super) name: String,
    pub(super) state: MemberState,
    pub(super) restarts: u64,
    /// While it lives: whether it is or was ready.
    pub(super) ready: Option<bool>,
}

#[derive(Clone, Default, PartialEq)]
pub(super) struct OfLeaf {
    pub(super) runs: usize,
    pub(super) running: bool,
    /// By its last run.
    pub(super) heard: Vec<Signal>,
    /// How many signals a lazy one has not read.
    pub(super) unread: usize,
}

impl World {
    pub(super) fn seen(&self) -> Seen {
        let threads = (0..self.nodes.len()).filter(|n| self.has_thread(*n));
        let mut seen = Seen {
            root: (self.status(0), self.nodes[0].process.ready),
            groups: Vec::new(),
            leaves: Vec::new(),
            away: self.away(),
            answers: self.answers.clone(),
            threads: threads.count(),
        };
        for (n, node) in self.nodes.iter().enumerate() {
            let name = node.name.clone();
            match &node.what {
                What::Leaf(leaf) => {
                    let of_leaf = OfLeaf {
                        runs: leaf.runs,
                        running: self.is_leaf_running(n),
                        heard: leaf.heard.clone(),
                        unread: self.unread(n).len(),
                    };
                    seen.leaves.push((name, of_leaf));
                }
                What::Group(group) => {
                    let list = group.members.iter().map(|m| self.seen_of_member(*m));
                    let list = self.runs_group(n).then(|| list.collect());
                    seen.groups.push((name, list));
                }
            }
        }
        seen
    }

    fn away(&self) -> Vec<(String, Status)> {
        let groups = (0..self.nodes.len()).filter(|n| self.runs_group(*n));
        let members = groups.flat_map(|g| self.waiting_or_down(g));
        members
            .map(|(m, status)| (self.nodes[m].name.clone(), status))
            .collect()
    }

    fn seen_of_member(&self, m: usize) -> OfMember {
        let node = &self.nodes[m];
        OfMember {
            name: node.name.clone(),
            state: self.state_of_member(m),
            restarts: node.member.restarts,
            ready: self.is_live(m).then_some(node.process.ready),
        }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, ready) = self.root;
        write!(f, "\n    root: {status}, ready: {ready}")?;
        for (name, members) in &self.groups {
            write!(f, "\n    {name}:")?;
            match members {
                None => f.write_str(" does not run")?,
                Some(members) => members
                    .iter()
                    .try_for_each(|member| write!(f, "{member}"))?,
            }
        }
        for (name, leaf) in &self.leaves {
            write!(
                f,
                "\n    {name}: {} runs, running: {}",
                leaf.runs, leaf.running
            )?;
            leaf.heard
                .iter()
                .try_for_each(|signal| write!(f, ", {signal}"))?;
            if leaf.unread > 0 {
                write!(f, ", {} unread", leaf.unread)?;
            }
        }
        for (name, status) in &self.away {
            write!(f, "\n    in the tree: {name} {status}")?;
        }
        let (answers, threads) = (&self.answers, self.threads);
        write!(f, "\n    answers: {answers:?}, threads: {threads}")
    }
}

impl fmt::Display for OfMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {} {:?}", self.name, self.state)?;
        if let Some(ready) = self.ready {
            f.write_str(if ready { " (ready)" } else { " (unready)" })?;
        }
        match self.restarts {
            0 => f.write_str(","),
            restarts => write!(f, " {restarts} restarts,"),
        }
    }
}
