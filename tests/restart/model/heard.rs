//! What the events of a real tree have told: that it is in order, and the story of the exit of the root and of the model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ifrit::error::{Cause, ExitTrace, MemberExit};
use ifrit::observe::{self, Event, Events, Outcome, What};
use ifrit::process::ProcessId;
use ifrit::{Error, Exit, Process};

use super::world::{BUDGET, Restart, Story, Why, World};

pub(super) struct Heard {
    root: ProcessId,
    stream: Events<Event>,
    pub(super) events: Vec<Event>,
}

type Told = Result<(), String>;

/// All events of one process.
type Life<'h> = Vec<&'h What>;

/// How one process has ended, as its event tells.
struct End<'h> {
    outcome: &'h Outcome,
    /// `None`: it was given up.
    cause: Option<Cause>,
}

impl Heard {
    pub(super) fn new(process: &Process) -> Self {
        Heard {
            root: process.id(),
            stream: process.events(),
            events: Vec::new(),
        }
    }

    /// Takes what has been told by now, so that there is room for more.
    pub(super) fn listen(&mut self) {
        self.events.extend(self.stream.try_iter());
    }

    /// `exit` is that of the root. All has come to its end, and it was as in one of `worlds`.
    pub(super) fn check(&self, exit: &Exit, worlds: &[World]) -> Told {
        let told = self.check_all(exit, worlds);
        told.map_err(|why| {
            let mut events = String::new();
            for Event { id, path, what, .. } in &self.events {
                let _ = write!(events, "\n    {id} {path}: {what}");
            }
            format!("{why}\n  events:{events}")
        })
    }

    fn check_all(&self, exit: &Exit, worlds: &[World]) -> Told {
        if self.stream.missed() > 0 {
            return Err(format!("{} events were missed", self.stream.missed()));
        }
        let mut lives: BTreeMap<ProcessId, Life<'_>> = BTreeMap::new();
        for event in &self.events {
            lives.entry(event.id).or_default().push(&event.what);
        }
        for (id, life) in &lives {
            let is_in_order = is_in_order(life, *id == self.root);
            is_in_order.map_err(|why| format!("{id}: {why}"))?;
        }
        let lives = Lives(lives);
        lives.ends_as(self.root, exit)?;
        lives.check_inside(Some(self.root), exit)?;
        let story = self.story(&worlds[0])?;
        if !worlds.iter().any(|world| world.story == story) {
            let stories: Vec<_> = worlds.iter().map(|world| &world.story).collect();
            return Err(format!("expected: {stories:#?}\n  but: {story:#?}"));
        }
        Ok(())
    }

    /// The same as the model tells it.
    fn story(&self, world: &World) -> Result<Story, String> {
        let mut story = Story::default();
        let mut ids = BTreeMap::from([(self.root, (0, 1))]);
        let mut exited = BTreeSet::new();
        story.starts.insert(0, 1);
        for Event { id, path, what, .. } in &self.events {
            if let What::Started = what
                && *id != self.root
            {
                let named = |node: &usize| world.nodes[*node].name == path.name();
                let node = (1..world.nodes.len()).find(named);
                let node = node.ok_or_else(|| format!("{path} is unknown"))?;
                let number = story.starts.entry(node).or_default();
                *number += 1;
                ids.insert(*id, (node, *number));
            }
            let known = |id: &ProcessId| {
                let known = ids.get(id).copied();
                known.ok_or_else(|| format!("{id} is unknown"))
            };
            let process = known(id)?;
            match what {
                What::Ready { .. } => {
                    story.ready.insert(process);
                }
                What::Exited { .. } | What::Abandoned { .. } => {
                    exited.insert(process);
                }
                What::Restarting {
                    attempt, of, delay, ..
                } => {
                    let restart = Restart {
                        by_group: exited.contains(&process),
                        attempt: *attempt,
                        delay: *delay,
                    };
                    story.restarts.entry(process).or_default().push(restart);
                    if *of != Some(BUDGET) {
                        return Err(format!("{path} may be restarted {of:?} times"));
                    }
                }
                What::Stopping { why } => {
                    let why = match why {
                        observe::Why::Signal(signal) => Why::Signal(*signal),
                        observe::Why::Member { id, .. } => Why::Member(known(id)?),
                        observe::Why::AutoShutdown => Why::AutoShutdown,
                        other => return Err(format!("{path} stops: {other}")),
                    };
                    story.stops.entry(process).or_default().push(why);
                }
                _ => {}
            }
        }
        Ok(story)
    }
}

