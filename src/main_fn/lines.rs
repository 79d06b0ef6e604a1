//! What is said of an event: a line for an operator who has never read a page about this crate.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::slow::{Pending, Told};
use crate::draw::{Lasting, line_of};
use crate::error::{Cause, NotRestarted, UNASKED};
use crate::observe::{Event, Outcome, Path, What, Why};
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

/// What is known besides an event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// What is said of it is said of the program.
    pub(super) is_root: bool,
    /// Why a member has ended has been said before, by the member itself or by what failed below it.
    pub(super) why: bool,
    /// It had been told to stop when it exited.
    pub(super) was_told: bool,
    /// A second stop signal forces the stop.
    pub(super) second_forces: bool,
    /// The signal that began the stop, where a second one has sent KILL and a third one gives up.
    pub(super) third_gives_up_after: Option<Signal>,
    /// The program was told KILL before.
    pub(super) was_killed: bool,
}

/// The line for an event, if it is worth one.
pub(super) fn line(event: &Event, known: Known) -> Option<Line> {
    let is_root = known.is_root;
    let (weight, what) = match &event.what {
        What::Signalled {
            signal, give_up_at, ..
        } if is_root && signal.is_stop() && !known.was_killed => {
            let left = give_up_at.map(|end| Lasting::new(end.saturating_duration_since(event.at)));
            let text = stop_begins(*signal, left, known);
            (Weight::Notice, text)
        }
        What::Restarting {
            attempt,
            of,
            delay,
            why,
        } => (
            Weight::Warning,
            match delay.is_zero() {
                true => "restarts now".to_owned(),
                false => format!("restarts in {}", Lasting::new(*delay)),
            } + &of_which(event, *attempt, *of, why, known),
        ),
        What::Stopping {
            why:
                Why::Member {
                    name,
                    exit,
                    not_restarted,
                    ..
                },
        } => {
            let how = how_it_ended(name, exit, *not_restarted, known);
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
        } => {
            let whom = if is_root { "the program " } else { "" };
            let text = format!("{whom}stops: its significant members have ended");
            (Weight::Notice, text)
        }
        // That it was told has been said.
        What::Stopping {
            why: Why::Signal(_),
        } => return None,
        // The report says how the program ended.
        What::Exited { exit, took, .. } if is_root && exit.is_err() => (
            Weight::Detail,
            format!("failed after {}", Lasting::new(*took)),
        ),
        What::Exited { exit, cause, took } => match (exit.error(), cause) {
            (Some(error), Cause::Stopped) => (
                if known.why {
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
                    Lasting::new(*took),
                    brief(error, event.path.name())
                ),
            ),
            (None, _) => (
                Weight::Detail,
                format!("ended (ran for {})", Lasting::new(*took)), // not "after": that reads as the length of its stop
            ),
        },
        What::Abandoned {
            told, start_within, ..
        } => {
            let limit = start_within.map(|limit| format!(" not ready within {limit:?},"));
            let told = told.map(|signal| format!(" told {},", Name(signal)));
            let told = limit.unwrap_or_default() + &told.unwrap_or_default();
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
                format!("stalled: has made no progress for {}", Lasting::new(silent)),
            )
        }
        What::Recovered { after } => (
            Weight::Notice,
            format!("makes progress again, after {}", Lasting::new(*after)),
        ),
        What::Started => (Weight::Detail, "started".to_owned()),
        What::Ready { after } => (
            Weight::Detail,
            format!("ready after {}", Lasting::new(*after)),
        ),
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

/// How a member has ended whose end stops its group, and why it does not run again.
fn how_it_ended(
    name: &str,
    exit: &Outcome,
    not_restarted: Option<NotRestarted>,
    known: Known,
) -> String {
    let since = |why: Option<NotRestarted>| match why {
        Some(why) => format!(", and is not restarted, since {why}"),
        None => String::new(),
    };
    let Some(error) = exit.error() else {
        return UNASKED.to_owned() + &since(not_restarted);
    };
    if not_restarted == Some(NotRestarted::StillRuns) {
        return "is not restarted, since a thread of it still runs".to_owned(); // which was given up, and that was said
    }
    if known.why {
        return "has ended".to_owned() + &since(not_restarted);
    }
    let error = brief(error, name);
    if error == UNASKED {
        return error + &since(not_restarted); // its end was well, and is held against it
    }
    let which = match not_restarted {
        None => "",
        Some(NotRestarted::NeverReady) => " before it was ever ready, so it is not restarted",
        Some(NotRestarted::Fatal) => " that is fatal, so it is not restarted",
        Some(NotRestarted::NotWorthIt) => " and is restarted only after other errors",
        Some(NotRestarted::TooOften) => " and is not restarted again",
        Some(NotRestarted::RunsOnce) => " and is not restarted, since its runner can run only once",
        Some(why) => return format!("ended with an error{}: {error}", since(Some(why))),
    };
    format!("ended with an error{which}: {error}")
}

fn stop_begins(signal: Signal, left: Option<Lasting>, known: Known) -> String {
    let at_most = left.map_or_else(String::new, |left| format!(", for {left} at most"));
    let (told, hint) = match signal {
        Signal::KILL => {
            let end = left.map_or_else(String::new, |left| format!(", given up in {left}"));
            let hint = match known.third_gives_up_after {
                None => "",
                Some(Signal::INTERRUPT) => "; press ctrl-c again to give up now",
                Some(_) => "; a third signal gives up now",
            };
            return format!("stopping at once{end}{hint}");
        }
        Signal::INTERRUPT => (String::new(), "; press ctrl-c again to force"),
        signal => (format!(", told {}", Name(signal)), "; a second one forces"),
    };
    let hint = if known.second_forces { hint } else { "" };
    format!("stopping{told}{at_most}{hint}")
}

/// The line for as many restarts as this since others were said, of which `event` was the last.
pub(super) fn restarted(event: &Event, count: u64, took: Duration, known: Known) -> Option<Line> {
    let What::Restarting {
        attempt, of, why, ..
    } = &event.what
    else {
        return None;
    };
    let times = match count {
        1 => "once more".to_owned(),
        _ => format!("{count} more times"),
    };
    let what = format!("restarted {times} in {}", Lasting::new(took));
    let what = what + &of_which(event, *attempt, *of, why, known);
    Some(Line {
        weight: Weight::Warning,
        text: about(&event.path, known.is_root, &what),
    })
}

/// Which restart it is, and why it is.
fn of_which(
    event: &Event,
    attempt: usize,
    of: Option<usize>,
    why: &Outcome,
    known: Known,
) -> String {
    let mut text = format!(" (attempt {attempt}");
    if let Some(of) = of {
        let _ = write!(text, " of {of}");
    }
    let _ = match why.error() {
        Some(_) if known.why => write!(text, ")"),
        Some(error) => write!(text, "): {}", brief(error, event.path.name())),
        None if known.was_told => write!(text, "): it had been told to stop"),
        None => write!(text, "): it had ended without an error"),
    };
    text
}

/// What takes long. `awaited` says for what others wait, and `limit` until when, as far as is known now.
pub(super) fn slow_line(
    pending: &Pending,
    awaited: Awaited,
    limit: Option<Instant>,
    now: Instant,
) -> Line {
    let name = name_of(&pending.path);
    let waited = Lasting::new(now.saturating_duration_since(pending.since));
    let text = match (&pending.stop, awaited) {
        (Some(told), _) => format!("still stopping: {name} ({})", told_so(told, limit, now)),
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

fn told_so(told: &Told, limit: Option<Instant>, now: Instant) -> String {
    let ago = Lasting::new(now.saturating_duration_since(told.at));
    let mut text = format!("told {} {ago} ago", Name(told.signal));
    let left = |at: Instant| Lasting::new(at.saturating_duration_since(now));
    // The limit may have moved closer since it was told. When KILL comes then, is not known here.
    let is_sooner = |limit: &Instant| told.give_up_at.is_none_or(|before| *limit < before);
    let sooner = limit.filter(is_sooner);
    let kill_at = told.kill_at.filter(|_| sooner.is_none());
    let _ = match (kill_at, sooner.or(told.give_up_at)) {
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

/// The path without the root.
pub(super) fn name_of(path: &Path) -> String {
    let path = path.to_string();
    let below = path
        .strip_prefix(ROOT)
        .and_then(|path| path.strip_prefix('/'));
    below.unwrap_or(&path).to_owned()
}

/// The error without the name of what it is said of, which some errors begin with.
fn brief(error: &str, name: &str) -> String {
    let rest = error.strip_prefix(name);
    let rest = rest.and_then(|rest| rest.strip_prefix(": "));
    line_of(rest.unwrap_or(error), SHOWN)
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_stop_is_the_limit_that_holds_now() {
        let start = crate::sync::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let told = |signal, kill_at, give_up_at| Told {
            signal,
            at: start,
            kill_at,
            give_up_at,
        };
        let (int, kill) = (Signal::INTERRUPT, Signal::KILL);
        let table = [
            (told(int, None, None), None, "told INT 5 s ago, no limit"),
            (
                told(int, Some(at(24)), Some(at(25))),
                Some(at(25)),
                "told INT 5 s ago, KILL in 19 s",
            ),
            (
                told(int, Some(at(99)), Some(at(100))),
                Some(at(10)),
                "told INT 5 s ago, given up in 5 s",
            ),
            (
                told(int, None, None),
                Some(at(10)),
                "told INT 5 s ago, given up in 5 s",
            ),
            (
                told(kill, Some(at(24)), Some(at(25))),
                Some(at(25)),
                "told KILL 5 s ago, given up in 20 s",
            ),
        ];
        for (told, limit, expected) in table {
            assert_eq!(told_so(&told, limit, at(5)), expected);
        }
    }

    #[test]
    fn an_error_is_cut_between_two_characters_and_does_not_begin_with_its_own_name() {
        assert_eq!(brief("web: no disk", "web"), "no disk");
        assert_eq!(brief("website: no disk", "web"), "website: no disk");
        let long = "ä".repeat(SHOWN / 2);
        assert_eq!(brief(&long, "web").len(), SHOWN - 1);
        assert!(brief(&long, "web").ends_with("ä…"));
    }
}
