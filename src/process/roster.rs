//! The processes of one scope: who is told what, and who has failed unheard.
//!
//! Invariants:
//! 1. A process stands in `living` from before its start until its thread is done with it, and is told in start order.
//! 2. KILL and notifications that come to the host reach the living at once, on the sender's thread; so does every
//!    signal once the scope is ending. A stop signal that comes before takes the place of the INT that ends the scope.
//! 3. An error is kept until it has been delivered, `KEPT` of them at most, and a panic rather than another error.
//! 4. Exits are reported under the lock of their process. So under the lock here no process's own is taken (but for the
//!    one of its delivery, under which nothing is taken), and nothing is dropped.

use std::collections::BTreeMap;

use super::core::{Core, Overhear};
use super::current::say_here;
use super::link::{Leftover, News, Parent, Report};
use crate::error::Error;
use crate::id::ProcessId;
use crate::limit::Limit;
use crate::observe::{What, Why};
use crate::signal::Signal;
use crate::sync::{Arc, Mutex};

/// So many errors that were not delivered are kept.
const KEPT: usize = 64;

#[derive(Default)]
pub(super) struct Roster(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    living: BTreeMap<ProcessId, Arc<Core>>,
    failed: Vec<Failed>,
    prune_at: usize,
    /// Errors for which there was no room.
    omitted: usize,
    /// The stop signal that the host was told: KILL, or else the latest.
    stop: Option<Signal>,
    is_ending: bool,
}

struct Failed {
    core: Arc<Core>,
    panicked: bool,
}

impl Roster {
    /// Takes a process in that is about to start, and says whether KILL has come before: it is to be told once it has
    /// started. Errors that have been delivered are let go whenever their number may have doubled.
    pub(super) fn enter(&self, core: &Arc<Core>) -> bool {
        let mut entries = self.0.lock();
        let killed = entries.stop == Some(Signal::KILL);
        entries.living.insert(core.id, Arc::clone(core));
        let mut gone = Vec::new();
        if entries.failed.len() >= entries.prune_at.max(16) {
            let delivered = |one: &mut Failed| one.core.was_delivered();
            gone = entries.failed.extract_if(.., delivered).collect();
            entries.prune_at = entries.failed.len() * 2;
        }
        drop(entries);
        drop(gone); // Invariant 4: an error may wait for another start in this scope.
        killed
    }

    /// The stop signal that the host was told before the scope began.
    pub(super) fn host_was_told(&self, signal: Option<Signal>) {
        let mut entries = self.0.lock();
        // One that has come since is later; but nothing takes the place of KILL.
        if entries.stop.is_none() || signal == Some(Signal::KILL) {
            entries.stop = signal;
        }
    }

    /// Tells those that live to stop.
    pub(super) fn end(&self, end: Option<Limit>) {
        let mut entries = self.0.lock();
        entries.is_ending = true;
        let signal = entries.stop.unwrap_or(Signal::INTERRUPT);
        let living: Vec<_> = entries.living.values().cloned().collect();
        let why = entries.stop.map_or(Why::ScopeEnded, Why::Signal);
        drop(entries);
        if !living.is_empty() {
            say_here(|| What::Stopping { why });
        }
        tell(&living, signal, end);
    }

    /// Those that have failed, whose exits were not delivered, in the order of their exits; and how many others.
    pub(super) fn failed(&self) -> (Vec<(Arc<Core>, Error)>, usize) {
        let entries = self.0.lock();
        let failed: Vec<_> = entries
            .failed
            .iter()
            .map(|one| Arc::clone(&one.core))
            .collect();
        let omitted = entries.omitted;
        drop(entries);
        let undelivered = failed.into_iter().filter(|core| !core.was_delivered());
        let with_error = undelivered.filter_map(|core| {
            let error = core.exit()?.err()?;
            Some((core, error))
        });
        (with_error.collect(), omitted)
    }
}

fn tell(living: &[Arc<Core>], signal: Signal, end: Option<Limit>) {
    for core in living {
        core.tell(signal, end);
    }
}

impl Overhear for Roster {
    fn overhear(&self, signal: Signal, end: Option<Limit>) {
        let mut entries = self.0.lock();
        if signal.is_stop() && entries.stop != Some(Signal::KILL) {
            entries.stop = Some(signal);
        }
        let waits = signal.is_stop() && signal != Signal::KILL && !entries.is_ending;
        if waits {
            return; // Invariant 2: it is sent when the scope ends.
        }
        let living: Vec<_> = entries.living.values().cloned().collect();
        drop(entries);
        tell(&living, signal, end);
    }
}

impl Parent for Roster {
    fn hear(&self, report: Report) -> Leftover {
        let mut entries = self.0.lock();
        let (exit, runs_on) = match &report.news {
            News::Ready => return Leftover::default(),
            News::Exited(exited) => (Some(&exited.exit), exited.given_up),
            News::EndedLate { .. } => (None, false),
        };
        let core = match runs_on {
            true => entries.living.get(&report.id).cloned(),
            false => entries.living.remove(&report.id),
        };
        let mut replaced = None;
        if let Some(Err(error)) = exit
            && let Some(core) = core.clone()
        {
            let panicked = error.as_panic().is_some();
            replaced = entries.keep(Failed { core, panicked });
        }
        drop(entries);
        Leftover::new((report.news, core, replaced)) // Invariant 4: dropped when no lock is held.
    }
}

impl Entries {
    /// Returns what there is no room for: one that was delivered, or else another error than a panic.
    fn keep(&mut self, failed: Failed) -> Option<Failed> {
        let mut gone = None;
        if self.failed.len() >= KEPT {
            let delivered = self.failed.iter().position(|one| one.core.was_delivered());
            self.omitted += usize::from(delivered.is_none());
            let another = || self.failed.iter().rposition(|one| !one.panicked);
            let place = delivered.or_else(|| another().filter(|_| failed.panicked));
            match place {
                Some(place) => gone = Some(self.failed.remove(place)),
                None => return Some(failed),
            }
        }
        self.failed.push(failed);
        gone
    }
}
