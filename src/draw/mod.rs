//! What an operator reads, as text: trees as lines, the texts of users, times, colours.

mod lasting;
mod paint;
mod text;

use std::fmt::{self, Write};

pub(crate) use lasting::Lasting;
pub(crate) use paint::{Colour, Paint};
pub(crate) use text::{Counted, Escaped, LINE, in_a_path, is_special_in_a_path, line_of, lines_of};

/// A thing with a text, of a line or more, and parts below it.
pub(crate) trait Draw {
    fn line(&self, f: &mut dyn Write) -> fmt::Result;
    fn parts(&self) -> &[Self]
    where
        Self: Sized;
}

/// Draws `node` and what is below it, without a line break at the end.
pub(crate) fn draw<T: Draw>(node: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    draw_with(node, &T::line, f)
}

/// The same, with another text for each.
pub(crate) fn draw_with<T: Draw>(
    node: &T,
    line: &Line<'_, T>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut margin = String::new();
    draw_line(node, line, &mut margin, f)?;
    draw_parts(node.parts(), line, &mut margin, f)
}

type Line<'l, T> = dyn Fn(&T, &mut dyn Write) -> fmt::Result + 'l;

/// Behind what stands at the beginning of its first line. Further lines stand in the margin of its parts.
fn draw_line<T: Draw>(
    node: &T,
    line: &Line<'_, T>,
    margin: &mut String,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let depth = margin.len();
    margin.push_str(if node.parts().is_empty() {
        "   "
    } else {
        "│  "
    });
    let drawn = line(node, &mut InMargin { margin, f });
    margin.truncate(depth);
    drawn
}

fn draw_parts<T: Draw>(
    parts: &[T],
    line: &Line<'_, T>,
    margin: &mut String,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let depth = margin.len();
    for (n, part) in parts.iter().enumerate() {
        let last = n + 1 == parts.len();
        write!(f, "\n{margin}{}", if last { "└─ " } else { "├─ " })?;
        margin.push_str(if last { "   " } else { "│  " });
        draw_line(part, line, margin, f)?;
        draw_parts(part.parts(), line, margin, f)?;
        margin.truncate(depth);
    }
    Ok(())
}

/// Begins each further line with a margin.
struct InMargin<'a, 'f> {
    margin: &'a str,
    f: &'a mut fmt::Formatter<'f>,
}

impl Write for InMargin<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (place, line) in text.split('\n').enumerate() {
            if place > 0 {
                write!(self.f, "\n{}", self.margin)?;
            }
            self.f.write_str(line)?;
        }
        Ok(())
    }
}
