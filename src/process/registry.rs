//! All processes whose threads live.
//!
//! Invariant: a process is registered before its thread starts and until its thread is done with it, also when it has
//! been given up in between.

use super::core::Core;
use super::current::current_core;
use super::id_map::{ById, take_out};
use crate::id::ProcessId;
use crate::sync::{Arc, LazyLock, Mutex, Weak, statics};

statics! {
    static LIVING: LazyLock<Mutex<ById<Weak<Core>>>> = LazyLock::new(Mutex::default);
}

/// Registers a process that is about to get a thread.
pub(super) fn enter(core: &Arc<Core>) {
    LIVING.lock().insert(core.id, Arc::downgrade(core));
}

pub(super) fn leave(id: ProcessId) {
    take_out(&mut LIVING.lock(), &id);
}

/// The process of this thread, its parent, and so on up to the root.
pub(crate) fn lineage() -> Vec<ProcessId> {
    let mut lineage = Vec::new();
    let mut next = current_core();
    while let Some(core) = next {
        lineage.push(core.id);
        let living = LIVING.lock();
        next = core.parent().and_then(|id| living.get(&id)?.upgrade());
    }
    lineage
}

/// The living, in the order in which they were started.
pub(crate) fn living() -> Vec<Arc<Core>> {
    let mut living: Vec<_> = LIVING.lock().values().filter_map(Weak::upgrade).collect();
    living.sort_unstable_by_key(|core| core.id);
    living
}
