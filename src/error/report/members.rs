//! The members of a group that failed, as the tree below the headline.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Node;
use super::path::Path;
use super::root::Root;
use super::words::{self, Said, group_in};
use crate::error::{Cause, Error, ExitTrace, MemberExit};

/// So many members, or counts of members, stand in a report.
const MOST: usize = 80;
/// Where more members of a group than this ended Ok, they are counted and not listed.
const OKS: usize = 16;
/// So many failures of one group are listed.
const FAILURES: usize = 20;
/// Groups that stand deeper than this are not indented any further: their members have paths.
const DEEPEST: usize = 8;

pub(super) struct Members<'a, 'e> {
    root: &'a Root<'e>,
    said: &'a mut Said,
    lines: Vec<(usize, String)>,
}

/// A group on its way into the report.
struct Open<'e> {
    trace: &'e ExitTrace,
    entries: VecDeque<Entry<'e>>,
    level: usize,
    /// The names before those of its members.
    path: Path<'e>,
}

/// What is counted where it has no place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    StillRun,
    Failed,
    HadFailed,
    /// Besides some that are listed.
    MoreOk,
    Ok,
}

impl What {
    fn say(self, count: u64) -> String {
        match self {
            What::StillRun => format!("{count} more still run"),
            What::Failed => format!("{count} more failed"),
            What::HadFailed => format!("{count} more had failed before"),
            What::MoreOk => format!("{count} more ended ok"),
            What::Ok => format!("{count} ended ok"),
        }
    }
}

enum Entry<'e> {
    Ended(&'e MemberExit),
    /// Not among the ends: it was taken out, or ended with no failure that is left to tell.
    Healed(&'e MemberExit, usize),
    Counted(u64, What),
}

impl<'a, 'e> Members<'a, 'e> {
    pub(super) fn new(root: &'a Root<'e>, said: &'a mut Said) -> Self {
        Members {
            root,
            said,
            lines: Vec::new(),
        }
    }

    /// What stands below the headline.
    pub(super) fn below(mut self, error: &'e Error) -> Vec<Node> {
        let mut open = Vec::new(); // invariant 3: a list, and no recursion
        open.extend(group_in(error).map(|trace| self.open(trace, 0, Path::default())));
        while let Some(group) = open.last_mut() {
            let Some(entry) = group.entries.pop_front() else {
                open.pop();
                continue;
            };
            if self.lines.len() >= MOST {
                group.entries.push_front(entry);
                self.lines.push((0, count_rest(&open))); // invariant 2
                break;
            }
            let (level, trace, path) = (group.level, group.trace, group.path.clone());
            match entry {
                Entry::Counted(count, what) if path.is_empty() => {
                    self.lines.push((level, what.say(count)));
                }
                Entry::Counted(count, what) => {
                    self.lines
                        .push((level, format!("{path}: {}", what.say(count))));
                }
                Entry::Healed(member, count) => {
                    let text = words::only_healed(trace, member, count);
                    let line = format!("{}: {text}", path.join(&member.name));
                    self.lines.push((level, line));
                }
                Entry::Ended(member) => open.extend(self.member(member, trace, level, path)),
            }
        }
        into_nodes(self.lines)
    }

    /// Writes a member. Returns the group it is, if there is more to say about that.
    fn member(
        &mut self,
        member: &'e MemberExit,
        trace: &'e ExitTrace,
        level: usize,
        path: Path<'e>,
    ) -> Option<Open<'e>> {
        let path = path.join(&member.name);
        let fate = match self.root.is_in(member) {
            true => None, // the headline has said it
            false => words::fate(member, trace, self.said),
        };
        let inner = member.exit.as_ref().err().and_then(group_in);
        let inner = inner.map(|trace| self.open(trace, level + 1, Path::default()));
        let inner = inner.filter(|inner| !inner.entries.is_empty());
        let is_alone = inner.as_ref().is_some_and(|inner| inner.entries.len() == 1);
        match (fate, inner) {
            (None, None) => None,
            (Some(fate), inner) => {
                let colon = if fate.starts_with('\n') { "" } else { ": " };
                self.lines.push((level, format!("{path}{colon}{fate}")));
                inner.map(|inner| indented(inner, level, path))
            }
            // A group that has one thing to say is a name in the path of that.
            (None, Some(inner)) if is_alone || level >= DEEPEST => Some(Open {
                level,
                path,
                ..inner
            }),
            (None, Some(inner)) => {
                self.lines.push((level, path.to_string()));
                Some(indented(inner, level, path))
            }
        }
    }

    fn open(&self, trace: &'e ExitTrace, level: usize, path: Path<'e>) -> Open<'e> {
        Open {
            trace,
            entries: self.entries(trace),
            level,
            path,
        }
    }

    /// What there is to say about a group, without what the headline has said.
    fn entries(&self, trace: &'e ExitTrace) -> VecDeque<Entry<'e>> {
        let healed = healed(trace);
        let is_listed_ok = |member: &MemberExit| {
            healed.contains_key(member.name.as_str()) || member.cause == Cause::Initiator
        };
        let plain_oks = trace.iter().filter(|member| member.exit.is_ok());
        let plain_oks = plain_oks.filter(|member| !is_listed_ok(member)).count();
        let counts_oks = plain_oks > OKS;
        // Threads that still run, and what began a stop, have a place before the others.
        let mut listed = HashSet::new();
        for first in [true, false] {
            for (place, member) in trace.iter().enumerate() {
                let is_first = matches!(member.cause, Cause::Abandoned | Cause::Initiator);
                if listed.len() < FAILURES && member.exit.is_err() && is_first == first {
                    listed.insert(place);
                }
            }
        }
        let mut entries = VecDeque::new();
        let (mut failures, mut stuck) = (0_u64, 0_u64);
        let mut names = HashSet::new();
        for (place, member) in trace.iter().enumerate() {
            names.insert(member.name.as_str());
            let is_told = self.root.is_in(member) && is_leaf(member);
            match &member.exit {
                _ if is_told => {}
                Ok(()) if counts_oks && !is_listed_ok(member) => {}
                Err(_) if !listed.contains(&place) && member.cause == Cause::Abandoned => {
                    stuck += 1
                }
                Err(_) if !listed.contains(&place) => failures += 1,
                _ => entries.push_back(Entry::Ended(member)),
            }
        }
        let mut others: Vec<_> = healed
            .into_iter()
            .filter(|(name, _)| !names.contains(name))
            .collect();
        others.sort_by_key(|(_, (place, ..))| *place);
        let only_healed = others.len().saturating_sub(FAILURES) as u64;
        for (_, (_, member, count)) in others.into_iter().take(FAILURES) {
            entries.push_back(Entry::Healed(member, count));
        }
        let oks = trace.omitted - trace.omitted_failures;
        let oks = oks + if counts_oks { plain_oks as u64 } else { 0 };
        for (count, what) in [
            (stuck, What::StillRun),
            (failures + trace.omitted_failures, What::Failed),
            (only_healed, What::HadFailed),
            (oks, if counts_oks { What::Ok } else { What::MoreOk }),
        ] {
            if count > 0 {
                entries.push_back(Entry::Counted(count, what));
            }
        }
        entries
    }
}

