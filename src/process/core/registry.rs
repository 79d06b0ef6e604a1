//! All processes whose threads live.
//!
//! Invariant: a process is registered before its thread starts and until its thread is done with it, also when it has
//! been given up in between.

use std::collections::BTreeMap;

use super::Core;
use crate::id::ProcessId;
use crate::sync::{Arc, LazyLock, Mutex, Weak, statics};

statics! {
    static LIVING: LazyLock<Mutex<BTreeMap<ProcessId, Weak<Core>>>> = LazyLock::new(Mutex::default);
}

/// Registers a process that is about to get a thread.
pub(in crate::process) fn enter(core: &Arc<Core>) {
    if let Some(above) = &core.above {
        above.child_starts();
    }
    LIVING.lock().insert(core.id, Arc::downgrade(core));
}

pub(in crate::process) fn leave(core: &Core) {
    LIVING.lock().remove(&core.id);
    if let Some(above) = &core.above {
        above.child_ends();
    }
}

/// The process of this number, if it is among them.
pub(in crate::process) fn get(id: ProcessId) -> Option<Arc<Core>> {
    LIVING.lock().get(&id)?.upgrade()
}

/// The living, in the order in which they were started.
pub(crate) fn living() -> Vec<Arc<Core>> {
    LIVING.lock().values().filter_map(Weak::upgrade).collect()
}
