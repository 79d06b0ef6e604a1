//! The program may open no more files.

use std::time::Duration;

use ifrit::grouper::Capacity;
use ifrit::restart::{Backoff, Restarter};
use ifrit::testing::{Waiting, never_ready, signal_recorder};
use ifrit::{
    Error, Process, Signal, background,
    grouper::{Dynamic, Member, Members, Ordered, Parallel},
    invoke, run_fn,
    sigmon::Sigmon,
};
use rustix::process::{Signal as OsSignal, getpid, kill_process};

use crate::kit::{descriptors, in_child, in_child_ignoring, with_descriptors};

fn sigmon(signal: Signal) -> Process {
    invoke(Sigmon::new(signal_recorder().0).only([signal]))
}

fn stop(process: &Process) {
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn sigmon_starts_or_says_that_there_are_too_many_files_and_starts_when_there_are_fewer() {
    in_child(|| {
        let before = descriptors();
        let mut refused = 0;
        let listening = loop {
            match with_descriptors(refused, || sigmon(Signal::HANGUP).started()) {
                Ok(listening) => break listening,
                Err(error) => {
                    assert!(error.to_string().contains("Too many open files"), "{error}");
                    assert!(matches!(error, Error::Spawn { .. } | Error::Listen { .. }));
                }
            }
            refused += 1;
            assert!(refused < 10, "it needs a few, and then it starts");
        };
        assert!(refused > 0, "it needs some");
        // What the shared thread has opened stays open, once for the program.
        let open = descriptors();
        assert!(open - before <= refused);
        stop(&listening);
        stop(&sigmon(Signal::HANGUP));
        stop(&sigmon(Signal::USER1));
        assert_eq!(descriptors(), open);
    });
}

#[test]
fn everything_else_needs_no_files() {
    in_child(|| {
        // Its thread is there before, and so is the timer's; the rest is started without.
        let listening = sigmon(Signal::HANGUP);
        let before = descriptors();
        with_descriptors(0, || {
            let dynamic = || Dynamic::new(Capacity::unlimited());
            let (reused, fresh) = (dynamic().reuse_threads(), dynamic());
            let clients = [reused.client(), fresh.client()];
            let mut failures = 3;
            let flaky = run_fn(move |signals, ready| {
                if failures > 0 {
                    failures -= 1;
                    panic!("out of luck");
                }
                ready.notify();
                ifrit::until_stop(&signals);
                Ok(())
            });
            let flaky = Restarter::on_error(flaky).backoff(Backoff::none());
            let inner = Parallel::new(Members::new().add("flaky", flaky).add("reused", reused));
            let limited = Member::new("limited", signal_recorder().0);
            let group = Ordered::new(
                Members::new()
                    .add("inner", inner)
                    .add("fresh", fresh)
                    .member(limited.start_within(Duration::from_secs(3_600))),
            );
            let group = background(group);
            group.expect_ready();
            for client in &clients {
                for n in 0..5 {
                    let member = Member::new(n.to_string(), run_fn(|_, _| Ok(())));
                    client.insert(member).unwrap().expect_exit().unwrap();
                }
            }
            assert!(ifrit::tree().to_string().contains("inner"));
            stop(&group);

            let exit = background(run_fn(|_, _| panic!("out of luck"))).expect_exit();
            let Err(Error::Panicked(panic)) = exit else {
                panic!("it did")
            };
            assert!(panic.location().is_some());
            assert!(panic.backtrace().is_some());
            let limited = Process::builder().start_within(Duration::from_millis(1));
            let exit = limited.background(never_ready()).expect_exit();
            assert!(matches!(exit, Err(Error::StartTimeout { .. })));
        });
        stop(&listening);
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn a_signal_that_was_ignored_is_ignored_again_whether_or_not_files_could_be_opened() {
    in_child_ignoring("HUP", || {
        let other = sigmon(Signal::USER1);
        // What it was before cannot be found out now, and is not guessed.
        let error = with_descriptors(0, || sigmon(Signal::HANGUP).started()).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Listen {
                    signal: Signal::HANGUP,
                    ..
                }
            ),
            "{error}"
        );
        kill_process(getpid(), OsSignal::HUP).unwrap();
        stop(&sigmon(Signal::HANGUP));
        kill_process(getpid(), OsSignal::HUP).unwrap();
        stop(&other);
    });
}
