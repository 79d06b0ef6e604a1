//! Being called at the start, at ready, for each signal and at the end of a run.

use ifrit::crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ifrit::runners::{Hooks, MapSignals, Noop};
use ifrit::testing::{FakeRunner, Harness, PATIENCE, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

/// All hooks, which tell what they are called with.
fn all(runner: impl Runner + 'static) -> (Hooks<impl Runner>, Receiver<String>) {
    let (tell, told): (Sender<String>, _) = unbounded();
    let say = move |text: String| {
        let _ = tell.send(text);
    };
    let (start, ready, signal, exit) = (say.clone(), say.clone(), say.clone(), say);
    let hooks = Hooks::new(runner)
        .on_start(move || start("start".to_owned()))
        .on_ready(move || ready("ready".to_owned()))
        .on_signal(move |told| signal(told.to_string()))
        .on_exit(move |end| exit(format!("{end:?}")));
    (hooks, told)
}

#[test]
fn each_hook_is_called_in_its_turn_in_each_run() {
    let fake = FakeRunner::new();
    let (hooks, told) = all(fake.clone());
    let process = ifrit::background(again(hooks));
    let next = || told.recv_timeout(PATIENCE).unwrap();
    for last in [false, true] {
        assert_eq!(next(), "start");
        let call = up(&fake);
        assert_eq!(next(), "ready");
        process.signal(Signal::HANGUP);
        assert_eq!(next(), "SIGHUP");
        assert_eq!(call.wait_for_signal(), Signal::HANGUP);
        if last {
            process.signal(Signal::TERMINATE);
            assert_eq!(next(), "SIGTERM");
            call.trigger_exit(Ok(()));
            assert_eq!(next(), "Ok(())");
        } else {
            call.trigger_exit(Err("again".into()));
            assert!(next().contains("again"));
        }
    }
    process.expect_exit().unwrap();
    assert!(told.is_empty());
}

#[test]
fn the_runner_hears_the_signals_too_and_all_are_told_before_the_end() {
    for _ in 0..stress(50) {
        let (hooks, told) = all(Noop);
        let process = ifrit::background(hooks);
        for expected in ["start", "ready"] {
            assert_eq!(told.recv_timeout(PATIENCE).unwrap(), expected);
        }
        process.signal(Signal::USER1);
        process.signal(Signal::QUIT);
        process.expect_exit().unwrap();
        let told: Vec<_> = told.try_iter().collect();
        assert_eq!(told, ["SIGUSR1", "SIGQUIT", "Ok(())"]);
    }
}

#[test]
fn a_hook_that_hangs_on_a_signal_holds_up_no_sender() {
    let (gate, passed) = bounded::<()>(0);
    let (begin, begun) = unbounded();
    let hooks = Hooks::new(Noop).on_signal(move |signal| {
        let _ = begin.send(signal);
        let _ = passed.recv();
    });
    let process = ifrit::invoke(hooks);
    process.signal(Signal::USER1);
    assert_eq!(begun.recv_timeout(PATIENCE), Ok(Signal::USER1));
    for _ in 0..1_000 {
        process.signal(Signal::USER2); // of those that wait, one is kept
    }
    process.signal(Signal::TERMINATE);
    drop(gate);
    process.expect_exit().unwrap();
    let rest: Vec<_> = begun.try_iter().collect();
    assert_eq!(rest, [Signal::USER2, Signal::TERMINATE]);
}

#[test]
fn it_hears_what_the_runner_in_its_place_hears() {
    let (hooks, told) = all(Noop);
    let process = ifrit::invoke(MapSignals::new(hooks).map(Signal::USER1, Signal::TERMINATE));
    process.signal(Signal::USER1);
    process.expect_exit().unwrap();
    assert!(told.try_iter().any(|told| told == "SIGTERM"));

    let (hooks, told) = all(MapSignals::new(Noop).map(Signal::USER1, Signal::TERMINATE));
    let process = ifrit::invoke(hooks);
    process.signal(Signal::USER1);
    process.expect_exit().unwrap();
    assert!(told.try_iter().any(|told| told == "SIGUSR1"));
}

#[test]
fn ready_is_seen_when_its_hook_is_called() {
    let (begin, begun) = bounded(0);
    let (gate, passed) = bounded::<()>(0);
    let process = ifrit::background(Hooks::new(Noop).on_ready(move || {
        let _ = begin.send(());
        let _ = passed.recv();
    }));
    begun.recv_timeout(PATIENCE).unwrap();
    assert!(process.is_ready());
    drop(gate);
    process.interrupt().unwrap();
}

#[test]
fn a_ready_that_comes_after_the_run_calls_nothing() {
    let (leak, leaked) = unbounded();
    let leaks = ifrit::run_fn(move |_, ready| Ok(leak.send(ready)?));
    let (hooks, told) = all(leaks);
    ifrit::background(hooks).expect_exit().unwrap();
    leaked.recv().unwrap().notify();
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(told, ["start", "Ok(())"]);
}

#[test]
fn a_panic_of_any_hook_is_the_exit() {
    let fake = FakeRunner::new();
    fn bug<T>() -> T {
        panic!("bug in a hook")
    }
    let hooks: [Hooks<Noop>; 4] = [
        Hooks::new(Noop).on_start(bug),
        Hooks::new(Noop).on_ready(bug),
        Hooks::new(Noop).on_signal(|_| bug()),
        Hooks::new(Noop).on_exit(|_| bug()),
    ];
    for mut hooks in hooks {
        let outcome = Harness::new().signal(Signal::TERMINATE).run(&mut hooks);
        let error = outcome.exit.unwrap_err();
        assert!(matches!(error, Error::Panicked(_)), "{error}");
        assert!(error.to_string().contains("bug in a hook"));
    }
    let mut hooks = Hooks::new(fake.clone()).on_start(bug);
    assert!(Harness::new().run(&mut hooks).exit.is_err());
    assert_eq!(fake.calls(), 0);
}

#[test]
fn the_error_of_the_run_comes_before_the_panic_of_a_hook() {
    let runner = ifrit::run_fn(|_, _| Err("no disk".into()));
    let mut hooks = Hooks::new(runner).on_exit(|_| panic!("bug"));
    let error = Harness::new().run(&mut hooks).exit.unwrap_err();
    assert_eq!(error.to_string(), "no disk");
}

#[test]
fn its_plan_says_which_hooks_there_are() {
    let hooks = Hooks::new(Noop).on_start(|| ()).on_exit(|_| ());
    assert_eq!(hooks.plan().to_string(), "hooks (start, exit)\n└─ noop");
}
