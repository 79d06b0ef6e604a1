//! What a report says of one member.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use super::path::Path;
use super::root::Root;
use crate::draw::{Counted, Escaped, Lasting, line_of, lines_of};
use crate::error::{Cause, Error, ExitTrace, MOST_HEALED, MemberExit, NotRestarted};
use crate::id::{ProcessId, Stuck};
use crate::signal::word::Short;

/// So many bytes and lines of one error are written.
const BYTES: usize = 4_000;
const LINES: usize = 30;
/// So many threads that still run are named for one member, and so many at the end.
const THREADS: usize = 8;
/// So many bytes of an earlier error are written.
const SHORT: usize = 300;

pub(super) type Said = HashSet<ProcessId>;

/// The first line, and what else is known of what began it.
pub(super) fn headline(root: &Root<'_>, said: &mut Said) -> String {
    let member = root.member();
    let mut text = match member {
        Some(member) => format!("{}: {}", root.path, error(root.error, Some(&member.name))),
        None => error(root.error, None),
    };
    if let Some(member) = member {
        match member.cause {
            Cause::Consequence | Cause::Stopped => {
                let took = took(member);
                text += &format!("\nIt failed while it was stopped{took}.");
            }
            Cause::Initiator | Cause::Completed | Cause::Independent | Cause::Abandoned => {}
        }
    }
    text += &not_restarted(root);
    for (path, spent) in root.spent.iter().rev() {
        text += &gave_up(spent, path);
    }
    for (place, step) in root.members.iter().rev().enumerate() {
        let whom = match place {
            0 => "It".to_owned(),
            _ => step.path.to_string(),
        };
        text += &healed(step.trace, &whom, &step.member.name, Some(root.error));
    }
    text + &threads(root.error, member, said)
}

/// What became of a member that is not what began it all. `None` if the name says enough: the group below tells the rest.
pub(super) fn fate(member: &MemberExit, trace: &ExitTrace, said: &mut Said) -> Option<String> {
    let (failure, group) = match &member.exit {
        Ok(()) => return Some(ok(member) + &healed(trace, "It", &member.name, None)),
        Err(failure) => (failure, group_in(failure).is_some()),
    };
    let how = match member.cause {
        Cause::Consequence | Cause::Stopped => "failed while it was stopped",
        Cause::Independent => "failed, too",
        Cause::Initiator | Cause::Completed | Cause::Abandoned => "",
    };
    let what = match failure {
        Error::Group(_) => String::new(),
        _ if group => words(failure),
        _ => error(failure, Some(&member.name)),
    };
    let mut text = match (how, what.as_str()) {
        ("", what) => what.to_owned(),
        (how, "") => how.to_owned(),
        (how, what) => format!("{how}: {what}"),
    };
    if !how.is_empty() {
        text += &took(member);
    }
    text += &healed(trace, "It", &member.name, Some(failure));
    text += &threads(failure, Some(member), said);
    (!text.is_empty()).then_some(text)
}

/// Why those on the way to what began it all were not started again.
fn not_restarted(root: &Root<'_>) -> String {
    let mut text = String::new();
    for (place, step) in root.members.iter().rev().enumerate() {
        let why = match step.member.not_restarted {
            None | Some(NotRestarted::TooOften) => continue, // which is told with the budget
            Some(why) => why,
        };
        let whom = match place {
            0 => "It".to_owned(),
            _ => step.path.to_string(),
        };
        text += &format!("\n{whom} was not restarted, since {why}.");
    }
    if root.members.is_empty() && root.error.is_fatal() {
        text += "\nIt is fatal: nothing is restarted after it.";
    }
    text
}

fn ok(member: &MemberExit) -> String {
    match member.cause {
        Cause::Initiator => {
            let text = "ended, which began the stop".to_owned();
            match member.not_restarted {
                None => text,
                Some(why) => format!("{text}; it was not restarted, since {why}"),
            }
        }
        Cause::Completed => "completed".to_owned(),
        Cause::Independent => "ended by itself".to_owned(),
        Cause::Consequence | Cause::Stopped | Cause::Abandoned => {
            format!("stopped{}", took(member))
        }
    }
}

/// How long its stop took, where that is worth a word.
fn took(member: &MemberExit) -> String {
    match member.time_to_stop {
        Some(time) if time >= Duration::from_millis(10) => {
            format!(" (took {})", Lasting::new(time))
        }
        _ => String::new(),
    }
}

