//! What the tests here share.

use std::env;
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, bounded};
use ifrit::testing::{Call, FakeRunner, PATIENCE};
use ifrit::{
    Error, Exit, Process,
    error::ExitTrace,
    grouper::{Capacity, Dynamic, DynamicClient, Member},
    run_fn, until_stop,
};

/// Starts a group; it is ready.
pub(crate) fn start(group: Dynamic) -> (DynamicClient, Process) {
    let client = group.client();
    let group = Process::builder().name("group").invoke(group);
    (client, group.started().expect("ready at once"))
}

pub(crate) fn unlimited() -> Dynamic {
    Dynamic::new(Capacity::unlimited())
}

pub(crate) fn at_most(members: usize) -> Dynamic {
    Dynamic::new(Capacity::at_most(members))
}

/// The same group twice: with a fresh thread for each member, and with threads that are used again.
pub(crate) fn both(group: impl Fn() -> Dynamic) -> [Dynamic; 2] {
    [group(), group().reuse_threads()]
}

/// A member that does what the test says.
pub(crate) fn fake(name: impl Into<String>) -> (Member, FakeRunner) {
    let fake = FakeRunner::new();
    (Member::new(name, fake.clone()), fake)
}

/// Inserts a fake and waits until it runs.
pub(crate) fn insert_fake(client: &DynamicClient, name: &str) -> (Process, Call) {
    insert_fake_as(client, name, |member| member)
}

/// As `insert_fake`, with options.
pub(crate) fn insert_fake_as(
    client: &DynamicClient,
    name: &str,
    options: impl FnOnce(Member) -> Member,
) -> (Process, Call) {
    let (member, fake) = fake(name);
    let process = client.insert(options(member)).expect("room");
    (process, fake.wait_for_call())
}

/// A member that is ready at once and returns Ok when told to stop.
pub(crate) fn idle(name: impl Into<String>) -> Member {
    let runner = run_fn(|signals, ready| {
        ready.notify();
        until_stop(&signals);
        Ok(())
    });
    Member::new(name, runner)
}

/// A member that returns Ok at once, without having been ready.
pub(crate) fn done(name: impl Into<String>) -> Member {
    Member::new(name, run_fn(|_, _| Ok(())))
}

/// A member that fails at once.
pub(crate) fn failing(name: impl Into<String>, error: &'static str) -> Member {
    Member::new(name, run_fn(move |_, _| Err(error.into())))
}

/// The trace of a group of which a member failed.
#[track_caller]
pub(crate) fn trace(exit: Exit) -> ExitTrace {
    match exit {
        Err(Error::Group(trace)) => trace,
        other => panic!("expected a trace, not {other:?}"),
    }
}

/// Something that goes on in another thread.
pub(crate) struct Elsewhere<T>(Receiver<T>);

pub(crate) fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Elsewhere<T> {
    let (sender, receiver) = bounded(1);
    thread::spawn(move || sender.send(work()));
    Elsewhere(receiver)
}

impl<T> Elsewhere<T> {
    /// What came of it.
    #[track_caller]
    pub(crate) fn outcome(self) -> T {
        recv(&self.0)
    }
}

#[track_caller]
pub(crate) fn recv<T>(receiver: &Receiver<T>) -> T {
    match receiver.recv_timeout(PATIENCE) {
        Ok(value) => value,
        Err(error) => panic!("nothing came: {error}"),
    }
}

/// Blocks until a channel is disconnected, without anything having come: until a latch has fired, or until a run has
/// ended without another signal.
#[track_caller]
pub(crate) fn expect_fired<T>(latch: &Receiver<T>) {
    match latch.recv_timeout(PATIENCE) {
        Err(error) if error.is_disconnected() => {}
        _ => panic!("not fired after {PATIENCE:?}"),
    }
}

/// How many times as long a race is to be run.
pub(crate) fn stress() -> usize {
    let factor = env::var("IFRIT_STRESS").ok();
    factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
