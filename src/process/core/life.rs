//! Running, becoming ready, and the exit: once, or given up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Core, OnThread, State, registry};
use crate::disposal::{defer, defer_quietly};
use crate::error::{Error, Exit, leaves_threads};
use crate::id::{ProcessId, Stuck};
use crate::process::findings::Findings;
use crate::process::link::{Guarded, News};
use crate::process::status::Status;
use crate::ready::Announce;
use crate::runner::BoxRunner;
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;
use crate::sync::thread;

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
    }

    /// The end of the run. The runner goes home to the group, where there is one.
    pub(crate) fn finish(&self, exit: Exit, runner: Option<BoxRunner>) {
        if leaves_threads(&exit) {
            self.hand_up_children();
        }
        let runner = runner.map(Guarded::new);
        let at = self.clock.now();
        // The exit as it was is dropped at the end, under no lock: a predicate that panicked has put its own in its place.
        let as_it_was = exit;
        let (exit, findings, mut state) = self.look_at(&as_it_was);
        let mailboxes = (state.mailbox.take(), std::mem::take(&mut state.outer)); // Invariant 4: the thread's end
        if state.exit.is_some() {
            drop(state);
            if let Some(link) = &self.link {
                drop(link.report(self.id, News::EndedLate { runner }));
            }
            return;
        }
        self.publish(state, exit, at, runner, false, findings);
        drop(mailboxes);
    }

    /// Finds out about the exit what needs foreign code, which runs outside of the lock.
    fn look_at(&self, exit: &Exit) -> (Exit, Findings, MutexGuard<'_, State>) {
        let mut overdue = exit.is_err() && self.state.lock().start_overdue;
        loop {
            let exit = match overdue {
                true => Err(self.start_timeout(None, exit.clone().err())),
                false => exit.clone(),
            };
            let (exit, findings) = match &self.link {
                Some(link) => Findings::of(exit, link.only_if),
                None => (exit, Findings::default()),
            };
            let state = self.state.lock();
            if overdue || !state.start_overdue {
                return (exit, findings, state);
            }
            overdue = true; // the limit has passed meanwhile, which happens once
        }
    }

    fn publish(
        &self,
        mut state: MutexGuard<'_, State>,
        exit: Exit,
        at: Instant,
        runner: Option<Guarded>,
        given_up: bool,
        findings: Findings,
    ) {
        state.exit = Some(Box::new(exit.clone())); // Invariant 1: once, before any waiter
        let waiters = std::mem::take(&mut state.waiters);
        let timers = (std::mem::take(&mut state.timers), state.start_timer.take());
        let leftover = self.link.as_ref().map(|link| {
            let news = News::Exited {
                exit: exit.clone(),
                at,
                runner,
                given_up,
                findings,
            };
            link.report(self.id, news) // Invariant 3: in the order of the state
        });
        drop(state);
        drop(timers);
        self.exited.open();
        self.changed.notify_all();
        for (key, waiter) in waiters {
            self.serve_wait(key, &waiter, exit.clone());
        }
        drop(leftover);
    }

    /// Publishes the exit of a process whose thread still runs; false if it has exited before.
    pub(crate) fn give_up(&self) -> bool {
        let _deferring = defer(); // it may be a thread of all that gives up
        let stuck = self.stuck_here_and_below();
        let state = self.state.lock();
        if state.exit.is_some() {
            return false;
        }
        let error = if state.start_overdue {
            self.start_timeout(Some(self.stuck()), None)
        } else {
            Error::Abandoned(stuck)
        };
        let at = self.clock.now();
        // It names threads only: nothing foreign is asked, and its policy neither, for its thread still runs.
        let (exit, findings) = Findings::of(Err(error), None);
        self.publish(state, exit, at, None, true, findings); // Invariant 5: the thread still runs
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

    pub(crate) fn parent(&self) -> Option<ProcessId> {
        let parent = self.parent.load(Ordering::Relaxed);
        (parent != 0).then_some(ProcessId(parent))
    }

    fn start_timeout(&self, stuck: Option<Stuck>, source: Option<Error>) -> Error {
        Error::StartTimeout {
            name: self.name.to_string(),
            after: self.limits.start.map_or(Duration::ZERO, |limit| limit.set),
            stuck,
            source: source.map(Box::new),
        }
    }

    /// The process that cannot end before this one has, if there is one: that of its group or its scope.
    pub(crate) fn holder(&self) -> Option<ProcessId> {
        let is_held = self.link.as_ref().is_some_and(|link| link.is_held);
        self.parent().filter(|_| is_held)
    }

    /// The group that cannot become ready before this one is, if there is one.
    pub(crate) fn awaited_by(&self) -> Option<ProcessId> {
        let is_awaited = self.link.as_ref().is_some_and(|link| link.is_awaited);
        self.parent().filter(|_| is_awaited)
    }

    pub(crate) fn stuck(&self) -> Stuck {
        Stuck {
            name: self.name.to_string(),
            id: self.id,
            thread: self.thread(),
            os_thread_id: self.os_thread_id(),
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
                        stuck.push(core.stuck());
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
        state.ready = true;
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
