//! Looking after a group while it runs: [`Admin`].

#[cfg(test)]
mod tests;

use std::fmt;

use crate::error::Error;
use crate::grouper::member::Member;
use crate::grouper::refusal::{Reason, Refusal};
use crate::id::{ProcessId, Stuck};
use crate::process::last_exit::LastExit;
use crate::process::waits::{self, Waiting};
use crate::process::{Process, Status};
use crate::sync::channel::{Receiver, Sender, bounded, never, unbounded};
use crate::sync::{Arc, Mutex};

/// A handle to a fixed group, to look after its members while it runs: list, terminate, restart, add and remove them.
///
/// It is answered by the group's own thread, which never waits for a member; so it is answered at once, also in the
/// middle of a hot crash loop or of a long delay. The answer comes when what had come to the group before the question, and
/// what is due, is dealt with, and the time of what is due next is set: after it, a test moves its
/// [clock](crate::testing::ManualClock) without outrunning the group. Clones are handles to the same group. It is taken with
/// [`Group::admin`](crate::grouper::Group::admin), before the group is run, or made first with [`Admin::new`].
///
/// ```
/// use ifrit::grouper::{MemberState, Ordered};
/// use ifrit::prelude::*;
///
/// let idle = || ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let group = Ordered::new(Members::new().add("db", idle()).add("cache", idle()));
/// let admin = group.admin();
/// let group = ifrit::invoke(group);
///
/// admin.terminate("cache")?; // it stays down, and the group goes on
/// assert_eq!(admin.list()?[1].state, MemberState::Terminated);
/// admin.restart("cache")?;
/// admin.add(Member::new("web", idle()))?;
/// assert_eq!(admin.count()?.running, 3);
/// let web = admin.remove("web")?;
/// assert_eq!(web.name(), "web");
/// # group.signal(Signal::INTERRUPT);
/// # group.join()?;
/// # Ok::<(), ifrit::BoxError>(())
/// ```
#[derive(Clone)]
#[doc(alias("which_children", "count_children"))]
pub struct Admin(Arc<Door>);

/// Where a running group can be spoken to. Commands are sent under the lock, so that after it was closed no more come.
#[derive(Default)]
pub(super) struct Door(Mutex<Option<Sender<Command>>>);

/// A door that a running group has opened, and closes at the end. The one that was opened first stays open.
pub(super) struct Open {
    door: Option<Arc<Door>>,
    pub(super) commands: Receiver<Command>,
}

impl Door {
    /// Without a handle there is nothing to be heard, and no channel is needed.
    pub(super) fn open(self: &Arc<Self>) -> Open {
        let mut sender = self.0.lock();
        if Arc::strong_count(self) == 1 || sender.is_some() {
            return Open {
                door: None,
                commands: never(),
            };
        }
        let (commands_in, commands) = unbounded();
        *sender = Some(commands_in);
        Open {
            door: Some(Arc::clone(self)),
            commands,
        }
    }

    /// Hands the command back if no run is there to hear it.
    fn send(&self, command: Command) -> Result<(), Command> {
        match &*self.0.lock() {
            Some(sender) => sender.send(command).map_err(|unsent| unsent.0),
            None => Err(command),
        }
    }
}

impl Open {
    /// After that no more commands come.
    pub(super) fn close(&self) {
        if let Some(door) = &self.door {
            *door.0.lock() = None;
        }
    }
}

pub(super) type Reply<T> = Sender<Result<T, Refusal>>;

pub(super) enum Command {
    List(Reply<Vec<MemberStatus>>),
    Restart(String, Reply<Process>),
    Leave(Leaving),
    Add(Box<Addition>),
}

/// A caller has asked for a member to be added, and waits until it has been started.
pub(super) struct Addition {
    pub(super) member: Member,
    /// The process that asks and those around it, as far as they are not ready.
    pub(super) unready: Vec<ProcessId>,
    pub(super) reply: Reply<Process>,
}

/// A caller has asked for a member to go, and waits until it has gone.
pub(super) struct Leaving {
    pub(super) name: String,
    /// The process that asks, whose thread is blocked until it is answered.
    pub(super) asker: Option<ProcessId>,
    /// Registered while it waits.
    pub(super) waiting: Option<Waiting>,
    pub(super) how: How,
}

pub(super) enum How {
    Terminate(Reply<()>),
    Remove(Reply<Member>),
}

impl Leaving {
    pub(super) fn refuse(self, reason: Reason) {
        let refusal = Refusal::new(&self.name, reason);
        self.answer_no(refusal);
    }

