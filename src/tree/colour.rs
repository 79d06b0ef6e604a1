//! A tree with colours, for a terminal.

use std::env;
use std::fmt::{self, Display, Write};
use std::io::IsTerminal;

use super::node::TreeNode;
use super::{Tree, text};
use crate::process::Status;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Coloured,
}

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const END: &str = "\u{1b}[0m";

impl Paint {
    /// Colours, if what is written to shows them and the user has not forbidden them.
    fn for_terminal(out: &impl IsTerminal) -> Self {
        Paint::suits(out.is_terminal(), |name| {
            env::var_os(name).map(|value| value.into_encoded_bytes())
        })
    }

    fn suits(is_terminal: bool, variable: impl Fn(&str) -> Option<Vec<u8>>) -> Self {
        // An empty NO_COLOR counts as none: https://no-color.org
        let forbidden = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|value| value == b"dumb");
        match is_terminal && !forbidden && !dumb {
            true => Paint::Coloured,
            false => Paint::Plain,
        }
    }

    pub(super) fn status(self, f: &mut dyn Write, status: Status) -> fmt::Result {
        let colour = match status {
            Status::Ready => GREEN,
            Status::Restarting | Status::Down | Status::Abandoned => RED,
            _ => YELLOW,
        };
        f.write_str(" ")?;
        self.colour(f, colour, &status)
    }

    pub(super) fn error(self, f: &mut dyn Write, error: &str) -> fmt::Result {
        f.write_str(", last error: ")?;
        self.colour(f, RED, &error)
    }

    fn colour(self, f: &mut dyn Write, colour: &str, text: &dyn Display) -> fmt::Result {
        match self {
            Paint::Plain => write!(f, "{text}"),
            Paint::Coloured => write!(f, "{colour}{text}{END}"),
        }
    }
}

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

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    type Set = &'static [(&'static str, &'static str)];

    #[test]
    fn there_are_colours_on_a_terminal_and_never_where_the_user_forbids_them() {
        let cases: [(bool, Set, Paint); 6] = [
            (true, &[], Paint::Coloured),
            (false, &[], Paint::Plain),
            (true, &[("NO_COLOR", "")], Paint::Coloured),
            (true, &[("NO_COLOR", "0")], Paint::Plain),
            (true, &[("TERM", "dumb")], Paint::Plain),
            (true, &[("TERM", "xterm")], Paint::Coloured),
        ];
        for (is_terminal, set, paint) in cases {
            let variable = |name: &str| {
                let found = set.iter().find(|(of, _)| *of == name);
                found.map(|(_, value)| value.as_bytes().to_vec())
            };
            assert_eq!(Paint::suits(is_terminal, variable), paint, "{set:?}");
        }
    }
}
