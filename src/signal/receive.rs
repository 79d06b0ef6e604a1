//! Reading a runner's signals, where a disconnected channel counts as a stop.

use super::word::Signal;
use crate::sync::channel::{Receiver, TryRecvError, never};

/// What a disconnected channel counts as.
const DISCONNECTED: Signal = Signal::INTERRUPT;

/// Blocks until there is a signal. Every call on a disconnected channel returns [`Signal::INTERRUPT`].
pub(crate) fn next(signals: &Receiver<Signal>) -> Signal {
    signals.recv().unwrap_or(DISCONNECTED)
}

/// The next signal, if there is one. Never blocks.
///
/// A disconnected channel is [`Signal::INTERRUPT`] once. A channel that is never ready then takes its place, or a
/// `select` on a channel that stays ready would not sleep again.
pub(crate) fn try_next(signals: &mut Receiver<Signal>) -> Option<Signal> {
    match signals.try_recv() {
        Ok(signal) => Some(signal),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Disconnected) => {
            *signals = never();
            Some(DISCONNECTED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::channel::unbounded;

    #[test]
    fn disconnection_is_a_stop_once_and_nothing_after() {
        let (sender, mut signals) = unbounded();
        sender.send(Signal::HANGUP).unwrap();
        assert_eq!(try_next(&mut signals), Some(Signal::HANGUP));
        assert_eq!(try_next(&mut signals), None);
        drop(sender);
        assert_eq!(try_next(&mut signals), Some(Signal::INTERRUPT));
        assert_eq!(try_next(&mut signals), None);
    }

    #[test]
    fn what_was_sent_before_the_disconnection_comes_before_the_stop() {
        let (sender, signals) = unbounded();
        sender.send(Signal::HANGUP).unwrap();
        drop(sender);
        assert_eq!(next(&signals), Signal::HANGUP);
        assert_eq!(next(&signals), Signal::INTERRUPT);
        assert_eq!(next(&signals), Signal::INTERRUPT);
    }
}
