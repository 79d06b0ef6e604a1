//! The signals on their way to one runner.
//!
//! Invariants:
//! 1. First in, first out; `push` never blocks.
//! 2. At most one pending of each number, so at most 64 in all: a signal equal to one still pending is coalesced with
//!    it, as Unix does. None is lost: the runner reads every number that was pushed after it last read that number.
//! 3. `log` ends with exactly the signals that are still in the channel. Only `push`, which is alone (`&mut`), adds to
//!    either; the runner takes from the channel alone, so the channel's length says how much of the log is pending.

use std::collections::VecDeque;

use crate::Signal;
use crate::sync::channel::{Receiver, Sender, unbounded};

#[derive(Debug)]
pub(crate) struct Mailbox {
    sender: Sender<Signal>,
    receiver: Receiver<Signal>,
    log: VecDeque<Signal>,
    /// What is in the log, a bit for each number.
    logged: u64,
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = unbounded();
        Mailbox {
            sender,
            receiver,
            log: VecDeque::new(),
            logged: 0,
        }
    }

    /// The end from which the runner reads. Dropping the mailbox disconnects it.
    pub(crate) fn receiver(&self) -> &Receiver<Signal> {
        &self.receiver
    }

    /// Takes over what is pending in another mailbox.
    pub(crate) fn take_from(&mut self, other: &Mailbox) {
        for signal in other.receiver.try_iter() {
            self.push(signal);
        }
    }

    pub(crate) fn push(&mut self, signal: Signal) {
        let pending = self.sender.len();
        while self.log.len() > pending
            && let Some(read) = self.log.pop_front()
        {
            self.logged &= !bit(read);
        }
        if self.logged & bit(signal) != 0 {
            return; // 2
        }
        self.logged |= bit(signal);
        self.log.push_back(signal);
        // It cannot fail: the mailbox holds a receiver itself.
        let _ = self.sender.send(signal);
    }
}

fn bit(signal: Signal) -> u64 {
    1 << (signal.as_raw() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_and_coalesces_what_is_pending() {
        let mut mailbox = Mailbox::new();
        let receiver = mailbox.receiver().clone();
        for signal in [Signal::HANGUP, Signal::INTERRUPT, Signal::HANGUP] {
            mailbox.push(signal);
        }
        assert_eq!(receiver.try_recv(), Ok(Signal::HANGUP));
        mailbox.push(Signal::HANGUP);
        mailbox.push(Signal::INTERRUPT);
        let rest: Vec<_> = receiver.try_iter().collect();
        assert_eq!(rest, [Signal::INTERRUPT, Signal::HANGUP]);
    }

    #[test]
    fn a_million_signals_leave_one_of_each() {
        let mut mailbox = Mailbox::new();
        for n in 0..1_000_000 {
            mailbox.push(Signal::from_raw(n % 64 + 1).unwrap());
        }
        assert_eq!(mailbox.receiver().len(), 64);
        assert!(mailbox.log.capacity() <= 128);
    }
}
