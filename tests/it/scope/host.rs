//! A scope inside a process: what that process is told.

use ifrit::crossbeam_channel::{Sender, bounded, unbounded};
use ifrit::restart::Restarter;
use ifrit::testing::{Call, FakeRunner, PATIENCE, RecordedSignals, Waiting, signal_recorder};
use ifrit::{Process, Receiver, Runner, Signal, background, run_fn, run_once, scope};

/// A process with a scope in it, in which a fake runs. It does not read its signals before it is let go.
struct Host {
    process: Process,
    child: Call,
    go_on: Sender<()>,
}

fn host() -> Host {
    let fake = FakeRunner::new();
    let (go_on, goes_on) = bounded(1);
    let child = fake.clone();
    let process = background(run_once(move |_, ready| {
        ready.notify();
        scope(|scope| {
            scope.background(child);
            goes_on.recv().unwrap();
        });
        Ok(())
    }));
    let child = fake.wait_for_call();
    Host {
        process,
        child,
        go_on,
    }
}

#[test]
fn notifications_and_kill_to_the_host_reach_a_scope_at_once() {
    let Host {
        process,
        child,
        go_on,
    } = host();
    for signal in [Signal::HANGUP, Signal::USER1, Signal::KILL] {
        process.signal(signal);
        assert_eq!(child.wait_for_signal(), signal);
    }
    child.trigger_exit(Ok(()));
    go_on.send(()).unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn a_stop_signal_to_the_host_takes_the_place_of_the_int_at_the_end() {
    let Host {
        process,
        child,
        go_on,
    } = host();
    process.signal(Signal::TERMINATE);
    process.signal(Signal::QUIT);
    process.signal(Signal::HANGUP);
    assert_eq!(child.wait_for_signal(), Signal::HANGUP, "not the stop yet");
    go_on.send(()).unwrap();
    assert_eq!(child.wait_for_signal(), Signal::QUIT, "the latest");
    process.signal(Signal::TERMINATE);
    assert_eq!(
        child.wait_for_signal(),
        Signal::TERMINATE,
        "the scope is ending"
    );
    child.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    assert!(child.signals().try_recv().is_err());
}

#[test]
fn a_stop_that_came_before_the_scope_counts_too() {
    let (runner, recorded) = signal_recorder();
    let process = background(run_once(move |signals: Receiver<Signal>, _| {
        ifrit::until_stop(&signals);
        scope(|scope| drop(scope.invoke(runner)));
        Ok(())
    }));
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(recorded.so_far(), [Signal::TERMINATE]);
}

#[test]
fn what_is_started_after_kill_is_killed_at_once() {
    let fake = FakeRunner::new();
    let child = fake.clone();
    let process = background(run_once(move |signals: Receiver<Signal>, _| {
        assert_eq!(ifrit::until_stop(&signals), Signal::KILL);
        scope(|scope| {
            scope.background(child).expect_exit().unwrap();
        });
        Ok(())
    }));
    process.signal(Signal::KILL);
    process.signal(Signal::TERMINATE);
    let child = fake.wait_for_call();
    assert_eq!(child.wait_for_signal(), Signal::KILL);
    assert!(child.signals().is_empty(), "once");
    child.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

/// Scopes in each other, each on a thread of its own, and in the innermost a recorder.
fn nested(depth: usize, innermost: ifrit::BoxRunner, up: Sender<()>) -> ifrit::BoxRunner {
    if depth == 0 {
        return Box::new(run_once(move |_, _| {
            scope(|scope| {
                let process = scope.invoke(innermost);
                let _ = up.send(());
                Ok(process.join()?)
            })
        }));
    }
    let inner = nested(depth - 1, innermost, up);
    Box::new(run_once(move |_, _| {
        scope(|scope| Ok(scope.background(inner).join()?))
    }))
}

#[test]
fn kill_goes_down_through_scopes_in_each_other_however_many() {
    let (runner, recorded): (_, RecordedSignals) = signal_recorder();
    let (up, is_up) = bounded(1);
    let process = background(nested(300, Box::new(runner), up));
    is_up.recv_timeout(PATIENCE).unwrap();
    process.signal(Signal::HANGUP);
    process.signal(Signal::KILL);
    process.expect_exit().unwrap();
    assert_eq!(recorded.so_far(), [Signal::HANGUP, Signal::KILL]);
}

#[test]
fn a_scope_hears_what_comes_by_hand_to_the_wrapper_it_runs_in() {
    let (fake, (go_on, goes_on)) = (FakeRunner::new(), bounded::<()>(1));
    let child = fake.clone();
    let mut wrapped = Restarter::on_error(run_fn(move |_, _| {
        scope(|scope| {
            scope.background(child.clone());
            goes_on.recv().unwrap();
        });
        Ok(())
    }));
    std::thread::scope(|threads| {
        let (sender, signals) = unbounded();
        let (ready, _is_ready) = ifrit::ready_channel();
        let by_hand = threads.spawn(move || wrapped.run(signals, ready).is_ok());
        let child = fake.wait_for_call();
        for signal in [Signal::HANGUP, Signal::KILL] {
            sender.send(signal).unwrap();
            assert_eq!(child.wait_for_signal(), signal);
        }
        child.trigger_exit(Ok(()));
        go_on.send(()).unwrap();
        assert!(by_hand.join().unwrap());
    });
}

#[test]
fn a_scope_that_has_ended_hears_nothing_more() {
    let (fake, (ended, has_ended)) = (FakeRunner::new(), bounded(0));
    let child = fake.clone();
    let process = background(run_once(move |signals: Receiver<Signal>, _| {
        let inside = scope(|scope| {
            let process = scope.background(child);
            process.expect_exit().unwrap();
            process
        });
        ended.send(inside)?;
        ifrit::until_stop(&signals);
        Ok(())
    }));
    fake.wait_for_call().trigger_exit(Ok(()));
    let inside: Process = has_ended.recv_timeout(PATIENCE).unwrap();
    process.signal(Signal::KILL);
    process.expect_exit().unwrap();
    assert!(inside.try_exit().unwrap().is_ok());
}
