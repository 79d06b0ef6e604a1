use std::process::ExitCode;

use ifrit::testing::FakeRunner;
use ifrit::{
    Error, Main, Process, Signal,
    grouper::{Members, Ordered},
    run_fn,
    sigmon::Sigmon,
    until_stop,
};

use crate::kit::{child, listener, named_listener, say, wait_for_parent};

#[test]
fn int_stops_it_by_default() {
    let mut child = child(|| ifrit::main(listener()));
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGINT");
    child.expect_code(0);
}

#[test]
fn term_stops_it_by_default() {
    let mut child = child(|| ifrit::main(listener()));
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn a_signal_that_is_not_listened_for_does_what_it_always_did() {
    let mut child = child(|| ifrit::main(listener()));
    child.expect("ready");
    // Not HANGUP: under `nohup`, what that has always done is nothing.
    child.signal(Signal::USER1);
    child.expect_death_by(Signal::USER1);
}

#[test]
fn a_notification_reaches_the_runner_and_stops_nothing() {
    let mut child = child(|| {
        let signals = [Signal::HANGUP, Signal::USER1, Signal::TERMINATE];
        Main::new(listener()).only(signals).run()
    });
    child.expect("ready");
    for signal in [Signal::HANGUP, Signal::USER1, Signal::HANGUP] {
        child.signal(signal);
        child.expect(signal);
    }
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn any_number_of_notifications_escalate_nothing() {
    let mut child = child(|| {
        let signals = [Signal::HANGUP, Signal::TERMINATE];
        Main::new(listener()).only(signals).run()
    });
    child.expect("ready");
    for _ in 0..5 {
        child.signal(Signal::HANGUP);
        child.expect("SIGHUP");
    }
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn quit_is_a_stop_signal_when_asked_for() {
    let mut child = child(|| Main::new(listener()).only([Signal::QUIT]).run());
    child.expect("ready");
    child.signal(Signal::QUIT);
    child.expect("SIGQUIT");
    child.expect_code(0);
}

#[test]
fn a_notification_reaches_every_member_of_a_group() {
    let mut child = child(|| {
        let members = Members::new()
            .add("db", named_listener("db "))
            .add("web", named_listener("web "));
        let signals = [Signal::USER2, Signal::TERMINATE];
        Main::new(Ordered::new(members)).only(signals).run()
    });
    child.expect("db ready");
    child.expect("web ready");
    child.signal(Signal::USER2);
    child.expect_all(["db SIGUSR2", "web SIGUSR2"]);
    child.signal(Signal::TERMINATE);
    child.expect("web SIGTERM");
    child.expect("db SIGTERM");
    child.expect_code(0);
}

#[test]
fn a_signal_that_comes_before_the_runner_listens_is_kept() {
    let mut child = child(|| {
        ifrit::main(run_fn(|signals, ready| {
            say("up");
            wait_for_parent();
            ready.notify();
            say(until_stop(&signals));
            Ok(())
        }))
    });
    child.expect("up");
    child.signal(Signal::TERMINATE);
    child.go_on();
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn a_stop_during_the_start_of_a_group_starts_no_further_member() {
    let mut child = child(|| {
        let slow = run_fn(|signals, _ready| {
            say("setting up");
            say(until_stop(&signals));
            Ok(())
        });
        ifrit::main(Ordered::new(
            Members::new()
                .add("slow", slow)
                .add("next", named_listener("next ")),
        ))
    });
    child.expect("setting up");
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn a_stop_from_inside_is_not_counted_as_one_of_the_system() {
    let mut child = child(|| {
        let app = Process::builder().background(Sigmon::new(run_fn(|signals, ready| {
            ready.notify();
            for signal in signals {
                say(signal);
                if signal == Signal::TERMINATE {
                    break;
                }
            }
            Ok(())
        })));
        app.signal(Signal::INTERRUPT);
        wait_for_parent();
        app.signal(Signal::INTERRUPT);
        app.join().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    child.expect("SIGINT");
    child.go_on();
    child.expect("SIGINT");
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM"); // the first of the system: forwarded as it is, no KILL
    child.expect_code(0);
}

#[test]
fn a_signal_that_cannot_be_caught_is_an_error_and_nothing_starts() {
    for raw in [4, 8, 9, 11, 19] {
        let signal = Signal::from_raw(raw).unwrap();
        let fake = FakeRunner::new();
        let sigmon = Sigmon::new(fake.clone()).only([Signal::USER1, signal]);
        let exit = ifrit::background(sigmon).join();
        assert!(
            matches!(exit, Err(Error::UncatchableSignal(refused)) if refused == signal),
            "{signal}: {exit:?}"
        );
        assert_eq!(fake.calls(), 0);
    }
}

#[test]
fn a_signal_the_system_refuses_is_an_error_and_nothing_starts() {
    // The C library keeps this one for itself.
    let kept = Signal::from_raw(32).unwrap();
    let fake = FakeRunner::new();
    let sigmon = Sigmon::new(fake.clone()).only([kept]);
    let exit = ifrit::background(sigmon).join();
    assert!(
        matches!(exit, Err(Error::Listen { signal, .. }) if signal == kept),
        "{exit:?}"
    );
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_real_time_signal_is_a_notification() {
    let mut child = child(|| {
        let real_time = Signal::from_raw(40).unwrap();
        let signals = [real_time, Signal::TERMINATE];
        Main::new(listener()).only(signals).run()
    });
    child.expect("ready");
    child.signal(Signal::from_raw(40).unwrap());
    child.expect("SIG40");
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn without_any_signals_it_hears_none() {
    let mut child = child(|| Main::new(listener()).only([]).run());
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    child.expect_death_by(Signal::TERMINATE);
}
