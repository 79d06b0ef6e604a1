//! An action that is set on a clock, as long as its owner wants it.

use std::time::Instant;

use super::manual::Manual;
use super::queue::{Action, Key};
use super::system::SYSTEM;
use crate::sync::Arc;

/// Cancels its action when dropped.
pub(crate) struct Timer(Option<(Key, Owner)>);

enum Owner {
    System,
    Manual(Arc<Manual>),
}

impl Timer {
    pub(super) fn system(instant: Instant, action: Action) -> Self {
        Timer(Some((SYSTEM.schedule(instant, action), Owner::System)))
    }

    pub(super) fn manual(manual: &Arc<Manual>, instant: Instant, action: Action) -> Self {
        let key = manual.schedule(instant, action);
        Timer(key.map(|key| (key, Owner::Manual(Arc::clone(manual)))))
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let Some((key, owner)) = &self.0 else { return };
        // The action is dropped after the lock is released: it may own the last handle to a process.
        let _action = match owner {
            Owner::System => SYSTEM.cancel(key),
            Owner::Manual(manual) => manual.cancel(key),
        };
    }
}
