//! What is found out about a run that has failed, on its own thread.
//!
//! A predicate and the `Display` of an error are foreign code: they may block, panic, or ask a group something. So they run
//! here, before the exit is published, and harm only the process that failed.

use std::fmt::Display;

use crate::draw::{LINE, line_of as line_of_text};
use crate::error::{Error, Exit, catch};
use crate::sync::Arc;

/// What a policy's [`only_if`](crate::restart::Restart::only_if) is.
pub(crate) type OnlyIf = fn(&Error) -> bool;

/// What a group is told along with the exit of a member.
#[derive(Default)]
pub(crate) struct Findings {
    /// The policy holds the error to be worth a restart.
    pub(crate) worth_it: bool,
    /// The error in a line of bounded length; `None` after an Ok end.
    pub(crate) line: Option<Arc<str>>,
}

impl Findings {
    /// Looks at an exit. If the predicate panics, that takes the place of the exit.
    pub(super) fn of(exit: &mut Exit, only_if: Option<OnlyIf>) -> Self {
        let worth_it = is_worth_it(exit, only_if);
        let line = line_of(exit);
        Findings { worth_it, line }
    }
}

/// The error in a line of bounded length; `None` after an Ok end.
pub(crate) fn line_of(exit: &Exit) -> Option<Arc<str>> {
    exit.as_ref().err().map(|error| line(error).into())
}

/// Whether an exit is worth a restart; if the predicate panics it is not, and the panic takes the place of the exit.
pub(crate) fn is_worth_it(exit: &mut Exit, only_if: Option<OnlyIf>) -> bool {
    let (Err(error), Some(only_if)) = (&*exit, only_if) else {
        return true;
    };
    match catch(|| only_if(error)) {
        Ok(worth_it) => worth_it,
        Err(panic) => {
            *exit = Err(panic);
            false
        }
    }
}

/// What a text says, in one line: control characters are escaped, and what is too long is cut. Calls its `Display`; that of
/// our errors catches the panics of a user's.
pub(super) fn line(text: impl Display) -> String {
    line_of_text(text, LINE)
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use std::fmt;

    use super::*;

    struct Says(fn(&mut fmt::Formatter<'_>) -> fmt::Result);

    impl fmt::Display for Says {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    impl fmt::Debug for Says {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Says")
        }
    }

    impl std::error::Error for Says {}

    fn line_of(says: fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> String {
        line(Error::from_runner(Box::new(Says(says))))
    }

    #[test]
    fn a_long_display_is_cut() {
        let line = line_of(|f| (0..1_000_000).try_for_each(|_| f.write_str("ä\n")));
        assert!(line.ends_with("…") && line.len() <= 1_000, "{}", line.len());
    }

    #[test]
    fn an_error_whose_display_panics_is_a_line_too() {
        let line = line_of(|f| {
            f.write_str("half")?;
            panic!("no")
        });
        assert_eq!(line, "an error that cannot be printed");
    }
}
