use std::process::ExitCode;
use std::time::Duration;

use ifrit::crossbeam_channel::unbounded;
use ifrit::restart::{Backoff, Restarter};
use ifrit::sigmon::{Escalation, Step};
use ifrit::testing::{FakeRunner, Harness, signal_recorder};
use ifrit::{
    Error, Main, Receiver, Runner, Signal,
    error::Cause,
    grouper::{Members, Ordered, Parallel},
    ready_channel, run_fn,
    sigmon::Sigmon,
    until_stop,
};

use crate::kit::{Child, child, deaf, listener, named_listener, patient, prompt_steps, say};

const TERM: Signal = Signal::TERMINATE;

#[test]
fn two_side_by_side_both_get_it() {
    let mut child = child(|| {
        let one = ifrit::background(Sigmon::new(named_listener("one ")));
        let other = ifrit::background(Sigmon::new(named_listener("other ")));
        one.join().expect("a clean stop");
        other.join().expect("a clean stop");
        ExitCode::SUCCESS
    });
    child.expect_all(["one ready", "other ready"]);
    child.signal(TERM);
    child.expect_all(["one SIGTERM", "other SIGTERM"]);
    child.expect_code(0);
}

#[test]
fn each_hears_only_what_it_asked_for() {
    let mut child = child(|| {
        let one = Sigmon::new(named_listener("one ")).only([Signal::HANGUP, TERM]);
        let other = Sigmon::new(named_listener("other ")).only([Signal::USER1, TERM]);
        let (one, other) = (ifrit::background(one), ifrit::background(other));
        one.join().expect("a clean stop");
        other.join().expect("a clean stop");
        ExitCode::SUCCESS
    });
    child.expect_all(["one ready", "other ready"]);
    child.signal(Signal::HANGUP);
    child.expect("one SIGHUP");
    child.signal(Signal::USER1);
    child.expect("other SIGUSR1");
    child.signal(TERM);
    child.expect_all(["one SIGTERM", "other SIGTERM"]);
    child.expect_code(0);
}

/// Sends `signal` to a child that says what it hears. If it were told twice, it would say so before the next one.
#[track_caller]
fn hears_once(child: &mut Child, signal: Signal) {
    child.signal(signal);
    child.expect(signal);
    child.signal(Signal::WINDOW_CHANGE);
    child.expect("SIGWINCH");
}

#[test]
fn a_process_hears_one_signal_once_however_many_stand_in_it() {
    let mut child = child(|| {
        let escalation = Escalation::forward_only;
        let app = Sigmon::new(patient()).escalate(escalation());
        let app = Sigmon::new(app).also([Signal::WINDOW_CHANGE]);
        Main::new(app).escalate(escalation()).run()
    });
    child.expect("ready");
    for signal in [Signal::INTERRUPT, TERM, Signal::INTERRUPT] {
        hears_once(&mut child, signal);
    }
    child.go_on();
    child.expect("SIGQUIT");
    child.expect_code(0);
}

#[test]
fn of_nested_ones_the_innermost_decides() {
    let mut child = child(|| {
        let app = Sigmon::new(patient())
            .also([Signal::WINDOW_CHANGE])
            .escalate(Escalation::forward_only());
        Main::new(app)
            .escalate(Escalation::new([Step::GiveUp]))
            .run()
    });
    child.expect("ready");
    for _ in 0..4 {
        hears_once(&mut child, TERM);
    }
    child.go_on();
    child.expect("SIGQUIT");
    child.expect_code(0);
}

#[test]
fn of_nested_ones_the_innermost_counts_and_the_program_knows_that_it_was_forced() {
    let mut child = child(|| {
        let app = Sigmon::new(deaf()).escalate(prompt_steps());
        Main::new(app).escalate(Escalation::forward_only()).run()
    });
    child.escalate();
    let report = child.expect_end(128 + 15);
    assert!(
        report.contains("the stop begun by SIGTERM was forced"),
        "{report}"
    );
    assert!(report.contains(" still runs"), "{report}");
}

