//! Letting members in, on their callers' threads.

use std::time::Instant;

use super::shared::Shared;
use super::state::{Living, Phase, Running, State};
use super::watcher::Watcher;
use crate::grouper::{Member, Reason, Refusal};
use crate::limit::Span;
use crate::process::{Awaited, Core, Detached, Life, Link, Process, Request, drop_runner, launch};
use crate::restart::around;
use crate::sync::{Arc, now};

/// How long a caller wants to wait for a place.
#[derive(Clone, Copy)]
pub(super) enum Wait {
    ForEver,
    Until(Option<Instant>),
    /// As long as it takes to see whether there is soon a place, without sleeping.
    Briefly,
    Not,
}

/// What a member finds at the door.
enum Look {
    Enter(Arc<Running>),
    Refuse(Reason),
    NotNow(Reason),
}

impl Shared {
    pub(super) fn insert(
        self: &Arc<Self>,
        member: Member,
        wait: Wait,
        watcher: Option<Watcher>,
    ) -> Result<Process, Refusal> {
        match self.admit(&member, wait, watcher) {
            Ok(admitted) => Ok(admitted.start(member)),
            Err(reason) => Err(Refusal::of_member(reason, member)),
        }
    }

    /// Makes `member` one of the living: invariant 1.
    pub(super) fn admit(
        self: &Arc<Self>,
        member: &Member,
        wait: Wait,
        mut watcher: Option<Watcher>,
    ) -> Result<Admitted, Reason> {
        if let Some(reason) = member.why_not() {
            return Err(reason);
        }
        let mut state = self.state.lock();
        let mut turns = self.spin.begin();
        let mut waited = false;
        let refusal = loop {
            let why_not_now = match self.look(&state, member) {
                Look::Enter(running) => match self.enter(&mut state, running, member, &mut watcher)
                {
                    Ok(admitted) => return Ok(admitted),
                    Err(reason) => break reason,
                },
                Look::Refuse(reason) => break reason,
                Look::NotNow(reason) => reason,
            };
            let limit = match wait {
                Wait::Not => break why_not_now,
                Wait::Briefly if !turns.any_left() => break why_not_now,
                Wait::Until(limit) => limit,
                Wait::Briefly | Wait::ForEver => None,
            };
            if turns.any_left() && limit.is_none_or(|limit| now() < limit) {
                drop(state);
                turns.let_others_run();
                state = self.state.lock();
                continue;
            }
            let timed_out = match limit {
                Some(limit) => self.changed.wait_until(&mut state, limit).timed_out(),
                None => {
                    self.changed.wait(&mut state);
                    false
                }
            };
            waited = true;
            if timed_out {
                break Reason::TimedOut;
            }
        };
        if waited {
            self.changed.notify_one(); // the place that this caller may have been woken for is the next one's
        }
        Err(refusal)
    }

    /// A caller that was told of a place does not use it.
    pub(super) fn pass_on_a_place(&self) {
        let mut state = self.state.lock();
        if !state.must_wait() {
            state.waiting.tell_of_a_place();
        }
    }

    fn look(&self, state: &State, member: &Member) -> Look {
        let capacity = state.options.capacity;
        match &state.phase {
            _ if capacity.is_zero() => Look::Refuse(Reason::ZeroCapacity),
            Phase::Open(running) if capacity.has_room_beside(state.threads) => {
                Look::Enter(Arc::clone(running))
            }
            Phase::Open(_) if state.names.contains_key(&*member.name) => {
                Look::Refuse(Reason::DuplicateName)
            }
            Phase::Open(_) => Look::NotNow(Reason::Full),
            Phase::Idle { closed: false } => Look::NotNow(Reason::NotRunning),
            _ => Look::Refuse(Reason::Closed),
        }
    }

    fn enter(
        self: &Arc<Self>,
        state: &mut State,
        running: Arc<Running>,
        member: &Member,
        watcher: &mut Option<Watcher>,
    ) -> Result<Admitted, Reason> {
        let request = Request {
            name: Some(Arc::clone(&member.name)),
            start_within: member.options.start_within,
            starts_until_its_end: member.options.starts_until_its_end,
            kill_grace: member.options.kill_grace().or(running.request.kill_grace),
            stop_inside: Span::lesser(
                member.options.stop_within.map(Span::new),
                running.request.stop_inside,
            ),
            ..running.request.clone()
        };
        let link = Link {
            parent: Arc::downgrade(self) as _,
            index: 0,
            rank: 0,
            is_held: true,
            awaited: Awaited::No,
            only_if: None, // a restarter asks it
        };
        if state.names.contains_key(&*member.name) {
            return Err(Reason::DuplicateName);
        }
        let core = request.core(&*member.runner, Some(link));
        state.names.insert(Arc::clone(&member.name), core.id);
        state.threads += 1;
        let living = Living {
            core: Arc::clone(&core),
            options: member.options.clone(),
            slot: 0,
            watcher: watcher.take(),
        };
        state.living.insert(core.id, living);
        Ok(Admitted { core, running })
    }
}

/// One of the living, whose thread has not started yet.
pub(super) struct Admitted {
    core: Arc<Core>,
    running: Arc<Running>,
}

impl Admitted {
    pub(super) fn start(self, member: Member) -> Process {
        let runner = match member.options.restart() {
            Some(restart) => around(*restart, member.runner),
            None => member.runner,
        };
        let life = Life::new(&self.core, runner, drop_runner);
        match (&self.running.pool, member.options.stack_size()) {
            (Some(pool), None) => launch(life, None, pool),
            (_, stack_size) => launch(life, stack_size, Detached),
        }
        Process::from_core(self.core)
    }
}
