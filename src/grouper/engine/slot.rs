//! The places of the members in their group.

use std::fmt;
use std::time::Instant;

use super::admin::{Leaving, Reply};
use super::history::Entry;
use crate::error::{Error, Exit};
use crate::grouper::member::{Member, Options};
use crate::id::Stuck;
use crate::plan::Plan;
use crate::process::last_exit::LastExit;
use crate::process::{Core, Deadline, Guarded, Process};
use crate::restart::Delays;
use crate::runner::BoxRunner;
use crate::sync::Arc;

/// A member's place, which outlives the runs.
pub(in crate::grouper) struct Slot {
    pub(super) name: Arc<str>,
    pub(super) options: Options,
    /// Away while it runs.
    pub(super) runner: Option<Guarded>,
    /// The process whose thread has the runner.
    pub(super) core: Option<Arc<Core>>,
    pub(super) run: SlotRun,
}

/// What a slot knows of the current run.
#[derive(Default)]
pub(super) struct SlotRun {
    pub(super) place: Place,
    /// It was started, or is to be restarted, and those after it wait for it to become ready.
    pub(super) awaited: bool,
    pub(super) ever_ready: bool,
    pub(super) ready_since: Option<Instant>,
    /// It should be up, has been, and is not ready.
    pub(super) down: bool,
    /// It is stopped, or held back, because of another member's end.
    pub(super) in_round: bool,
    pub(super) told: Option<Instant>,
    /// Its turn to be told has come, and its delay runs: until then, if that is not further off than time goes.
    pub(super) tell_at: Option<Option<Instant>>,
    /// Told KILL; what remains is the grace.
    pub(super) killed: bool,
    /// When it is told KILL and given up, as far as that is known. It only ever moves closer.
    pub(super) deadline: Option<Deadline>,
    pub(super) timer: Option<Instant>,
    /// It is significant, and the group may be waiting for its completion.
    pub(super) counts: bool,
    pub(super) restarts: u64,
    pub(super) delays: Option<Box<Delays>>,
    /// How the run ended that it is restarted after.
    pub(super) before: Option<Box<Exit>>,
    pub(super) last_exit: Option<LastExit>,
    /// Its end for good, in the history of the run.
    pub(super) ended: Option<Entry>,
    /// A caller has asked for it to be terminated or removed. In a box: each member has a place for it, and few need it.
    pub(super) leaving: Option<Box<Leaving>>,
    /// A caller has added it and waits for its start.
    pub(super) joining: Option<Reply<Process>>,
}

/// Where a member stands in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// To be started, where there is a member.
    #[default]
    Waiting,
    Live,
    /// To be started again, after a delay or a round.
    Down,
    /// It has ended and stays so in this run.
    Done,
    /// It was terminated through the handle, and only the handle can start it again.
    Terminated,
    /// It was given up; its thread still runs.
    Abandoned,
}

impl Slot {
    pub(super) fn new(member: Member) -> Self {
        Slot {
            name: member.name,
            options: member.options,
            runner: Some(Guarded::new(member.runner)),
            core: None,
            run: SlotRun::default(),
        }
    }

    /// The place of a member that lives already and whose runner does not come home.
    fn living(core: Arc<Core>, options: Options) -> Self {
        Slot {
            name: Arc::clone(&core.name),
            options,
            runner: None,
            core: Some(core),
            run: SlotRun {
                place: Place::Live,
                ..SlotRun::default()
            },
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.run.place == Place::Live
    }

    /// Its thread has ended.
    pub(super) fn come_home(&mut self, runner: Option<Guarded>) {
        self.runner = runner;
        self.core = None;
    }

    /// Its thread, where it has one.
    pub(super) fn stuck(&self) -> Vec<Stuck> {
        self.core.iter().map(|core| core.stuck()).collect()
    }

    pub(super) fn take_runner(&mut self) -> Option<BoxRunner> {
        self.runner.take().and_then(Guarded::into_inner)
    }

    fn plan(&self) -> Plan {
        let of_runner = self.runner.as_ref().and_then(Guarded::plan);
        let of_runner = of_runner.unwrap_or_else(|| Plan::new("away"));
        self.options.plan(&self.name, of_runner)
    }
}

/// All places of a group. One that is left can be taken again, so a place's index stays what it is.
#[derive(Default)]
pub(in crate::grouper) struct Slots {
    pub(super) all: Vec<Slot>,
    /// The places with a member, in start order.
    pub(super) order: Vec<usize>,
    vacant: Vec<usize>,
}

impl Slots {
    pub(in crate::grouper) fn new(members: impl IntoIterator<Item = Member>) -> Self {
        let all: Vec<_> = members.into_iter().map(Slot::new).collect();
        Slots {
            order: (0..all.len()).collect(),
            all,
            vacant: Vec::new(),
        }
    }

    pub(in crate::grouper) fn living(members: Vec<(Arc<Core>, Options)>) -> Self {
        let members = members.into_iter();
        let all: Vec<_> = members
            .map(|(core, options)| Slot::living(core, options))
            .collect();
        Slots {
            order: (0..all.len()).collect(),
            all,
            vacant: Vec::new(),
        }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Slot> + Clone {
        self.order.iter().map(|index| &self.all[*index])
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let mut order = self.order.iter().copied();
        order.find(|index| *self.all[*index].name == *name)
    }

    /// The last in start order. A place that was left is taken again if `reuse`.
    pub(super) fn push(&mut self, member: Member, reuse: bool) -> usize {
        let slot = Slot::new(member);
        let vacant = if reuse { self.vacant.pop() } else { None };
        let index = match vacant {
            Some(index) => {
                self.all[index] = slot;
                index
            }
            None => {
                self.all.push(slot);
                self.all.len() - 1
            }
        };
        self.order.push(index);
        index
    }

    /// Takes the member out, if its runner is at home.
    pub(super) fn remove(&mut self, index: usize) -> Option<Member> {
        let slot = &mut self.all[index];
        let member = Member {
            name: Arc::clone(&slot.name),
            runner: slot.take_runner()?,
            options: std::mem::take(&mut slot.options),
            last_exit: slot.run.last_exit.take(),
        };
        slot.run = SlotRun::default();
        self.order.retain(|other| *other != index);
        self.vacant.push(index);
        Some(member)
    }

    /// The threads that were given up in an earlier run and have not ended since.
    pub(super) fn stuck(&self) -> Result<(), Error> {
        let away = self.members().filter(|slot| slot.runner.is_none());
        let stuck: Vec<Stuck> = away.flat_map(Slot::stuck).collect();
        if stuck.is_empty() {
            Ok(())
        } else {
            Err(Error::Abandoned(stuck))
        }
    }

    pub(in crate::grouper) fn plans(&self) -> impl Iterator<Item = Plan> {
        self.members().map(Slot::plan)
    }

    pub(in crate::grouper) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.members().map(|slot| &*slot.name)
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
