//! Hearing what a process is told, besides what runs in it: [`Hearing`].

use super::core::{Core, Overhear};
use crate::signal::Signal;
use crate::sync::Arc;

/// Its listener hears what `host` is told, while it lives.
#[must_use = "it hears while this lives"]
pub(crate) struct Hearing<'h> {
    host: &'h Core,
    listener: Arc<dyn Overhear>,
}

impl<'h> Hearing<'h> {
    /// Begins to hear; returns the stop signal that has come before, KILL or else the latest.
    pub(crate) fn begin(host: &'h Core, listener: Arc<dyn Overhear>) -> (Self, Option<Signal>) {
        let before = host.let_hear(Arc::clone(&listener));
        (Hearing { host, listener }, before)
    }
}

impl Drop for Hearing<'_> {
    fn drop(&mut self) {
        self.host.let_hear_no_more(&self.listener);
    }
}
