//! The signals on their way to one runner.
//!
//! Invariants:
//! 1. First in, first out; `push` never blocks.
//! 2. At most one pending of each number, so at most 64 in all: a signal equal to one still pending is coalesced with
//!    it, as Unix does. None is lost: the runner reads every number that was pushed after it last read that number.
//! 3. `log` ends with exactly the signals that are still in the channel. Only `push`, which is alone (`&mut`), adds to
//!    either; the runner takes from the channel alone, so the channel's length says how much of the log is pending.
//! 4. The channel is made when the runner first asks for it, on the runner's own thread: memory that comes and goes on
//!    one thread is much cheaper than memory that is given back on another. Until then the log alone has what is pending.

use std::collections::VecDeque;

use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, unbounded};

#[derive(Default)]
pub(crate) struct Mailbox {
    channel: Option<(Sender<Signal>, Receiver<Signal>)>,
    log: VecDeque<Signal>,
    /// What is in the log, a bit for each number.
    logged: u64,
}

impl Mailbox {
    /// The end from which the runner reads. Dropping the mailbox disconnects it.
    pub(crate) fn receiver(&mut self) -> Receiver<Signal> {
        let (_, receiver) = self.channel.get_or_insert_with(|| {
            let (sender, receiver) = unbounded();
            for signal in &self.log {
                let _ = sender.send(*signal); // it cannot fail: the receiver is here
            }
            (sender, receiver)
        });
        receiver.clone()
    }

    /// Whether `signals` are read from here.
    pub(crate) fn feeds(&self, signals: &Receiver<Signal>) -> bool {
        let channel = self.channel.as_ref();
        channel.is_some_and(|(_, receiver)| receiver.same_channel(signals))
    }

    /// Takes over what is pending in another mailbox.
    pub(crate) fn take_from(&mut self, other: &mut Mailbox) {
        match &other.channel {
            Some((_, receiver)) => receiver.try_iter().for_each(|signal| self.push(signal)),
            None => std::mem::take(other)
                .log
                .into_iter()
                .for_each(|signal| self.push(signal)),
        }
    }

    /// Whether `signal` is pending.
    pub(crate) fn has(&mut self, signal: Signal) -> bool {
        self.forget_read();
        self.logged & bit(signal) != 0
    }

    /// What has not been read, the oldest first.
    pub(crate) fn pending(&mut self) -> Vec<Signal> {
        if !self.log.is_empty() {
            self.forget_read(); // which asks the channel, and most of the time need not
        }
        self.log.iter().copied().collect()
    }

    /// Takes out of the log what has been read.
    fn forget_read(&mut self) {
        let pending = match &self.channel {
            Some((sender, _)) => sender.len(),
            None => self.log.len(),
        };
        while self.log.len() > pending
            && let Some(read) = self.log.pop_front()
        {
            self.logged &= !bit(read);
        }
    }

    pub(crate) fn push(&mut self, signal: Signal) {
        self.forget_read();
        if self.logged & bit(signal) != 0 {
            return; // Invariant 2: it is coalesced with the one that is pending.
        }
        self.logged |= bit(signal);
        self.log.push_back(signal);
        if let Some((sender, _)) = &self.channel {
            // It cannot fail: the mailbox holds a receiver itself.
            let _ = sender.send(signal);
        }
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
        let mut mailbox = Mailbox::default();
        let receiver = mailbox.receiver();
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
    fn keeps_what_comes_before_the_runner_asks() {
        let mut mailbox = Mailbox::default();
        for signal in [Signal::HANGUP, Signal::INTERRUPT, Signal::HANGUP] {
            mailbox.push(signal);
        }
        let receiver = mailbox.receiver();
        mailbox.push(Signal::INTERRUPT);
        let pending: Vec<_> = receiver.try_iter().collect();
        assert_eq!(pending, [Signal::HANGUP, Signal::INTERRUPT]);
    }

    #[test]
    fn moves_what_is_pending_whether_or_not_it_has_been_asked_for() {
        for asked in [false, true] {
            let mut from = Mailbox::default();
            let asked_for = asked.then(|| from.receiver());
            from.push(Signal::USER1);
            from.push(Signal::TERMINATE);
            let mut to = Mailbox::default();
            to.push(Signal::TERMINATE);
            to.take_from(&mut from);
            let moved: Vec<_> = to.receiver().try_iter().collect();
            assert_eq!(moved, [Signal::TERMINATE, Signal::USER1]);
            assert!(asked_for.is_none_or(|receiver| receiver.try_recv().is_err()));
            from.push(Signal::USER1);
            assert_eq!(from.receiver().try_recv(), Ok(Signal::USER1));
        }
    }

    #[test]
    fn a_million_signals_leave_one_of_each() {
        let mut mailbox = Mailbox::default();
        let receiver = mailbox.receiver();
        for n in 0..1_000_000 {
            mailbox.push(Signal::from_raw(n % 64 + 1).unwrap());
        }
        assert_eq!(receiver.len(), 64);
        assert!(mailbox.log.capacity() <= 128);
    }
}
