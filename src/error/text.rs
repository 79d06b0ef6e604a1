//! What an error says: its `Display`, and that of the error of a user inside it.
//!
//! Invariants:
//! 1. Everything is said once: the name of a member that stands before its error is not repeated in it, nor the text of a
//!    source that the error above it has quoted.
//! 2. What a user has written may panic, return an error, or be its own source. It is caught, and cut.
//! 3. What is nested deeper than the stack may bear is cut, down to its root cause.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use super::fatal::inside;
use super::kinds::Error;
use super::{ExitTrace, Failure, MemberExit, Panic};
use crate::draw::{Counted, Escaped, Lasting};
use crate::id::Stuck;
use crate::nesting::{self, Work};
use crate::unwind::attempt;

/// How an end is called that was well, and is held against the member.
pub(crate) const UNASKED: &str = "ended without having been told to";

/// So many errors of a chain of sources are looked at. One may be its own source.
const LONGEST_CHAIN: usize = 100;

/// An error and its sources, with whatever marks them. Calls the code of its author.
pub(super) fn raw_chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    fn next<'e>(error: &&'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
        let error: &'e (dyn StdError + 'static) = *error;
        attempt(|| error.source())?
    }
    std::iter::successors(Some(error), next).take(LONGEST_CHAIN)
}

/// An error and its sources. Calls the code of its author.
pub(super) fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    raw_chain(error).map(inside)
}

/// The texts of an error and its sources, each once.
pub(super) fn text_of_chain(error: &(dyn StdError + 'static)) -> String {
    let mut said = String::new();
    for (place, error) in chain(error).enumerate() {
        let text = text_of(error);
        if place == 0 {
            said = text;
        } else if !says(&said, &text) {
            said.push_str(": ");
            said.push_str(&text);
        }
    }
    said
}

fn text_of(error: &dyn StdError) -> String {
    let print = || {
        let mut text = String::new();
        write!(text, "{error}").map(|()| text)
    };
    match attempt(print) {
        Some(Ok(text)) => text,
        _ => "an error that cannot be printed".to_owned(),
    }
}

/// Whether `text` stands in `said`, as words of its own.
fn says(said: &str, text: &str) -> bool {
    let is_edge = |next: Option<char>| !next.is_some_and(char::is_alphanumeric);
    text.is_empty()
        || said.match_indices(text).any(|(at, _)| {
            let (before, after) = (&said[..at], &said[at + text.len()..]);
            is_edge(before.chars().next_back()) && is_edge(after.chars().next())
        })
}

impl StdError for Error {}

/// What an error of ours says itself, without the error that it has inside: where it has one, no user's `Display` is asked.
pub(crate) struct Itself<'e>(pub(crate) &'e Error);

impl fmt::Display for Itself<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_without_source(f, None)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, None)
    }
}

impl Error {
    /// Writes it behind the name `said`, where there is one.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, said: Option<&str>) -> fmt::Result {
        let Some(_level) = nesting::enter(Work::Text) else {
            // Invariant 3: what lies between is left out.
            f.write_str("… ")?;
            return self.root_cause().write_without_source(f, None);
        };
        self.write_without_source(f, said)?;
        match self {
            Error::StartTimeout {
                name,
                source: Some(source),
                ..
            }
            | Error::TimedOut {
                name,
                source: Some(source),
                ..
            }
            | Error::RestartBudget {
                name,
                source: Some(source),
                ..
            } => {
                f.write_str(": ")?;
                source.write(f, Some(name))
            }
            _ => Ok(()),
        }
    }

    /// What it says itself, where it is about another error of ours.
    pub(super) fn write_without_source(
        &self,
        f: &mut fmt::Formatter<'_>,
        said: Option<&str>,
    ) -> fmt::Result {
        match self {
            Error::Runner(failure) => match failure.ours() {
                Some(ours) => ours.write(f, said),
                None => write!(f, "{failure}"),
            },
            Error::Panicked(panic) => write!(f, "{panic}"),
            Error::Group(trace) if said.is_some() => write!(f, "({trace})"),
            Error::Group(trace) => write!(f, "{trace}"),
            Error::DuplicateNames(names) => {
                write!(f, "duplicate member names: {}", names.join(", "))
            }
            Error::EmptyNames { positions } => {
                f.write_str("members without a name, at positions: ")?;
                list(f, positions, |f, position| write!(f, "{position}"))
            }
            Error::ZeroDeadline { who, option } => {
                name(f, who, said)?;
                write!(f, "{option} is zero")
            }
            Error::ZeroCapacity => f.write_str("the capacity of the group is 0"),
            Error::Spawn { name: of, source } => {
                name(f, of, said)?;
                write!(f, "cannot start a thread: {source}")
            }
            Error::ExitedBeforeReady { name: of } => {
                name(f, of, said)?;
                f.write_str("exited before it was ready")
            }
            Error::StartTimeout {
                name: of,
                after,
                stuck,
                ..
            } => {
                name(f, of, said)?;
                write!(f, "not ready within {after:?}")?;
                still_running(f, stuck.as_ref(), of)
            }
            Error::TimedOut { after, stuck, .. } => {
                // Without the name: no other error of a job has it, and it is known where a job is.
                write!(f, "not done within {after:?}")?;
                still_running(f, stuck.as_ref(), said.unwrap_or_default())
            }
            Error::StopTimeout { after, stuck } => {
                stuck.write(f, said)?;
                write!(f, ": did not stop within {after:?}, nor when told KILL")
            }
            Error::Abandoned(stuck) => {
                f.write_str("abandoned, still running")?;
                list_stuck(f, stuck, said)
            }
            Error::RestartBudget {
                name: of,
                restarts,
                within,
                ..
            } => {
                name(f, of, said)?;
                let restarts = Counted(*restarts, "restart");
                write!(f, "more than {restarts} within {within:?}")
            }
            Error::EndedUnasked { name: of } => {
                name(f, of, said)?;
                f.write_str(UNASKED)
            }
            Error::EssentialOneShot { name: of } => {
                name(f, of, said)?;
                f.write_str("essential and one-shot")
            }
            Error::InvalidBackoff(why) => write!(f, "the backoff is invalid: {why}"),
            Error::NotReloaded { within, failed } => {
                write!(f, "not reloaded within {within:?}: ")?;
                list(f, failed, |f, one| write!(f, "{one}"))
            }
            Error::WouldDeadlock { name: of } => {
                name(f, of, said)?;
                f.write_str("the caller would wait for itself")
            }
            Error::NotStarted => f.write_str("stopped before it was started"),
            Error::AlreadyRan => f.write_str("this runner can run only once, and has"),
            Error::TooDeep { limit } => {
                write!(f, "more than {limit} runners in each other on one thread")
            }
            Error::UncatchableSignal(signal) => write!(f, "{signal} cannot be caught"),
            Error::Listen { signal, source } => write!(f, "cannot listen for {signal}: {source}"),
        }
    }
}

