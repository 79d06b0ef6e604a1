use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use ifrit::sigmon::{Escalation, Step};
use ifrit::testing::{FakeRunner, ManualClock};
use ifrit::{
    Error, Main, Process, Signal,
    clock::Clock,
    grouper::{Members, Ordered},
    run_fn,
    sigmon::Sigmon,
    until_stop,
};

use crate::kit::{
    child, deaf, named_listener, patient, program, prompt_steps, say, wait_for_parent,
};

const TERM: Signal = Signal::TERMINATE;

/// Is ready at once, says so and every signal it hears, and returns on KILL alone.
fn until_kill() -> impl ifrit::Runner {
    run_fn(|signals, ready| {
        say("ready");
        ready.notify();
        let kill = signals.iter().find(|signal| {
            say(signal);
            *signal == Signal::KILL
        });
        kill.map(|_| ()).ok_or("disconnected".into())
    })
}

#[test]
fn the_second_signal_is_kill() {
    let mut child = child(|| Main::new(until_kill()).escalate(prompt_steps()).run());
    child.expect("ready");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGKILL");
    let report = child.expect_code(128 + 15); // after the first signal
    assert!(
        report.contains("the stop begun by SIGTERM was forced"),
        "{report}"
    );
}

#[test]
fn the_second_signal_kills_every_member_at_once() {
    let mut child = child(|| {
        let draining = |name: &'static str| {
            run_fn(move |signals, ready| {
                say(format_args!("{name} ready"));
                ready.notify();
                let kill = signals.iter().find(|signal| {
                    say(format_args!("{name} {signal}"));
                    *signal == Signal::KILL
                });
                kill.map(|_| ()).ok_or("disconnected".into())
            })
        };
        let members = Members::new()
            .add("db", draining("db"))
            .add("web", draining("web"));
        Main::new(Ordered::new(members))
            .escalate(prompt_steps())
            .run()
    });
    child.expect("db ready");
    child.expect("web ready");
    child.signal(TERM);
    child.expect("web SIGTERM"); // and db is not told before web has exited
    child.signal(TERM);
    child.expect_all(["db SIGKILL", "web SIGKILL"]);
    child.expect_code(128 + 15);
}

#[test]
fn the_third_signal_gives_up() {
    let mut child = child(|| Main::new(deaf()).escalate(prompt_steps()).run());
    child.escalate();
    let report = child.expect_end(128 + 15);
    assert!(report.contains(" still runs"), "{report}");
    assert!(report.contains(": main: told TERM, then KILL"), "{report}");
}

#[test]
fn after_the_second_signal_a_program_is_given_up_when_the_grace_is_over() {
    let mut child = child(|| {
        Main::new(deaf())
            .escalate(prompt_steps())
            .stop_within(Duration::from_secs(3600))
            .kill_grace(Duration::from_millis(50))
            .run()
    });
    child.expect("ready");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.signal(TERM);
    let report = child.expect_end(128 + 15);
    assert!(report.contains(" still runs"), "{report}");
}

#[test]
fn giving_up_publishes_the_exit_while_the_thread_runs() {
    let mut child = child(|| {
        let app = Process::builder()
            .name("app")
            .background(Sigmon::new(deaf()).escalate(prompt_steps()));
        let Err(Error::Abandoned(stuck)) = app.join() else {
            return ExitCode::FAILURE;
        };
        assert_eq!(stuck[0].name, "app");
        assert_eq!(app.status(), ifrit::process::Status::Abandoned);
        say("abandoned");
        ExitCode::SUCCESS
    });
    child.escalate();
    // KILL is sent with it once more, and may be heard.
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.report);
    assert!(ended.rest.iter().any(|line| line == "abandoned"));
}

#[test]
fn giving_up_tells_the_runner_kill_as_well() {
    let mut child = child(|| {
        let app = Sigmon::new(until_kill()).escalate(Escalation::new([Step::GiveUp]));
        let exit = ifrit::background(app).join();
        // Unless it was told before, and has returned.
        assert!(
            matches!(exit, Ok(()) | Err(Error::Abandoned(_))),
            "{exit:?}"
        );
        say("over");
        wait_for_parent();
        ExitCode::SUCCESS
    });
    child.expect("ready");
    child.signal(TERM);
    child.expect_all(["over", "SIGKILL"]);
    child.go_on();
    child.expect_code(0);
}

#[test]
fn a_member_that_is_stuck_at_the_third_signal_is_named() {
    let mut child = child(|| {
        let inner = Ordered::new(Members::new().add("deaf", deaf()));
        let outer = Ordered::new(Members::new().add("inner", inner));
        Main::new(outer).escalate(prompt_steps()).run()
    });
    child.escalate();
    let report = child.expect_end(128 + 15);
    assert!(report.contains("deaf"), "{report}");
}

