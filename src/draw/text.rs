//! The texts of users, so that they break no line and fill no screen.

use std::fmt::{self, Write};

/// So many bytes a text of users has at most, where it is kept or stands in a line.
pub(crate) const LINE: usize = 1_000;

/// Most texts are not longer.
const USUAL: usize = 120;

const CUT: char = '…';

/// Text without what would end a line or move the cursor: such characters are escaped.
pub(crate) struct Escaped<'t>(pub(crate) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_control) {
            f.write_str(&rest[..at])?;
            rest = &rest[at..];
            if let Some(c) = rest.chars().next() {
                write!(f, "{}", c.escape_default())?;
                rest = &rest[c.len_utf8()..];
            }
        }
        f.write_str(rest)
    }
}

fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// No control character is in it: looked at byte by byte where it is ASCII, as most texts are.
fn is_plain(text: &str) -> bool {
    let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
    text.bytes().all(is_printable) || !text.contains(is_control)
}

/// A number of things: "1 restart", "2 restarts".
pub(crate) struct Counted(pub(crate) usize, pub(crate) &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted(count, noun) = self;
        let plural = if *count == 1 { "" } else { "s" };
        write!(f, "{count} {noun}{plural}")
    }
}

/// Writes a name so that a path with it can be split at its slashes, and stands on one line.
pub(crate) fn in_a_path(name: &str, path: &mut impl Write) -> fmt::Result {
    for c in name.chars() {
        match is_special_in_a_path(c) {
            true => percent(c, path)?,
            false => path.write_char(c)?,
        }
    }
    Ok(())
}

pub(crate) fn is_special_in_a_path(c: char) -> bool {
    matches!(c, '/' | '%') || is_control(c)
}

fn percent(c: char, path: &mut impl Write) -> fmt::Result {
    let mut bytes = [0; 4];
    let mut bytes = c.encode_utf8(&mut bytes).bytes();
    bytes.try_for_each(|byte| write!(path, "%{byte:02X}"))
}

/// What `said` says, in one line of at most `room` bytes. An error of its `Display` ends it; a panic is not caught.
pub(crate) fn line_of(said: impl fmt::Display, room: usize) -> String {
    cut(said, room, 1)
}

/// What `said` says, in at most `lines` lines and `room` bytes.
pub(crate) fn lines_of(said: impl fmt::Display, room: usize, lines: usize) -> String {
    cut(said, room, lines)
}

fn cut(said: impl fmt::Display, room: usize, lines: usize) -> String {
    let mut text = Cut {
        text: String::with_capacity(USUAL.min(room)),
        room,
        lines,
        may_break: lines > 1,
        breaks: 0,
    };
    let _ = write!(text, "{said}"); // an error means that it was cut
    text.text
}

struct Cut {
    text: String,
    room: usize,
    /// How many lines it may have from here on.
    lines: usize,
    /// Whether it may have more than one line. In a text of one a line break is escaped.
    may_break: bool,
    /// Line breaks that are written when more follows.
    breaks: usize,
}

impl Cut {
    fn cut(&mut self, before: usize) -> fmt::Result {
        self.text.truncate(before);
        self.text.push(CUT);
        Err(fmt::Error) // the rest is not asked for
    }
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The usual case, of one line that fits; an error of every restart comes through here.
        let fits = self.text.len() + text.len() <= self.room.saturating_sub(CUT.len_utf8());
        if fits && !self.may_break && is_plain(text) {
            self.text.push_str(text);
            return Ok(());
        }
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\n' && self.may_break {
                self.breaks += 1;
                continue;
            }
            if c == '\r' && self.may_break && chars.peek() == Some(&'\n') {
                continue; // a line break of other systems
            }
            let before = self.text.len();
            if self.lines <= self.breaks {
                return self.cut(before);
            }
            self.lines -= self.breaks;
            (0..std::mem::take(&mut self.breaks)).for_each(|_| self.text.push('\n'));
            match c {
                '\t' if self.may_break => self.text.push(c),
                _ if is_control(c) => self.text.extend(c.escape_default()),
                _ => self.text.push(c),
            }
            if self.text.len() > self.room.saturating_sub(CUT.len_utf8()) {
                return self.cut(before);
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_line_or_move_the_cursor_is_escaped() {
        let text = "a\nb\tc\u{1b}[31m\u{2028}d";
        assert_eq!(line_of(text, 100), r"a\nb\tc\u{1b}[31m\u{2028}d");
        assert_eq!(Escaped(text).to_string(), line_of(text, 100));
        assert_eq!(Escaped("as it is").to_string(), "as it is");
    }

    #[test]
    fn a_text_of_several_lines_keeps_them_up_to_a_number() {
        assert_eq!(lines_of("a\r\nb\tc\n", 100, 3), "a\nb\tc");
        assert_eq!(lines_of("a\nb\nc\nd", 100, 3), "a\nb\nc…");
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let long = "ä".repeat(1_000);
        let text = line_of(&long, 100);
        assert!(text.len() <= 100 && text.len() > 92, "{}", text.len());
        assert!(text.ends_with("ä…"));
    }
}
