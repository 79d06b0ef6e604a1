//! Hearing that a runner inside says ready, on the way to the one it says it to.

use crate::ready::{Announce, ReadySender};
use crate::sync::{Arc, Mutex};

/// Called once, when the runner inside says ready, with what says it outside.
pub(super) struct OnReady<F> {
    outer: Mutex<Option<ReadySender>>,
    heard: F,
}

impl<F: Fn(ReadySender) + Send + Sync + 'static> OnReady<F> {
    /// A sender for the runner inside.
    pub(super) fn sender(outer: ReadySender, heard: F) -> ReadySender {
        let outer = Mutex::new(Some(outer));
        ReadySender::new(Arc::new(OnReady { outer, heard }))
    }
}

impl<F: Fn(ReadySender) + Send + Sync> Announce for OnReady<F> {
    fn ready(&self) {
        let outer = self.outer.lock().take();
        if let Some(outer) = outer {
            (self.heard)(outer);
        }
    }
}
