//! Standard error, as an operator reads it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::lines::{Line, Weight};
use crate::draw::{Colour, Paint};
use crate::observe::{self, Event, What};
use crate::signal::Signal;
use crate::sync::channel::bounded;
use crate::sync::thread::start_forever;
use crate::sync::{Arc, now};
use crate::tree::snapshot::tree;

/// How long the end of a program waits until everything has been said.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// So many events are printed when they are asked for.
const DUMPED: usize = 100;

/// What is said at the end, in parts, each of which begins with the name of the program.
pub(super) type Report = Vec<String>;

/// Standard error, as an operator reads it. That it is closed harms nothing.
pub(super) struct Out {
    program: String,
    /// When the program was started.
    since: Instant,
    paint: Paint,
}

impl Out {
    /// Of the program that was started then.
    pub(super) fn new(program: String, since: Instant) -> Self {
        Out {
            program,
            since,
            paint: Paint::for_terminal(&io::stderr()),
        }
    }

    pub(super) fn line(&self, now: Instant, line: &Line) {
        // Not `eprintln`, which panics where standard error is closed.
        let _ = writeln!(io::stderr(), "{}", self.text(now, line));
    }

    fn text(&self, now: Instant, line: &Line) -> String {
        let since = now.saturating_duration_since(self.since).as_secs_f64();
        let mut text = format!("{}: +{since:.1}s ", self.program);
        let colour = match line.weight {
            Weight::Notice => None,
            Weight::Detail => Some(Colour::Dim),
            Weight::Warning => Some(Colour::Yellow),
            Weight::Error => Some(Colour::Red),
        };
        let _ = match colour {
            None => text.write_str(&line.text),
            Some(colour) => self.paint.write(&mut text, colour, &line.text),
        };
        text
    }

    pub(super) fn report(&self, report: &Report) {
        for part in report {
            let _ = writeln!(io::stderr(), "{}: {part}", self.program);
        }
    }

    /// The tree and the newest events, without those that only say that each process was told `asked_by` as well.
    pub(super) fn dump(&self, now: Instant, asked_by: Signal) {
        let since = |at: Instant| at.saturating_duration_since(self.since).as_secs_f64();
        let mut tree = tree();
        // Each has been told it, and need not have read it yet: that is the question, and no answer.
        let mut nodes: Vec<_> = tree.roots.iter_mut().collect();
        while let Some(node) = nodes.pop() {
            node.pending
                .retain(|signal| *signal != asked_by || signal.is_stop());
            nodes.extend(&mut node.children);
        }
        let mut text = format!("+{:.1}s the tree:\n{tree}\n", since(now));
        text += "the newest events:\n";
        let asks = |event: &Event| {
            let is_told =
                matches!(event.what, What::Signalled { signal, .. } if signal == asked_by);
            is_told && !asked_by.is_stop()
        };
        let events = observe::events();
        let events: Vec<_> = events.try_iter().filter(|event| !asks(event)).collect();
        for event in &events[events.len().saturating_sub(DUMPED)..] {
            text += &format!("  +{:.3}s {event}\n", since(event.at));
        }
        let _ = write!(io::stderr(), "{}: {text}", self.program);
    }
}

/// Says `report` where there is no voice.
pub(super) fn last_words(program: String, report: Report) {
    let (finished, done) = bounded(1);
    let out = Arc::new(Out::new(program, now()));
    let report = Arc::new(report);
    let (out_there, report_there) = (Arc::clone(&out), Arc::clone(&report));
    let work = move || {
        out_there.report(&report_there);
        let _ = finished.send(());
    };
    match start_forever("ifrit-voice", work) {
        Ok(()) => drop(done.recv_timeout(LAST_WORDS)),
        Err(_) => out.report(&report), // it may block then, but it is said
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_program_and_the_time_and_is_painted_where_that_is_wanted() {
        let since = crate::sync::now();
        let out = |paint| Out {
            program: "shop".to_owned(),
            since,
            paint,
        };
        let line = |weight| Line {
            weight,
            text: "web restarts".to_owned(),
        };
        let now = since + Duration::from_millis(12_345);
        let text = |paint, weight| out(paint).text(now, &line(weight));
        for weight in [Weight::Detail, Weight::Warning, Weight::Error] {
            assert_eq!(text(Paint::Plain, weight), "shop: +12.3s web restarts");
            let painted = text(Paint::Coloured, weight);
            assert!(painted.starts_with("shop: +12.3s \u{1b}["), "{painted}");
            assert!(painted.ends_with("web restarts\u{1b}[0m"), "{painted}");
        }
        let notice = text(Paint::Coloured, Weight::Notice);
        assert_eq!(notice, "shop: +12.3s web restarts");
    }
}