/// The members below a line of their group.
fn indented<'e>(inner: Open<'e>, level: usize, path: Path<'e>) -> Open<'e> {
    match level < DEEPEST {
        true => inner,
        false => Open {
            level,
            path,
            ..inner
        },
    }
}

fn is_leaf(member: &MemberExit) -> bool {
    member
        .exit
        .as_ref()
        .err()
        .is_none_or(|error| group_in(error).is_none())
}

/// Of each member that had failed, the place of the last failure, that failure, and how many there were.
fn healed(trace: &ExitTrace) -> HashMap<&str, (usize, &MemberExit, usize)> {
    let mut healed = HashMap::new();
    for (place, member) in trace.healed.iter().enumerate() {
        let entry = healed
            .entry(member.name.as_str())
            .or_insert((place, member, 0));
        *entry = (place, member, entry.2 + 1);
    }
    healed
}

/// What is left when the report is full.
fn count_rest(open: &[Open<'_>]) -> String {
    let (mut stuck, mut failed, mut ok) = (0, 0, 0);
    let mut members = Vec::new();
    for entry in open.iter().flat_map(|group| &group.entries) {
        match entry {
            Entry::Ended(member) => members.push(*member),
            Entry::Healed(..) | Entry::Counted(_, What::HadFailed) => {}
            Entry::Counted(count, What::StillRun) => stuck += count,
            Entry::Counted(count, What::Failed) => failed += count,
            Entry::Counted(count, What::Ok | What::MoreOk) => ok += count,
        }
    }
    while let Some(member) = members.pop() {
        match &member.exit {
            Ok(()) => ok += 1,
            Err(error) => match group_in(error) {
                Some(trace) => members.extend(trace),
                None if member.cause == Cause::Abandoned => stuck += 1,
                None => failed += 1,
            },
        }
    }
    let counts = [
        (stuck, What::StillRun),
        (failed, What::Failed),
        (ok, What::MoreOk),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, what)| what.say(count)).collect();
    format!("… {}", counts.join(", "))
}

/// The tree of which these are the levels.
fn into_nodes(lines: Vec<(usize, String)>) -> Vec<Node> {
    let mut above: Vec<Vec<Node>> = vec![Vec::new()];
    let close = |above: &mut Vec<Vec<Node>>| {
        let parts = above.pop().unwrap_or_default();
        if let Some(last) = above.last_mut().and_then(|nodes| nodes.last_mut()) {
            last.parts = parts;
        }
    };
    for (level, text) in lines {
        while above.len() > level + 1 {
            close(&mut above);
        }
        while above.len() < level + 1 {
            above.push(Vec::new());
        }
        if let Some(nodes) = above.last_mut() {
            nodes.push(Node::new(text));
        }
    }
    while above.len() > 1 {
        close(&mut above);
    }
    above.pop().unwrap_or_default()
}
