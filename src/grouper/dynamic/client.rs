//! The handle to a dynamic group: [`DynamicClient`].

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use super::admission::Wait;
use super::events::{Entrance, ExitEvent};
use super::shared::Shared;
use crate::grouper::Member;
use crate::grouper::Refusal;
use crate::observe::Events;
use crate::process::Process;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, now};

/// Inserts members into a [`Dynamic`](super::Dynamic) group, looks them up and listens to what becomes of them.
///
/// It works before, during and after the run of the group, and may outlive it. Clones are handles to the same group.
///
/// A member is admitted on the caller's thread: when an insert returns Ok, the member lives, and every signal to the
/// group reaches it. When it returns an error, the member comes back in it.
///
/// That a member has *started* is told by the insert, which returns its process; that it has become *ready*, by
/// [`entrances`](DynamicClient::entrances); that it has *exited*, by [`exits`](DynamicClient::exits). One that never
/// becomes ready has no entrance.
///
/// A group that is run again takes members again, and its clients stay good. Between two runs it counts as closed, since
/// nobody can know whether another one will follow: whoever waited for it might hold up the very stop that goes on
/// around the group. Only before its first run is it waited for.
#[derive(Clone)]
pub struct DynamicClient(Arc<Shared>);

impl DynamicClient {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        DynamicClient(shared)
    }

    /// Inserts a member. Blocks until the group runs and has room for it; inside a member of a full group that is for
    /// ever, unless other members end. A close or a stop of the group ends the wait, and so does the end of the group.
    ///
    /// No signal to the caller does: a runner that inserts into a group which may never run, or which may stay full
    /// while the runner is told to stop, uses [`insert_timeout`](DynamicClient::insert_timeout).
    ///
    /// # Errors
    ///
    /// The member and the reason why it was refused. A thread that does not start is not among them: that is the exit
    /// of the process that is returned, [`Error::Spawn`](crate::Error::Spawn).
    pub fn insert(&self, member: Member) -> Result<Process, Refusal> {
        self.0.insert(member, Wait::ForEver)
    }

    /// Inserts a member. Never blocks.
    ///
    /// # Errors
    ///
    /// As [`insert`](DynamicClient::insert); also [`NotRunning`](crate::grouper::Reason::NotRunning) and
    /// [`Full`](crate::grouper::Reason::Full).
    pub fn try_insert(&self, member: Member) -> Result<Process, Refusal> {
        self.0.insert(member, Wait::Not)
    }

    /// Inserts a member. Blocks no longer than `patience` of real time.
    ///
    /// # Errors
    ///
    /// As [`insert`](DynamicClient::insert); also [`TimedOut`](crate::grouper::Reason::TimedOut).
    pub fn insert_timeout(&self, member: Member, patience: Duration) -> Result<Process, Refusal> {
        let limit = now().checked_add(patience);
        self.0.insert(member, Wait::Until(limit))
    }

    /// The members that become ready, from now on, after the newest past ones. Never blocks. The stream ends with the run
    /// of the group.
    pub fn entrances(&self) -> Events<Entrance> {
        self.0.entrances()
    }

    /// The members that exit, from now on, after the newest past ones. Never blocks. The stream ends with the run of the
    /// group.
    pub fn exits(&self) -> Events<ExitEvent> {
        self.0.exits()
    }

    /// A channel that is disconnected once the group takes no more members: closed, told to stop, ended, or dropped.
    ///
    /// It fires for ever once it has, also when the group is run again later.
    pub fn closed(&self) -> &Receiver<Infallible> {
        self.0.closed.receiver()
    }

    /// Closes the group: it takes no more members, and ends when the last one has. Before the first run, it closes that
    /// one as soon as it begins; after a run it does nothing. Never blocks.
    pub fn close(&self) {
        self.0.close();
    }

    /// The living member of this name. Never blocks.
    pub fn get(&self, name: &str) -> Option<Process> {
        self.0.get(name)
    }
}

impl fmt::Debug for DynamicClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DynamicClient")
    }
}
