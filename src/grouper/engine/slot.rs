//! One member of a group: what it is, where it stands, and what is known of it in this run.

use std::time::Instant;

use super::admin::Reply;
use super::history::Entry;
use super::stage::{Home, Live, Rest, Stage};
use crate::error::Exit;
use crate::grouper::member::{Member, Options};
use crate::id::Stuck;
use crate::plan::Plan;
use crate::process::last_exit::LastExit;
use crate::process::{Core, Guarded, Process};
use crate::restart::Delays;
use crate::runner::BoxRunner;
use crate::sync::Arc;

/// A member's place in its group, which outlives the runs.
pub(in crate::grouper) struct Slot {
    pub(super) name: Arc<str>,
    pub(super) options: Options,
    /// Greater than that of each member before it in the order of the group.
    pub(super) rank: u64,
    pub(super) stage: Stage,
    pub(super) run: Record,
}

/// What is known of a member in the current run, wherever it stands.
#[derive(Default)]
pub(super) struct Record {
    /// It was started, or is to be restarted, and those after it wait for it to become ready.
    pub(super) awaited: bool,
    pub(super) ever_ready: bool,
    /// It should be up, has been, and is not ready.
    pub(super) down: bool,
    /// It is stopped, or held back, because of another member's end.
    pub(super) in_round: bool,
    /// It is significant, and the group may be waiting for its completion.
    pub(super) counts: bool,
    pub(super) restarts: u64,
    pub(super) delays: Option<Box<Delays>>,
    /// How the run ended that it is restarted after.
    pub(super) before: Option<Box<Exit>>,
    pub(super) last_exit: Option<LastExit>,
    /// Its end for good, in the history of the run.
    pub(super) ended: Option<Entry>,
}

impl Record {
    /// The error of its last exit in one line; `None` after an Ok end.
    pub(super) fn line(&self) -> Option<Arc<str>> {
        self.last_exit.as_ref().and_then(LastExit::line)
    }
}

impl Slot {
    pub(super) fn new(member: Member, rank: u64) -> Self {
        Slot {
            name: member.name,
            options: member.options,
            rank,
            stage: Stage::at_home(Some(Guarded::new(member.runner)), Rest::Waiting),
            run: Record::default(),
        }
    }

    /// The place of a member that lives already and whose runner does not come home.
    pub(super) fn living(core: Arc<Core>, options: Options, rank: u64) -> Self {
        Slot {
            name: Arc::clone(&core.name),
            options,
            rank,
            stage: Stage::Live(Live::new(core)),
            run: Record::default(),
        }
    }

    /// Another run of the group begins, in which it waits for its start.
    pub(super) fn begin_run(&mut self) {
        self.run = Record::default();
        self.rests(Rest::Waiting);
    }

    /// Where it is at home, from now on for this reason.
    pub(super) fn rests(&mut self, rest: Rest) {
        if let Stage::Home(home) = &mut self.stage {
            home.rest = rest;
        }
    }

    /// Its process has ended, or was given up; returns what was of its stage.
    pub(super) fn ended(&mut self, given_up: bool, runner: Option<Guarded>) -> Option<Live> {
        let after = match &self.stage {
            Stage::Live(live) if given_up => Stage::Abandoned(Arc::clone(&live.core)),
            Stage::Live(_) => Stage::at_home(runner, Rest::Down),
            _ => return None,
        };
        match std::mem::replace(&mut self.stage, after) {
            Stage::Live(live) => Some(live),
            _ => None,
        }
    }

    /// The thread that was given up has ended.
    pub(super) fn ended_late(&mut self, runner: Option<Guarded>) {
        self.stage = Stage::at_home(runner, Rest::Terminated);
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live(_))
    }

    pub(super) fn is_abandoned(&self) -> bool {
        matches!(self.stage, Stage::Abandoned(_))
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.stage.rest(), Some(Rest::Down))
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.stage.rest(), Some(Rest::Waiting | Rest::Joining(_)))
    }

    pub(super) fn is_joining(&self) -> bool {
        matches!(self.stage.rest(), Some(Rest::Joining(_)))
    }

    /// The caller that has added it, if one waits for its start; it waits on as any other.
    pub(super) fn joining(&mut self) -> Option<Reply<Process>> {
        if !self.is_joining() {
            return None;
        }
        let home = self.stage.home_mut()?;
        match std::mem::take(&mut home.rest) {
            Rest::Joining(reply) => Some(reply),
            _ => None,
        }
    }

    /// When it was told to stop, if it was and has not ended since.
    pub(super) fn told(&self) -> Option<Instant> {
        self.stage.live().and_then(|live| live.stop.told())
    }

    /// Its turn to stop has come, and it has not ended since.
    pub(super) fn is_being_stopped(&self) -> bool {
        let live = self.stage.live();
        live.is_some_and(|live| live.stop.has_begun())
    }

    /// The thread that has its runner, where one has. Between the runs of its group that is one that was given up, or
    /// that was left by a run that a panic of the engine has ended.
    pub(super) fn stuck(&self) -> Option<Stuck> {
        self.stage.core().map(|core| core.stuck())
    }

    pub(super) fn take_runner(&mut self) -> Option<BoxRunner> {
        self.stage
            .home_mut()?
            .runner
            .take()
            .and_then(Guarded::into_inner)
    }

    pub(super) fn plan(&self) -> Plan {
        let of_runner = match &self.stage {
            Stage::Home(Home { runner, .. }) => runner.as_ref().and_then(Guarded::plan),
            _ => None,
        };
        let of_runner = of_runner.unwrap_or_else(|| Plan::new("away"));
        self.options.plan(&self.name, of_runner)
    }
}
