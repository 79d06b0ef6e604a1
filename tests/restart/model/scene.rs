//! What is played: a tree of groups, and what happens to it.

use std::fmt;

use ifrit::Signal;
use ifrit::grouper::{AutoShutdown, Strategy};

use crate::kit::How;

/// A runner with the options of a member.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) again: Option<Again>,
    pub(super) options: Options,
    /// A leaf has none.
    pub(super) group: Option<Group>,
}

/// There is a `Restarter` around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Again {
    Always,
    OnError,
}

/// Times are seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Options {
    pub(super) one_shot: bool,
    pub(super) start_within: Option<u32>,
    pub(super) stop_within: Option<u32>,
    pub(super) stop_delay: Option<u32>,
    pub(super) policy: Option<Policy>,
    pub(super) significant: bool,
    pub(super) essential: bool,
    /// Its policy holds for its first start, too.
    pub(super) from_the_start: bool,
    /// Each delay before a restart is longer than the one before.
    pub(super) grows: bool,
    /// A leaf reads its signals only when it is to.
    pub(super) lazy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Policy {
    Permanent,
    Transient,
    Temporary,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) settings: Settings,
    pub(super) members: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) kind: Kind,
    pub(super) termination: Option<Signal>,
    pub(super) start_within: Option<u32>,
    pub(super) stop_within: Option<u32>,
    pub(super) kill_grace: Option<u32>,
    pub(super) strategy: Strategy,
    pub(super) auto_shutdown: AutoShutdown,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Ordered,
    QueueOrdered,
    Parallel,
}

/// What happens. A number stands for one of those to whom it can happen: modulo how many there are.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A leaf says ready.
    Ready(usize),
    /// The run of a leaf ends, also of one that was given up.
    Ends(usize, How),
    /// A lazy leaf reads what it was told.
    Reads(usize),
    Passes(u32),
    /// As long as it takes until something is due.
    UntilDue,
    /// To the root.
    Told(Signal),
    Terminate(usize),
    Restart(usize),
    Remove(usize),
    Add(usize, Node),
}

#[derive(Clone)]
pub(super) struct Scene {
    pub(super) root: Node,
    /// Everyone is up before anything else happens.
    pub(super) up: bool,
    pub(super) events: Vec<Event>,
}

/// A node, and those below it, each on a line of its own.
pub(super) struct Drawn<'n>(pub(super) String, pub(super) &'n Node);

impl Drawn<'_> {
    fn draw(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let Drawn(name, node) = self;
        write!(f, "\n{:1$}{name}:", "", 2 * depth)?;
        if let Some(again) = node.again {
            write!(f, " again {again:?}:")?;
        }
        match &node.group {
            None => f.write_str(" leaf")?,
            Some(group) => write!(f, "{}", group.settings)?,
        }
        write!(f, "{}", node.options)?;
        let members = node.group.iter().flat_map(|group| &group.members);
        for (place, member) in members.enumerate() {
            Drawn(name_of_member(name, place), member).draw(f, depth + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.draw(f, 1)
    }
}

/// "b" is the second member of the root, "ba" the first in that.
pub(super) fn name_of_member(group: &str, place: usize) -> String {
    let letter = char::from(b'a' + (place % 26) as u8);
    match group {
        ROOT => letter.to_string(),
        _ => format!("{group}{letter}"),
    }
}

pub(super) const ROOT: &str = "root";

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Drawn("it".to_owned(), self).draw(f, 1)
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.one_shot {
            f.write_str(", one-shot")?;
        }
        if self.lazy {
            f.write_str(", lazy")?;
        }
        if self.significant {
            f.write_str(", significant")?;
        }
        if self.essential {
            f.write_str(", essential")?;
        }
        if let Some(policy) = self.policy {
            write!(f, ", {policy:?}")?;
            if self.from_the_start {
                f.write_str(" from the start")?;
            }
        }
        if self.grows {
            f.write_str(", growing")?;
        }
        write_limit(f, "start", self.start_within)?;
        write_limit(f, "stop", self.stop_within)?;
        write_limit(f, "delay", self.stop_delay)
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {:?}", self.kind)?;
        if self.strategy != Strategy::OneForOne {
            write!(f, ", {:?}", self.strategy)?;
        }
        if self.auto_shutdown != AutoShutdown::Never {
            write!(f, ", shutdown {:?}", self.auto_shutdown)?;
        }
        match self.termination {
            Some(Signal::INTERRUPT) => {}
            Some(signal) => write!(f, ", termination {signal}")?,
            None => f.write_str(", no termination")?,
        }
        write_limit(f, "start within", self.start_within)?;
        write_limit(f, "stop within", self.stop_within)?;
        write_limit(f, "grace", self.kill_grace)
    }
}

fn write_limit(f: &mut fmt::Formatter<'_>, what: &str, limit: Option<u32>) -> fmt::Result {
    match limit {
        Some(limit) => write!(f, ", {what} {limit}"),
        None => Ok(()),
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = Drawn(ROOT.to_owned(), &self.root);
        write!(f, "{root}\n  up: {}\n  {:?}", self.up, self.events)
    }
}
