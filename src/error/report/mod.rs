//! A failed run, told to a person: [`Report`].
//!
//! Invariants:
//! 1. The first line is the root cause: where it was, and what the error was. Each member stands in the report once.
//! 2. It has so many lines and no more, each of a bounded length, whatever has failed and however deep that stood; what
//!    has no place is counted. A thread that still runs is named before others are.
//! 3. Nothing recurses: errors may be nested as deep as processes are.
//! 4. The texts of users break no line that is not their own.

mod members;
mod path;
mod root;
mod words;

use std::collections::HashSet;
use std::fmt::{self, Write};

use super::Error;
use crate::draw::{self, Draw};
use members::Members;
use root::Root;

/// An error as a person would want to read it: what began it, what followed, what is stuck; see [`Error::report`].
#[derive(Clone, Copy, Debug)]
pub struct Report<'e>(&'e Error);

impl Error {
    /// The error over several lines, as a tree.
    ///
    /// The first line says what began it all: the path of the member, and its error. Below stand what is known of that
    /// member, such as how often it had failed before, and the other members, in the order in which they ended, each
    /// once: what became of them, how long their stop took. For a thread that would not stop it says what it was told,
    /// its number at the operating system, and where it stood in the kernel when it was given up. Members beyond some
    /// tens are counted.
    ///
    /// ```
    /// use ifrit::prelude::*;
    ///
    /// let db = ifrit::run_fn(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Err("cannot flush".into())
    /// });
    /// let web = ifrit::run_fn(|_, _| Err("port taken".into()));
    /// let app = ifrit::grouper::Ordered::new(Members::new().add("db", db).add("web", web));
    /// let error = ifrit::background(app).join().unwrap_err();
    /// let report = error.report().to_string();
    /// // Then comes how long that stop took, where it was 10 ms or more.
    /// assert!(report.starts_with("\
    /// web: port taken
    /// └─ db: failed while it was stopped: cannot flush"));
    /// ```
    pub fn report(&self) -> Report<'_> {
        Report(self)
    }

    /// The error that began it all, as far as it is known: a group is asked for its initiator, or else for the first
    /// member that failed; a budget that was used up, for the last error that was restarted after; a start that took too
    /// long because that of a member did, for that of the member.
    ///
    /// ```
    /// let error = ifrit::Error::AlreadyRan;
    /// assert!(matches!(error.root_cause(), ifrit::Error::AlreadyRan));
    /// ```
    pub fn root_cause(&self) -> &Error {
        Root::of(self).error
    }
}

/// A text of a line or more, and what stands below it.
struct Node {
    text: String,
    parts: Vec<Node>,
}

impl Node {
    fn new(text: String) -> Self {
        Node {
            text,
            parts: Vec::new(),
        }
    }
}

impl Draw for Node {
    fn line(&self, f: &mut dyn Write) -> fmt::Result {
        f.write_str(&self.text)
    }

    fn parts(&self) -> &[Self] {
        &self.parts
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = Root::of(self.0);
        let mut said = HashSet::new();
        let mut node = Node::new(words::headline(&root, &mut said));
        let members = Members::new(&root, &mut said);
        node.parts = members.below(self.0);
        // Those that only the error of a user knows, or that had no place.
        let unsaid = self.0.stuck().into_iter();
        let unsaid = unsaid.filter(|stuck| said.insert(stuck.id));
        node.parts
            .extend(words::more_threads(unsaid).map(Node::new));
        draw::draw(&node, f)
    }
}