/// Of the root it need not be known that it has started: its listener came later, and only the newest events are kept.
fn is_in_order(life: &[&What], is_root: bool) -> Told {
    let starts = |what: &&&What| matches!(what, What::Started);
    let started = life.iter().take_while(starts).count();
    if started != 1 && !(is_root && started == 0) {
        return Err(format!("it begins with {started} starts"));
    }
    let (mut ready, mut told) = (false, false);
    let mut end: Option<&Outcome> = None;
    let (mut given_up, mut late) = (false, false);
    for what in &life[started..] {
        let is_over = end.is_some();
        let fits = match what {
            What::Ready { .. } => !is_over && !std::mem::replace(&mut ready, true),
            What::Signalled { signal, .. } => {
                told |= signal.is_stop();
                !is_over
            }
            What::Exited { exit, cause, .. } => {
                let expected = match exit {
                    _ if told => Cause::Stopped,
                    exit if exit.is_ok() => Cause::Completed,
                    _ => Cause::Independent,
                };
                end.replace(exit).is_none() && *cause == expected
            }
            What::Abandoned { exit, .. } => {
                given_up = true;
                end.replace(exit).is_none() && told && exit.is_err()
            }
            What::ExitedLate { .. } => given_up && !std::mem::replace(&mut late, true),
            // By its group. A restarter in it restarts what has not been told to stop.
            What::Restarting { why, .. } => match end {
                Some(end) => why == end && !given_up,
                None => !told,
            },
            What::Stopping { .. } => !is_over,
            What::Note(_) => true,
            _ => false,
        };
        if !fits {
            return Err(format!("out of order: {what}"));
        }
    }
    match end {
        Some(_) if given_up == late => Ok(()),
        _ => Err("it does not end".to_owned()),
    }
}

struct Lives<'h>(BTreeMap<ProcessId, Life<'h>>);