/// The group whose exits stand in an error, behind whatever came of them.
pub(super) fn group_in(error: &Error) -> Option<&ExitTrace> {
    let mut error = error;
    loop {
        error = match error {
            Error::Group(trace) => return Some(trace),
            Error::StartTimeout { source, .. }
            | Error::TimedOut { source, .. }
            | Error::RestartBudget { source, .. } => source.as_deref()?,
            Error::Runner(failure) => failure.ours()?,
            _ => return None,
        };
    }
}

/// An error, without the threads that still run, which are told of below it.
fn error(error: &Error, member: Option<&str>) -> String {
    match error {
        Error::Abandoned(stuck) => match (member, &stuck[..]) {
            (None, [first, .., last]) => {
                let path = below(first, last).unwrap_or(last.path());
                format!("{}: {}", Escaped(path), did_not_stop(last))
            }
            (None, [one]) => format!("{}: {}", Escaped(&one.name), did_not_stop(one)),
            (Some(_), [first, ..]) => did_not_stop(first),
            (_, []) => words(error),
        },
        _ => lines_of(As { error, member }, BYTES, LINES),
    }
}

/// An error without what it says of others.
fn words(error: &Error) -> String {
    lines_of(Itself(error), BYTES, LINES)
}

struct As<'e> {
    error: &'e Error,
    member: Option<&'e str>,
}

impl fmt::Display for As<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            Error::StartTimeout { name, source, .. } | Error::TimedOut { name, source, .. } => {
                let is_start = matches!(self.error, Error::StartTimeout { .. });
                if is_start && self.member != Some(name) {
                    write!(f, "{}: ", Escaped(name))?;
                }
                write!(f, "{}", Itself(self.error))?;
                match source.as_deref() {
                    Some(source) if group_in(source).is_none() => {
                        f.write_str(": ")?;
                        source.write(f, Some(name))
                    }
                    _ => Ok(()),
                }
            }
            Error::StopTimeout { after, stuck } => {
                if self.member != Some(&stuck.name) {
                    write!(f, "{}: ", Escaped(&stuck.name))?;
                }
                f.write_str(&did_not_stop_within(stuck, Some(*after)))
            }
            error => error.write(f, self.member),
        }
    }
}

/// What an error says of its own, without a name.
struct Itself<'e>(&'e Error);

impl fmt::Display for Itself<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Error::StartTimeout {
                after,
                stuck,
                source,
                ..
            } => {
                write!(f, "not ready within {after:?}")?;
                if stuck.is_none() && source.is_none() {
                    f.write_str("; was `ready.notify()` forgotten?")?;
                }
                Ok(())
            }
            Error::TimedOut { after, .. } => write!(f, "not done within {after:?}"),
            Error::RestartBudget { name, .. } => self.0.write_without_source(f, Some(name)),
            error => error.write_without_source(f, None),
        }
    }
}

fn did_not_stop(stuck: &Stuck) -> String {
    let of_kill = stuck.seen.limit.is_some_and(|limit| limit.after_kill);
    let of_that = if of_kill { " of that" } else { "" };
    did_not_stop_within(stuck, stuck.limit()) + of_that
}

fn did_not_stop_within(stuck: &Stuck, limit: Option<Duration>) -> String {
    let within = limit.map_or(String::new(), |limit| format!(" within {limit:?}"));
    match (stuck.told().map(Short), stuck.was_killed()) {
        (Some(told), true) => format!("told {told}, then KILL, and did not stop{within}"),
        (Some(told), false) => format!("told {told}, and did not stop{within}"),
        (None, true) => format!("told KILL, and did not stop{within}"),
        (None, false) => format!("did not stop{within}"),
    }
}

/// A budget that was used up on the way to what began it all.
fn gave_up(spent: &Error, path: &Path<'_>) -> String {
    let Error::RestartBudget {
        name,
        restarts,
        within,
        ..
    } = spent
    else {
        return String::new();
    };
    let restarts = Counted(*restarts, "restart");
    let whom = match path.is_empty() {
        true => Escaped(name).to_string(),
        false => path.to_string(),
    };
    format!("\nGave up on {whom} after more than {restarts} within {within:?}.")
}

/// How often a member had failed before, and how.
fn healed(trace: &ExitTrace, whom: &str, name: &str, now: Option<&Error>) -> String {
    let before = trace.healed.iter().filter(|member| member.name == name);
    let (mut count, mut last) = (0, None);
    for member in before {
        count += 1;
        last = member.exit.as_ref().err();
    }
    let Some(last) = last else {
        return String::new();
    };
    let last = in_short(last, name);
    let as_now = now.is_some_and(|now| in_short(last_tried(now), name) == last);
    let last = match as_now {
        true => "the same error".to_owned(),
        false => format!("this error: {last}"),
    };
    let when = if count == 1 {
        "with"
    } else {
        "the last time with"
    };
    let times = times(trace, count);
    format!("\n{whom} had failed {times} before, {when} {last}")
}

