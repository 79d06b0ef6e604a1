//! All processes that live, and which of them started which: see [`tree()`](crate::tree()).

// The files import downward only: `snapshot` and `serial` stand highest, then `colour`, `text`, and lowest `node`.

mod colour;
mod node;
#[cfg(feature = "serde")]
mod serial;
pub(crate) mod snapshot;
mod text;

pub use node::TreeNode;

use crate::id::ProcessId;

/// A snapshot of all processes that live, and of the members of groups that are to be started; see
/// [`tree()`](crate::tree()).
///
/// It prints as a tree, with a line for each process that says what is to be known at a glance: its state and since when,
/// how often it was restarted, when it is tried again, and why it failed last. Control characters in it are escaped, and
/// there are no colours; [`for_terminal`](Tree::for_terminal) adds them.
///
/// ```
/// use ifrit::testing::never_ready;
///
/// let process = ifrit::Process::builder().name("lonely").background(never_ready());
/// let tree = ifrit::tree();
/// let node = tree.find(|node| node.name == "lonely").unwrap();
/// assert!(node.to_string().starts_with(&format!("lonely {} starting for", process.id())));
/// # process.signal(ifrit::Signal::KILL);
/// ```
///
/// It is as deep as processes stand in each other, without a limit. To take it does not recurse; to draw, copy, serialise
/// or drop it does, and 2 MiB of stack suffice for 1,000 levels also in a build without optimisation.
///
/// With the feature `serde` it can be serialised; [`TreeNode`] says in which shape.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tree {
    /// The processes with no living process of ours above them, oldest first.
    pub roots: Vec<TreeNode>,
}

impl Tree {
    /// The process with this number, wherever it stands. Looks at each once at most.
    pub fn get(&self, id: ProcessId) -> Option<&TreeNode> {
        self.find(|node| node.id == Some(id))
    }

    /// The first process, or member without one, from the roots down, of which `is_it` is true.
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
