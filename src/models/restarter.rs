//! The restarter, and the frames in which it runs its child: a stop against a delay, an exit and a start.
//!
//! Nothing starts after a stop: a stop either prevents the next incarnation, or is there before it looks. No stop is
//! lost, whatever else reads. What is pending between two incarnations reaches the next. Never two incarnations at once.

use super::*;
use crate::error::Result;
use crate::process::Process;
use crate::process::builder::background;
use crate::ready::{ReadySender, ready_channel};
use crate::restart::{Backoff, Next, Restarter};
use crate::runner::{Runner, run_fn, until_stop};
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, unbounded};

/// Fails at first, and then runs until it is told.
#[derive(Clone, Default)]
struct Flaky {
    failures: usize,
    runs: Count,
    alive: Count,
    /// The stop has been sent.
    told: Flag,
    /// Where a run that fails leaks its signals.
    leak: Option<Sender<Receiver<Signal>>>,
}

impl Runner for Flaky {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        on_its_own();
        require(self.alive.up() == 0, "two incarnations at once");
        let run = self.runs.up();
        if self.told.is_up() {
            // It may have been sent after the decision to start, but then it is here.
            require(signals.len() > 0, "a start after a stop");
        }
        ready.notify();
        let result = if run < self.failures {
            if let Some(leak) = &self.leak {
                let _ = leak.send(signals);
            }
            Err("again".into())
        } else {
            until_stop(&signals);
            Ok(())
        };
        self.alive.down();
        result
    }
}

/// A load function: after an error.
fn again<R>(_: &mut R, exit: &crate::Exit) -> Next {
    on_its_own();
    match exit {
        Ok(()) => Next::End,
        Err(_) => Next::Again,
    }
}

fn restarter(flaky: &Flaky, delay: Duration) -> Restarter<Flaky> {
    Restarter::new(flaky.clone(), again).backoff(Backoff::constant(delay))
}

fn stop(process: Process, told: Flag) {
    process.signal(Signal::TERMINATE);
    told.raise();
}

/// A stop at any step: during a run that fails, in the delay after it, at the start of the next.
fn stopped_after(failures: usize, delay: Duration) {
    let flaky = Flaky {
        failures,
        ..Flaky::default()
    };
    let process = background(restarter(&flaky, delay));
    let (stopped, told) = (process.clone(), flaky.told.clone());
    go(move || stop(stopped, told));
    let exit = process.join();
    let runs = flaky.runs.get();
    assert!(runs <= failures + 1, "a run too many");
    if exit.is_err() {
        assert!(runs <= failures, "only a run that fails ends with an error");
    }
}

/// Longer than time goes: only a stop ends the delay.
const FOR_EVER: Duration = Duration::MAX;

/// A helper of a dead incarnation still reads its signals.
fn leaked() {
    let (leak, leaked) = unbounded();
    let flaky = Flaky {
        failures: 1,
        leak: Some(leak),
        ..Flaky::default()
    };
    let process = background(restarter(&flaky, Duration::ZERO));
    go(move || {
        for signals in leaked.iter() {
            let _ = signals.recv();
        }
    });
    let (stopped, told) = (process.clone(), flaky.told.clone());
    drop(flaky);
    go(move || stop(stopped, told));
    let _ = process.join(); // it ends, whichever has read the stop
}

/// A notification at any step reaches the incarnation that runs, or the next.
fn notified() {
    let (hear, heard) = unbounded();
    let mut runs = 0;
    let runner = run_fn(move |signals: Receiver<Signal>, _| {
        on_its_own();
        runs += 1;
        loop {
            let signal = match runs {
                3 => signals.recv().ok(),
                _ => signals.try_recv().ok(),
            };
            match signal {
                Some(Signal::HANGUP) => drop(hear.send(())),
                Some(_) => return Ok(()),
                None => return Err("again".into()),
            }
        }
    });
    let process = background(Restarter::new(runner, again));
    process.signal(Signal::HANGUP);
    assert!(heard.recv().is_ok(), "a notification is lost");
    process.signal(Signal::TERMINATE);
    let _ = process.join();
}

/// Driven by hand, with signals that a helper has to pass on.
fn by_hand() {
    let flaky = Flaky {
        failures: 1,
        ..Flaky::default()
    };
    let (signals, inbox) = unbounded();
    let told = flaky.told.clone();
    go(move || {
        let _ = signals.send(Signal::TERMINATE);
        drop(signals);
        told.raise();
    });
    let by_hand = Flaky {
        told: Flag::default(),
        ..flaky.clone()
    }; // the helper may come later
    let _ = restarter(&by_hand, FOR_EVER).run(inbox, ready_channel().0);
    assert!(flaky.runs.get() <= 2);
}

