//! Which process a thread belongs to.

use std::cell::RefCell;

use super::core::Core;
use super::handle::Process;
use crate::sync::Arc;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Core>>> = const { RefCell::new(None) };
}

/// The process whose thread this is, or `None` on a thread that is not ours.
///
/// Never blocks.
///
/// ```
/// use ifrit::prelude::*;
///
/// assert!(ifrit::current().is_none());
/// let process = ifrit::Process::builder().name("db").background(ifrit::run_fn(|_, _| {
///     let me = ifrit::current().expect("a thread of ours");
///     assert_eq!(me.name(), "db");
///     Ok(())
/// }));
/// assert!(process.join().is_ok());
/// ```
pub fn current() -> Option<Process> {
    current_core().map(Process::from_core)
}

pub(crate) fn current_core() -> Option<Arc<Core>> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Makes `core` the current process of this thread for as long as `work` takes.
pub(super) fn as_current<T>(core: &Arc<Core>, work: impl FnOnce() -> T) -> T {
    CURRENT.with(|current| current.replace(Some(Arc::clone(core))));
    let result = work();
    // Dropped outside of the cell: what goes with it may ask for the current process.
    let _core = CURRENT.with(RefCell::take);
    result
}
