//! All processes that live, and which of them started which: see [`tree()`](crate::tree()).

pub(crate) mod snapshot;

use std::fmt;

use crate::draw::{self, Draw};
use crate::id::ProcessId;
use crate::process::Status;
use crate::sync::Arc;
use crate::sync::thread::ThreadId;

/// A snapshot of all processes that live; see [`tree()`](crate::tree()). It prints as a tree, a line for each process.
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
    /// What it has [said of itself](crate::process::note) last.
    pub note: Option<Arc<str>>,
    /// The processes it has started and which live, in start order; among them those that were given up by one which it
    /// had started and which is gone.
    pub children: Vec<TreeNode>,
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

impl Draw for TreeNode {
    fn line(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.id, self.status)?;
        if let Some(kind) = self.kind {
            write!(f, ", {kind}")?;
        }
        match &self.note {
            Some(note) => write!(f, ", note: {note}"),
            None => Ok(()),
        }
    }

    fn parts(&self) -> &[Self] {
        &self.children
    }
}

impl fmt::Display for TreeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        draw::draw(self, f)
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
