//! The signals of the operating system: raised at any step, while some begin and others cease to listen.
//!
//! While a signal has a subscriber it is heard, once in each process; while it has none, it does what it did before.

use super::*;
use crate::error::{Error, Result};
use crate::process::Process;
use crate::process::builder::background;
use crate::ready::ReadySender;
use crate::restart::{Next, Restarter};
use crate::runner::{run_fn, until_stop};
use crate::sigmon::{Escalation, Sigmon};
use crate::signal::Signal;
use crate::sync::channel::{Receiver, bounded, unbounded};
use crate::sync::os_signals::{self, Action};

fn raise(signal: Signal) -> Action {
    os_signals::raise(signal.as_raw())
}

fn monitored() -> Process {
    let runner = |signals: Receiver<Signal>, ready: ReadySender| -> Result<()> {
        on_its_own();
        ready.notify();
        until_stop(&signals);
        Ok(())
    };
    background(Sigmon::new(run_fn(runner)).only([Signal::TERMINATE, Signal::HANGUP]))
}

/// Two listen; one of them stops for a reason of its own.
fn two_listen() {
    let (one, other) = (monitored(), monitored());
    let leaving = one.clone();
    go(move || leaving.signal(Signal::INTERRUPT));
    if other.wait_ready().is_ok() {
        assert_eq!(
            raise(Signal::TERMINATE),
            Action::Handled,
            "a subscriber does not get it"
        );
    }
    assert!(other.join().is_ok());
    assert!(one.join().is_ok());
    let action = raise(Signal::HANGUP);
    assert_eq!(
        action,
        Action::Default,
        "without a subscriber it does what it did before"
    );
}

/// It comes at any step of the start: the system acts, or it is kept for the runner.
fn comes_early() {
    let process = monitored();
    if raise(Signal::TERMINATE) == Action::Default {
        process.signal(Signal::INTERRUPT);
    }
    assert!(process.join().is_ok());
}

/// The third stop signal gives a runner up that does not return, or just about does.
fn insisted() {
    let (keep, gate) = bounded::<()>(0);
    let runner = run_fn(move |_, ready: ReadySender| {
        on_its_own();
        ready.notify();
        let _ = gate.recv();
        Ok(())
    });
    let escalation = Escalation::default().least_interval(Duration::ZERO);
    let process = background(Sigmon::new(runner).escalate(escalation));
    assert!(process.wait_ready().is_ok());
    let raising = || {
        for _ in 0..3 {
            raise(Signal::TERMINATE);
        }
    };
    go(raising);
    go(move || drop(keep));
    match process.join() {
        Ok(()) => {}
        Err(Error::Abandoned(stuck)) => assert_eq!(stuck[0].id, process.id()),
        Err(error) => panic!("{error}"),
    }
}

/// One stands in another on the same process, which hears a signal once, wherever it comes: while none listens, only the
/// outer one, or both.
fn nested(times: usize) {
    let heard = Count::default();
    let hears = heard.clone();
    let runner = run_fn(move |signals: Receiver<Signal>, _| {
        on_its_own();
        let told = signals.iter().take_while(|signal| *signal != Signal::USER1);
        told.for_each(|_| {
            hears.up();
        });
        Ok(())
    });
    let inner = Sigmon::new(runner).escalate(Escalation::forward_only());
    let process = background(Sigmon::new(inner).escalate(Escalation::forward_only()));
    let mut handled = 0;
    for _ in 0..times {
        handled = usize::from(raise(Signal::TERMINATE) == Action::Handled);
    }
    process.signal(Signal::USER1);
    assert!(process.join().is_ok());
    assert_eq!(heard.get(), handled, "not heard once");
}

/// A stop from the system, at any step of a restart, is one of the restarter, too.
fn restarted() {
    let (up, ups) = unbounded();
    let mut runs = 0;
    let runner = run_fn(move |signals: Receiver<Signal>, _| {
        on_its_own();
        runs += 1;
        let _ = up.send(());
        if runs == 1 {
            return Err("broken".into());
        }
        until_stop(&signals);
        Ok(())
    });
    let monitored = Sigmon::new(runner).only([Signal::TERMINATE]);
    let again = |_: &mut _, _: &_| {
        on_its_own();
        Next::Again
    };
    let process = background(Restarter::new(monitored, again));
    let mut ups = ups.iter();
    assert!(ups.any(|()| raise(Signal::TERMINATE) == Action::Handled));
    let _ = process.join(); // it ends
}

#[test]
fn a_stop_ends_what_restarts() {
    check("signals, restarted", Schedules::Interrupting(2), restarted);
    check("signals, restarted", Schedules::Some, restarted);
}

#[test]
fn a_signal_reaches_every_subscriber() {
    check("signals, two listen", Schedules::Some, two_listen);
    check(
        "signals, come early",
        Schedules::Interrupting(3),
        comes_early,
    );
    check("signals, come early", Schedules::Some, comes_early);
}

#[test]
fn the_third_gives_up() {
    check("signals, insisted", Schedules::Some, insisted);
}

#[test]
fn of_nested_ones_a_process_hears_a_signal_once() {
    check("signals, nested", Schedules::Interrupting(3), || nested(1));
    check("signals, nested", Schedules::Some, || nested(1));
}

#[test]
fn one_that_is_heard_twice_is_found() {
    fails("not heard once", Schedules::Some, || nested(2));
}

#[test]
fn a_handler_that_stays_idle_is_found() {
    let place = "fn subscribe( > set_idle(false)";
    let broken = (Fault::Forgotten, "src/sigmon/broker.rs", place);
    finds(
        "a subscriber does not get it",
        broken,
        Schedules::Some,
        two_listen,
    );
}

#[test]
fn a_stop_whose_subscriber_has_gone_is_found() {
    let broken = (
        Fault::Forgotten,
        "src/sigmon/broker.rs",
        "fn dispatch( > act_as_before()",
    );
    finds(DEADLOCK, broken, Schedules::Some, restarted);
}

#[test]
fn a_signal_that_is_not_kept_for_the_runner_is_found() {
    let broken = (
        Fault::Forgotten,
        "src/mailbox.rs",
        "fn receiver( > sender.send(*signal)",
    );
    finds(DEADLOCK, broken, Schedules::Some, comes_early);
}

#[test]
fn an_exit_without_a_notification_is_found() {
    let place = "fn publish( > self.changed.notify_all()";
    let broken = (Fault::Forgotten, "src/process/core/life.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, insisted);
}

#[test]
fn a_handler_that_does_not_become_idle_is_found() {
    let place = "fn drop(&mut self) > set_idle(";
    let broken = (Fault::Forgotten, "src/sigmon/broker.rs", place);
    finds("without a subscriber", broken, Schedules::Some, two_listen);
}
