//! Which process a thread belongs to.

use std::cell::RefCell;

use super::core::{Core, registry};
use crate::id::ProcessId;
use crate::sync::{Arc, thread_local};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Core>>> = const { RefCell::new(None) };
    /// Where a wrapper is driven by hand: the host made for that.
    static BY_HAND: RefCell<Option<Arc<Core>>> = const { RefCell::new(None) };
}

/// The process whose thread this is.
pub(crate) fn current_core() -> Option<Arc<Core>> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Where what runs on this thread gets its clock, its limits and its signals from.
pub(crate) fn current_host() -> Option<Arc<Core>> {
    BY_HAND
        .try_with(|by_hand| by_hand.borrow().clone())
        .ok()
        .flatten()
        .or_else(current_core)
}

/// The process of this thread, the one above it, and so on up to the root.
pub(crate) fn lineage() -> Vec<ProcessId> {
    let above = |core: &Arc<Core>| core.parent().and_then(registry::get);
    std::iter::successors(current_core(), above)
        .map(|core| core.id)
        .collect()
}

/// Makes `host` the host of this thread for as long as `work` takes.
pub(super) fn as_host<T>(host: &Arc<Core>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Arc<Core>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            BY_HAND.with(|by_hand| by_hand.replace(self.0.take()));
        }
    }
    let _restore = Restore(BY_HAND.with(|by_hand| by_hand.replace(Some(Arc::clone(host)))));
    work()
}

/// Makes `core` the current process of this thread for as long as `work` takes.
pub(super) fn as_current<T>(core: &Arc<Core>, work: impl FnOnce() -> T) -> T {
    CURRENT.with(|current| current.replace(Some(Arc::clone(core))));
    let result = work();
    // Dropped outside of the cell: what goes with it may ask for the current process.
    let _core = CURRENT.with(RefCell::take);
    result
}
