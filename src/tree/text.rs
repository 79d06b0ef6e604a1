//! A tree as lines of text.
//!
//! Invariant: a line is one line. What users have named or noted stands in it with its control characters escaped, and cut
//! where it is too long.

use std::fmt::{self, Write};
use std::time::Duration;

use super::node::TreeNode;
use super::{Tree, colour::Paint};
use crate::draw::{Draw, draw_with, line_of};
use crate::process::Status;

impl TreeNode {
    /// What is to be known of it, in a line: what is always said comes first.
    fn write(&self, f: &mut dyn Write, paint: Paint) -> fmt::Result {
        f.write_str(&line_of(&self.name, ROOM))?;
        if let Some(id) = self.id {
            write!(f, " {id}")?;
        }
        paint.status(f, self.status)?;
        write!(f, " for {}", Span(self.status_for))?;
        if self.status == Status::Waiting {
            f.write_str(", not started yet")?;
        }
        // Where the state is much younger than the process.
        if let Some(uptime) = self
            .uptime
            .filter(|uptime| *uptime >= 2 * self.status_for.max(SECOND))
        {
            write!(f, " (up {})", Span(uptime))?;
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
            write!(f, ", next try in {}", Span(next_try))?;
        }
        if let Some(silent) = self.stalled_for {
            write!(f, ", stalled: no progress for {}", Span(silent))?;
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
            write!(f, ", note: {}", line_of(note, ROOM))?;
        }
        match &self.last_error {
            Some(error) => paint.error(f, &line_of(error, ROOM)),
            None => Ok(()),
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// How many bytes a name, a note or an error has at most in a line.
const ROOM: usize = 1_000;

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

/// A length of time as people say it, in its two largest units: `<1s`, `59s`, `2m 5s`, `3h 0m`, `12d 7h`.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
        match seconds {
            0 => f.write_str("<1s"),
            1..60 => write!(f, "{seconds}s"),
            60..3_600 => write!(f, "{minutes}m {}s", seconds % 60),
            3_600..86_400 => write!(f, "{hours}h {}m", minutes % 60),
            _ => write!(f, "{days}d {}h", hours % 24),
        }
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_two_largest_units() {
        let cases = [
            (0.0, "<1s"),
            (0.999, "<1s"),
            (1.0, "1s"),
            (59.9, "59s"),
            (60.0, "1m 0s"),
            (3_599.0, "59m 59s"),
            (3_600.0, "1h 0m"),
            (86_399.0, "23h 59m"),
            (86_400.0, "1d 0h"),
            (9_999_999.0, "115d 17h"),
        ];
        for (seconds, text) in cases {
            assert_eq!(Span(Duration::from_secs_f64(seconds)).to_string(), text);
        }
        assert!(Span(Duration::MAX).to_string().ends_with("h"));
    }
}
