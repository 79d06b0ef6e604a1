//! Running, becoming ready, and the exit: once, or given up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Core, OnThread, State, registry};
use crate::disposal::{defer, defer_quietly};
use crate::draw::Lasting;
use crate::error::{Error, Exit, leaves_threads};
use crate::id::{ProcessId, Seen, Stuck};
use crate::observe;
use crate::os_thread;
use crate::process::findings::Findings;
use crate::process::guarded::Guarded;
use crate::process::link::{Awaited, Exited, News};
use crate::process::status::Status;
use crate::ready::Announce;
use crate::runner::BoxRunner;
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;
use crate::sync::thread;

/// So many threads that are given up at once are looked at in the kernel. Others wait for the one that looks.
const LOOKED_AT: usize = 16;

impl Core {
    pub(crate) fn started_on_this_thread(&self) {
        let _ = self.thread.set(OnThread {
            id: thread::current().id(),
            os_id: thread::os_id(),
        });
    }

    /// The run has ended, and says nothing more.
    pub(crate) fn returned(&self) {
        self.state.lock().returned = true;
        self.beats_end();
        self.reloads_end();
    }

    /// The end of the run. The runner goes home to the group, where there is one.
    pub(crate) fn finish(&self, exit: Exit, runner: Option<BoxRunner>) {
        if leaves_threads(&exit) {
            self.hand_up_children();
        }
        let mut end = Box::new(Exited {
            exit,
            at: self.clock.now(),
            runner: runner.map(Guarded::new),
            given_up: false,
            findings: Findings::default(),
        });
        let mut state = self.look_at(&mut end);
        let mailboxes = (state.mailbox.take(), std::mem::take(&mut state.outer)); // Invariant 4: the thread's end
        if state.exit.is_some() {
            self.say_exit_late(&end.findings);
            drop(state);
            if let Some(link) = &self.link {
                let runner = end.runner.take();
                drop(link.report(self.id, News::EndedLate { runner }));
            }
            return;
        }
        self.publish(state, end);
        drop(mailboxes);
    }

