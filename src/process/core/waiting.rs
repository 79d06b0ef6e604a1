//! What is known of a process, and waiting for it.

use std::time::Instant;

use super::{Core, State};
use crate::error::Exit;
use crate::sync::MutexGuard;
use crate::sync::channel::{Receiver, bounded};
use crate::sync::thread::{self, ThreadId};

impl Core {
    pub(crate) fn is_ready(&self) -> bool {
        self.state.lock().ready
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.state.lock().exit.as_deref().cloned()
    }

    /// The exit, for a caller outside.
    pub(crate) fn deliver(&self) -> Option<Exit> {
        let exit = self.exit();
        if exit.is_some() {
            self.delivered();
        }
        exit
    }

    /// Blocks until the process is ready or has exited, and says whether it is ready; `None` if neither has happened when
    /// `limit` of real time has come.
    pub(crate) fn wait_ready(&self, limit: Option<Instant>) -> Option<bool> {
        let mut state = self.state.lock();
        while !state.ready && state.exit.is_none() {
            if self.blocks_past(&mut state, limit) {
                break;
            }
        }
        (state.ready || state.exit.is_some()).then_some(state.ready)
    }

    /// Blocks until the process has exited or `limit` of real time has come; the exit, for a caller outside.
    pub(crate) fn wait_exit(&self, limit: Option<Instant>) -> Option<Exit> {
        let mut state = self.state.lock();
        while state.exit.is_none() {
            if self.blocks_past(&mut state, limit) {
                break;
            }
        }
        drop(state);
        self.deliver()
    }

    pub(super) fn blocks_past(
        &self,
        state: &mut MutexGuard<'_, State>,
        limit: Option<Instant>,
    ) -> bool {
        match limit {
            Some(limit) => self.changed.wait_until(state, limit).timed_out(),
            None => {
                self.changed.wait(state);
                false
            }
        }
    }

    /// A channel that gets the exit, at once if there is one; and the key of its registration.
    pub(crate) fn register_waiter(&self) -> (Receiver<Exit>, u64) {
        let (sender, receiver) = bounded(1);
        let mut state = self.state.lock();
        // Of its own among those that wait, and among those whose delivery is tracked.
        let last = state.waiters.last_key_value().map(|(key, _)| *key);
        let key = self.wait_begins(last.map_or(0, |last| last + 1), &receiver);
        if let Some(exit) = state.exit.as_deref() {
            self.serve_wait(key, &sender, exit.clone()); // it is wanted: the receiver is here
        } else {
            state.waiters.insert(key, sender);
        }
        (receiver, key)
    }

    pub(crate) fn forget_waiter(&self, key: u64) {
        self.state.lock().waiters.remove(&key);
        self.wait_ends(key);
    }

    pub(crate) fn thread(&self) -> Option<ThreadId> {
        self.thread.get().map(|thread| thread.id)
    }

    /// The number of its thread at the operating system, where that is known.
    pub(crate) fn os_thread_id(&self) -> Option<u32> {
        self.thread.get()?.os_id
    }

    pub(crate) fn runs_on_this_thread(&self) -> bool {
        self.thread() == Some(thread::current().id())
    }
}
