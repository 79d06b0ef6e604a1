//! A runner driven by hand, with a process around it.

use std::time::Duration;

use ifrit::crossbeam_channel::{bounded, unbounded};
use ifrit::grouper::{Members, Parallel};
use ifrit::restart::Restarter;
use ifrit::sigmon::Sigmon;
use ifrit::testing::{Harness, ManualClock, Waiting, never_ready, signal_recorder};
use ifrit::{Error, Process, ReadySender, Receiver, Runner, Signal, background, current, run_fn};

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_harness_has_a_process_while_it_runs() {
    let mut seen = None;
    let outcome = Harness::new().name("web").run(&mut run_fn(|_, ready| {
        let me = current().expect("a process");
        assert_eq!((me.name(), me.parent()), ("web", None));
        assert!(ifrit::tree().get(me.id()).is_some());
        assert!(matches!(me.join(), Err(Error::WouldDeadlock { .. })));
        ready.notify();
        assert!(me.is_ready());
        seen = Some(me);
        Err("no disk".into())
    }));
    assert!(current().is_none());
    assert_eq!(outcome.exit.unwrap_err().to_string(), "no disk");
    let process: Process = seen.unwrap();
    assert_eq!(
        process.try_exit().unwrap().unwrap_err().to_string(),
        "no disk"
    );
    assert!(ifrit::tree().get(process.id()).is_none());
    assert!(outcome.ready);
}

#[test]
fn what_a_runner_starts_in_a_harness_stands_below_it_and_has_its_clock() {
    let clock = ManualClock::new();
    let (start, later) = (clock.now(), clock.now() + HOUR);
    clock.advance(HOUR);
    let harness = Harness::new().name("app").clock(clock.clock());
    let outcome = harness.run(&mut run_fn(|_, _| {
        let me = current().expect("a process");
        let child = background(run_fn(move |_, _| {
            let me = current().expect("a process");
            assert_ne!(me.clock().now(), start);
            assert_eq!(me.clock().now(), later);
            Err(me.path().into())
        }));
        assert_eq!(child.parent(), Some(me));
        Ok(child.join()?)
    }));
    assert_eq!(outcome.exit.unwrap_err().to_string(), "app/RunFn");
}

#[test]
fn a_group_in_a_harness_runs_and_its_members_are_found() {
    let (find, found) = bounded(1);
    let finder = run_fn(move |_, _| {
        let me = current().expect("a process");
        let above = me.parent().expect("the harness");
        find.send((me.path(), above.find("finder") == Some(me)))?;
        Ok(())
    });
    let mut group = Parallel::new(Members::new().add("finder", finder));
    let mut open = run_fn(|_, ready| {
        let (_sender, signals) = unbounded(); // the signals of the harness end at once, which stops a group
        group.run(signals, ready)
    });
    let outcome = Harness::new().name("app").run(&mut open);
    outcome.exit.unwrap();
    assert_eq!(found.try_recv().unwrap(), ("app/finder".to_owned(), true));
}

#[test]
fn a_harness_in_a_process_gives_the_thread_back_to_it() {
    let clock = ManualClock::new();
    let inside = run_fn(|_, _| {
        let me = current().expect("a process");
        let outcome = Harness::new().name("inner").run(&mut run_fn(|_, _| {
            let inner = current().expect("a process");
            Err(inner.path().into())
        }));
        assert_eq!(current(), Some(me));
        Ok(outcome.exit?)
    });
    let process = Process::builder().name("outer").clock(clock.clock());
    let exit = process.background(inside).expect_exit();
    assert_eq!(exit.unwrap_err().to_string(), "outer/inner");
}

/// Returns at once, and reads nothing.
fn in_a_hurry() -> impl Runner {
    run_fn(|_, ready: ReadySender| {
        ready.notify();
        Ok(())
    })
}

/// Reads until it is told to stop.
fn patient() -> (impl Runner, ifrit::testing::RecordedSignals) {
    signal_recorder()
}

/// Two runners, one after the other, on the same signals.
struct InTurn<A, B>(A, B);

impl<A: Runner, B: Runner> Runner for InTurn<A, B> {
    fn run(&mut self, signals: Receiver<Signal>, _ready: ReadySender) -> ifrit::Result<()> {
        self.0.run(signals.clone(), ifrit::ready_channel().0)?;
        self.1.run(signals, ifrit::ready_channel().0)
    }
}

#[test]
fn what_a_wrapped_runner_does_not_read_is_unread_in_a_harness() {
    // How many of them its helper has taken out of the channel is left to chance.
    for _ in 0..20 {
        let harness = Harness::new()
            .signal(Signal::HANGUP)
            .signal(Signal::TERMINATE)
            .signal(Signal::USER1);
        let outcome = harness.run(&mut Restarter::on_error(in_a_hurry()));
        outcome.exit.unwrap();
        let all = [Signal::HANGUP, Signal::TERMINATE, Signal::USER1];
        assert_eq!(outcome.unread, all);
    }
    for signal in [Signal::INTERRUPT, Signal::HANGUP] {
        let harness = Harness::new().signal(signal);
        let outcome = harness.run(&mut Restarter::on_error(in_a_hurry()));
        assert_eq!(outcome.unread, [signal], "the end of the signals is none");
    }
}

#[test]
fn a_wrapped_runner_after_another_one_reads_the_stop_that_the_first_did_not_read() {
    for _ in 0..20 {
        let (second, _) = patient();
        let mut in_turn = InTurn(
            Restarter::on_error(in_a_hurry()),
            Restarter::on_error(second),
        );
        let (sender, signals) = unbounded();
        sender.send(Signal::TERMINATE).unwrap();
        // Nothing else would stop the second: the channel stays open.
        in_turn.run(signals, ifrit::ready_channel().0).unwrap();
        drop(sender);
    }
}

#[test]
fn a_wrapped_runner_after_another_one_reads_the_notifications_that_the_first_did_not_read() {
    let (notified, is_notified) = bounded::<()>(0);
    let first = run_fn(move |signals: Receiver<Signal>, _| {
        // Until the helper has taken it, so that it is not in the channel any more.
        let mut select = ifrit::crossbeam_channel::Select::new();
        select.recv(&signals);
        select.ready();
        let _ = &notified;
        Ok(())
    });
    let (second, recorded) = patient();
    let mut in_turn = InTurn(Restarter::on_error(first), Restarter::on_error(second));
    let (sender, signals) = unbounded();
    sender.send(Signal::HANGUP).unwrap();
    std::thread::scope(|threads| {
        let by_hand = threads.spawn(|| in_turn.run(signals, ifrit::ready_channel().0).is_ok());
        assert_eq!(recorded.wait_for(1), [Signal::HANGUP]);
        sender.send(Signal::QUIT).unwrap();
        assert!(by_hand.join().unwrap());
    });
    drop(is_notified);
    assert_eq!(recorded.so_far(), [Signal::HANGUP, Signal::QUIT]);
}

#[test]
fn wrappers_of_any_kind_leave_what_is_not_read() {
    let mut sigmon = Sigmon::new(in_a_hurry());
    let outcome = Harness::new().signal(Signal::USER2).run(&mut sigmon);
    assert_eq!(outcome.unread, [Signal::USER2]);
    let outcome = Harness::new().run(&mut Restarter::on_error(never_ready()));
    outcome.exit.unwrap();
    assert!(outcome.unread.is_empty() && !outcome.ready);
}
