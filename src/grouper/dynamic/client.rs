//! The handle to a dynamic group: [`DynamicClient`].

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use super::admission::Wait;
use super::events::{Entrance, ExitEvent};
use super::shared::Shared;
use super::vacancy::Vacancy;
use super::watcher::Watcher;
use crate::grouper::{Counts, Member, MemberStatus, Refusal};
use crate::observe::Events;
use crate::process::Process;
use crate::signal::Signal;
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
/// it cannot be known whether another run will follow: a caller that waited for one might hold up the very stop that goes
/// on around the group. Only before its first run do callers wait for it.
///
/// A runner that inserts hears no signal while it waits for a place, unless it says which ones end that wait:
///
/// ```
/// use ifrit::grouper::{Capacity, Dynamic, Reason};
/// use ifrit::prelude::*;
///
/// let group = Dynamic::new(Capacity::at_most(1));
/// let client = group.client();
/// let producer = ifrit::run_fn(move |signals, ready| {
///     ready.notify();
///     for n in 0.. {
///         let job = ifrit::run_fn(|signals, _| {
///             ifrit::until_stop(&signals); // a job that takes long
///             Ok(())
///         });
///         match client.insert_unless(&signals, Member::new(n.to_string(), job)) {
///             Ok(_) => {}
///             Err(refused) if refused.reason() == Reason::StopPending => break,
///             Err(refused) => return Err(refused.into()),
///         }
///     }
///     Ok(())
/// });
/// let app = ifrit::grouper::Ordered::new(Members::new().add("jobs", group).add("producer", producer));
/// let app = ifrit::invoke(app);
/// app.signal(Signal::TERMINATE);
/// assert!(app.join().is_ok());
/// ```
#[derive(Clone)]
pub struct DynamicClient(Arc<Shared>);

impl DynamicClient {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        DynamicClient(shared)
    }

    /// Inserts a member. Blocks until the group runs and has room for it; inside a member of a full group that is for
    /// ever, unless other members end. A close or a stop of the group ends the wait, and so does the end of the group.
    ///
    /// No signal to the caller ends it: a runner that inserts uses [`insert_unless`](DynamicClient::insert_unless).
    ///
    /// # Errors
    ///
    /// The member and the reason why it was refused. A thread that does not start is not among them: that is the exit
    /// of the process that is returned, [`Error::Spawn`](crate::Error::Spawn).
    pub fn insert(&self, member: Member) -> Result<Process, Refusal> {
        self.0.insert(member, Wait::ForEver, None)
    }

    /// Inserts a member unless a stop of the caller is pending. Blocks until the group runs and has room for it, or until
    /// the caller is to stop.
    ///
    /// With the `signals` of the process on whose thread it is called, as they were passed to its runner, it reads none of
    /// them: it returns once that process was asked to stop, also if the runner has read that signal already, and it lets
    /// notifications wait. With any other channel it returns as soon as that can be read from, whatever is in it, and also
    /// when it is disconnected.
    ///
    /// # Errors
    ///
    /// As [`insert`](DynamicClient::insert); also [`StopPending`](crate::grouper::Reason::StopPending), even where there is
    /// room.
    pub fn insert_unless(
        &self,
        signals: &Receiver<Signal>,
        member: Member,
    ) -> Result<Process, Refusal> {
        self.0.insert_unless(signals, member)
    }

    /// As `insert`, of a member whose exit is said to a watcher, too.
    pub(in crate::grouper) fn insert_watched(
        &self,
        member: Member,
        watcher: Watcher,
    ) -> Result<Process, Refusal> {
        self.0.insert(member, Wait::ForEver, Some(watcher))
    }

    /// Inserts a member. Never blocks.
    ///
    /// # Errors
    ///
    /// As [`insert`](DynamicClient::insert); also [`NotRunning`](crate::grouper::Reason::NotRunning) and
    /// [`Full`](crate::grouper::Reason::Full).
    pub fn try_insert(&self, member: Member) -> Result<Process, Refusal> {
        self.0.insert(member, Wait::Not, None)
    }

    /// Inserts a member. Blocks no longer than `patience` of real time.
    ///
    /// # Errors
    ///
    /// As [`insert`](DynamicClient::insert); also [`TimedOut`](crate::grouper::Reason::TimedOut).
    pub fn insert_timeout(&self, member: Member, patience: Duration) -> Result<Process, Refusal> {
        let limit = now().checked_add(patience);
        self.0.insert(member, Wait::Until(limit), None)
    }

    /// A channel that fires once, when an insert would not have to wait: when there is room, or when the group takes no more
    /// members. At once, if that is so already. Never blocks.
    ///
    /// It reserves nothing: another caller may take the place before this one does. So it is for a thread that waits for
    /// several things, and that takes another vacancy when it comes too late.
    ///
    /// ```
    /// use ifrit::crossbeam_channel::{never, select};
    /// use ifrit::grouper::{Capacity, Dynamic};
    /// use ifrit::prelude::*;
    ///
    /// let group = Dynamic::new(Capacity::at_most(1));
    /// let client = group.client();
    /// let group = ifrit::invoke(group);
    /// let work = never::<()>();
    /// let vacancy = client.vacancy();
    /// select! {
    ///     recv(vacancy) -> _ => assert!(client.try_insert(Member::new("a", ifrit::run_fn(|_, _| Ok(())))).is_ok()),
    ///     recv(work) -> _ => unreachable!(),
    /// }
    /// # client.close();
    /// # group.join()?;
    /// # Ok::<(), ifrit::BoxError>(())
    /// ```
    pub fn vacancy(&self) -> Vacancy {
        Vacancy::asking(&self.0)
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

    /// The members that live, and those that were given up and whose threads still run, in the order in which they were
    /// inserted. Before and after a run there are none, but for the latter. Never blocks.
    ///
    /// A member that has a [restart policy](Member::restart) restarts inside its process: how often, and after which end, is
    /// in [`restarts`](MemberStatus::restarts) and [`last_exit`](MemberStatus::last_exit).
    ///
    /// ```
    /// use ifrit::grouper::{Capacity, Dynamic, MemberState};
    /// use ifrit::prelude::*;
    ///
    /// let group = Dynamic::new(Capacity::at_most(8));
    /// let client = group.client();
    /// let group = ifrit::invoke(group);
    /// let idle = ifrit::run_fn(|signals, ready| {
    ///     ready.notify();
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// });
    /// client.insert(Member::new("a", idle))?.started()?;
    /// assert_eq!(client.list()[0].state, MemberState::Ready);
    /// assert_eq!(client.count().running, 1);
    /// # group.signal(Signal::INTERRUPT);
    /// # group.join()?;
    /// # Ok::<(), ifrit::BoxError>(())
    /// ```
    pub fn list(&self) -> Vec<MemberStatus> {
        self.0.list()
    }

    /// How many were given up and have threads that still run. Its cost does not depend on how many live.
    pub(in crate::grouper) fn given_up(&self) -> usize {
        self.0.state.lock().given_up.len()
    }

    /// How many members are doing what, of those that [`list`](DynamicClient::list) names. Never blocks.
    pub fn count(&self) -> Counts {
        Counts::of(&self.list())
    }
}

impl fmt::Debug for DynamicClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DynamicClient")
    }
}