/// Driven by hand, with signals that another thread takes as well: what is not there any more is no stop.
fn shared_by_hand() {
    let (signals, inbox) = unbounded();
    let (also, stopped) = (inbox.clone(), Flag::default());
    go(move || {
        let _ = also.try_recv();
    });
    let stops = stopped.clone();
    go(move || {
        let _ = signals.send(Signal::HANGUP);
        let _ = signals.len(); // a step, in which the other two may come and go
        stops.raise();
        let _ = signals.send(Signal::TERMINATE);
    });
    let exit = restarter(&Flaky::default(), FOR_EVER).run(inbox, ready_channel().0);
    assert!(exit.is_ok());
    assert!(stopped.is_up(), "stopped without being asked to");
}

/// Driven by hand one after the other, on the same signals: the first reads nothing, and the second waits for the stop.
fn in_turn_by_hand() {
    let (signals, inbox) = unbounded();
    let _open = signals.clone();
    go(move || {
        let _ = signals.send(Signal::HANGUP);
        let _ = signals.send(Signal::TERMINATE);
    });
    let hurried = run_fn(|_, _| Ok(()));
    let first = Restarter::on_error(hurried).run(inbox.clone(), ready_channel().0);
    assert!(first.is_ok());
    let patient = run_fn(|signals: Receiver<Signal>, _| {
        until_stop(&signals);
        Ok(())
    });
    let second = Restarter::on_error(patient).run(inbox, ready_channel().0);
    assert!(second.is_ok());
}

#[test]
fn nothing_starts_after_a_stop_and_no_stop_is_lost() {
    for (name, delay) in [
        ("restarter, no delay", Duration::ZERO),
        ("restarter, a delay", SECOND),
        ("restarter, a delay that never ends", FOR_EVER),
    ] {
        let model: fn() = match delay {
            Duration::ZERO => || stopped_after(1, Duration::ZERO),
            SECOND => || stopped_after(2, SECOND),
            _ => || stopped_after(1, FOR_EVER),
        };
        check(name, Schedules::Interrupting(2), model);
        check(name, Schedules::Some, model);
    }
}

#[test]
fn a_dead_incarnation_takes_no_stop_with_it() {
    check("restarter, leaked", Schedules::Interrupting(1), leaked);
    check("restarter, leaked", Schedules::Some, leaked);
}

#[test]
fn a_notification_reaches_this_incarnation_or_the_next() {
    check("restarter, notified", Schedules::Interrupting(3), notified);
    check("restarter, notified", Schedules::Some, notified);
}

#[test]
fn by_hand_it_is_the_same() {
    check("restarter, by hand", Schedules::Interrupting(2), by_hand);
    check("restarter, by hand", Schedules::Some, by_hand);
    let name = "restarter, shared by hand";
    check(name, Schedules::Interrupting(2), shared_by_hand);
    check(name, Schedules::Some, shared_by_hand);
}

#[test]
fn what_a_helper_has_taken_and_nothing_has_read_is_there_for_the_next() {
    let name = "restarter, in turn by hand";
    check(name, Schedules::Interrupting(2), in_turn_by_hand);
    check(name, Schedules::Some, in_turn_by_hand);
}

#[test]
fn a_pop_that_loses_what_is_pending_is_found_by_hand() {
    let line = "Some((_, receiver)) => receiver.try_iter()";
    let broken = (Fault::Stale, "src/mailbox.rs", line);
    finds(DEADLOCK, broken, Schedules::Some, in_turn_by_hand);
}

#[test]
fn a_push_that_is_not_one_step_is_found() {
    let place = "fn push_mailbox( > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/frames.rs", place);
    let no_delay = || stopped_after(1, Duration::ZERO);
    let delay = || stopped_after(2, SECOND);
    for model in [no_delay, delay] {
        // The signal may be lost in the mailbox that is put aside, too.
        let whys = ["a start after a stop", DEADLOCK];
        finds_any(&whys, broken, Schedules::Some, model);
    }
}

#[test]
fn a_pop_that_is_not_one_step_is_found() {
    let place = "fn pop_mailbox( > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/frames.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, notified);
}

#[test]
fn a_stop_that_is_not_sent_is_found() {
    finds(DEADLOCK, SIGNAL_NOT_SENT, Schedules::Some, leaked);
}

#[test]
fn a_load_function_that_is_called_under_a_lock_is_found() {
    let place = "fn end(&self) > self.state.lock()";
    let broken = (Fault::Kept, "src/restart/incarnation.rs", place);
    finds("invariant 2", broken, Schedules::Some, || {
        stopped_after(1, FOR_EVER)
    });
}

#[test]
fn a_stop_of_which_a_delay_is_not_notified_is_found() {
    let place = "fn tell( > self.changed.notify_all()";
    let broken = (Fault::Forgotten, "src/process/core/stop.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, || {
        stopped_after(1, FOR_EVER)
    });
}

#[test]
fn a_helper_that_does_not_wait_for_signals_is_found() {
    let place = "fn run(self) > select.recv(&self.signals)";
    let broken = (Fault::Forgotten, "src/process/inline.rs", place);
    for model in [by_hand, shared_by_hand] {
        finds(DEADLOCK, broken, Schedules::Some, model);
    }
}
