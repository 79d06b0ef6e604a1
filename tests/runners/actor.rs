//! Code that blocks, interrupted from outside.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ifrit::crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::runners::{Actor, Interrupt, Stopping};
use ifrit::testing::{Harness, PATIENCE, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

/// A call that blocks until it is woken with a result.
fn door() -> (Sender<ifrit::Result>, Receiver<ifrit::Result>) {
    unbounded()
}

/// An actor that blocks until it is interrupted and returns Ok then; and the signals that have interrupted it.
fn blocks() -> (impl Runner, Receiver<Signal>) {
    let (wake, woken) = door();
    let (tell, told) = unbounded();
    let actor = Actor::new(
        move |_, ready| {
            ready.notify();
            woken.recv()?
        },
        move |signal| {
            tell.send(signal)?;
            Ok(wake.send(Ok(()))?)
        },
    );
    (actor, told)
}

#[test]
fn a_stop_makes_the_call_return() {
    for stop in STOPS.into_iter().chain([Signal::KILL]) {
        let (actor, told) = blocks();
        let process = ifrit::invoke(actor).started().unwrap();
        process.signal(stop);
        process.expect_exit().unwrap();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [stop]);
    }
}

#[test]
fn a_notification_interrupts_nothing() {
    let (actor, told) = blocks();
    let process = ifrit::invoke(actor);
    process.signal(Signal::HANGUP);
    process.signal(Signal::USER1);
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Signal::TERMINATE]);
}

#[test]
fn a_disconnected_channel_is_a_stop() {
    let (mut actor, told) = blocks();
    let outcome = Harness::new().run(&mut actor);
    assert!(outcome.exit.is_ok() && outcome.ready);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Signal::INTERRUPT]);
}

#[test]
fn it_is_interrupted_once_and_again_for_kill() {
    let (tell, told) = unbounded();
    let (wake, woken) = door();
    let actor = Actor::new(
        move |_, ready| {
            ready.notify();
            woken.recv()?
        },
        move |signal| Ok(tell.send(signal)?),
    );
    let process = ifrit::invoke(actor);
    let mut heard = Vec::new();
    for signal in [
        Signal::TERMINATE,
        Signal::INTERRUPT,
        Signal::TERMINATE,
        Signal::KILL,
        Signal::KILL,
        Signal::QUIT,
    ] {
        process.signal(signal);
        if signal == Signal::TERMINATE && heard.is_empty()
            || signal == Signal::KILL && heard.len() < 2
        {
            heard.push(told.recv_timeout(PATIENCE).unwrap());
        }
    }
    wake.send(Ok(())).unwrap();
    process.expect_exit().unwrap();
    assert_eq!(heard, [Signal::TERMINATE, Signal::KILL]);
    assert!(told.try_recv().is_err());
}

#[test]
fn it_can_be_run_again() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let actor = Actor::with(move |_, _| match counted.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err("again".into()),
        _ => Ok(()),
    });
    let again = Restart::transient().backoff(Backoff::none());
    ifrit::background(Restarter::with(actor, again))
        .expect_exit()
        .unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}

#[test]
fn an_error_of_before_the_stop_is_the_exit() {
    let (gate, passed) = bounded::<()>(0);
    let actor = Actor::with(move |_, _| {
        passed.recv()?;
        Err("no disk".into())
    });
    let process = ifrit::background(actor);
    gate.send(()).unwrap();
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "no disk");
}

/// One that fails with `error` once it is interrupted.
fn fails_when_interrupted(
    error: fn() -> ifrit::BoxError,
) -> Actor<impl FnMut(&Stopping, ReadySender) -> ifrit::Result + Send, impl Interrupt> {
    let (wake, woken) = door();
    Actor::new(
        move |_, ready| {
            ready.notify();
            woken.recv()?
        },
        move |_| Ok(wake.send(Err(error()))?),
    )
}

#[test]
fn an_error_of_after_the_interrupt_is_noted_and_the_exit_is_ok() {
    let process = ifrit::invoke(fails_when_interrupted(|| "the socket is closed".into()));
    let events = process.events();
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(
        next_note(&events),
        "ended after it was interrupted: the socket is closed"
    );
}

#[test]
fn errors_of_after_the_interrupt_can_be_kept() {
    let process = ifrit::invoke(fails_when_interrupted(|| "not flushed".into()).keep_errors());
    process.signal(Signal::TERMINATE);
    assert_eq!(
        process.expect_exit().unwrap_err().to_string(),
        "not flushed"
    );
}

#[test]
fn a_fatal_error_is_always_the_exit() {
    let process = ifrit::invoke(fails_when_interrupted(|| ifrit::fatal("no license")));
    process.signal(Signal::TERMINATE);
    let error = process.expect_exit().unwrap_err();
    assert!(error.is_fatal());
    assert_eq!(error.to_string(), "no license");
}

#[test]
fn a_panic_of_the_call_is_the_exit_before_and_after_the_interrupt() {
    let exit = Harness::new()
        .run(&mut Actor::with(|_, _| panic!("bug")))
        .exit;
    assert!(matches!(exit, Err(Error::Panicked(_))));

    let (wake, woken) = bounded::<()>(1);
    let process = ifrit::invoke(Actor::new(
        move |_, ready| {
            ready.notify();
            woken.recv()?;
            panic!("bug")
        },
        move |_| Ok(wake.send(())?),
    ));
    process.signal(Signal::TERMINATE);
    let exit = process.expect_exit();
    assert!(matches!(exit, Err(Error::Panicked(_))));
}

