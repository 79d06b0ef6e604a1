//! A tree as lines of text.
//!
//! Invariant: a line is one line. What users have named or noted stands in it with its control characters escaped, and cut
//! where it is too long.

use std::fmt::{self, Write};
use std::time::Duration;

use super::Tree;
use super::node::TreeNode;
use crate::draw::{Colour, Draw, LINE, Lasting, Paint, draw_with, line_of};
use crate::process::Status;

impl TreeNode {
    /// What is to be known of it, in a line: what is always said comes first.
    fn write(&self, f: &mut dyn Write, paint: Paint) -> fmt::Result {
        f.write_str(&line_of(&self.name, LINE))?;
        if let Some(id) = self.id {
            write!(f, " {id}")?;
        }
        write_status(f, paint, self.status)?;
        write!(f, " for {}", Lasting::coarse(self.status_for))?;
        if self.status == Status::Waiting {
            f.write_str(", not started yet")?;
        }
        // Where the state is much younger than the process.
        if let Some(uptime) = self
            .uptime
            .filter(|uptime| *uptime >= 2 * self.status_for.max(SECOND))
        {
            write!(f, " (up {})", Lasting::coarse(uptime))?;
        }
        if let Some(kind) = self.kind {
            write!(f, ", {kind}")?;
        }
        match self.restarts {
            0 => {}
            1 => f.write_str(", restarted once")?,
            2 => f.write_str(", restarted twice")?,
            n => write!(f, ", restarted {n} times")?,
        }
        if let Some(next_try) = self.next_try {
            write!(f, ", next try in {}", Lasting::coarse(next_try))?;
        }
        if let Some(silent) = self.stalled_for {
            write!(f, ", stalled: no progress for {}", Lasting::coarse(silent))?;
        }
        if !self.pending.is_empty() {
            f.write_str(", signals not read:")?;
            self.pending
                .iter()
                .try_for_each(|signal| write!(f, " {signal}"))?;
        }
        if self.status == Status::Abandoned {
            f.write_str(", still running")?;
        }
        if let (Status::Stopping | Status::Abandoned, Some(id)) = (self.status, self.os_thread_id) {
            write!(f, ", OS thread {id}")?;
        }
        if let Some(note) = &self.note {
            write!(f, ", note: {}", line_of(note, LINE))?;
        }
        match &self.last_error {
            Some(error) => write_error(f, paint, &line_of(error, LINE)),
            None => Ok(()),
        }
    }
}

fn write_status(f: &mut dyn Write, paint: Paint, status: Status) -> fmt::Result {
    let colour = match status {
        Status::Ready => Colour::Green,
        Status::Restarting | Status::Down | Status::Abandoned => Colour::Red,
        _ => Colour::Yellow,
    };
    f.write_str(" ")?;
    paint.write(f, colour, &status)
}

fn write_error(f: &mut dyn Write, paint: Paint, error: &str) -> fmt::Result {
    f.write_str(", last error: ")?;
    paint.write(f, Colour::Red, &error)
}

const SECOND: Duration = Duration::from_secs(1);

impl Draw for TreeNode {
    fn line(&self, f: &mut dyn Write) -> fmt::Result {
        self.write(f, Paint::Plain)
    }

    fn parts(&self) -> &[Self] {
        &self.children
    }
}

pub(super) fn draw_node(node: &TreeNode, f: &mut fmt::Formatter<'_>, paint: Paint) -> fmt::Result {
    draw_with(node, &|node, f| node.write(f, paint), f)
}

pub(super) fn draw_tree(tree: &Tree, f: &mut fmt::Formatter<'_>, paint: Paint) -> fmt::Result {
    for (n, root) in tree.roots.iter().enumerate() {
        if n > 0 {
            f.write_str("\n")?;
        }
        draw_node(root, f, paint)?;
    }
    Ok(())
}

/// Without colours, also on a terminal.
impl fmt::Display for TreeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        draw_node(self, f, Paint::Plain)
    }
}

/// Without colours, also on a terminal.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        draw_tree(self, f, Paint::Plain)
    }
}
