//! What is said of an event: a line for an operator who has never read a page about this crate.

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use super::slow::{Pending, Told};
use crate::error::{Cause, UNASKED};
use crate::observe::{Event, Path, What, Why};
use crate::process::Awaited;
use crate::signal::Signal;
use crate::signal::word::Short as Name;

/// How much an operator has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// What goes well; said where more is wanted.
    Detail,
    /// What is as it was asked for.
    Notice,
    /// What is being mended.
    Warning,
    /// What has gone wrong for good.
    Error,
}

pub(super) struct Line {
    pub(super) weight: Weight,
    pub(super) text: String,
}

/// So many bytes of an error are in a line. The report at the end has all of it.
const SHOWN: usize = 300;

/// The name of the process that hosts the program, which goes without saying.
pub(super) const ROOT: &str = "main";

/// The line for an event, if it is worth one. What is said of the root is said of the program. `is_known`: why a member
/// has ended has been said before, by the member itself or by what failed below it.
pub(super) fn line(event: &Event, is_root: bool, is_known: bool) -> Option<Line> {
    let (weight, what) = match &event.what {
        What::Signalled {
            signal, give_up_at, ..
        } if is_root && signal.is_stop() => {
            (Weight::Notice, stop_begins(*signal, *give_up_at, event.at))
        }
        What::Restarting {
            attempt,
            of,
            delay,
            why,
        } => (
            Weight::Warning,
            restarts(
                *attempt,
                *of,
                *delay,
                why.error().map(|error| brief(error, event.path.name())),
                is_known,
            ),
        ),
        What::Stopping {
            why: Why::Member { name, exit, .. },
        } => {
            let how = match exit.error() {
                None => UNASKED.to_owned(),
                Some(_) if is_known => "has ended".to_owned(),
                Some(error) => match brief(error, name).as_str() {
                    UNASKED => UNASKED.to_owned(), // its end was well, and is held against it
                    error => format!("ended with an error: {error}"),
                },
            };
            let (group, stops) = match is_root {
                true => (String::new(), "the program".to_owned()),
                false => (name_of(&event.path) + "/", name_of(&event.path)),
            };
            let text = format!("{group}{name} {how}; {stops} stops");
            return Some(Line {
                weight: Weight::Error,
                text,
            });
        }
        What::Stopping {
            why: Why::AutoShutdown,
        } => (
            Weight::Notice,
            "stops: its significant members have ended".to_owned(),
        ),
        // That it was told has been said.
        What::Stopping {
            why: Why::Signal(_),
        } => return None,
        // The report says how the program ended.
        What::Exited { exit, took, .. } if is_root && exit.is_err() => {
            (Weight::Detail, format!("failed after {}", short(*took)))
        }
        What::Exited { exit, cause, took } => match (exit.error(), cause) {
            (Some(error), Cause::Stopped) => (
                if is_known {
                    Weight::Detail
                } else {
                    Weight::Error
                },
                format!(
                    "ended with an error when told to stop: {}",
                    brief(error, event.path.name())
                ),
            ),
            (Some(error), _) => (
                Weight::Error,
                format!(
                    "failed after {}: {}",
                    short(*took),
                    brief(error, event.path.name())
                ),
            ),
            (None, _) => (
                Weight::Detail,
                format!("ended (ran for {})", short(*took)), // not "after": that reads as the length of its stop
            ),
        },
        What::Abandoned { told, .. } => {
            let told = told.map_or_else(String::new, |signal| format!(" told {},", Name(signal)));
            (
                Weight::Error,
                match is_root {
                    true => format!("the program is given up:{told} it did not return"),
                    false => format!("given up:{told} it did not return; its thread still runs"),
                },
            )
        }
        What::ExitedLate { exit, .. } => (
            Weight::Warning,
            match exit.error() {
                None => "has ended after it was given up".to_owned(),
                Some(error) => format!(
                    "has ended after it was given up: {}",
                    brief(error, event.path.name())
                ),
            },
        ),
        What::Stalled { since, .. } => {
            let silent = event.at.saturating_duration_since(*since);
            (
                Weight::Warning,
                format!("stalled: has made no progress for {}", short(silent)),
            )
        }
        What::Recovered { after } => (
            Weight::Notice,
            format!("makes progress again, after {}", short(*after)),
        ),
        What::Started => (Weight::Detail, "started".to_owned()),
        What::Ready { after } => (Weight::Detail, format!("ready after {}", short(*after))),
        What::Note(text) => (Weight::Detail, format!("note: {text}")),
        What::Signalled { signal, .. } => (Weight::Detail, format!("told {}", Name(*signal))),
        What::Stopping { why } => (Weight::Detail, format!("stops: {why}")),
        _ => return None,
    };
    Some(Line {
        weight,
        text: about(&event.path, is_root, &what),
    })
}

fn stop_begins(signal: Signal, give_up_at: Option<Instant>, at: Instant) -> String {
    let left = give_up_at.map(|end| short(end.saturating_duration_since(at)));
    match (signal, left) {
        (Signal::KILL, None) => "stopping at once".to_owned(),
        (Signal::KILL, Some(left)) => format!("stopping at once; given up in {left}"),
        (Signal::INTERRUPT, None) => "stopping; press ctrl-c again to force".to_owned(),
        (Signal::INTERRUPT, Some(left)) => {
            format!("stopping, for {left} at most; press ctrl-c again to force")
        }
        (signal, None) => format!("stopping, told {}; a second one forces", Name(signal)),
        (signal, Some(left)) => {
            format!(
                "stopping, told {}, for {left} at most; a second one forces",
                Name(signal)
            )
        }
    }
}

