//! All processes that live, and who started whom: [`tree()`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::error::ProcessId;
use crate::outline::{self, Outline};
use crate::process::{Core, Status, registry};
use crate::sync::Arc;
use crate::sync::thread::ThreadId;

/// A snapshot of all processes that live; see [`tree()`]. It prints as a tree, a line for each process.
///
/// ```
/// use ifrit::testing::never_ready;
///
/// let process = ifrit::Process::builder().name("lonely").background(never_ready());
/// let tree = ifrit::tree();
/// let node = tree.find(|node| node.name == "lonely").unwrap();
/// assert_eq!(node.to_string(), format!("lonely {} starting", process.id()));
/// # process.signal(ifrit::Signal::KILL);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tree {
    /// The processes with no living process of ours above them, oldest first.
    pub roots: Vec<TreeNode>,
}

/// One process in a [`Tree`], and those it has started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TreeNode {
    /// Its number.
    pub id: ProcessId,
    /// Its name.
    pub name: String,
    /// The kind of group it runs, or `None` for a leaf.
    pub kind: Option<&'static str>,
    /// How far it has come.
    pub status: Status,
    /// Its thread, once that has started to run.
    pub thread: Option<ThreadId>,
    /// The processes it has started and which live, in start order; among them those that were given up by one which it
    /// had started and which is gone.
    pub children: Vec<TreeNode>,
}

/// A snapshot of all processes of this program whose threads live, among them those that were given up.
///
/// Never blocks for longer than it takes to look at each. Linear in their number.
///
/// ```
/// use ifrit::prelude::*;
///
/// let idle = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let app = ifrit::Ordered::new(Members::new().add("db", idle));
/// let app = ifrit::Process::builder().name("app").invoke(app);
///
/// let tree = ifrit::tree();
/// assert_eq!(tree.get(app.id()).unwrap().children[0].name, "db");
/// println!("{tree}");
/// # app.signal(Signal::INTERRUPT);
/// # app.join().unwrap();
/// ```
pub fn tree() -> Tree {
    let mut living = registry::living();
    // An exit is published a moment before its thread is done.
    living.retain(|core| core.status() != Status::Exited);
    let ids: BTreeSet<_> = living.iter().map(|core| core.id).collect();
    let mut children: BTreeMap<Option<ProcessId>, Vec<Arc<Core>>> = BTreeMap::new();
    for core in living {
        let parent = core.parent().filter(|parent| ids.contains(parent));
        children.entry(parent).or_default().push(core);
    }
    Tree {
        roots: take_children(None, &mut children),
    }
}

fn take_children(
    parent: Option<ProcessId>,
    children: &mut BTreeMap<Option<ProcessId>, Vec<Arc<Core>>>,
) -> Vec<TreeNode> {
    let cores = children.remove(&parent).unwrap_or_default();
    cores
        .into_iter()
        .map(|core| TreeNode {
            id: core.id,
            name: core.name.to_string(),
            kind: core.kind.get().copied(),
            status: core.status(),
            thread: core.thread(),
            children: take_children(Some(core.id), children),
        })
        .collect()
}

impl Tree {
    /// The process with this number, wherever it stands. Looks at each once at most.
    pub fn get(&self, id: ProcessId) -> Option<&TreeNode> {
        self.find(|node| node.id == id)
    }

    /// The first process, from the roots down, of which `is_it` is true.
    pub fn find(&self, is_it: impl Fn(&TreeNode) -> bool) -> Option<&TreeNode> {
        let mut next: Vec<&TreeNode> = self.roots.iter().rev().collect();
        while let Some(node) = next.pop() {
            if is_it(node) {
                return Some(node);
            }
            next.extend(node.children.iter().rev());
        }
        None
    }
}

impl Outline for TreeNode {
    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.id, self.status)?;
        match self.kind {
            Some(kind) => write!(f, ", {kind}"),
            None => Ok(()),
        }
    }

    fn parts(&self) -> &[Self] {
        &self.children
    }
}

impl fmt::Display for TreeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        outline::draw(self, f)
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, root) in self.roots.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            root.fmt(f)?;
        }
        Ok(())
    }
}