/// A name and a colon, unless that is what has just been said.
fn name(f: &mut fmt::Formatter<'_>, name: &str, said: Option<&str>) -> fmt::Result {
    if said == Some(name) {
        return Ok(());
    }
    write!(f, "{}: ", Escaped(name))
}

/// The thread that would not stop either, if there is one.
fn still_running(f: &mut fmt::Formatter<'_>, stuck: Option<&Stuck>, said: &str) -> fmt::Result {
    let Some(stuck) = stuck else { return Ok(()) };
    f.write_str(", and still running")?;
    list_stuck(f, std::slice::from_ref(stuck), Some(said))
}

/// Those who are stuck, behind "still running".
fn list_stuck(f: &mut fmt::Formatter<'_>, stuck: &[Stuck], said: Option<&str>) -> fmt::Result {
    let begins_with_what_was_said = stuck.first().is_some_and(|first| said == Some(&first.name));
    f.write_str(if begins_with_what_was_said { " " } else { ": " })?;
    list(f, stuck, |f, stuck| stuck.write(f, said))
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

impl Stuck {
    /// Its name, unless that has been said; its number and its thread.
    fn write(&self, f: &mut fmt::Formatter<'_>, said: Option<&str>) -> fmt::Result {
        if said != Some(&self.name) {
            write!(f, "{:?} ", self.name)?;
        }
        write!(f, "({}", self.id)?;
        match (self.os_thread_id, self.thread) {
            (Some(id), _) => write!(f, ", thread {id})"),
            (None, Some(thread)) => write!(f, ", {thread:?})"),
            (None, None) => f.write_str(")"),
        }
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, None)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of_chain(&***self))
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message())?;
        match self.location() {
            Some(location) => write!(f, ", at {location}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ExitTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let oks = self.omitted - self.omitted_failures;
        let more = if self.is_empty() { "" } else { "more " };
        let mut between = "";
        for (omitted, what) in [(self.omitted_failures, "failed"), (oks, "ended ok")] {
            if omitted > 0 {
                write!(f, "{between}{omitted} {more}{what}")?;
                between = "; ";
            }
        }
        for exit in self.iter() {
            write!(f, "{between}{exit}")?;
            between = "; ";
        }
        Ok(())
    }
}

impl fmt::Display for MemberExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Escaped(&self.name))?;
        match &self.exit {
            Ok(()) => f.write_str("ok")?,
            Err(error) => error.write(f, Some(&self.name))?,
        }
        write!(f, " [{}", self.cause)?;
        if let Some(time) = self.time_to_stop {
            write!(f, ", {}", Lasting::new(time))?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn a_text_is_said_where_its_words_stand() {
        assert!(says("config: no such file", "no such file"));
        assert!(says("no such file (config)", "no such file"));
        assert!(says("anything", ""));
        assert!(says("cannot open a: a", "a"));
        assert!(!says("cannot open", "a"));
        assert!(!says("cannot open", "op"));
        assert!(!says("config", "config: 7"));
    }
}
