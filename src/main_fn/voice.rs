//! The voice of a program: the thread that says what an operator must know, while the program runs and at its end.
//!
//! One thread hears the events of the program, so that no process waits for standard error, nor for a function of the
//! user. Nothing waits for that thread but the end of the program, and that for [`LAST_WORDS`] at most: standard error
//! may be full, and the function may block.
//!
//! Invariants:
//! 1. What is said comes in the order in which it happened. A failure is held back for [`HOLD`] at most, to be said in
//!    one line with what follows from it. Restarts that come fast are counted, and said before what they lead to.
//! 2. The thread has a deadline only while something starts, is being stopped, is held back or counted: an idle program
//!    wakes it never.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::bursts::Bursts;
use super::lines::{self, Known, Line, Weight};
use super::out::{LAST_WORDS, Out, Report};
use super::slow::Slow;
use crate::clock::Clock;
use crate::error::{Cause, catch};
use crate::observe::{self, Event, Events, What, Why};
use crate::process::{Process, ProcessId, waited_for};
use crate::sigmon::Outcome;
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select, Sender, TryRecvError, bounded};
use crate::sync::thread::start_forever;

/// How long a failure is held back.
const HOLD: Duration = Duration::from_millis(50);

/// So many processes are remembered for one thing: more than a listener has room for.
const REMEMBERED: usize = 4_096;

/// So many lines on what is slow are said at a time; the others are counted.
const SLOW_LINES: usize = 5;

/// What is told what happens.
pub(super) enum Audience {
    /// Standard error; `all`: also what goes well.
    Operator {
        all: bool,
    },
    Function(Box<dyn FnMut(&Event) + Send>),
}

/// What it needs for saying how a stop can be forced.
pub(super) struct Hints {
    /// A second stop signal forces the stop.
    pub(super) second_forces: bool,
    /// A second one sends KILL, and a third one gives up.
    pub(super) third_gives_up: bool,
    pub(super) outcome: Arc<Outcome>,
}

/// The program's side of it.
pub(super) struct Voice {
    end: Sender<Option<Report>>,
    done: Receiver<()>,
}

impl Voice {
    /// Begins to say what happens to `root` and below it. None where nothing is to be said, or the system has no thread for
    /// it.
    pub(super) fn begin(
        root: &Process,
        audience: Option<Audience>,
        dump_on: Vec<Signal>,
        hints: Hints,
        out: Out,
    ) -> Option<Self> {
        if audience.is_none() && dump_on.is_empty() {
            return None;
        }
        let (end, ends) = bounded(1);
        let (finished, done) = bounded(1);
        let clock = root.clock().clone();
        let speaker = Speaker {
            out,
            audience,
            dump_on,
            hints,
            root: root.id(),
            events: root.events(),
            missed: 0,
            slow: Slow::default(),
            bursts: Bursts::default(),
            held: VecDeque::new(),
            reasons: Newest::default(),
            told: Newest::default(),
            is_stopping: false,
            is_killed: false,
            blamed_below: Newest::default(),
            given_up_below: Newest::default(),
            clock,
        };
        let work = move || {
            speaker.speak(&ends);
            let _ = finished.send(());
        };
        start_forever("ifrit-voice", work).ok()?;
        Some(Voice { end, done })
    }

    /// Says `report`, once all that has happened has been said. Blocks until then, but not for long.
    pub(super) fn end(self, report: Option<Report>) {
        let _ = self.end.send(report);
        let _ = self.done.recv_timeout(LAST_WORDS);
    }
}

