//! The operating system, as far as it has to do with signals.

use std::io;

use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::Mutex;

/// Calls back for every signal that is raised.
pub(crate) struct System;

pub(crate) struct Handler {
    idle: Arc<Mutex<bool>>,
}

impl System {
    pub(crate) fn start(_receive: fn(Signal)) -> io::Result<Self> {
        Ok(System)
    }

    pub(crate) fn install(&self, _signal: Signal) -> io::Result<Handler> {
        Ok(Handler {
            idle: Arc::new(Mutex::new(true)),
        })
    }
}

impl Handler {
    pub(crate) fn set_idle(&self, idle: bool) {
        *self.idle.lock() = idle;
    }
}
