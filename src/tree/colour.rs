//! A tree with colours, for a terminal.

use std::fmt::{self, Display};
use std::io::IsTerminal;

use super::node::TreeNode;
use super::{Tree, text};
use crate::draw::Paint;

/// What it draws, with these colours.
struct Painted<'t, T>(&'t T, Paint);

impl Display for Painted<'_, Tree> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::draw_tree(self.0, f, self.1)
    }
}

impl Display for Painted<'_, TreeNode> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::draw_node(self.0, f, self.1)
    }
}

impl Tree {
    /// The text of the tree for `out`: with colours if that is a terminal, unless the environment variable `NO_COLOR` is set
    /// to anything, or `TERM` is `dumb`. Green is ready, yellow on its way up or down, red what is down, given up, or an
    /// error.
    ///
    /// ```
    /// let tree = ifrit::tree();
    /// eprintln!("{}", tree.for_terminal(&std::io::stderr()));
    /// ```
    pub fn for_terminal(&self, out: &impl IsTerminal) -> impl Display + '_ {
        Painted(self, Paint::for_terminal(out))
    }
}

impl TreeNode {
    /// As [`Tree::for_terminal`], for this node and what is below it.
    ///
    /// ```
    /// use ifrit::testing::never_ready;
    ///
    /// let process = ifrit::background(never_ready());
    /// let tree = ifrit::tree();
    /// let node = tree.get(process.id()).unwrap();
    /// println!("{}", node.for_terminal(&std::io::stdout()));
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn for_terminal(&self, out: &impl IsTerminal) -> impl Display + '_ {
        Painted(self, Paint::for_terminal(out))
    }
}