#[test]
fn forwarded_only_no_number_of_signals_forces_anything() {
    let mut child = child(|| {
        let escalation = Escalation::forward_only();
        Main::new(patient()).escalate(escalation).run()
    });
    child.expect("ready");
    for _ in 0..5 {
        child.signal(TERM);
        child.expect("SIGTERM");
    }
    child.go_on();
    child.expect("SIGQUIT");
    child.expect_code(0);
}

#[test]
fn without_any_steps_all_are_forwarded() {
    let mut child = child(|| {
        let escalation = Escalation::new([]);
        Main::new(patient()).escalate(escalation).run()
    });
    child.expect("ready");
    for _ in 0..3 {
        child.signal(Signal::INTERRUPT);
        child.expect("SIGINT");
    }
    child.go_on();
    child.expect("SIGQUIT");
    child.expect_code(0);
}

#[test]
fn a_second_ctrl_c_some_time_after_the_first_forces_by_default() {
    let mut child = child(|| {
        ifrit::main(run_fn(|signals, ready| {
            say("ready");
            ready.notify();
            say(signals.recv()?);
            // What is counted was counted before it was heard.
            let _ = Clock::system().after(Duration::from_millis(200)).recv();
            say("later");
            say(signals.recv()?);
            Ok(())
        }))
    });
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGINT");
    child.expect("later");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGKILL");
    child.expect_code(128 + 2);
}

#[test]
fn stop_signals_within_the_least_interval_of_the_first_are_not_even_heard() {
    let mut child = child(|| {
        let hour = Duration::from_secs(3600);
        Main::new(patient())
            .also([Signal::WINDOW_CHANGE])
            .escalate(Escalation::default().least_interval(hour))
            .run()
    });
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGINT");
    for signal in [Signal::INTERRUPT, TERM, Signal::INTERRUPT] {
        child.signal(signal);
        // Read after the stop signal, which has the lower number: had that been forwarded, it would be said before.
        child.signal(Signal::WINDOW_CHANGE);
        child.expect("SIGWINCH");
    }
    child.go_on();
    child.expect("SIGQUIT");
    child.expect_code(0);
}

#[test]
fn the_least_interval_is_that_of_the_processs_clock() {
    let mut child = child(|| {
        let clock = ManualClock::new();
        let app = Sigmon::new(until_kill()).also([Signal::WINDOW_CHANGE]);
        let app = Process::builder().clock(clock.clock()).background(app);
        for (ms, time) in [(199, "too soon"), (1, "in time")] {
            wait_for_parent();
            clock.advance(Duration::from_millis(ms));
            say(time);
        }
        app.join().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    });
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGINT");
    child.go_on();
    child.expect("too soon");
    child.signal(Signal::INTERRUPT);
    child.signal(Signal::WINDOW_CHANGE);
    child.expect("SIGWINCH");
    child.go_on();
    child.expect("in time");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGKILL");
    child.expect_code(0);
}

#[test]
fn a_burst_of_signals_aborts_nothing() {
    let mut child = child(|| {
        // This one listens to the very end: a signal without a listener would end the program.
        let _listens = ifrit::invoke(Sigmon::new(run_fn(|_, ready| {
            ready.notify();
            loop {
                thread::park();
            }
        })));
        Main::new(patient())
            .only([Signal::INTERRUPT, TERM, Signal::WINDOW_CHANGE])
            .escalate(Escalation::forward_only())
            .run()
    });
    child.expect("ready");
    for _ in 0..100 {
        child.signal(TERM);
        child.signal(Signal::INTERRUPT);
    }
    child.signal(Signal::WINDOW_CHANGE);
    // How many are coalesced is the system's affair; that each arrives at least once is not.
    let mut missing = vec!["SIGINT", "SIGTERM", "SIGWINCH"];
    while !missing.is_empty() {
        let line = child.line();
        missing.retain(|signal| *signal != line);
    }
    child.go_on();
    child.expect_end(0);
}

#[test]
fn a_burst_forces_by_the_steps_and_by_nothing_else() {
    let mut child = child(|| Main::new(deaf()).escalate(prompt_steps()).run());
    child.expect("ready");
    child.signal(TERM);
    child.expect("SIGTERM");
    // However these are coalesced, one of each kind arrives: the second step and the third.
    for _ in 0..50 {
        child.signal(TERM);
        child.signal(Signal::INTERRUPT);
    }
    child.expect_end(128 + 15); // an exit code: no signal has ended it
}