#[test]
fn a_panic_of_the_interrupt_is_the_exit_of_a_run_that_is_ok() {
    let (wake, woken) = door();
    let process = ifrit::invoke(Actor::new(
        move |_, ready| {
            ready.notify();
            woken.recv()?
        },
        move |_| {
            wake.send(Err("woken".into()))?;
            panic!("bug in the interrupt")
        },
    ));
    process.signal(Signal::TERMINATE);
    let error = process.expect_exit().unwrap_err();
    assert!(
        matches!(&error, Error::Panicked(panic) if panic.to_string().contains("bug in the interrupt"))
    );
}

#[test]
fn an_interrupt_that_fails_is_noted_and_the_call_is_waited_for() {
    let (wake, woken) = door();
    let process = ifrit::invoke(Actor::new(
        move |_, ready| {
            ready.notify();
            woken.recv()?
        },
        |_| Err("no such socket".into()),
    ));
    let events = process.events();
    process.signal(Signal::TERMINATE);
    assert_eq!(
        next_note(&events),
        "could not be interrupted: no such socket"
    );
    assert!(process.try_exit().is_none());
    wake.send(Ok(())).unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn what_is_registered_is_interrupted_in_its_order_after_the_first() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = |who| {
        let heard = Arc::clone(&heard);
        move |signal| {
            heard.lock().unwrap().push((who, signal));
            Ok(())
        }
    };
    let (wake, woken) = door();
    let (one, two, gone, last) = (hears("one"), hears("two"), hears("gone"), move |_| {
        Ok(wake.send(Ok(()))?)
    });
    let mut registered = Some((one, two, gone, last));
    let process = ifrit::invoke(Actor::new(
        move |stopping: &Stopping, ready: ReadySender| {
            let (one, two, gone, last) = registered.take().expect("one run");
            let _one = stopping.interrupt(one);
            drop(stopping.interrupt(gone));
            let _two = stopping.interrupt(two);
            let _last = stopping.interrupt(last);
            ready.notify();
            woken.recv()?
        },
        hears("first"),
    ));
    process.signal(Signal::QUIT);
    process.expect_exit().unwrap();
    let heard = heard.lock().unwrap().clone();
    assert_eq!(
        heard,
        ["first", "one", "two"].map(|who| (who, Signal::QUIT))
    );
}

#[test]
fn what_is_registered_after_the_stop_is_interrupted_at_once() {
    let (tell, told) = unbounded();
    let (begin, begun) = bounded::<()>(1);
    let process = ifrit::invoke(Actor::new(
        move |stopping: &Stopping, ready: ReadySender| {
            assert!(!stopping.has_begun());
            ready.notify();
            begun.recv()?;
            assert!(stopping.has_begun());
            let here = std::thread::current().id();
            let tell = tell.clone();
            let _late = stopping.interrupt(move |signal| {
                Ok(tell.send((signal, std::thread::current().id() == here))?)
            });
            Ok(())
        },
        move |_| Ok(begin.send(())?),
    ));
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(told.try_recv().unwrap(), (Signal::TERMINATE, true));
}

#[test]
fn no_interrupt_is_called_once_the_run_has_ended() {
    // The end and the stop race; the interrupt may also come before the call has begun.
    for _ in 0..stress(300) {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let (gate, passed) = bounded::<()>(0);
        let mut actor = Actor::new(
            move |_: &Stopping, _| {
                let _ = passed.recv();
                Ok(())
            },
            move |_| {
                assert!(!seen.load(Ordering::SeqCst));
                Ok(())
            },
        );
        let process = ifrit::background(ifrit::run_fn(move |signals, ready| {
            let exit = actor.run(signals, ready);
            ended.store(true, Ordering::SeqCst);
            exit
        }));
        std::thread::scope(|scope| {
            scope.spawn(|| drop(gate));
            process.signal(Signal::TERMINATE);
        });
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_signal_that_comes_after_the_end_stays_unread() {
    let (sender, signals) = unbounded();
    let mut actor = Actor::with(|_, _| Ok(()));
    for _ in 0..stress(100) {
        actor
            .run(signals.clone(), ifrit::ready_channel().0)
            .unwrap();
        sender.send(Signal::TERMINATE).unwrap();
        assert_eq!(signals.try_recv(), Ok(Signal::TERMINATE));
    }
}

#[test]
fn one_that_does_not_return_is_given_up_and_named() {
    let (wake, woken) = door();
    let deaf = Actor::with(move |_, ready| {
        ready.notify();
        woken.recv()?
    });
    let clock = ifrit::testing::ManualClock::new();
    let process = Process::builder()
        .clock(clock.clock())
        .name("consumer")
        .stop_within(SECOND)
        .invoke(deaf);
    process.signal(Signal::TERMINATE);
    clock.advance(SECOND);
    let error = process.expect_exit().unwrap_err();
    assert!(
        matches!(&error, Error::Abandoned(stuck) if stuck[0].name == "consumer"),
        "{error}"
    );
    wake.send(Ok(())).unwrap();
}

#[test]
fn it_borrows_what_outlives_a_scope() {
    let (wake, woken) = door();
    let log = Mutex::new(Vec::new());
    ifrit::scope(|scope| {
        scope.invoke(Actor::new(
            |_, ready| {
                ready.notify();
                woken.recv()?
            },
            |signal| {
                log.lock().unwrap().push(signal);
                Ok(wake.send(Ok(()))?)
            },
        ));
    });
    assert_eq!(log.into_inner().unwrap(), [Signal::INTERRUPT]);
}

#[test]
fn its_plan_and_debug_say_what_it_is() {
    let actor = Actor::with(|_, _| Ok(()));
    assert_eq!(actor.plan().to_string(), "actor");
    assert_eq!(
        format!("{actor:?}"),
        "Actor { interrupt: NoInterrupt, keep_errors: false, .. }"
    );
}
