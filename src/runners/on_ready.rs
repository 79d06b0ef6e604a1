//! Hearing that a runner inside says ready, on the way to the one it says it to.

use crate::ready::{Announce, ReadySender};
use crate::sync::{Arc, Mutex};

/// Asked when the runner inside says ready; where it agrees, that is said outside.
pub(super) struct OnReady<F> {
    outer: Mutex<Option<ReadySender>>,
    agrees: F,
}

impl<F: Fn() -> bool + Send + Sync + 'static> OnReady<F> {
    /// A sender for the runner inside. It says ready to `outer`, if `agrees` says so.
    pub(super) fn sender(outer: ReadySender, agrees: F) -> ReadySender {
        let outer = Mutex::new(Some(outer));
        ReadySender::new(Arc::new(OnReady { outer, agrees }))
    }
}

impl<F: Fn() -> bool + Send + Sync> Announce for OnReady<F> {
    fn ready(&self) {
        let outer = self.outer.lock().take();
        if let Some(outer) = outer.filter(|_| (self.agrees)()) {
            outer.notify();
        }
    }
}
