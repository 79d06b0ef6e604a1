//! What the tests of groups share.

use std::sync::{Arc, Mutex};

use ifrit::crossbeam_channel::{Receiver, RecvTimeoutError};
use ifrit::testing::{Call, FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{
    BoxRunner, Error, Exit, Process, ReadySender, Runner, Signal,
    error::{Cause, ExitTrace},
    grouper::{Member, Members, Ordered, Parallel, QueueOrdered},
};

/// Calls a check that is generic over the kind of the group, once for each kind.
macro_rules! on_every_kind {
    ($check:ident) => {
        $check::<ifrit::grouper::order::Stack>();
        $check::<ifrit::grouper::order::Queue>();
        $check::<ifrit::grouper::order::Together>();
    };
}
pub(crate) use on_every_kind;

/// A member's name by its place: a, b, c, …
fn name(place: usize) -> String {
    char::from(b'a' + place as u8).to_string()
}

/// Fakes, and members of the names a, b, c, … made of them.
pub(crate) fn fakes<const N: usize>() -> ([FakeRunner; N], Members) {
    let fakes: [FakeRunner; N] = std::array::from_fn(|_| FakeRunner::new());
    let members = fakes.iter().enumerate();
    let members = members.map(|(place, fake)| Member::new(name(place), fake.clone()));
    let members = members.collect();
    (fakes, members)
}

/// `leaf`, three groups down: in `inner`, in `mid`, in the group itself.
pub(crate) fn deep(leaf: &FakeRunner) -> Ordered {
    let inner = Parallel::new(Members::new().add("leaf", leaf.clone()));
    let mid = QueueOrdered::new(Members::new().add("inner", inner));
    Ordered::new(Members::new().add("mid", mid))
}

/// Makes each ready as soon as it is called, in this order.
pub(crate) fn up<const N: usize>(fakes: &[FakeRunner; N]) -> [Call; N] {
    fakes.each_ref().map(|fake| {
        let call = fake.wait_for_call();
        call.trigger_ready();
        call
    })
}

/// Starts a group of fakes and sees it ready.
pub(crate) fn running<const N: usize>(
    group: impl Runner + 'static,
    fakes: &[FakeRunner; N],
) -> (Process, [Call; N]) {
    let group = ifrit::background(group);
    let calls = up(fakes);
    group.expect_ready();
    (group, calls)
}

/// Starts a group of fakes on a clock moved by hand, and sees it ready.
pub(crate) fn running_on<const N: usize>(
    clock: &ManualClock,
    group: impl Runner + 'static,
    fakes: &[FakeRunner; N],
) -> (Process, [Call; N]) {
    let group = on(clock, group);
    let calls = up(fakes);
    group.expect_ready();
    (group, calls)
}

pub(crate) fn on(clock: &ManualClock, runner: impl Runner + 'static) -> Process {
    Process::builder().clock(clock.clock()).background(runner)
}

/// What [`mark`] sends.
pub(crate) const MARK: Signal = Signal::USER2;

/// Sends a mark through the group. When it has come to any member, the group has dealt with all it was told before.
pub(crate) fn mark(group: &Process) {
    group.signal(MARK);
}

/// What came to a member before the mark.
#[track_caller]
pub(crate) fn heard(call: &Call) -> Vec<Signal> {
    std::iter::from_fn(|| Some(call.wait_for_signal()).filter(|signal| *signal != MARK)).collect()
}

/// What came to a member before the group had done what was due when it was asked. The first mark may pass that, the
/// second come together with it; the third comes after it.
#[track_caller]
pub(crate) fn heard_when_done(group: &Process, call: &Call) -> Vec<Signal> {
    let mut signals = Vec::new();
    for _ in 0..3 {
        mark(group);
        signals.extend(heard(call));
    }
    signals
}

/// Blocks until the run is over and its exit is with the group: only then is its channel disconnected.
#[track_caller]
pub(crate) fn until_gone(call: &Call) {
    loop {
        match call.signals().recv_timeout(PATIENCE) {
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => panic!("its run goes on"),
        }
    }
}

/// Makes the run return `exit`, and waits until the group has been told.
#[track_caller]
pub(crate) fn end(call: &Call, exit: ifrit::Result) {
    call.trigger_exit(exit);
    until_gone(call);
}

/// The names of the members that live. A member is among them from the moment the group starts it.
pub(crate) fn living(group: &Process) -> Vec<String> {
    let tree = ifrit::tree();
    let children = tree.get(group.id()).map(|node| &node.children[..]);
    let children = children.unwrap_or_default().iter();
    let living = children.filter(|child| child.id.is_some());
    living.map(|child| child.name.clone()).collect()
}

#[track_caller]
pub(crate) fn trace_of(exit: Exit) -> ExitTrace {
    match exit {
        Err(Error::Group(trace)) => trace,
        other => panic!("expected the trace of a group, but: {other:?}"),
    }
}

pub(crate) fn causes(trace: &ExitTrace) -> Vec<(&str, Cause)> {
    let exits = trace.iter();
    exits.map(|exit| (exit.name.as_str(), exit.cause)).collect()
}

/// A runner that can be started again. Clones are the same runner.
#[derive(Clone)]
pub(crate) struct Again(Arc<Mutex<BoxRunner>>);

impl Again {
    pub(crate) fn new(runner: impl Runner + 'static) -> Self {
        Again(Arc::new(Mutex::new(Box::new(runner))))
    }
}

impl Runner for Again {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result {
        self.0.lock().expect("unharmed").run(signals, ready)
    }

    fn plan(&self) -> ifrit::Plan {
        self.0.lock().expect("unharmed").plan()
    }
}

/// Runs a group on a thread of its own, with signals from this channel.
pub(crate) fn by_hand(mut group: impl Runner + 'static, signals: Receiver<Signal>) -> Process {
    ifrit::background(ifrit::run_fn(move |_, ready| {
        group.run(signals.clone(), ready)
    }))
}