impl<'h> Lives<'h> {
    fn of(&self, id: ProcessId) -> Result<&Life<'h>, String> {
        self.0.get(&id).ok_or_else(|| format!("no event of {id}"))
    }

    /// There is one: each life is in order.
    fn end(&self, id: ProcessId) -> Result<End<'h>, String> {
        let end = self.of(id)?.iter().find_map(|what| match what {
            What::Exited { exit, cause, .. } => Some(End {
                outcome: exit,
                cause: Some(*cause),
            }),
            What::Abandoned { exit, .. } => Some(End {
                outcome: exit,
                cause: None,
            }),
            _ => None,
        });
        end.ok_or_else(|| format!("no exit of {id}"))
    }

    fn ends_as(&self, id: ProcessId, exit: &Exit) -> Told {
        let end = self.end(id)?;
        match is_line_of(end.outcome, exit) && end.cause.is_none() == is_given_up(id, exit) {
            true => Ok(()),
            false => Err(format!("{id} has ended: {exit:?}")),
        }
    }

    /// The traces in the exit of that process; or in one of those that used up a budget.
    fn check_inside(&self, owner: Option<ProcessId>, exit: &Exit) -> Told {
        match exit {
            Err(Error::Group(trace)) => self.check_trace(owner, trace),
            Err(Error::StartTimeout {
                source: Some(source),
                ..
            }) => self.check_inside(owner, &Err((**source).clone())),
            Err(Error::RestartBudget { history, .. }) => {
                let mut history = history.iter();
                history.try_for_each(|exit| self.check_inside(None, exit))
            }
            _ => Ok(()),
        }
    }

    fn check_trace(&self, owner: Option<ProcessId>, trace: &ExitTrace) -> Told {
        let ids: BTreeSet<_> = trace.iter().map(|member| member.id).collect();
        if ids.len() < trace.len() {
            return Err(format!("a process stands in it twice: {trace}"));
        }
        for member in trace.iter().chain(trace.healed.iter()) {
            let told = self.check_member(member);
            told.map_err(|why| format!("{member}: {why}"))?;
            self.check_inside(Some(member.id), &member.exit)?;
        }
        match (owner, trace.initiator()) {
            (Some(owner), Some(initiator)) => self.names(owner, initiator),
            _ => Ok(()),
        }
    }

    fn check_member(&self, member: &MemberExit) -> Told {
        let end = self.end(member.id)?;
        let fits = |exit: &Exit| is_line_of(end.outcome, exit);
        let own = match (&member.exit, member.cause) {
            (exit, _) if fits(exit) => exit.clone(),
            (Err(Error::EndedUnasked { .. }), _) => Ok(()),
            // The group has put it around the exit.
            (
                Err(Error::StartTimeout { source, .. } | Error::RestartBudget { source, .. }),
                Cause::Initiator,
            ) => source.clone().map_or(Ok(()), |error| Err(*error)),
            (exit, _) => exit.clone(),
        };
        // That one its group has said once more in the end: what stood below it by then is not in it.
        let is_short = member.cause == Cause::Abandoned && member.time_to_stop.is_none();
        let agrees = fits(&own) || is_short && end.outcome.is_err();
        if !agrees {
            return Err(format!("its event says: {}", end.outcome));
        }
        // A process whose own limit is over has told itself to stop.
        let overdue = matches!(own, Err(Error::StartTimeout { .. }));
        let told = overdue || member.time_to_stop.is_some();
        let cause = match member.cause {
            _ if is_given_up(member.id, &own) => None,
            Cause::Stopped | Cause::Consequence => Some(Cause::Stopped),
            _ if told => Some(Cause::Stopped),
            _ if end.outcome.is_ok() => Some(Cause::Completed),
            _ => Some(Cause::Independent),
        };
        match cause == end.cause && (member.cause == Cause::Abandoned) <= cause.is_none() {
            true => Ok(()),
            false => Err(format!("its event has the cause {:?}", end.cause)),
        }
    }

    /// That process has told that this one's exit stops the others.
    fn names(&self, group: ProcessId, initiator: &MemberExit) -> Told {
        let end = self.end(initiator.id)?.outcome;
        let stops = self.of(group)?.iter().filter(|what| match what {
            What::Stopping {
                why: observe::Why::Member { name, id, exit, .. },
            } => {
                let says_why = exit == end
                    || is_line_of(exit, &initiator.exit)
                    || is_line_around(exit, &initiator.exit, end);
                *id == initiator.id && **name == *initiator.name && says_why
            }
            What::Stopping {
                why: observe::Why::AutoShutdown,
            } => true,
            _ => false,
        });
        match stops.count() {
            0 => Err(format!("{group} does not say that it stops: {initiator}")),
            _ => Ok(()),
        }
    }
}

/// Whether the process itself is named as one whose thread still runs.
fn is_given_up(id: ProcessId, exit: &Exit) -> bool {
    match exit {
        Err(Error::Abandoned(stuck)) => stuck.iter().any(|stuck| stuck.id == id),
        Err(Error::StartTimeout { stuck, .. }) => stuck.as_ref().is_some_and(|s| s.id == id),
        _ => false,
    }
}

/// A line that is too long ends with an ellipsis.
fn is_line_of(line: &Outcome, exit: &Exit) -> bool {
    match (line.error(), exit) {
        (None, Ok(())) => true,
        (Some(line), Err(error)) => {
            let text = error.to_string();
            match line.strip_suffix('…') {
                Some(beginning) => text.starts_with(beginning),
                None => text == line,
            }
        }
        _ => false,
    }
}

/// What the group says itself of a member that it gives no further run, and then the line of its last one.
fn is_line_around(line: &Outcome, exit: &Exit, last: &Outcome) -> bool {
    let (Some(line), Some(last), Err(error)) = (line.error(), last.error(), exit) else {
        return false;
    };
    let text = error.to_string();
    line.match_indices(": ").any(|(at, colon)| {
        let (own, inside) = line.split_at(at + colon.len());
        let is_last = match inside.strip_suffix('…') {
            Some(beginning) => last.starts_with(beginning),
            None => last == inside,
        };
        text.starts_with(own) && is_last
    })
}