/// A member that has no end in the trace, and had failed.
pub(super) fn only_healed(trace: &ExitTrace, member: &MemberExit, count: usize) -> String {
    let last = member.exit.as_ref().err();
    let last = last.map_or(String::new(), |last| in_short(last, &member.name));
    let times = times(trace, count);
    match count {
        1 => format!("had failed {times}: {last}"),
        _ => format!("had failed {times}, the last time with this error: {last}"),
    }
}

fn times(trace: &ExitTrace, count: usize) -> String {
    let at_least = if trace.healed.len() >= MOST_HEALED {
        "at least "
    } else {
        ""
    };
    match count {
        1 => format!("{at_least}once"),
        _ => format!("{at_least}{count} times"),
    }
}

fn in_short(error: &Error, member: &str) -> String {
    if group_in(error).is_some() {
        let root = Root::of(error);
        let name = root.member().map(|member| member.name.as_str());
        return line_of(
            format_args!(
                "{}: {}",
                root.path,
                As {
                    error: root.error,
                    member: name
                }
            ),
            SHORT,
        );
    }
    let member = Some(member);
    line_of(As { error, member }, SHORT)
}

/// The last error, where a budget was used up.
fn last_tried(error: &Error) -> &Error {
    let mut error = error;
    while let Error::RestartBudget {
        source: Some(source),
        ..
    } = error
    {
        error = source;
    }
    error
}

/// A line for each thread that is given up in this error.
fn threads(error: &Error, member: Option<&MemberExit>, said: &mut Said) -> String {
    let stuck = error.stuck_here();
    let mut text = String::new();
    let mut more = 0;
    for (place, one) in culprits(stuck).enumerate() {
        said.insert(one.id);
        if place >= THREADS {
            more += 1;
            continue;
        }
        let below = stuck.first().and_then(|first| below(first, one));
        let is_clear = member.is_some() || stuck.len() == 1;
        let whose = match below {
            Some("") if is_clear => String::new(),
            Some("") | None => format!("{}: ", Escaped(&one.name)),
            Some(below) => format!("{}: ", Escaped(below)),
        };
        text += &format!("\n{whose}{}", thread(one));
    }
    said.extend(stuck.iter().map(|stuck| stuck.id));
    if more > 0 {
        text += &format!("\n… and {more} more that still run");
    }
    text
}

/// Those that no other one keeps from ending. Where a process is stuck, so are all above it.
fn culprits(stuck: &[Stuck]) -> impl Iterator<Item = &Stuck> {
    // Each stands behind those above it, and seldom are there many that have others below them.
    let keeps = |one: &Stuck, other: &Stuck| one.id != other.id && below(one, other).is_some();
    stuck
        .iter()
        .enumerate()
        .filter(move |(place, one)| {
            !stuck[place + 1..]
                .iter()
                .take(100)
                .any(|other| keeps(one, other))
        })
        .map(|(_, one)| one)
}

/// The path of `other` from `one` on, if it lies below.
fn below<'s>(one: &Stuck, other: &'s Stuck) -> Option<&'s str> {
    let rest = other.path().strip_prefix(one.path())?;
    match rest.is_empty() {
        true => Some(rest),
        false => rest.strip_prefix('/'),
    }
}

fn thread(stuck: &Stuck) -> String {
    let mut text = match (stuck.os_thread_id, stuck.thread) {
        (Some(id), _) => format!("thread {id} still runs"),
        (None, Some(thread)) => format!("{thread:?} still runs"),
        (None, None) => "its thread still runs".to_owned(),
    };
    if let Some(state) = stuck.kernel_state() {
        text += &format!(", {state}");
    }
    if let Some(event) = stuck.last_event() {
        text += &format!("; it last did something of itself {event}");
    }
    text
}

/// Threads that still run and were not told of.
pub(super) fn more_threads<'e>(
    unsaid: impl Iterator<Item = &'e Stuck>,
) -> impl Iterator<Item = String> {
    let mut count = 0;
    let mut texts = Vec::new();
    for stuck in unsaid {
        count += 1;
        if count <= THREADS {
            texts.push(format!("{}: {}", Escaped(stuck.path()), thread(stuck)));
        }
    }
    if count > THREADS {
        texts.push(format!("… and {} more that still run", count - THREADS));
    }
    texts.into_iter()
}