fn restarts(
    attempt: usize,
    of: Option<usize>,
    delay: Duration,
    why: Option<String>,
    is_known: bool,
) -> String {
    let mut text = String::from("restarts ");
    let _ = match delay.is_zero() {
        true => write!(text, "now"),
        false => write!(text, "in {}", short(delay)),
    };
    let _ = write!(text, " (attempt {attempt}");
    if let Some(of) = of {
        let _ = write!(text, " of {of}");
    }
    let _ = match why {
        Some(_) if is_known => write!(text, ")"),
        Some(error) => write!(text, "): {error}"),
        None => write!(text, "): it had ended without an error"),
    };
    text
}

/// What takes long. `awaited` says for what others wait.
pub(super) fn slow_line(pending: &Pending, awaited: Awaited, now: Instant) -> Line {
    let name = name_of(&pending.path);
    let waited = short(now.saturating_duration_since(pending.since));
    let text = match (&pending.stop, awaited) {
        (Some(told), _) => format!("still stopping: {name} ({})", told_so(told, now)),
        (None, Awaited::ToEnd) => format!("still waiting for {name} to end ({waited})"),
        (None, _) => format!(
            "still waiting for {name} to become ready ({waited}); has its runner called ready.notify()?"
        ),
    };
    Line {
        weight: Weight::Warning,
        text,
    }
}

fn told_so(told: &Told, now: Instant) -> String {
    let ago = short(now.saturating_duration_since(told.at));
    let mut text = format!("told {} {ago} ago", Name(told.signal));
    let left = |at: Instant| short(at.saturating_duration_since(now));
    let _ = match (told.kill_at, told.give_up_at) {
        (Some(kill_at), _) if told.signal != Signal::KILL => {
            write!(text, ", KILL in {}", left(kill_at))
        }
        (_, Some(give_up_at)) => write!(text, ", given up in {}", left(give_up_at)),
        (_, None) => write!(text, ", no limit"),
    };
    text
}

/// `text` said of the process at `path`.
fn about(path: &Path, is_root: bool, text: &str) -> String {
    match is_root {
        true => text.to_owned(),
        false => format!("{} {text}", name_of(path)),
    }
}

/// The path without the root, in one line.
pub(super) fn name_of(path: &Path) -> String {
    let path = path.to_string();
    let below = path
        .strip_prefix(ROOT)
        .and_then(|path| path.strip_prefix('/'));
    let path = below.unwrap_or(&path);
    path.chars().flat_map(one_line).collect()
}

fn one_line(c: char) -> impl Iterator<Item = char> {
    let escape = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let escaped = escape.then(|| c.escape_default());
    let plain = (!escape).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

/// The error without the name of what it is said of, which some errors begin with.
fn brief(error: &str, name: &str) -> String {
    let rest = error.strip_prefix(name);
    cut(rest
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(error))
}

fn cut(error: &str) -> String {
    match error.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &error[..end]),
        None => error.to_owned(),
    }
}

/// A time in as many digits as an operator reads: `250 ms`, `1.5 s`, `12 s`, `3 min 20 s`.
pub(super) fn short(time: Duration) -> Short {
    Short(time)
}

pub(super) struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        // Where it would be rounded up to the next unit it is written in that one.
        match seconds {
            s if s < 0.0005 => f.write_str("0 ms"),
            s if s < 0.9995 => write!(f, "{:.0} ms", s * 1e3),
            s if s < 9.95 && (s * 10.0).round() % 10.0 != 0.0 => write!(f, "{s:.1} s"),
            s if s < 119.5 => write!(f, "{s:.0} s"),
            s => {
                let all = s.round() as u64;
                match (all / 3600, all / 60 % 60, all % 60) {
                    (0, minutes, 0) => write!(f, "{minutes} min"),
                    (0, minutes, seconds) => write!(f, "{minutes} min {seconds} s"),
                    (hours, 0, _) => write!(f, "{hours} h"),
                    (hours, minutes, _) => write!(f, "{hours} h {minutes} min"),
                }
            }
        }
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_short_as_an_operator_reads_it() {
        let table = [
            (0.0, "0 ms"),
            (0.25, "250 ms"),
            (0.9996, "1 s"),
            (5.02, "5 s"),
            (1.5, "1.5 s"),
            (9.96, "10 s"),
            (12.3, "12 s"),
            (119.6, "2 min"),
            (200.0, "3 min 20 s"),
            (3600.0, "1 h"),
            (5400.0, "1 h 30 min"),
        ];
        for (seconds, expected) in table {
            assert_eq!(
                short(Duration::from_secs_f64(seconds)).to_string(),
                expected
            );
        }
    }

    #[test]
    fn a_long_error_is_cut_between_two_characters() {
        assert_eq!(cut(&"ä".repeat(SHOWN)), "ä".repeat(SHOWN));
        let cut = cut(&"ä".repeat(SHOWN + 1));
        assert_eq!(cut, "ä".repeat(SHOWN) + "…");
    }
}
