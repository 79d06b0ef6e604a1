//! Saying "ready", once: [`ReadySender`].

use std::convert::Infallible;
use std::fmt;

use crate::latch::Latch;
use crate::sync::Arc;
use crate::sync::channel::Receiver;

/// What a [`ReadySender`] tells.
pub(crate) trait Announce: Send + Sync {
    fn ready(&self);
}

/// What a runner says "ready" with.
///
/// [`notify`](ReadySender::notify) consumes it, so ready cannot be said twice. Dropping it says nothing. It may be
/// moved to another thread; once its run has ended it says nothing any more.
///
/// ```
/// use ifrit::prelude::*;
///
/// let process = ifrit::invoke(ifrit::run_fn(|signals, ready| {
///     // bind, connect, warm up …
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// }));
/// assert!(process.is_ready());
/// process.signal(Signal::TERMINATE);
/// # process.join().unwrap();
/// ```
///
/// ```compile_fail
/// # use ifrit::prelude::*;
/// fn twice(ready: ReadySender) {
///     ready.notify();
///     ready.notify();
/// }
/// ```
#[must_use = "dropping it says nothing: those who wait for ready wait on"]
pub struct ReadySender(Target);

enum Target {
    Process(Arc<dyn Announce>),
    Latch(Latch),
}

impl ReadySender {
    pub(crate) fn new(target: Arc<dyn Announce>) -> Self {
        ReadySender(Target::Process(target))
    }

    /// Says ready. Never blocks.
    pub fn notify(self) {
        match self.0 {
            Target::Process(process) => process.ready(),
            Target::Latch(latch) => latch.open(),
        }
    }
}

impl fmt::Debug for ReadySender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadySender")
    }
}

/// A [`ReadySender`] and the channel that fires when it is told, to drive a runner by hand.
///
/// The channel is a latch: it is disconnected by [`notify`](ReadySender::notify), and only by it. Never blocks.
///
/// ```
/// use ifrit::crossbeam_channel::{TryRecvError, unbounded};
/// use ifrit::prelude::*;
///
/// let mut runner = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let (signals, inbox) = unbounded();
/// let (ready, is_ready) = ifrit::ready_channel();
/// signals.send(Signal::TERMINATE).unwrap();
///
/// runner.run(inbox, ready).unwrap();
/// assert_eq!(is_ready.try_recv(), Err(TryRecvError::Disconnected));
/// ```
pub fn ready_channel() -> (ReadySender, Receiver<Infallible>) {
    let latch = Latch::default();
    let receiver = latch.receiver().clone();
    (ReadySender(Target::Latch(latch)), receiver)
}