/// The thread's side.
struct Speaker {
    out: Out,
    /// None: only what is asked for is printed.
    audience: Option<Audience>,
    dump_on: Vec<Signal>,
    hints: Hints,
    root: ProcessId,
    events: Events<Event>,
    /// How many events have been said to be missing.
    missed: u64,
    slow: Slow,
    bursts: Bursts,
    /// Failures of which it is not known yet what follows, and until when they are held back.
    held: VecDeque<(Instant, Event)>,
    /// The newest groups that have said because of which member they stop.
    reasons: Newest,
    /// The newest that had been told to stop when they exited.
    told: Newest,
    /// The program was told to stop.
    is_stopping: bool,
    /// It was said that the program was told KILL.
    is_killed: bool,
    /// The newest groups of whose members it has been said that they failed when they were told to stop.
    blamed_below: Newest,
    /// The newest groups of whose members it has been said that they were given up.
    given_up_below: Newest,
    clock: Clock,
}

impl Speaker {
    fn speak(mut self, ends: &Receiver<Option<Report>>) {
        loop {
            let end = match ends.try_recv() {
                Err(TryRecvError::Empty) => None,
                end => Some(end.unwrap_or_default()), // also if the program has panicked
            };
            self.hear_those_there(); // looked at after the end: what happened before that is there
            if let Some(report) = end {
                self.let_go(None);
                self.say_counted(false);
                if let Some(report) = report {
                    self.out.report(&report);
                }
                return;
            }
            let now = self.clock.now();
            self.let_go(Some(now));
            self.say_counted(true);
            self.remind(now);
            self.sleep(ends);
        }
    }

    /// Those only, or where they come faster than they are said, nothing else would ever be.
    fn hear_those_there(&mut self) {
        for _ in 0..self.events.len() {
            let Ok(event) = self.events.try_recv() else {
                break;
            };
            self.slow.hear(&event);
            self.dump_if_asked(&event);
            match &mut self.audience {
                Some(Audience::Function(function)) => {
                    let _ = catch(|| function(&event)); // a panic of it harms the next call no more than this one
                }
                Some(Audience::Operator { .. }) => self.tell_or_hold(event),
                None => {}
            }
        }
        let missed = self.events.missed();
        if missed > self.missed {
            let gap = missed - self.missed;
            self.missed = missed;
            self.say(Line {
                weight: Weight::Warning,
                text: format!("({gap} events were too many and are not shown)"),
            });
        }
    }

    /// A failure waits for what follows from it, and is said with that.
    fn tell_or_hold(&mut self, event: Event) {
        if let What::Exited {
            cause: Cause::Stopped,
            ..
        } = event.what
        {
            self.told.add(event.id);
        }
        match &event.what {
            What::Signalled { signal, .. } if event.id == self.root && signal.is_stop() => {
                self.is_stopping = true;
            }
            // What was told to stop while the program goes on may have been so for the limit of its start; its group says
            // that.
            What::Exited { exit, cause, .. }
                if exit.is_err() && !(self.is_stopping && *cause == Cause::Stopped) =>
            {
                let now = self.clock.now();
                let until = now.checked_add(HOLD).unwrap_or(now); // or the end of time
                self.held.push_back((until, event));
                return;
            }
            What::Restarting { .. } => self.held.retain(|(_, held)| held.id != event.id),
            What::Stopping {
                why: Why::Member { id, .. },
            } => self.held.retain(|(_, held)| held.id != *id),
            _ => {}
        }
        self.tell(&event);
    }

    /// Says the failures that were held back for long enough; all of them without a time.
    fn let_go(&mut self, now: Option<Instant>) {
        while let Some((until, _)) = self.held.front()
            && now.is_none_or(|now| *until <= now)
            && let Some((_, event)) = self.held.pop_front()
        {
            self.tell(&event);
        }
    }

