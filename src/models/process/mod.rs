//! The process: signals, readiness, the exit, waits and giving up against each other.

mod edges;
mod exit;
mod reload;
mod waits;

use std::convert::Infallible;

use super::*;
use crate::error::{Error, Result};
use crate::process::Process;
use crate::process::builder::background;
use crate::ready::ReadySender;
use crate::runner::{Runner, run_fn, run_once, until_stop};
use crate::signal::Signal;
use crate::sync::channel::{Receiver, TryRecvError};

fn fired(latch: &Receiver<Infallible>) -> bool {
    latch.try_recv() == Err(TryRecvError::Disconnected)
}

/// Runs until it is told. Its destructor, which asks for the tree, says when it is gone.
struct Told {
    gone: Flag,
}

impl Runner for Told {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        on_its_own();
        ready.notify();
        until_stop(&signals);
        Ok(())
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        on_its_own();
        let _ = crate::tree(); // invariant 2: it needs the locks
        self.gone.raise();
    }
}