    pub(super) fn abandoned(self, stuck: Vec<Stuck>) {
        let refusal = Refusal::abandoned(&self.name, stuck);
        self.answer_no(refusal);
    }

    fn answer_no(self, refusal: Refusal) {
        match self.how {
            How::Terminate(reply) => drop(reply.send(Err(refusal))),
            How::Remove(reply) => drop(reply.send(Err(refusal))),
        }
    }

    /// The group has been stopped in the meantime, and the member with it.
    pub(super) fn overtaken(self, error: Option<&Error>) {
        match (&self.how, error) {
            (_, Some(Error::Abandoned(stuck))) => self.abandoned(stuck.clone()),
            (How::Terminate(reply), _) => drop(reply.send(Ok(()))),
            (How::Remove(_), _) => self.refuse(Reason::NotRunning),
        }
    }
}

/// How a member of a group is doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemberStatus {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: MemberState,
    /// Its process, if it lives.
    pub process: Option<Process>,
    /// How often it was restarted in this run of the group.
    pub restarts: u64,
    /// How its last run that has ended did so, in this run of the group. None if none has. In a
    /// [`Dynamic`](crate::grouper::Dynamic) group a member is one process and restarts inside it: the run is one of those in
    /// that process, which is the same one each time.
    pub last_exit: Option<LastExit>,
}

/// Where a member of a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MemberState {
    /// Its turn to be started is still to come.
    Waiting,
    /// It runs and is not ready.
    Starting,
    /// It is ready.
    Ready,
    /// It was told to stop.
    Stopping,
    /// It has ended and waits to be started again.
    Restarting,
    /// It has ended as its policy allows.
    Completed,
    /// It was terminated through the handle.
    Terminated,
    /// It was given up; its thread still runs.
    Abandoned,
}

/// How many members of a group are doing what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All of them.
    pub members: usize,
    /// Those that live: starting, ready or stopping.
    pub running: usize,
    /// Those that have ended and wait to be started again.
    pub restarting: usize,
    /// Those that were given up and whose threads still run.
    pub abandoned: usize,
}

impl MemberState {
    /// Of a member that has a process which has not exited.
    pub(in crate::grouper) fn of_living(status: Status) -> Self {
        match status {
            Status::Ready => MemberState::Ready,
            Status::Restarting | Status::Down => MemberState::Restarting,
            Status::Stopping => MemberState::Stopping,
            Status::Abandoned => MemberState::Abandoned,
            Status::Waiting => MemberState::Waiting,
            Status::Starting | Status::Exited => MemberState::Starting,
        }
    }
}

impl Counts {
    pub(in crate::grouper) fn of(list: &[MemberStatus]) -> Self {
        let count = |is: fn(MemberState) -> bool| list.iter().filter(|m| is(m.state)).count();
        use MemberState::{Abandoned, Ready, Restarting, Starting, Stopping};
        Counts {
            members: list.len(),
            running: count(|state| matches!(state, Starting | Ready | Stopping)),
            restarting: count(|state| state == Restarting),
            abandoned: count(|state| state == Abandoned),
        }
    }
}

impl Admin {
    /// A handle for a group that is yet to be built, which is given it with [`Group::with_admin`](crate::grouper::Group::with_admin):
    /// so the members can have it, too.
    ///
    /// Until a group runs that has it, everything is refused with [`Reason::NotRunning`]. It speaks to one group at a time:
    /// of several that have it and run at the same time, to the one that has begun first.
    ///
    /// ```
    /// use ifrit::grouper::{Admin, Ordered};
    /// use ifrit::prelude::*;
    ///
    /// let admin = Admin::new();
    /// let mine = admin.clone();
    /// let keeper = ifrit::run_fn(move |signals, ready| {
    ///     ready.notify();
    ///     mine.add(Member::new("helper", ifrit::testing::signal_recorder().0))?;
    ///     ifrit::until_stop(&signals);
    ///     Ok(())
    /// });
    /// let group = Ordered::new(Members::new().add("keeper", keeper)).with_admin(admin.clone());
    /// # let group = ifrit::invoke(group);
    /// # while admin.count()?.members < 2 { std::thread::yield_now(); }
    /// # group.signal(Signal::INTERRUPT);
    /// # group.join()?;
    /// # Ok::<(), ifrit::BoxError>(())
    /// ```
    pub fn new() -> Self {
        Admin(Arc::default())
    }

