//! All processes whose threads live.
//!
//! Invariants:
//! 1. A process is registered before its thread starts and until its thread is done with it, also when it has been
//!    given up in between.
//! 2. There are never so many threads that the standard library aborts the program when it starts one more: each
//!    takes four of the kernel's memory mappings (stack, alternative signal stack, and their guard pages).

use std::collections::BTreeMap;
use std::fs;
use std::io;

use super::core::Core;
use super::current::current_core;
use crate::error::ProcessId;
use crate::sync::{Arc, LazyLock, Mutex, Weak};

static LIVING: Mutex<BTreeMap<ProcessId, Weak<Core>>> = Mutex::new(BTreeMap::new());

const MAPPINGS_PER_THREAD: usize = 4;
/// For the program itself, its libraries, heaps and files.
const MAPPINGS_KEPT_FREE: usize = 2_000;

static MOST_THREADS: LazyLock<usize> = LazyLock::new(|| {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").ok();
    match limit.and_then(|limit| limit.trim().parse::<usize>().ok()) {
        Some(limit) => limit.saturating_sub(MAPPINGS_KEPT_FREE) / MAPPINGS_PER_THREAD,
        None => usize::MAX,
    }
});

/// Registers a process that is about to get a thread.
///
/// # Errors
///
/// The program has as many threads as it can bear.
pub(super) fn enter(core: &Arc<Core>) -> io::Result<()> {
    let mut living = LIVING.lock();
    if living.len() >= *MOST_THREADS {
        return Err(io::Error::new(
            io::ErrorKind::QuotaExceeded,
            "as many threads as the limit on memory mappings (vm.max_map_count) allows",
        ));
    }
    living.insert(core.id, Arc::downgrade(core));
    Ok(())
}

pub(super) fn leave(id: ProcessId) {
    LIVING.lock().remove(&id);
}

/// The process of this thread, its parent, and so on up to the root.
pub(crate) fn lineage() -> Vec<ProcessId> {
    let mut lineage = Vec::new();
    let mut next = current_core();
    while let Some(core) = next {
        lineage.push(core.id);
        let living = LIVING.lock();
        next = core.parent.and_then(|id| living.get(&id)?.upgrade());
    }
    lineage
}

/// The living, in the order in which they were started.
pub(crate) fn living() -> Vec<Arc<Core>> {
    LIVING.lock().values().filter_map(Weak::upgrade).collect()
}
