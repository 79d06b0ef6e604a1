//! What the tests of restarts share.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use ifrit::crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{Call, FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{Error, Exit, prelude::*};
use ifrit::{
    error::ExitTrace,
    grouper::{Admin, Group, MemberState, MemberStatus, Order},
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// How a run ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Ok,
    Err,
    Panic,
    /// With an error that nothing is restarted after.
    Fatal,
}

pub(crate) const EVERY_END: [How; 3] = [How::Ok, How::Err, How::Panic];

/// Makes a run end.
pub(crate) trait Ends {
    fn ends(&self, how: How);

    fn fails(&self) {
        self.ends(How::Err);
    }
}

impl Ends for Call {
    fn ends(&self, how: How) {
        match how {
            How::Ok => self.trigger_exit(Ok(())),
            How::Err => self.trigger_exit(Err("broken".into())),
            How::Panic => self.trigger_panic("broken"),
            How::Fatal => self.trigger_exit(Err(ifrit::fatal("no license"))),
        }
    }
}

pub(crate) fn fakes<const N: usize>() -> [FakeRunner; N] {
    std::array::from_fn(|_| FakeRunner::new())
}

/// "a", "b", …
pub(crate) fn name(n: usize) -> &'static str {
    &"abcdefghijklmnopqrstuvwxyz"[n..=n]
}

/// A member for each, of these names, with this policy.
pub(crate) fn members<const N: usize>(fakes: &[FakeRunner; N], restart: Restart) -> [Member; N] {
    std::array::from_fn(|n| Member::new(name(n), fakes[n].clone()).restart(restart))
}

pub(crate) fn permanent() -> Restart {
    Restart::permanent().backoff(Backoff::none())
}

pub(crate) fn transient() -> Restart {
    Restart::transient().backoff(Backoff::none())
}

/// As many restarts as there may be.
pub(crate) fn any_number() -> Budget {
    Budget::new(usize::MAX, SECOND)
}

/// The next run, ready.
pub(crate) fn up(fake: &FakeRunner) -> Call {
    let call = fake.wait_for_call();
    call.trigger_ready();
    call
}

/// The next run of each, ready, one after the other.
pub(crate) fn all_up<const N: usize>(fakes: &[FakeRunner; N]) -> [Call; N] {
    fakes.each_ref().map(up)
}

pub(crate) fn calls<const N: usize>(fakes: &[FakeRunner; N]) -> [usize; N] {
    fakes.each_ref().map(FakeRunner::calls)
}

/// Told this, it returns Ok.
pub(crate) fn told(call: &Call, signal: Signal) {
    assert_eq!(call.wait_for_signal(), signal);
    call.trigger_exit(Ok(()));
}

/// A process on a clock moved by hand.
pub(crate) fn on(clock: &ManualClock, runner: impl Runner + 'static) -> Process {
    Process::builder()
        .name("app")
        .clock(clock.clock())
        .background(runner)
}

/// A group that runs on a clock moved by hand.
pub(crate) struct Running {
    pub(crate) clock: ManualClock,
    pub(crate) process: Process,
    pub(crate) admin: Admin,
}

impl Running {
    pub(crate) fn new<O: Order>(group: Group<O>) -> Self {
        let (clock, admin) = (ManualClock::new(), group.admin());
        let process = on(&clock, group);
        Running {
            clock,
            process,
            admin,
        }
    }

    /// As `new`, once everyone is up.
    pub(crate) fn up<O: Order, const N: usize>(
        group: Group<O>,
        fakes: &[FakeRunner; N],
    ) -> (Self, [Call; N]) {
        let running = Running::new(group);
        let calls = all_up(fakes);
        running.process.expect_ready();
        (running, calls)
    }

    pub(crate) fn members(&self) -> Vec<MemberStatus> {
        self.admin.list().unwrap()
    }

    pub(crate) fn member(&self, name: &str) -> MemberStatus {
        let mut members = self.members().into_iter();
        members.find(|member| member.name == name).unwrap()
    }

    pub(crate) fn state(&self, name: &str) -> MemberState {
        self.member(name).state
    }

    pub(crate) fn process_of(&self, name: &str) -> Process {
        self.member(name).process.unwrap()
    }

    /// Makes a member's run end, and returns when the group has heard of it: it answers after what came before.
    pub(crate) fn ends(&self, name: &str, call: &Call, how: How) {
        let process = self.process_of(name);
        call.ends(how);
        let _ = process.expect_exit();
        let _ = self.admin.list();
    }

    pub(crate) fn fails(&self, name: &str, call: &Call) {
        self.ends(name, call, How::Err);
    }

    /// Stops it with TERM; the members end Ok, in this order.
    pub(crate) fn stop(&self, in_order: &[&Call]) -> Exit {
        self.process.signal(Signal::TERMINATE);
        for call in in_order {
            told(call, Signal::TERMINATE);
        }
        self.process.expect_exit()
    }

    pub(crate) fn trace(&self) -> ExitTrace {
        trace_of(self.process.expect_exit())
    }
}

pub(crate) fn trace_of(exit: Exit) -> ExitTrace {
    match exit {
        Err(Error::Group(trace)) => trace,
        other => panic!("not the exit of a group: {other:?}"),
    }
}

/// How often to try in tests of races: `IFRIT_STRESS` times as often as usual.
pub(crate) fn stress(usual: usize) -> usize {
    let factor = std::env::var("IFRIT_STRESS").ok();
    usual * factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

thread_local! {
    static UNTIL_THREAD_ENDS: RefCell<Option<Sender<Infallible>>> = const { RefCell::new(None) };
}

/// A runner whose first thread can be waited for: to its very end, when all it had to report is reported.
pub(crate) struct WatchThread<R>(R, Option<Sender<Infallible>>);

impl<R> WatchThread<R> {
    pub(crate) fn new(runner: R) -> (Self, Receiver<Infallible>) {
        let (sender, ended) = bounded(0);
        (WatchThread(runner, Some(sender)), ended)
    }
}

impl<R: Runner> Runner for WatchThread<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        UNTIL_THREAD_ENDS.set(self.1.take());
        self.0.run(signals, ready)
    }
}

/// Blocks until the channel is disconnected.
pub(crate) fn disconnected(channel: &Receiver<Infallible>) {
    assert_eq!(
        channel.recv_timeout(PATIENCE),
        Err(RecvTimeoutError::Disconnected)
    );
}