    pub(super) fn knocks_at(door: &Arc<Door>) -> Self {
        Admin(Arc::clone(door))
    }

    pub(super) fn door(&self) -> Arc<Door> {
        Arc::clone(&self.0)
    }

    /// All members, in start order.
    ///
    /// # Errors
    ///
    /// [`Reason::NotRunning`].
    pub fn list(&self) -> Result<Vec<MemberStatus>, Refusal> {
        self.ask("", Command::List)
    }

    /// How many members are doing what.
    ///
    /// # Errors
    ///
    /// [`Reason::NotRunning`].
    pub fn count(&self) -> Result<Counts, Refusal> {
        Ok(Counts::of(&self.list()?))
    }

    /// Stops a member; it stays down until it is [restarted](Admin::restart), and its end stops no other.
    ///
    /// It is told the group's termination signal (INT if there is none), KILL when its own stop time-out is over, and
    /// given up after the grace. Blocks until it has exited or was given up. However it ends, it was terminated, and the
    /// answer is Ok; also where it ends with a [fatal](crate::fatal) error, after which the whole group is stopped.
    ///
    /// # Errors
    ///
    /// [`Unknown`](Reason::Unknown), [`Running`](Reason::Running) (it was added and has not been started yet),
    /// [`Leaving`](Reason::Leaving), [`WouldDeadlock`](Reason::WouldDeadlock), [`Abandoned`](Reason::Abandoned) (also of a
    /// group that has ended and left a thread behind: it is terminated, and the exit of this group names it, too),
    /// [`NotRunning`](Reason::NotRunning).
    pub fn terminate(&self, name: &str) -> Result<(), Refusal> {
        self.ask(name, |reply| leave(name, How::Terminate(reply)))
    }

    /// Starts a member that was terminated, has completed, or waits for its restart; in the last case now.
    ///
    /// It is started at once, whatever happens to the others at that moment, so that the answer is prompt.
    ///
    /// # Errors
    ///
    /// [`Unknown`](Reason::Unknown), [`Running`](Reason::Running), [`Abandoned`](Reason::Abandoned),
    /// [`NotRunning`](Reason::NotRunning).
    pub fn restart(&self, name: &str) -> Result<Process, Refusal> {
        self.ask(name, |reply| Command::Restart(name.to_owned(), reply))
    }

    /// Stops a member as [`terminate`](Admin::terminate) does, takes it out of the group, and returns it.
    ///
    /// # Errors
    ///
    /// Those of [`terminate`](Admin::terminate), after which the member is still there. [`NotRunning`](Reason::NotRunning) also
    /// where the member ends with a [fatal](crate::fatal) error, after which the whole group is stopped.
    pub fn remove(&self, name: &str) -> Result<Member, Refusal> {
        self.ask(name, |reply| leave(name, How::Remove(reply)))
    }

    /// Adds a member, the last in start order, and starts it: at once; or in its turn, while the group itself is still
    /// starting and no member of it is down. Blocks until it has been started.
    ///
    /// # Errors
    ///
    /// The member and the reason why it was refused. [`WouldDeadlock`](Reason::WouldDeadlock): its turn comes after that of
    /// the caller, which is a member, or inside one, that is not ready yet. A caller that has made its
    /// [`ReadySender`](crate::ReadySender) another thread's business is refused, too.
    pub fn add(&self, member: Member) -> Result<Process, Refusal> {
        let (reply, answer) = bounded(1);
        let addition = Addition {
            member,
            unready: waits::unready_around(),
            reply,
        };
        if let Err(Command::Add(unsent)) = self.0.send(Command::Add(Box::new(addition))) {
            return Err(Refusal::of_member(Reason::NotRunning, unsent.member));
        }
        match answer.recv() {
            Ok(answer) => answer,
            // Every added member is answered for, also when the run ends.
            Err(_) => unreachable!("an added member is always answered for"),
        }
    }

    fn ask<T>(&self, name: &str, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Refusal> {
        let (reply, answer) = bounded(1);
        let answer = match self.0.send(command(reply)) {
            Ok(()) => answer.recv().ok(),
            Err(_) => None,
        };
        answer.unwrap_or_else(|| Err(Refusal::new(name, Reason::NotRunning)))
    }
}

fn leave(name: &str, how: How) -> Command {
    Command::Leave(Leaving {
        name: name.to_owned(),
        asker: waits::here(),
        waiting: None,
        how,
    })
}

impl Default for Admin {
    fn default() -> Self {
        Admin::new()
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin")
    }
}
