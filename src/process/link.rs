//! How a member's process reports to the group that started it.

use std::time::Instant;

use super::findings::{Findings, OnlyIf};
use super::guarded::Guarded;
use crate::disposal::defer;
use crate::error::Exit;
use crate::id::ProcessId;
use crate::sync::Weak;

/// What hears of a member: the group or the scope that has started it.
///
/// `Ready` and `Exited` are reported under the lock of the member's process, so that they come in their order, and so that
/// no exit is seen that has not been heard. An implementation must not ask anything of a process while it holds a lock
/// that it needs to hear, nor drop anything foreign: that it returns.
pub(crate) trait Parent: Send + Sync {
    fn hear(&self, report: Report) -> Leftover;
}

/// What is to be dropped once no lock is held.
#[derive(Default)]
#[must_use = "to be dropped when no lock is held"]
pub(crate) struct Leftover(Option<Box<dyn Send>>);

impl Leftover {
    pub(crate) fn new(foreign: impl Send + 'static) -> Self {
        Leftover(Some(Box::new(foreign)))
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Some(foreign) = self.0.take() {
            let _deferring = defer(); // what others have left must not keep this member's thread
            drop(foreign);
        }
    }
}

/// The way home: the parent, and which of its members this is.
pub(crate) struct Link {
    /// Weak: what a group remembers of its members must not keep the group itself.
    pub(crate) parent: Weak<dyn Parent>,
    pub(crate) index: usize,
    /// Where it stands among the members in the order of its group: a greater one than those before it. Not so the index,
    /// which is taken again when a member is removed.
    pub(crate) rank: u64,
    /// The process that has started it cannot end before it has.
    pub(crate) is_held: bool,
    /// What the group that has started it waits for, before it goes on with its start.
    pub(crate) awaited: Awaited,
    /// What its policy asks of an error, before it is reported.
    pub(crate) only_if: Option<OnlyIf>,
}

/// What a group waits for in the start of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// For nothing.
    No,
    ToBeReady,
    /// One that is ready by ending.
    ToEnd,
}

pub(crate) struct Report {
    pub(crate) index: usize,
    pub(crate) id: ProcessId,
    pub(crate) news: News,
}

pub(crate) enum News {
    Ready,
    /// The exit, once for each process. In a box: it goes through many frames on the stack of the member, which is to
    /// touch no further page of it for that.
    Exited(Box<Exited>),
    /// The thread of a process that had been given up has ended after all.
    /// It may never be read.
    EndedLate {
        runner: Option<Guarded>,
    },
}

/// How a process has ended.
pub(crate) struct Exited {
    pub(crate) exit: Exit,
    pub(crate) at: Instant,
    /// Come home, unless it was dropped or its thread still runs.
    pub(crate) runner: Option<Guarded>,
    /// The thread still runs.
    pub(crate) given_up: bool,
    pub(crate) findings: Findings,
}

impl Link {
    pub(crate) fn report(&self, id: ProcessId, news: News) -> Leftover {
        let index = self.index;
        match self.parent.upgrade() {
            Some(parent) => parent.hear(Report { index, id, news }),
            None => Leftover::new(news), // the group is gone
        }
    }
}
