//! Which process waits for whose end: a wait that could never be over is refused.
//!
//! A process that blocks its own thread until another one has exited cannot exit before that one. Nor can a group before
//! its members have, or a process before those in its scope ([`Core::holder`]). Where that closes a circle, none of them
//! would ever end.
//!
//! Invariants:
//! 1. To look and to register is one step under one lock: of the waits that make a circle, the last is refused.
//! 2. Only waits without an end of their own are registered; one with a time limit closes no circle for ever.
//! 3. Only threads that belong to a process are asked; for others nothing waits.

use std::collections::BTreeSet;

use super::core::{Core, registry};
use super::current::current_core;
use crate::id::ProcessId;
use crate::sync::{Arc, LazyLock, Mutex, statics};

statics! {
    /// The process that is waited for, and the one that waits.
    static WAITS: LazyLock<Mutex<BTreeSet<(ProcessId, ProcessId)>>> = LazyLock::new(Mutex::default);
}

/// A wait that is registered, while this lives.
#[derive(Debug)]
#[must_use = "it is registered while this lives"]
pub(crate) struct Waiting(Option<(ProcessId, ProcessId)>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(wait) = self.0 {
            WAITS.lock().remove(&wait);
        }
    }
}

/// The process of this thread begins to wait for the end of `target`; `None` if that waits for this one.
pub(crate) fn begin(waiter: Option<ProcessId>, target: ProcessId) -> Option<Waiting> {
    let Some(waiter) = waiter else {
        return Some(Waiting(None)); // invariant 3
    };
    let mut looked_at = Vec::new(); // dropped after the lock: with the last handle to a process goes what is foreign
    let mut waits = WAITS.lock();
    if closes_a_circle(&waits, waiter, target, &mut looked_at) {
        return None;
    }
    waits.insert((target, waiter)); // invariant 1
    drop(waits);
    Some(Waiting(Some((target, waiter))))
}

/// The process of this thread.
pub(crate) fn here() -> Option<ProcessId> {
    current_core().map(|core| core.id)
}

/// Whether `target` cannot end before `waiter`. It looks from `waiter` to those that wait for it, of which there are few,
/// and not from `target` to all it waits for.
fn closes_a_circle(
    waits: &BTreeSet<(ProcessId, ProcessId)>,
    waiter: ProcessId,
    target: ProcessId,
    looked_at: &mut Vec<Arc<Core>>,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![waiter];
    while let Some(process) = next.pop() {
        if process == target {
            return true;
        }
        if !seen.insert(process) {
            continue;
        }
        if let Some(core) = registry::get(process) {
            next.extend(core.holder());
            looked_at.push(core);
        }
        let those = (process, ProcessId(0))..=(process, ProcessId(u64::MAX));
        next.extend(waits.range(those).map(|(_, waiter)| *waiter));
    }
    false
}

/// The process of this thread and the groups it is in, from the inside out, as far as none of them is ready: each has to
/// become ready before the one around it can.
pub(crate) fn unready_around() -> Vec<ProcessId> {
    let mut around = Vec::new();
    let mut next = current_core().filter(|core| !core.is_ready());
    while let Some(core) = next {
        around.push(core.id);
        let holder = core.holder().and_then(registry::get);
        next = holder.filter(|core| !core.is_ready());
    }
    around
}

/// Whether `target` is neither ready nor has exited, and cannot become ready while this thread waits for that: it runs on
/// this thread, or is a group around the process of this thread that starts it. (A process may become ready while those
/// of a scope in it wait for that.)
pub(crate) fn waits_to_start(target: &Core) -> bool {
    let mut next = current_core();
    let mut is_around = target.runs_on_this_thread();
    while !is_around && let Some(core) = next.filter(|core| !core.is_ready()) {
        is_around = core.id == target.id;
        next = core.awaited_by().and_then(registry::get);
    }
    is_around && !target.is_ready() && target.exit().is_none()
}