    fn tell(&mut self, event: &Event) {
        let is_known = match &event.what {
            What::Restarting { .. } => self.reasons.has(event.id),
            What::Stopping {
                why: Why::Member { id, .. },
            } => {
                let is_known = self.reasons.has(*id) || self.given_up_below.has(*id);
                self.reasons.add(event.id);
                is_known
            }
            // A group that was told to stop fails for its members, who have said why.
            What::Exited {
                exit,
                cause: Cause::Stopped,
                ..
            } if exit.is_err() => {
                self.blame(event);
                self.blamed_below.has(event.id)
            }
            What::Abandoned { .. } => {
                self.blame(event);
                if let Some(above) = event.path.above().next() {
                    self.given_up_below.add(above);
                }
                false
            }
            _ => false,
        };
        let known = Known {
            is_root: event.id == self.root,
            why: is_known,
            was_told: self.told.has(event.id),
            second_forces: self.hints.second_forces,
            third_gives_up_after: match self.hints.third_gives_up {
                true => self.hints.outcome.forced_after(),
                false => None,
            },
            was_killed: self.is_killed,
        };
        match &event.what {
            What::Restarting { .. } if !self.bursts.hear(event, known, self.clock.now()) => return,
            What::Stopping { .. } | What::Abandoned { .. } => self.say_counted(false),
            What::Signalled { signal, .. } if known.is_root && signal.is_stop() => {
                self.say_counted(false);
            }
            _ => {}
        }
        if let Some(line) = lines::line(event, known) {
            self.say(line);
        }
        self.is_killed |= known.is_root
            && matches!(event.what, What::Signalled { signal, .. } if signal == Signal::KILL);
    }

    /// Says how many restarts were counted, `only_if_over`: where that is due.
    fn say_counted(&mut self, only_if_over: bool) {
        for line in self.bursts.due(self.clock.now(), only_if_over) {
            self.say(line);
        }
    }

    fn blame(&mut self, event: &Event) {
        if let Some(above) = event.path.above().next() {
            self.blamed_below.add(above);
        }
    }

    fn say(&mut self, line: Line) {
        if let Some(Audience::Operator { all }) = self.audience
            && (all || line.weight > Weight::Detail)
        {
            self.out.line(self.clock.now(), &line);
        }
    }

    /// Says what takes long.
    fn remind(&mut self, now: Instant) {
        let mut more = 0;
        let mut said = 0;
        for (id, pending) in self.slow.due(now) {
            let is_stop = pending.stop.is_some();
            let Some(waited) = waited_for(id, is_stop) else {
                self.slow.forget(id); // it has ended or become ready, and that was among the events that were missed
                continue;
            };
            let Some(by) = waited.by else {
                continue; // it may take as long as it likes
            };
            observe::publish(Event {
                at: now,
                id: by.0,
                path: by.1,
                what: What::Waiting {
                    for_whom: pending.path.clone(),
                    since: pending.since,
                    limit: waited.limit,
                },
            });
            if said == SLOW_LINES {
                more += 1;
                continue;
            }
            said += 1;
            self.say(lines::slow_line(&pending, waited.until, waited.limit, now));
        }
        if more > 0 {
            self.say(Line {
                weight: Weight::Warning,
                text: format!("and still waiting for {more} others"),
            });
        }
    }

    fn dump_if_asked(&mut self, event: &Event) {
        if let What::Signalled { signal, .. } = event.what
            && event.id == self.root
            && self.dump_on.contains(&signal)
        {
            self.out.dump(self.clock.now(), signal);
        }
    }

    /// Until something happens, the end comes, or it is time to say something.
    fn sleep(&mut self, ends: &Receiver<Option<Report>>) {
        let held = self.held.front().map(|(until, _)| *until);
        let due = [self.slow.next_due(), self.bursts.next_due(), held];
        let due = due.into_iter().flatten().min();
        let alarm = due.map(|due| self.clock.at(due));
        let mut select = Select::new();
        select.recv(&self.events);
        select.recv(ends);
        if let Some(alarm) = &alarm {
            select.recv(alarm);
        }
        select.ready();
    }
}

/// The newest processes of which something is known.
#[derive(Default)]
struct Newest(BTreeSet<ProcessId>);

impl Newest {
    fn add(&mut self, id: ProcessId) {
        self.0.insert(id);
        if self.0.len() > REMEMBERED {
            self.0.pop_first(); // the numbers grow
        }
    }

    fn has(&self, id: ProcessId) -> bool {
        self.0.contains(&id)
    }
}
