//! Colours, on a terminal and where the user has not forbidden them.

use std::env;
use std::fmt::{self, Display, Write};
use std::io::IsTerminal;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Coloured,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Dim,
}

impl Paint {
    /// Colours, if what is written to shows them and the user has not forbidden them.
    pub(crate) fn for_terminal(out: &impl IsTerminal) -> Self {
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

    /// Writes a text in a colour, or without.
    pub(crate) fn write(
        self,
        to: &mut dyn Write,
        colour: Colour,
        text: &dyn Display,
    ) -> fmt::Result {
        let code = match colour {
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Dim => 2,
        };
        match self {
            Paint::Plain => write!(to, "{text}"),
            Paint::Coloured => write!(to, "\u{1b}[{code}m{text}\u{1b}[0m"),
        }
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
