//! Time limits, scopes, panics, and threads that do not start.

use std::mem::ManuallyDrop;

use super::*;

/// A stop with a time limit, of a runner that listens to KILL only; the time may come at any step.
fn stopped_in_time() {
    let process = background(run_fn(|signals: Receiver<Signal>, _| {
        on_its_own();
        for signal in signals.iter() {
            if signal == Signal::KILL {
                let in_time = sync::elapsed() >= SECOND * 9 / 10;
                require(in_time, "invariant 6: KILL comes a tenth before the end");
                return Err("killed".into());
            }
        }
        Ok(())
    }));
    match process.stop(Signal::TERMINATE, SECOND) {
        Err(Error::StopTimeout { stuck, .. }) => {
            assert!(sync::elapsed() >= SECOND, "invariant 6: not before the end");
            assert_eq!(stuck.id, process.id());
        }
        Err(error) => assert_eq!(error.to_string(), "killed"),
        Ok(()) => panic!("it does not listen to TERM"),
    }
    assert_eq!(process.join().unwrap_err().to_string(), "killed");
}

/// A start with a time limit: the process says ready at about the time when it is over.
fn started_in_time() {
    let process = Process::builder().start_within(SECOND).background(run_fn(
        |signals: Receiver<Signal>, ready: ReadySender| {
            on_its_own();
            ready.notify();
            until_stop(&signals);
            Ok(())
        },
    ));
    let ready = process.wait_ready();
    assert_eq!(ready.is_ok(), process.is_ready(), "invariant 1: one truth");
    if ready.is_ok() {
        process.signal(Signal::INTERRUPT);
        assert!(
            process.join().is_ok(),
            "ready, and yet stopped for not being so"
        );
    } else {
        assert!(
            sync::elapsed() >= SECOND,
            "invariant 6: not before its time"
        );
        assert!(matches!(process.join(), Err(Error::StartTimeout { .. })));
    }
}

/// Runners that borrow: they are told, and gone, when the scope ends.
fn scoped() {
    let (told, gone) = (Count::default(), Flag::default());
    crate::scope(|scope| {
        scope.background(Told { gone: gone.clone() });
        scope.background(run_fn(|signals: Receiver<Signal>, _| {
            on_its_own();
            until_stop(&signals);
            told.up();
            Ok(())
        }));
    });
    assert!(
        gone.is_up() && told.get() == 1,
        "the scope has ended before a runner"
    );
}

/// A process with a scope in it, which starts a runner that listens to KILL only, is told KILL at any step.
fn scoped_in_a_host() {
    let gone = Flag::default();
    let child = gone.clone();
    let host = background(run_once(move |_, _| {
        crate::scope(|scope| {
            let inside = scope.background(run_fn(|signals: Receiver<Signal>, _| {
                on_its_own();
                if signals.iter().any(|signal| signal == Signal::KILL) {
                    child.raise();
                }
                Ok(())
            }));
            Ok(inside.join()?)
        })
    }));
    host.signal(Signal::KILL);
    assert!(host.join().is_ok());
    assert!(gone.is_up(), "KILL was not passed on");
}

/// Processes of a scope fail; one is waited for in two ways at once, and the other in none.
fn scoped_and_failing() {
    let failures = crate::scope(|scope| {
        scope.background(run_fn(|_, _| Err("unheard".into())));
        let heard = scope.background(run_fn(|_, _| Err("heard".into())));
        let wait = heard.wait();
        let other = heard.clone();
        go(move || drop(other.wait()));
        assert!(wait.recv().expect("invariant 1: the exit comes").is_err());
        scope.failures()
    });
    let failures = failures.list();
    let failures = failures.iter().map(|one| one.error.to_string());
    let failures: Vec<_> = failures.collect();
    assert_eq!(failures, ["unheard"], "the failures of the scope");
}

/// Threads that may not start.
fn refused() {
    refused_to(|gone| background(Told { gone }));
}

/// The same, with a runner that is never dropped.
fn refused_and_leaked() {
    refused_to(|gone| {
        let leaked = ManuallyDrop::new(Told { gone });
        background(run_fn(move |signals: Receiver<Signal>, _| {
            let _ = &leaked;
            until_stop(&signals);
            Ok(())
        }))
    });
}

