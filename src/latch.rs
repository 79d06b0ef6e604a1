//! A thing that happens once, as a channel that can be selected on.
//!
//! Invariants:
//! 1. A latch opens at most once and never closes again.
//! 2. Its receiver fires if and only if the latch has opened: the one sender is dropped when it opens, and forgotten
//!    when the latch itself is dropped shut, so that a receiver that outlives everything never fires falsely.
//! 3. A channel that is not asked for costs nothing: it is made when the receiver is first taken.

use std::convert::Infallible;
use std::mem;

use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{LazyLock, Mutex, OnceLock, statics};

statics! {
    /// What every latch hands out that was open before it was watched.
    static OPEN: LazyLock<Receiver<Infallible>> = LazyLock::new(|| bounded(0).1);
}

#[derive(Default)]
pub(crate) struct Latch {
    receiver: OnceLock<Receiver<Infallible>>,
    shutter: Mutex<Shutter>,
}

#[derive(Default)]
enum Shutter {
    #[default]
    Unwatched,
    Watched(Sender<Infallible>),
    Open,
}

impl Latch {
    /// The channel whose disconnection is the news.
    pub(crate) fn receiver(&self) -> &Receiver<Infallible> {
        self.receiver.get_or_init(|| {
            let mut shutter = self.shutter.lock();
            if matches!(*shutter, Shutter::Open) {
                return OPEN.clone();
            }
            let (sender, receiver) = bounded(0);
            *shutter = Shutter::Watched(sender);
            receiver
        })
    }

    pub(crate) fn open(&self) {
        // The sender is dropped after the lock is released: that wakes the watchers.
        let _sender = mem::replace(&mut *self.shutter.lock(), Shutter::Open);
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        if let Shutter::Watched(sender) = mem::take(self.shutter.get_mut()) {
            mem::forget(sender); // Invariant 2: dropped, it would fire.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::channel::TryRecvError;

    fn fired(receiver: &Receiver<Infallible>) -> bool {
        receiver.try_recv() == Err(TryRecvError::Disconnected)
    }

    #[test]
    fn fires_for_those_who_watched_before_and_after() {
        let latch = Latch::default();
        let before = latch.receiver().clone();
        assert!(!fired(&before));
        latch.open();
        latch.open();
        assert!(fired(&before));
        assert!(fired(latch.receiver()));

        let unwatched = Latch::default();
        unwatched.open();
        assert!(fired(unwatched.receiver()));
    }

    #[test]
    fn a_latch_dropped_shut_never_fires() {
        let latch = Latch::default();
        let receiver = latch.receiver().clone();
        drop(latch);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}
