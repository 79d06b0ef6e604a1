//! Drawing a tree as lines of text.

use std::fmt;

/// A thing with a line of text and parts below it.
pub(crate) trait Draw {
    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn parts(&self) -> &[Self]
    where
        Self: Sized;
}

/// Draws `node` and what is below it, a line each, without a line break at the end.
pub(crate) fn draw<T: Draw>(node: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    node.line(f)?;
    draw_parts(node.parts(), &mut String::new(), f)
}

fn draw_parts<T: Draw>(
    parts: &[T],
    margin: &mut String,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let depth = margin.len();
    for (n, part) in parts.iter().enumerate() {
        let last = n + 1 == parts.len();
        write!(f, "\n{margin}{}", if last { "└─ " } else { "├─ " })?;
        part.line(f)?;
        margin.push_str(if last { "   " } else { "│  " });
        draw_parts(part.parts(), margin, f)?;
        margin.truncate(depth);
    }
    Ok(())
}