#[test]
fn the_steps_can_be_set() {
    let mut child = child(|| {
        let steps = [Step::Forward, Step::Forward, Step::Kill];
        let escalation = Escalation::new(steps).least_interval(Duration::ZERO);
        Main::new(until_kill()).escalate(escalation).run()
    });
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGINT");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.signal(TERM);
    child.expect("SIGKILL");
    child.expect_code(128 + 2);
}

#[test]
fn the_last_step_is_repeated() {
    let mut child = child(|| {
        let steps = [Step::Forward, Step::Kill];
        let escalation = Escalation::new(steps).least_interval(Duration::ZERO);
        Main::new(patient())
            .escalate(escalation)
            .stop_within(Duration::from_secs(36_000))
            .kill_grace(Duration::from_secs(3600))
            .run()
    });
    child.escalate();
    child.expect("SIGKILL");
    child.go_on();
    child.expect("SIGQUIT"); // nothing has given it up
    child.expect_code(128 + 15);
}

#[test]
fn giving_up_can_be_the_first_step() {
    let mut child = child(|| {
        Main::new(deaf())
            .escalate(Escalation::new([Step::GiveUp]))
            .run()
    });
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    child.expect_end(128 + 2);
}

#[test]
fn a_deadline_ends_a_stop_that_does_not_end() {
    let mut child = child(|| {
        Main::new(deaf())
            .stop_within(Duration::from_millis(50))
            .run()
    });
    child.expect("ready");
    child.signal(TERM);
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(128 + 15), "{}", ended.report);
    assert!(
        ended.report.contains("and did not stop"),
        "{}",
        ended.report
    );
    // It was told both, but may have had no time to say so.
    let told = ["SIGTERM", "SIGKILL"].map(str::to_owned);
    assert!(told.starts_with(&ended.rest), "{:?}", ended.rest);
}

#[test]
fn a_group_says_who_was_stuck_at_the_deadline() {
    let mut child = child(|| {
        let web = named_listener("web ");
        let members = Members::new().add("deaf", deaf()).add("web", web);
        // Its own grace is far shorter than that of the process around it: it is first to speak.
        let group = Ordered::new(members).kill_grace(Duration::from_millis(10));
        Main::new(group)
            .stop_within(Duration::from_secs(4))
            .kill_grace(Duration::from_secs(60))
            .run()
    });
    child.expect("ready");
    child.expect("web ready");
    child.signal(TERM);
    child.expect("web SIGTERM");
    child.expect("SIGTERM");
    let report = child.expect_end(128 + 15);
    assert!(
        report.contains("deaf: told TERM, then KILL, and did not stop within 10ms of that\n"),
        "{report}"
    );
    assert!(report.contains(" still runs"), "{report}");
    assert!(report.contains("web: stopped"), "{report}");
}

#[test]
fn the_deadline_holds_for_a_stop_that_begins_inside_too() {
    let mut child = child(|| {
        let failing = run_fn(|_, ready| {
            ready.notify();
            wait_for_parent();
            Err("out of paper".into())
        });
        let members = Members::new().add("deaf", deaf()).add("printer", failing);
        let group = Ordered::new(members).kill_grace(Duration::from_millis(10));
        Main::new(group)
            .stop_within(Duration::from_millis(200))
            .kill_grace(Duration::from_secs(60))
            .quiet()
            .run()
    });
    child.expect("ready");
    child.go_on();
    let report = child.expect_end(1); // no signal had a part in it
    let first = format!("{}: printer: out of paper\n", program());
    assert!(report.starts_with(&first), "{report}");
    assert!(
        report.contains("deaf: told INT, then KILL, and did not stop"),
        "{report}"
    );
}

#[test]
fn a_stop_within_the_deadline_is_no_failure() {
    let mut child = child(|| {
        Main::new(run_fn(|signals, ready| {
            say("ready");
            ready.notify();
            say(until_stop(&signals));
            wait_for_parent(); // draining
            Ok(())
        }))
        .stop_within(Duration::from_secs(3600))
        .run()
    });
    child.expect("ready");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.go_on();
    child.expect_code(0);
}

#[test]
fn a_deadline_of_no_length_is_an_error_and_nothing_starts() {
    let fake = FakeRunner::new();
    let sigmon = Sigmon::new(fake.clone()).stop_within(Duration::ZERO);
    let exit = ifrit::background(sigmon).join();
    assert!(
        matches!(
            exit,
            Err(Error::ZeroDeadline {
                option: "stop_within",
                ..
            })
        ),
        "{exit:?}"
    );
    assert_eq!(fake.calls(), 0);
}
