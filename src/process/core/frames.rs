//! The mailboxes of a process: one for what runs on it, and one for each wrapper around that.

use std::time::Instant;

use super::Core;
use crate::mailbox::Mailbox;
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::Receiver;

impl Core {
    /// The runner's end of the mailbox; `None` once the run has ended.
    pub(crate) fn signals(&self) -> Option<Receiver<Signal>> {
        let mut state = self.state.lock();
        state.mailbox.as_mut().map(Mailbox::receiver)
    }

    /// Whether `signals` are those of what runs now.
    pub(crate) fn reads(&self, signals: &Receiver<Signal>) -> bool {
        let state = self.state.lock();
        let mailbox = state.mailbox.as_ref();
        mailbox.is_some_and(|mailbox| mailbox.feeds(signals))
    }

    /// Whether `signal` waits to be read by what runs now.
    pub(in crate::process) fn has_pending(&self, signal: Signal) -> bool {
        let mut state = self.state.lock();
        let mailbox = state.mailbox.as_mut();
        mailbox.is_some_and(|mailbox| mailbox.has(signal))
    }

    /// Puts a fresh mailbox on top, with what is pending; `None` once a stop was asked for.
    pub(in crate::process) fn push_mailbox(&self) -> Option<Receiver<Signal>> {
        let mut state = self.state.lock();
        if state.told_inside() {
            return None;
        }
        let mut outer = state.mailbox.take()?;
        let mut inner = Mailbox::default();
        inner.take_from(&mut outer);
        let signals = inner.receiver();
        state.outer.push(outer);
        state.mailbox = Some(inner);
        Some(signals)
    }

    /// Takes the top mailbox away; what is pending goes to the one below.
    pub(in crate::process) fn pop_mailbox(&self) {
        let mut state = self.state.lock();
        let mut inner = state.mailbox.take();
        state.mailbox = state.outer.pop();
        if let (Some(outer), Some(inner)) = (&mut state.mailbox, &mut inner) {
            outer.take_from(inner);
        }
        drop(state);
        drop(inner);
    }

    /// One of the layers in this process, a restarter or a group, has something that is down and is to come back.
    pub(crate) fn begin_restarting(&self) {
        self.change(&mut self.state.lock(), |state| state.restarting += 1);
    }

    /// What was down in that layer is up again, or does not come back.
    pub(crate) fn end_restarting(&self) {
        self.change(&mut self.state.lock(), |state| state.restarting -= 1);
    }

    pub(crate) fn was_told(&self) -> bool {
        self.state.lock().told_inside()
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.state.lock().killed_inside()
    }

    /// Blocks until `limit`, if there is one, or until a stop is asked for; says whether it was.
    pub(crate) fn told_before(self: &Arc<Self>, limit: Option<Instant>) -> bool {
        let by_hand = limit.filter(|_| self.clock.is_manual());
        let alarm = by_hand.map(|limit| {
            let core = Arc::clone(self);
            let ring = move || {
                let _state = core.state.lock(); // or it might ring between a look and the wait
                core.changed.notify_all();
            };
            self.clock.schedule(limit, Box::new(ring))
        });
        let mut state = self.state.lock();
        while !state.told_inside() && limit.is_none_or(|limit| self.clock.now() < limit) {
            self.blocks_past(&mut state, limit.filter(|_| alarm.is_none()));
        }
        state.told_inside()
    }
}