    /// Finds out about the exit what needs foreign code, which runs outside of the lock.
    fn look_at(&self, end: &mut Exited) -> MutexGuard<'_, State> {
        let mut overdue = false;
        if end.exit.is_err() {
            overdue = self.state.lock().start_overdue;
            self.find_out(end, overdue);
        }
        let state = self.state.lock();
        if overdue || !state.start_overdue {
            return state;
        }
        drop(state);
        self.find_out(end, true); // the limit has passed meanwhile, which happens once
        self.state.lock()
    }

    fn find_out(&self, end: &mut Exited, overdue: bool) {
        if overdue {
            let source = std::mem::replace(&mut end.exit, Ok(())).err();
            end.exit = Err(self.start_timeout(None, source));
        }
        let only_if = self.link.as_ref().and_then(|link| link.only_if);
        end.findings = Findings::of(&mut end.exit, only_if);
    }

    fn publish(&self, mut state: MutexGuard<'_, State>, end: Box<Exited>) {
        let exit = Some(Box::new(end.exit.clone()));
        self.change(&mut state, |state| state.exit = exit); // Invariant 1: once, before any waiter
        self.say_exit(&state, &end);
        let waiters = std::mem::take(&mut state.waiters);
        let timers = (std::mem::take(&mut state.timers), state.start_timer.take());
        let for_waiters = (!waiters.is_empty()).then(|| end.exit.clone());
        let (leftover, unsent) = match &self.link {
            // Invariant 3: in the order of the state.
            Some(link) => (Some(link.report(self.id, News::Exited(end))), None),
            None => (None, Some(end)),
        };
        drop(state);
        drop(timers);
        self.exited.open();
        self.changed.notify_all();
        if let Some(exit) = for_waiters {
            for (key, waiter) in waiters {
                self.serve_wait(key, &waiter, exit.clone());
            }
        }
        drop((leftover, unsent));
    }

    /// Publishes the exit of a process whose thread still runs; false if it has exited before.
    pub(crate) fn give_up(&self) -> bool {
        self.give_up_if(|_| true)
    }

    /// The same, where that is so once nothing can change any more.
    pub(super) fn give_up_if(&self, is_so: impl FnOnce(&State) -> bool) -> bool {
        let _deferring = defer(); // it may be a thread of all that gives up
        self.give_up_with(self.stuck_here_and_below(), is_so)
    }

    /// As [`give_up`](Core::give_up), whether or not its time is over.
    pub(crate) fn give_up_at_once(&self) -> bool {
        let _deferring = defer();
        let now = self.clock.now();
        let mut stuck = self.stuck_here_and_below();
        for one in &mut stuck {
            // It had less than that.
            one.seen.limit = one.seen.limit.filter(|limit| limit.end <= now);
        }
        self.give_up_with(stuck, |_| true)
    }

    fn give_up_with(&self, mut stuck: Vec<Stuck>, is_so: impl FnOnce(&State) -> bool) -> bool {
        let state = self.state.lock();
        if state.exit.is_some() || !is_so(&state) {
            return false;
        }
        let error = if state.start_overdue {
            self.start_timeout(Some(stuck.swap_remove(0)), None)
        } else {
            Error::Abandoned(stuck)
        };
        let mut exit = Err(error);
        // It names threads only: nothing foreign is asked, and its policy neither, for its thread still runs.
        let findings = Findings::of(&mut exit, None);
        let end = Box::new(Exited {
            exit,
            at: self.clock.now(),
            runner: None,
            given_up: true,
            findings,
        });
        self.publish(state, end); // Invariant 5: the thread still runs
        true
    }

    /// Those below it that were given up outlive it, and what is above it may still have to name them.
    fn hand_up_children(&self) {
        let above = self.parent.load(Ordering::Relaxed);
        for core in registry::living() {
            if core.parent() == Some(self.id) {
                core.parent.store(above, Ordering::Relaxed);
                if let Some(above) = &self.above {
                    above.child_starts(); // for good: it may be asked once too often, and not too seldom
                }
            }
        }
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Its rank among the members of the group that runs in this process, if it was started there.
    pub(crate) fn rank_in(&self, group: ProcessId) -> Option<u64> {
        let is_there = self.above.as_ref().is_some_and(|above| above.id == group);
        self.link
            .as_ref()
            .filter(|_| is_there)
            .map(|link| link.rank)
    }

    pub(crate) fn parent(&self) -> Option<ProcessId> {
        let parent = self.parent.load(Ordering::Relaxed);
        (parent != 0).then_some(ProcessId(parent))
    }

    fn start_timeout(&self, stuck: Option<Stuck>, source: Option<Error>) -> Error {
        let name = self.name.to_string();
        let after = self.limits.start.map_or(Duration::ZERO, |limit| limit.set);
        let source = source.map(Box::new);
        match self.limits.start_is_all {
            true => Error::TimedOut {
                name,
                after,
                stuck,
                source,
            },
            false => Error::StartTimeout {
                name,
                after,
                stuck,
                source,
            },
        }
    }

    /// The process that cannot end before this one has, if there is one: that of its group or its scope.
    pub(crate) fn holder(&self) -> Option<ProcessId> {
        let is_held = self.link.as_ref().is_some_and(|link| link.is_held);
        self.parent().filter(|_| is_held)
    }

    /// The group that cannot become ready before this one is, if there is one.
    pub(crate) fn awaited_by(&self) -> Option<ProcessId> {
        self.parent().filter(|_| self.awaited() != Awaited::No)
    }

    /// What the group that has started it waits for.
    pub(crate) fn awaited(&self) -> Awaited {
        let link = self.link.as_ref();
        link.map_or(Awaited::No, |link| link.awaited)
    }

    /// Its thread, which is given up now.
    pub(crate) fn stuck(&self) -> Stuck {
        let mut stuck = self.as_stuck();
        stuck.seen.kernel_state = stuck.os_thread_id.and_then(os_thread::look);
        let last = observe::last_of(self.id);
        stuck.seen.last_event = last.map(|event| {
            let before = self.clock.now().saturating_duration_since(event.at);
            let before = Lasting::new(before);
            format!(
                "{before} before it was given up: {}",
                event.what.as_a_deed()
            )
        });
        stuck
    }

    fn as_stuck(&self) -> Stuck {
        let state = self.state.lock();
        let (told, killed) = (state.told_inside_before_kill(), state.killed_inside());
        let limit = state.stop_end_inside();
        drop(state);
        Stuck {
            name: self.name.to_string(),
            id: self.id,
            thread: self.thread(),
            os_thread_id: self.os_thread_id(),
            seen: Box::new(Seen {
                path: self.path().to_string(),
                kernel_state: None,
                told,
                killed,
                limit,
                last_event: None,
            }),
        }
    }

    /// This process and those below it that still run: a group that is given up before its own time is over has not said
    /// who keeps it, nor has a leaf that waits for the processes of a scope or a batch. One without living children is
    /// not asked, or a group of leaves would look at all its members for each of them.
    fn stuck_here_and_below(&self) -> Vec<Stuck> {
        let mut stuck = vec![self.stuck()];
        if self.has_children() {
            let mut ids = BTreeSet::from([self.id]);
            for core in registry::living() {
                // The oldest come first, so those above are known before those below.
                if core.parent().is_some_and(|parent| ids.contains(&parent)) {
                    ids.insert(core.id);
                    if core.status() != Status::Exited {
                        let is_looked_at = stuck.len() < LOOKED_AT;
                        stuck.push(match is_looked_at {
                            true => core.stuck(),
                            false => core.as_stuck(),
                        });
                    }
                }
            }
        }
        stuck
    }
}

impl Announce for Core {
    fn ready(&self) {
        let _deferring = defer_quietly();
        let mut state = self.state.lock();
        // Invariant 1: not after the run or the exit; nor once it is being stopped for not having been ready in time.
        if state.returned || state.exit.is_some() || state.start_overdue {
            return;
        }
        self.change(&mut state, |state| state.ready = true);
        self.say_ready();
        let _timer = state.start_timer.take(); // cancelled outside the lock
        let leftover = self.link.as_ref().map(|link| {
            link.report(self.id, News::Ready) // Invariant 3: before the exit is reported
        });
        self.ready.open(); // Invariant 1: under the lock, or the exit's latch might open first
        drop(state);
        self.changed.notify_all();
        drop(leftover);
    }
}
