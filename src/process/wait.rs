//! Waiting for an exit with a channel: [`Wait`].

use std::fmt;
use std::ops::Deref;

use super::core::Core;
use crate::error::Exit;
use crate::sync::Arc;
use crate::sync::channel::Receiver;

/// A channel that emits the exit of a process, once; see [`Process::wait`](crate::Process::wait).
///
/// It derefs to the channel. Dropping it leaves nothing behind.
///
/// ```
/// use ifrit::crossbeam_channel::{after, select};
/// use ifrit::prelude::*;
/// use std::time::Duration;
///
/// let process = ifrit::background(ifrit::run_fn(|_, _| Ok(())));
/// let wait = process.wait();
/// select! {
///     recv(wait) -> exit => assert!(exit.unwrap().is_ok()),
///     recv(after(Duration::from_secs(60))) -> _ => panic!("still running"),
/// }
/// ```
pub struct Wait {
    receiver: Receiver<Exit>,
    registration: Option<(Arc<Core>, u64)>,
}

impl Wait {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        let (receiver, key) = core.register_waiter();
        Wait {
            receiver,
            registration: key.map(|key| (Arc::clone(core), key)),
        }
    }
}

impl Deref for Wait {
    type Target = Receiver<Exit>;

    fn deref(&self) -> &Receiver<Exit> {
        &self.receiver
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some((core, key)) = &self.registration {
            core.forget_waiter(*key);
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}