fn refused_to(start: fn(Flag) -> Process) {
    let gone = Flag::default();
    let process = start(gone.clone());
    let stopper = process.clone();
    go(move || stopper.signal(Signal::INTERRUPT));
    match process.join() {
        Err(Error::Spawn { .. }) => {
            assert!(gone.is_up(), "invariant 5: the runner is not leaked");
            assert!(
                crate::tree().roots.is_empty(),
                "invariant 5: nothing is left"
            );
        }
        exit => assert!(exit.is_ok(), "invariant 5"),
    }
}

/// One runner panics, and its destructor too, while another goes about its work.
fn panicking() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            on_its_own();
            if !std::thread::panicking() {
                std::panic::resume_unwind(Box::new("in the destructor"));
            }
        }
    }
    let bomb = Bomb;
    let bad = background(run_fn(move |_, _| {
        on_its_own();
        let _ = &bomb;
        std::panic::resume_unwind(Box::new("in the run"))
    }));
    let good = background(Told {
        gone: Flag::default(),
    });
    let stopper = good.clone();
    go(move || stopper.signal(Signal::INTERRUPT));
    assert!(matches!(bad.join(), Err(Error::Panicked(_))), "invariant 4");
    assert!(good.join().is_ok(), "invariant 4: only itself");
}

#[test]
fn a_stop_and_a_start_end_in_time() {
    check("process, stopped in time", Schedules::Some, stopped_in_time);
    check("process, started in time", Schedules::Some, started_in_time);
}

#[test]
fn a_thread_that_does_not_start_is_an_exit() {
    short_of_threads(|| check("process, refused", Schedules::Interrupting(2), refused));
}

#[test]
fn a_scope_ends_after_its_runners() {
    check("process, scoped", Schedules::Interrupting(2), scoped);
    check("process, scoped", Schedules::Some, scoped);
}

#[test]
fn a_scope_hears_kill_whenever_it_comes_to_its_host() {
    check(
        "process, scoped in a host",
        Schedules::Interrupting(2),
        scoped_in_a_host,
    );
    check(
        "process, scoped in a host",
        Schedules::Some,
        scoped_in_a_host,
    );
}

#[test]
fn a_scope_knows_which_of_its_failures_were_delivered() {
    check(
        "process, scoped and failing",
        Schedules::Some,
        scoped_and_failing,
    );
}

#[test]
fn a_panic_harms_only_its_own_process() {
    check("process, panicking", Schedules::Some, panicking);
}

#[test]
fn a_runner_that_is_run_under_a_lock_is_found() {
    let place = "fn signals(&self) > self.state.lock()";
    let broken = (Fault::Kept, "src/process/core/frames.rs", place);
    finds("invariant 2", broken, Schedules::Some, panicking);
}

/// Also of one that has panicked, and where some do not start.
#[test]
fn an_exit_that_is_not_notified_of_is_found() {
    let place = "fn publish( > self.changed.notify_all()";
    let broken = (Fault::Forgotten, "src/process/core/life.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, panicking);
    short_of_threads(|| finds(DEADLOCK, broken, Schedules::Some, refused));
}

#[test]
fn a_stop_that_does_not_wait_for_a_time_is_found() {
    let place = "fn exits_before( > select.recv(&alarm)";
    let broken = (Fault::Forgotten, "src/process/handle.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, stopped_in_time);
}

#[test]
fn a_start_that_is_not_found_overdue_in_one_step_is_found() {
    let place = "fn start_is_over( > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/stop.rs", place);
    finds("ready, and yet", broken, Schedules::Some, started_in_time);
}

#[test]
fn a_signal_that_is_not_sent_is_found() {
    finds(DEADLOCK, SIGNAL_NOT_SENT, Schedules::Some, scoped);
}

#[test]
fn a_kill_that_does_not_reach_a_scope_is_found() {
    finds(DEADLOCK, SIGNAL_NOT_SENT, Schedules::Some, scoped_in_a_host);
}

#[test]
fn a_delivery_that_is_not_noted_in_one_step_is_found() {
    let place = "fn serve_wait( > delivery.lock()";
    let broken = (Fault::Torn, "src/process/core/extras.rs", place);
    finds(
        "the failures of the scope",
        broken,
        Schedules::Some,
        scoped_and_failing,
    );
}

#[test]
fn a_runner_that_is_leaked_when_it_does_not_start_is_found() {
    short_of_threads(|| fails("is not leaked", Schedules::Some, refused_and_leaked));
}
