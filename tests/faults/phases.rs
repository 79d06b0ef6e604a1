//! A runner panics, at every phase of its life, wherever it runs: the panic is its exit, and everybody else lives on.

use std::sync::Arc;
use std::time::Duration;

use ifrit::grouper::{Capacity, Ends};
use ifrit::restart::{Budget, Next, Restart, Restarter};
use ifrit::testing::Waiting;
use ifrit::{
    BoxRunner, Error, Plan, Process, ReadySender, Receiver, Runner, Signal, background,
    grouper::{Dynamic, Member, Members, Ordered, Parallel, QueueOrdered},
    run_fn,
    sigmon::Sigmon,
    until_stop,
};

use crate::kit::until;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    BeforeReady,
    AfterReady,
    OnNotification,
    WhileStopping,
    OnKill,
}

const PHASES: [Phase; 5] = [
    Phase::BeforeReady,
    Phase::AfterReady,
    Phase::OnNotification,
    Phase::WhileStopping,
    Phase::OnKill,
];

/// Panics at this phase, and holds something.
struct Panics(Phase, #[allow(dead_code)] Arc<()>);

impl Runner for Panics {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result {
        let panics_on = |phase| assert_ne!(self.0, phase);
        panics_on(Phase::BeforeReady);
        ready.notify();
        panics_on(Phase::AfterReady);
        loop {
            match signals.recv()? {
                Signal::KILL => panics_on(Phase::OnKill),
                stop if stop.is_stop() => panics_on(Phase::WhileStopping),
                _ => panics_on(Phase::OnNotification),
            }
        }
    }
}

/// Ready at once, until it is told to stop; holds something, too.
fn steady(held: &Arc<()>) -> impl Runner + use<> {
    let held = Arc::clone(held);
    run_fn(move |signals, ready| {
        let _held = &held;
        ready.notify();
        until_stop(&signals);
        Ok(())
    })
}

/// Puts a runner, and another one beside it, somewhere.
type Place = fn(BoxRunner, BoxRunner) -> Process;

fn both(runner: BoxRunner, other: BoxRunner) -> Members {
    Members::new().add("other", other).add("runner", runner)
}

fn inserted(group: Dynamic, runner: BoxRunner, other: BoxRunner) -> Process {
    let group = group.stop_on_exit(Ends::Errors);
    let client = group.client();
    let group = background(group);
    for member in both(runner, other) {
        let _ = client.insert(member); // refused once the first has stopped the group
    }
    group
}

fn unlimited() -> Dynamic {
    Dynamic::new(Capacity::unlimited())
}

const PLACES: [Place; 10] = [
    |runner, _| background(runner),
    |runner, other| background(Ordered::new(both(runner, other))),
    |runner, other| background(QueueOrdered::new(both(runner, other))),
    |runner, other| background(Parallel::new(both(runner, other))),
    |runner, other| {
        let inner = Ordered::new(both(runner, other));
        let middle = Parallel::new(Members::new().add("inner", inner));
        background(QueueOrdered::new(Members::new().add("middle", middle)))
    },
    |runner, other| inserted(unlimited(), runner, other),
    |runner, other| inserted(unlimited().reuse_threads(), runner, other),
    |runner, _| background(Restarter::new(runner, |_, _| Next::End)),
    |runner, _| background(Sigmon::new(runner).only([])),
    |runner, other| {
        let runner = Member::new("runner", runner).restart(Restart::permanent());
        let other = Member::new("other", other);
        background(Parallel::new([other, runner]).budget(Budget::new(0, Duration::MAX)))
    },
];

#[test]
fn a_panic_at_any_phase_is_the_exit_wherever_the_runner_runs() {
    for (place, put) in PLACES.iter().enumerate() {
        for phase in PHASES {
            let held = Arc::new(());
            let process = put(
                Box::new(Panics(phase, Arc::clone(&held))),
                Box::new(steady(&held)),
            );
            let signals: &[Signal] = match phase {
                Phase::BeforeReady | Phase::AfterReady => &[],
                Phase::OnNotification => &[Signal::HANGUP],
                Phase::WhileStopping => &[Signal::TERMINATE],
                Phase::OnKill => &[Signal::HANGUP, Signal::KILL],
            };
            for signal in signals {
                process.expect_ready();
                process.signal(*signal);
            }
            let exit = process.expect_exit();
            let report = exit.as_ref().unwrap_err().report().to_string();
            let what = format!("{phase:?}");
            assert!(report.contains(&what), "{place} {phase:?}: {report}");
            assert!(report.contains("faults/phases.rs"), "{report}");
            // Nothing is left behind: not a runner, not a thread, not a name in the tree.
            until("without a trace", || {
                ifrit::tree().get(process.id()).is_none()
            });
            assert_eq!(Arc::strong_count(&held), 1, "{place} {phase:?}");
        }
    }
}

#[test]
fn a_plan_that_panics_is_its_callers_and_the_group_runs_all_the_same() {
    struct Secret;
    impl Runner for Secret {
        fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result {
            ready.notify();
            until_stop(&signals);
            Ok(())
        }
        fn plan(&self) -> Plan {
            panic!("no plan")
        }
    }
    let inner = Parallel::new(Members::new().add("secret", Secret));
    let group = Ordered::new(Members::new().add("inner", inner));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| group.plan())).is_err());
    let group = background(group);
    group.expect_ready();
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
}

#[test]
fn a_member_that_panics_while_it_is_removed_is_gone_all_the_same() {
    let group = Ordered::new(both(
        Box::new(Panics(Phase::WhileStopping, Arc::default())),
        Box::new(steady(&Arc::default())),
    ));
    let admin = group.admin();
    let group = background(group);
    group.expect_ready();
    let removed = admin.remove("runner").unwrap();
    // It comes back whole, and can be added again.
    let again = admin.add(removed).unwrap();
    again.expect_ready();
    group.signal(Signal::TERMINATE);
    let error = group.expect_exit().unwrap_err();
    assert!(matches!(error.root_cause(), Error::Panicked(_)));
}

#[test]
fn a_predicate_that_panics_is_the_exit_of_its_restarter() {
    let failing = run_fn(|_, _| Err("broken".into()));
    let restarter = Restarter::on_error_if(failing, |_| panic!("no idea"));
    let error = background(restarter).expect_exit().unwrap_err();
    assert!(error.to_string().contains("no idea"), "{error}");
}