#[test]
fn of_nested_ones_the_innermost_that_listens_for_a_signal_decides_on_it() {
    let mut child = child(|| {
        let app = Sigmon::new(patient())
            .only([TERM])
            .escalate(Escalation::new([Step::Kill]));
        Main::new(app)
            .also([Signal::WINDOW_CHANGE])
            .escalate(Escalation::forward_only())
            .run()
    });
    child.expect("ready");
    hears_once(&mut child, Signal::INTERRUPT);
    hears_once(&mut child, Signal::INTERRUPT);
    child.signal(TERM);
    child.expect("SIGKILL");
    child.go_on();
    child.expect("SIGQUIT");
    child.expect_code(128 + 2); // begun by INT, forced by TERM
}

#[test]
fn when_the_inner_one_has_returned_the_outer_one_decides() {
    let mut child = child(|| {
        let mut inner = Sigmon::new(listener()).escalate(Escalation::new([Step::Kill]));
        let app = run_fn(move |signals: Receiver<Signal>, _| {
            inner.run(signals.clone(), ready_channel().0)?;
            say("goes on");
            say(until_stop(&signals));
            Ok(())
        });
        let app = Sigmon::new(app).escalate(Escalation::forward_only());
        let exit = ifrit::background(app).join();
        exit.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    child.expect("ready");
    child.signal(TERM);
    child.expect("SIGKILL");
    child.expect("goes on");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn one_inside_another_under_a_wrapper_with_signals_of_its_own_is_told_once_and_can_give_up() {
    let mut child = child(|| {
        let app = Sigmon::new(deaf()).escalate(prompt_steps());
        let app = Sigmon::new(Filter(app)).escalate(Escalation::forward_only());
        let app = ifrit::background(app);
        let exit = app.join();
        assert!(matches!(exit, Err(Error::Abandoned(_))), "{exit:?}");
        ExitCode::SUCCESS
    });
    child.escalate();
    child.expect_end(0);
}

#[test]
fn inside_a_group_it_stops_its_member_and_that_stops_the_group() {
    let mut child = child(|| {
        let web = run_fn(|signals, ready| {
            say("ready");
            ready.notify();
            Err(format!("told {}", until_stop(&signals)).into())
        });
        let members = Members::new()
            .add("db", named_listener("db "))
            .add("web", Sigmon::new(web));
        let exit = ifrit::background(Ordered::new(members)).join();
        let Err(Error::Group(trace)) = exit else {
            panic!("{exit:?}")
        };
        let initiator = trace.initiator().expect("one began it");
        assert_eq!(initiator.name, "web");
        assert_eq!(
            initiator.exit.as_ref().unwrap_err().to_string(),
            "told SIGTERM"
        );
        assert_eq!(trace.get("db").unwrap().cause, Cause::Consequence);
        ExitCode::SUCCESS
    });
    child.expect("db ready");
    child.expect("ready");
    child.signal(TERM);
    child.expect("db SIGINT"); // not the system's signal, but the group's
    child.expect_code(0);
}

#[test]
fn inside_a_group_it_can_give_up_its_member() {
    let mut child = child(|| {
        let sigmon = Sigmon::new(deaf()).escalate(Escalation::new([Step::GiveUp]));
        let mut group = Parallel::new(
            Members::new()
                .add("deaf", sigmon)
                .add("db", named_listener("db ")),
        );
        let (_keep, signals) = unbounded();
        let error = group.run(signals.clone(), ready_channel().0).unwrap_err();
        let error = error.downcast_ref::<Error>().expect("one of ours");
        assert_eq!(error.stuck()[0].name, "deaf");

        let again = group.run(signals, ready_channel().0).unwrap_err();
        let again = again.downcast_ref::<Error>();
        assert!(matches!(again, Some(Error::Abandoned(_))), "{again:?}");
        ExitCode::SUCCESS
    });
    child.expect_all(["ready", "db ready"]);
    child.signal(TERM);
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.report);
    assert!(ended.rest.iter().any(|line| line == "db SIGINT"));
}

#[test]
fn by_hand_it_hears_those_given_and_those_of_the_system() {
    let mut child = child(|| {
        let mut sigmon = Sigmon::new(listener()).only([Signal::HANGUP, TERM]);
        let (given, signals) = unbounded();
        given.send(Signal::USER2).unwrap();
        let result = sigmon.run(signals, ready_channel().0);
        result.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    child.expect("ready");
    child.expect("SIGUSR2");
    child.signal(Signal::HANGUP);
    child.expect("SIGHUP");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect_code(0);
}

/// Runs what it wraps on the same thread, with signals of its own.
struct Filter<R>(R);

impl<R: Runner> Runner for Filter<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ifrit::ReadySender) -> ifrit::Result<()> {
        let (passed, those_passed) = unbounded();
        std::thread::scope(|scope| {
            let (_done, done) = unbounded::<()>();
            scope.spawn(move || {
                loop {
                    ifrit::crossbeam_channel::select! {
                        recv(signals) -> signal => match signal {
                            Ok(Signal::USER2) => {}
                            Ok(signal) => drop(passed.send(signal)),
                            Err(_) => return,
                        },
                        recv(done) -> _ => return,
                    }
                }
            });
            self.0.run(those_passed, ready)
        })
    }
}

#[test]
fn under_a_wrapper_with_signals_of_its_own_it_hears_both() {
    let mut child = child(|| {
        let sigmon = Sigmon::new(listener());
        let app = ifrit::invoke(Filter(sigmon));
        app.signal(Signal::USER2); // kept back
        app.signal(Signal::USER1);
        app.join().expect("a clean stop");
        ExitCode::SUCCESS
    });
    child.expect("ready");
    child.expect("SIGUSR1");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn under_a_wrapper_a_stop_from_above_comes_through() {
    let (recorder, recorded) = signal_recorder();
    let app = ifrit::invoke(Filter(Sigmon::new(recorder).only([Signal::USER1])));
    app.signal(Signal::HANGUP);
    app.signal(TERM);
    assert!(app.join().is_ok());
    assert_eq!(recorded.so_far(), [Signal::HANGUP, TERM]);
}

#[test]
fn by_hand_the_second_signal_is_kill_too() {
    let mut child = child(|| {
        let mut sigmon = Sigmon::new(run_fn(|signals, _| {
            say("up");
            let kill = signals.iter().find(|signal| {
                say(signal);
                *signal == Signal::KILL
            });
            kill.map(|_| ()).ok_or("disconnected".into())
        }))
        .escalate(prompt_steps());
        let (_keep, signals) = unbounded();
        let result = sigmon.run(signals, ready_channel().0);
        result.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    child.expect("up");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.signal(TERM);
    child.expect("SIGKILL");
    child.expect_code(0);
}

#[test]
fn by_hand_the_deadline_is_kept_with_kill() {
    let (recorder, recorded) = kill_recorder();
    let mut sigmon = Sigmon::new(recorder)
        .only([Signal::USER1])
        .stop_within(Duration::from_millis(1));
    let outcome = Harness::new().signal(TERM).run(&mut sigmon);
    assert!(outcome.exit.is_ok());
    let heard: Vec<_> = recorded.try_iter().collect();
    assert_eq!(heard.first(), Some(&TERM));
    assert_eq!(heard.last(), Some(&Signal::KILL));
}

/// Returns on KILL alone.
fn kill_recorder() -> (impl Runner, Receiver<Signal>) {
    let (heard, recorded) = unbounded();
    let runner = run_fn(move |signals, _| {
        for signal in signals {
            heard.send(signal)?;
            if signal == Signal::KILL {
                break;
            }
        }
        Ok(())
    });
    (runner, recorded)
}

#[test]
fn in_a_harness_it_does_as_its_runner_does() {
    let (recorder, recorded) = signal_recorder();
    let mut sigmon = Sigmon::new(recorder).only([Signal::USER1]);
    for run in 1..=3 {
        let outcome = Harness::new()
            .signal(Signal::HANGUP)
            .signal(TERM)
            .run(&mut sigmon);
        assert!(outcome.exit.is_ok() && outcome.ready, "{outcome:?}");
        assert_eq!(recorded.so_far().len(), 2 * run);
    }
    // Its channel closed before it was told to stop: that counts as a stop.
    let outcome = Harness::new().signal(Signal::HANGUP).run(&mut sigmon);
    assert!(outcome.exit.is_ok());
    assert_eq!(
        recorded.so_far()[6..],
        [Signal::HANGUP, Signal::INTERRUPT][..]
    );
}

#[test]
fn in_a_harness_a_panic_comes_through() {
    let mut sigmon = Sigmon::new(run_fn(|_, _| panic!("on purpose"))).only([Signal::USER1]);
    let outcome = Harness::new().run(&mut sigmon);
    assert!(matches!(outcome.exit, Err(Error::Panicked(panic)) if panic.message() == "on purpose"));
}

#[test]
fn it_can_be_run_again_and_counts_anew() {
    let mut child = child(|| {
        let mut sigmon = Sigmon::new(listener());
        let app = run_fn(move |signals, _| {
            for _ in 0..3 {
                sigmon.run(signals.clone(), ready_channel().0)?;
            }
            Ok(())
        });
        ifrit::background(app).join().expect("a clean stop");
        ExitCode::SUCCESS
    });
    for _ in 0..3 {
        child.expect("ready");
        child.signal(TERM);
        child.expect("SIGTERM"); // and not KILL, which would be a second signal of one run
    }
    child.expect_code(0);
}

#[test]
fn a_group_that_holds_it_can_be_run_again() {
    let mut child = child(|| {
        let mut group = Ordered::new(Members::new().add("app", Sigmon::new(listener())));
        let (_keep, signals) = unbounded();
        for _ in 0..2 {
            group
                .run(signals.clone(), ready_channel().0)
                .expect("a clean stop");
        }
        ExitCode::SUCCESS
    });
    for _ in 0..2 {
        child.expect("ready");
        child.signal(TERM);
        child.expect("SIGTERM");
    }
    child.expect_code(0);
}

#[test]
fn around_a_restarter_a_stop_ends_it_and_a_notification_does_not() {
    let mut child = child(|| {
        let mut runs = 0;
        let flaky = run_fn(move |signals, ready| {
            runs += 1;
            say(format_args!("run {runs}"));
            ready.notify();
            match signals.recv()? {
                stop if stop.is_stop() => Ok(()),
                other => Err(format!("failed on {other}").into()),
            }
        });
        let steady = Restarter::on_error(flaky).backoff(Backoff::none());
        let sigmon = Sigmon::new(steady).only([Signal::HANGUP, TERM]);
        let exit = ifrit::background(sigmon).join();
        exit.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    child.expect("run 1");
    child.signal(Signal::HANGUP);
    child.expect("run 2");
    child.signal(TERM);
    child.expect_code(0);
}

#[test]
fn inside_a_restarter_a_stop_is_a_stop_of_both() {
    let mut child = child(|| {
        let steady = Restarter::always(Sigmon::new(listener())).backoff(Backoff::none());
        let exit = ifrit::background(steady).join();
        exit.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    child.expect("ready");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect_code(0); // and no second "ready"
}

#[test]
fn inside_a_restarter_it_listens_again_and_counts_anew() {
    let mut child = child(|| {
        let mut runs = 0;
        let flaky = run_fn(move |signals, ready| {
            runs += 1;
            say(format_args!("run {runs}"));
            ready.notify();
            let signal = signals.recv()?;
            say(signal);
            if signal.is_stop() {
                Ok(())
            } else {
                Err("again".into())
            }
        });
        let sigmon = Sigmon::new(flaky).only([Signal::USER1, TERM]);
        let steady = Restarter::on_error(sigmon).backoff(Backoff::none());
        let exit = ifrit::background(steady).join();
        exit.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    for run in 1..=3 {
        child.expect(format_args!("run {run}"));
        child.signal(Signal::USER1);
        child.expect("SIGUSR1");
    }
    child.expect("run 4");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn many_of_them_share_one_thread() {
    let mut child = child(|| {
        let fakes: Vec<_> = (0..4).map(|_| FakeRunner::new()).collect();
        let run = |fake: &FakeRunner| {
            ifrit::background(Sigmon::new(fake.clone()));
            fake.wait_for_call()
        };
        let calls: Vec<_> = fakes.iter().map(run).collect();
        say("up");
        for call in &calls {
            assert_eq!(call.wait_for_signal(), TERM);
        }
        let names = std::fs::read_dir("/proc/self/task")
            .expect("the threads of this program")
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        let receivers = names.filter(|name| name.trim() == "ifrit-signals");
        say(receivers.count());
        ExitCode::SUCCESS
    });
    child.expect("up");
    child.signal(TERM);
    child.expect(1);
    child.expect_code(0);
}
