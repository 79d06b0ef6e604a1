//! JSON, written piece by piece.
//!
//! Invariants:
//! 1. Each text is escaped here and nowhere else, so whatever is in it, what is written is JSON.
//! 2. What is written comes in pieces of bounded size, and the first error of the writer ends it.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// A piece is written when it has so many bytes.
const PIECE: usize = 64 * 1024;

pub(super) struct Json<'w> {
    piece: String,
    to: &'w mut dyn Write,
}

/// A value in an object.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    /// A time in microseconds, given in nanoseconds.
    Micros(u64),
    Object(Fields),
}

pub(super) type Fields = Vec<(&'static str, Value)>;

impl<'w> Json<'w> {
    pub(super) fn new(to: &'w mut dyn Write) -> Self {
        let piece = String::new();
        Json { piece, to }
    }

    /// Text that is JSON already.
    pub(super) fn raw(&mut self, text: &str) {
        self.piece.push_str(text);
    }

    pub(super) fn object(&mut self, fields: &[(&'static str, Value)]) -> io::Result<()> {
        let _ = write_object(&mut self.piece, fields); // a string takes all
        if self.piece.len() < PIECE {
            return Ok(());
        }
        let written = self.to.write_all(self.piece.as_bytes()); // Invariant 2
        self.piece.clear();
        written
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.to.write_all(self.piece.as_bytes())?;
        self.to.flush() // a writer that keeps it back says here whether it got through
    }
}

fn write_object(to: &mut String, fields: &[(&'static str, Value)]) -> fmt::Result {
    to.push('{');
    for (place, (key, value)) in fields.iter().enumerate() {
        if place > 0 {
            to.push(',');
        }
        write!(to, "\"{key}\":")?;
        match value {
            Value::Text(text) => write_text(to, text)?,
            Value::Number(number) => write!(to, "{number}")?,
            Value::Micros(nanos) => write!(to, "{}.{:03}", nanos / 1_000, nanos % 1_000)?,
            Value::Object(fields) => write_object(to, fields)?,
        }
    }
    to.push('}');
    Ok(())
}

fn write_text(to: &mut String, text: &str) -> fmt::Result {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => to.extend(['\\', c]),
            '\n' => to.push_str("\\n"),
            // Some readers take a line separator in a text for the end of a line.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                write!(to, "\\u{:04x}", u32::from(c))?;
            }
            c => to.push(c),
        }
    }
    to.push('"');
    Ok(())
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_escaped() {
        let mut to = String::new();
        write_text(&mut to, "a\"b\\c\nd\u{1b}[31m\u{2028}\u{9b}ä").unwrap();
        assert_eq!(to, r#""a\"b\\c\nd\u001b[31m\u2028\u009bä""#);
    }

    #[test]
    fn a_time_keeps_its_nanoseconds() {
        let mut to = String::new();
        write_object(&mut to, &[("ts", Value::Micros(12_034_005))]).unwrap();
        assert_eq!(to, r#"{"ts":12034.005}"#);
    }
}
