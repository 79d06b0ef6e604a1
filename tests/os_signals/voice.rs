//! What a program says on standard error while it runs, and what harms that.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ifrit::crossbeam_channel::bounded;
use ifrit::grouper::{AutoShutdown, Member, Members, Ordered, Parallel, Strategy};
use ifrit::observe::What;
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::sigmon::Escalation;
use ifrit::{Main, Runner, Signal, run_fn, run_once};

use crate::kit::{Child, child, child_on_a_terminal, child_unread, deaf, listener, program, say};

/// Stays up until it is told to stop.
fn up() -> impl Runner {
    run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}

/// The lines, without the name of the program and the time, which each of them must have.
#[track_caller]
fn lines(report: &str) -> Vec<String> {
    let program = program();
    let parse = |line: &str| {
        let rest = line.strip_prefix(&format!("{program}: +"))?;
        let (time, text) = rest.split_once("s ")?;
        time.parse::<f64>().ok()?;
        Some(text.to_owned())
    };
    let all = report.lines();
    let said = all.map_while(parse);
    said.collect()
}

#[test]
fn a_failure_is_said_once_with_its_path_and_each_group_that_stops_for_it() {
    let child = child(|| {
        let fails = run_fn(|_, ready| {
            ready.notify();
            Err("port taken".into())
        });
        let front = Parallel::new(Members::new().add("a", up()).add("b", fails));
        ifrit::main(Ordered::new(
            Members::new().add("db", up()).add("front", front),
        ))
    });
    assert_eq!(
        lines(&child.expect_code(1)),
        [
            "front/b ended with an error: port taken; front stops",
            "front has ended; the program stops"
        ]
    );
}

#[test]
fn an_end_without_an_error_that_was_not_asked_for_is_said() {
    let child = child(|| {
        let leaves = run_fn(|_, ready| {
            ready.notify();
            Ok(())
        });
        ifrit::main(Ordered::new(
            Members::new().add("db", up()).add("web", leaves),
        ))
    });
    assert_eq!(
        lines(&child.expect_code(0)),
        ["web ended without having been told to; the program stops"]
    );
}

#[test]
fn an_essential_end_that_was_not_asked_for_is_said_in_the_same_words() {
    let child = child(|| {
        let web = Member::new("web", run_fn(|_, _| Ok(()))).essential();
        ifrit::main(Ordered::new([web]))
    });
    assert_eq!(
        lines(&child.expect_code(1)),
        ["web ended without having been told to; the program stops"]
    );
}

#[test]
fn a_restart_is_one_line_with_its_attempt_its_delay_and_the_error() {
    let child = child(|| {
        let mut runs = 0;
        let crashes = run_fn(move |_, ready| {
            ready.notify();
            runs += 1;
            match runs {
                3 => Ok(()),
                _ => Err(format!("refused\nfor the {runs}. time").into()),
            }
        });
        let delay = Backoff::constant(Duration::from_millis(20));
        let member = Member::new("web", crashes).restart(Restart::transient().backoff(delay));
        Main::new(Parallel::new([member])).run()
    });
    assert_eq!(
        lines(&child.expect_code(0)),
        [
            r"web restarts in 20 ms (attempt 1 of 5): refused\nfor the 1. time",
            r"web restarts in 20 ms (attempt 2 of 5): refused\nfor the 2. time"
        ]
    );
}

/// A runner that is up once, and fails.
fn fails_later() -> impl Runner {
    run_fn(|_, ready| {
        ready.notify();
        Err("no route".into())
    })
}

/// The program of a member whose policy does not bring it back.
fn with_policy(runner: impl Runner + 'static, restart: Restart) -> ExitCode {
    let web = Member::new("web", runner).restart(restart.backoff(Backoff::none()));
    let front = Ordered::new([web]).budget(Budget::new(0, Duration::from_secs(60)));
    ifrit::main(Ordered::new([
        Member::new("db", up()),
        Member::new("front", front),
    ]))
}

#[test]
fn a_first_start_that_fails_is_said_not_to_be_repeated() {
    let child = child(|| {
        with_policy(
            run_fn(|_, _| Err("port taken".into())),
            Restart::transient(),
        )
    });
    let report = child.expect_code(1);
    assert_eq!(
        lines(&report),
        [
            "front/web ended with an error before it was ever ready, so it is not restarted: port taken; front stops",
            "front has ended; the program stops"
        ]
    );
    let told = format!(
        "{}: front/web: port taken\n│  It was not restarted, since it had never been ready.\n",
        program()
    );
    assert!(report.contains(&told), "{report}");
}

#[test]
fn a_group_that_is_not_restarted_for_its_member_says_so() {
    let child = child(|| {
        let front =
            Parallel::new(Members::new().add("web", run_fn(|_, _| Err("port taken".into()))));
        ifrit::main(Ordered::new([
            Member::new("front", front).restart(Restart::permanent())
        ]))
    });
    let report = child.expect_code(1);
    assert_eq!(
        lines(&report),
        [
            "front/web ended with an error: port taken; front stops",
            "front has ended, and is not restarted, since it had never been ready; the program stops"
        ]
    );
    assert!(
        report.ends_with("│  front was not restarted, since it had never been ready.\n")
            || report.ends_with("   front was not restarted, since it had never been ready.\n"),
        "{report}"
    );
}

#[test]
fn an_error_that_is_fatal_is_said_to_be_so() {
    let child = child(|| {
        let fatal = run_fn(|_, ready| {
            ready.notify();
            Err(ifrit::fatal("no such user"))
        });
        with_policy(fatal, Restart::permanent())
    });
    assert_eq!(
        lines(&child.expect_code(1))[0],
        "front/web ended with an error that is fatal, so it is not restarted: no such user; front stops"
    );
}

#[test]
fn an_error_that_a_policy_does_not_restart_after_is_said_to_be_so() {
    let child = child(|| with_policy(fails_later(), Restart::transient().only_if(|_| false)));
    assert_eq!(
        lines(&child.expect_code(1))[0],
        "front/web ended with an error and is restarted only after other errors: no route; front stops"
    );
}

#[test]
fn a_budget_that_is_used_up_is_said_to_be_the_end_of_restarts() {
    let child = child(|| with_policy(fails_later(), Restart::transient()));
    assert_eq!(
        lines(&child.expect_code(1))[0],
        "front/web ended with an error and is not restarted again: more than 0 restarts within 60s: no route; front stops"
    );
}

#[test]
fn a_restart_of_what_can_run_only_once_is_said_to_be_none() {
    let child = child(|| {
        let once = run_once(|_, ready| {
            ready.notify();
            Err("no route".into())
        });
        let restart = Restart::transient().backoff(Backoff::none());
        ifrit::main(Ordered::new([Member::new("web", once).restart(restart)]))
    });
    assert_eq!(
        lines(&child.expect_code(1)),
        [
            "web restarts now (attempt 1 of 5): no route",
            "web ended with an error and is not restarted, since its runner can run only once: no route; the program stops"
        ]
    );
}

#[test]
fn a_crash_loop_without_a_delay_is_counted_and_no_restart_is_lost() {
    let child = child(|| {
        let web = Member::new("web", fails_later())
            .restart(Restart::transient().backoff(Backoff::none()));
        let budget = Budget::new(2_000, Duration::from_secs(3600));
        Main::new(Ordered::new([web]).budget(budget)).run()
    });
    let report = child.expect_code(1);
    let said = lines(&report);
    let (last, restarts) = said.split_last().unwrap();
    assert_eq!(
        last,
        "web ended with an error and is not restarted again: more than 2000 restarts within 3600s: no route; the program stops"
    );
    // An event may be missed where they come too fast, and then that is said.
    let counted = restarts.iter().map(|line| -> usize {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["web", "restarts", "now", ..] => 1,
            ["web", "restarted", "once", "more", ..] => 1,
            // What followed was among the events that were missed, or was slow to come.
            ["web", "failed", "after", ..] => 0,
            ["web", "restarted", count, "more", "times", "in", ..] => count.parse().unwrap(),
            [missed, "events", ..] => {
                let missed: usize = missed.trim_start_matches('(').parse().unwrap();
                missed / 4 // started, ready, exited, restarting
            }
            _ => panic!("{line}"),
        }
    });
    let counted: usize = counted.sum();
    assert!((1_900..=2_100).contains(&counted), "{counted}: {report}");
    assert!(restarts.len() < 200, "{report}");
    let first = "web restarts now (attempt 1 of 2000): no route";
    assert!(report.contains(first), "{report}");
    assert!(report.contains(" more times in "), "{report}");
}

#[test]
fn a_failure_that_has_no_consequence_is_said_too() {
    let child = child(|| {
        let fails = run_fn(|_, ready| {
            ready.notify();
            Err("no more work".into())
        });
        let job = Member::new("job", fails).restart(Restart::temporary());
        Main::new(Parallel::new([job])).run()
    });
    let report = child.expect_code(1);
    let said = lines(&report);
    assert_eq!(said.len(), 1, "{report}");
    assert!(said[0].starts_with("job failed after "), "{report}");
    assert!(said[0].ends_with(": no more work"), "{report}");
}

#[test]
fn a_stop_says_how_to_force_it() {
    let mut child = child(|| {
        Main::new(run_fn(|signals, ready| {
            ready.notify();
            say("ready");
            ifrit::until_stop(&signals);
            Ok(())
        }))
        .stop_within(Duration::from_secs(30))
        .run()
    });
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    assert_eq!(
        lines(&child.expect_code(0)),
        ["stopping, for 30 s at most; press ctrl-c again to force"]
    );
}

/// The lines of a program that does not stop, and is told so three times.
fn said_when_told_three_times(mut child: Child, signal: Signal) -> (Vec<String>, String) {
    child.escalate_with(signal);
    let report = child.expect_end(128 + signal.as_raw());
    (lines(&report), report)
}

fn deaf_program(grace: Duration) -> ExitCode {
    Main::new(Ordered::new(Members::new().add("web", deaf())))
        .escalate(Escalation::default().least_interval(Duration::ZERO))
        .stop_within(Duration::from_secs(3600))
        .kill_grace(grace)
        .run()
}

#[test]
fn each_ctrl_c_says_what_the_next_one_does() {
    let child = child(|| deaf_program(Duration::from_secs(60)));
    let (said, report) = said_when_told_three_times(child, Signal::INTERRUPT);
    assert_eq!(
        said,
        [
            "stopping, for 1 h at most; press ctrl-c again to force",
            "stopping at once, given up in 1 min; press ctrl-c again to give up now",
            "the program is given up: told KILL, it did not return"
        ]
    );
    // It had not the grace, which is 1 min, nor the limit of 1 h.
    let told = ": web: told INT, then KILL, and did not stop\n";
    assert!(report.contains(told), "{report}");
}

#[test]
fn each_stop_signal_that_is_no_ctrl_c_says_what_the_next_one_does() {
    let child = child(|| deaf_program(Duration::from_secs(60)));
    let (said, _) = said_when_told_three_times(child, Signal::TERMINATE);
    assert_eq!(
        said,
        [
            "stopping, told TERM, for 1 h at most; a second one forces",
            "stopping at once, given up in 1 min; a third signal gives up now",
            "the program is given up: told KILL, it did not return"
        ]
    );
}

#[test]
fn a_limit_that_kills_does_not_say_how_to_force_that() {
    let mut child = child(|| Main::new(deaf()).stop_within(Duration::from_secs(2)).run());
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    let report = child.expect_end(143);
    let said = lines(&report);
    let [begins, kills, given_up] = &said[..] else {
        panic!("{report}");
    };
    let told = "stopping, told TERM, for 2 s at most; a second one forces";
    assert_eq!(begins, told);
    // In 200 ms, less what a busy machine takes to get there.
    let (prefix, hint) = ("stopping at once, given up in ", "press ctrl-c");
    assert!(kills.starts_with(prefix), "{report}");
    assert!(
        !kills.contains(hint) && !kills.contains("signal"),
        "{report}"
    );
    let told = "the program is given up: told KILL, it did not return";
    assert_eq!(given_up, told);
}

#[test]
fn a_stop_that_no_second_signal_forces_does_not_say_so() {
    let mut child = child(|| {
        Main::new(listener())
            .escalate(Escalation::forward_only())
            .run()
    });
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    assert_eq!(
        lines(&child.expect_code(0)),
        ["stopping, told TERM, for 25 s at most"]
    );
}

#[test]
fn a_member_that_is_restarted_with_others_is_not_said_to_have_ended_by_itself() {
    let child = child(|| {
        let (is_up, others_are_up) = bounded(2);
        let db = run_fn(move |signals, ready| {
            ready.notify();
            is_up.send(())?;
            ifrit::until_stop(&signals);
            Ok(())
        });
        let mut runs = 0;
        let crashes = run_fn(move |_, ready| {
            ready.notify();
            others_are_up.recv()?;
            runs += 1;
            match runs {
                1 => Err("refused".into()),
                _ => Ok(()),
            }
        });
        let restart = Restart::transient().backoff(Backoff::none());
        let members = [
            Member::new("web", crashes).restart(restart).significant(),
            Member::new("db", db).restart(restart),
        ];
        let group = Ordered::new(members).strategy(Strategy::OneForAll);
        Main::new(group.auto_shutdown(AutoShutdown::Any)).run()
    });
    assert_eq!(
        lines(&child.expect_code(0)),
        [
            "web restarts now (attempt 1 of 5): refused",
            "db restarts now (attempt 1 of 5): it had been told to stop",
            "the program stops: its significant members have ended"
        ]
    );
}

#[test]
fn on_a_terminal_lines_are_coloured_unless_the_user_forbids_it() {
    let program = || {
        let members = Members::new().add("web", run_fn(|_, _| Err("port taken".into())));
        ifrit::main(Parallel::new(members))
    };
    let table: [(&[_], _); 3] = [
        (&[], true),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ];
    for (variables, is_coloured) in table {
        let (child, terminal) = child_on_a_terminal(variables, program);
        child.expect_code(1);
        let said = terminal.read();
        let line = "web ended with an error: port taken; the program stops";
        let line = match is_coloured {
            true => format!("s \u{1b}[31m{line}\u{1b}[0m\r\n"),
            false => format!("s {line}\r\n"),
        };
        assert!(said.contains(&line), "{said:?}");
        assert_eq!(said.contains('\u{1b}'), is_coloured, "{said:?}");
    }
}

#[test]
fn a_quiet_program_says_its_report_only() {
    let child = child(|| {
        let members = Members::new().add("web", run_fn(|_, _| Err("port taken".into())));
        Main::new(Parallel::new(members)).quiet().run()
    });
    assert_eq!(
        child.expect_code(1),
        format!("{}: web: port taken\n", program())
    );
}

#[test]
fn a_verbose_program_says_every_start_and_end_in_their_order() {
    let child = child(|| {
        let job = run_fn(|_, ready| {
            ifrit::process::note("half way");
            ready.notify();
            Ok(())
        });
        let group = Ordered::new([Member::new("job", job).one_shot()]);
        Main::new(group).verbose().run()
    });
    let said = lines(&child.expect_code(0));
    let said: Vec<_> = said
        .iter()
        .map(|line| line.split(" after ").next().unwrap())
        .map(|line| line.split(" (ran for ").next().unwrap())
        .collect();
    assert_eq!(
        said,
        [
            "started",
            "job started",
            "job note: half way",
            "job ready",
            "job ended",
            "ready",
            "ended"
        ]
    );
}

#[test]
fn a_runner_that_has_forgotten_to_say_ready_is_said_with_a_hint() {
    let child = child(|| {
        let forgetful = run_fn(|signals, _ready| {
            // As long as a program says nothing, and a little.
            ifrit::until_stop_for(&signals, Duration::from_millis(5_600));
            Ok(())
        });
        let group = Ordered::new(Members::new().add("db", forgetful).add("web", up()));
        Main::new(group).run()
    });
    let report = child.expect_end(0);
    assert_eq!(
        lines(&report)[0],
        "still waiting for db to become ready (5 s); has its runner called ready.notify()?",
        "{report}"
    );
}

#[test]
fn a_stop_that_takes_long_says_for_whom_it_waits_and_which_limit_is_next() {
    let mut child = child(|| {
        let slow = run_fn(|signals, ready| {
            ready.notify();
            say("ready");
            ifrit::until_stop(&signals);
            let _ = ifrit::until_stop_for(&signals, Duration::from_millis(5_600));
            Ok(())
        });
        let group = Ordered::new(Members::new().add("db", up()).add("web", slow));
        Main::new(group).stop_within(Duration::from_secs(100)).run()
    });
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    let report = child.expect_code(0);
    let said = lines(&report);
    assert_eq!(said.len(), 2, "{report}");
    let expected = "still stopping: web (told TERM 5 s ago, KILL in 1 min 3";
    assert!(said[1].starts_with(expected), "{report}");
}

#[test]
fn what_is_given_up_is_said_and_the_report_shows_its_thread() {
    let mut child = child(|| {
        Main::new(Ordered::new(Members::new().add("deaf", deaf())))
            .stop_within(Duration::from_millis(500))
            .run()
    });
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    let report = child.expect_end(143);
    let given_up = "deaf given up: told KILL, it did not return; its thread still runs";
    assert!(lines(&report).contains(&given_up.to_owned()), "{report}");
}

#[test]
fn a_group_that_fails_in_a_stop_for_a_member_says_nothing_that_the_member_has_said() {
    let mut child = child(|| {
        let unsaved = run_fn(|signals, ready| {
            ready.notify();
            say("ready");
            ifrit::until_stop(&signals);
            Err("2 records lost".into())
        });
        let stores = Parallel::new(Members::new().add("db", unsaved));
        ifrit::main(Ordered::new(Members::new().add("stores", stores)))
    });
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    let report = child.expect_code(1);
    assert_eq!(
        lines(&report)[1..],
        ["stores/db ended with an error when told to stop: 2 records lost"],
        "{report}"
    );
}

#[test]
fn a_start_that_takes_too_long_is_said_once_and_so_is_the_name() {
    let child = child(|| {
        let slow = run_fn(|signals, _ready| {
            ifrit::until_stop(&signals);
            Ok(())
        });
        let db = Member::new("db", slow).start_within(Duration::from_millis(20));
        ifrit::main(Ordered::new([db]))
    });
    assert_eq!(
        lines(&child.expect_code(1)),
        ["db ended with an error: not ready within 20ms; the program stops"]
    );
}

#[test]
fn a_start_that_takes_too_long_and_cannot_be_stopped_is_said_once_in_a_group_of_a_group() {
    let child = child(|| {
        let stuck = run_fn(|_, _ready| {
            loop {
                std::thread::park();
            }
        });
        // It is given up after the limit of the group is over, and long before that is given up as well.
        let front = Ordered::new(Members::new().add("web", stuck));
        let front = Member::new("front", front.kill_grace(Duration::from_millis(200)))
            .start_within(Duration::from_millis(500))
            .kill_grace(Duration::from_secs(5));
        ifrit::main(Ordered::new([Member::new("db", up()), front]))
    });
    let report = child.expect_code(1);
    assert_eq!(
        lines(&report),
        [
            "front/web given up: not ready within 500ms, told KILL, it did not return; its thread still runs",
            "front has ended; the program stops"
        ]
    );
    let told = format!("{}: front/web: not ready within 500ms\n", program());
    assert!(report.contains(&told), "{report}");
    assert_eq!(report.matches("not ready within").count(), 2, "{report}");
}

#[test]
fn a_function_hears_all_that_happens_in_its_order_and_nothing_is_printed() {
    let child = child(|| {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let group = Parallel::new([Member::new("job", run_fn(|_, _| Ok(()))).one_shot()]);
        let code = Main::new(group)
            .on_event(move |event| {
                if let What::Started | What::Ready { .. } | What::Exited { .. } = event.what {
                    hears.lock().unwrap().push(event.path.to_string());
                }
            })
            .run();
        for path in heard.lock().unwrap().iter() {
            say(path);
        }
        code
    });
    let ended = child.end();
    assert_eq!(ended.report, "");
    let expected = ["main", "main/job", "main/job", "main", "main"];
    assert_eq!(ended.rest, expected);
}

#[test]
fn a_function_that_panics_hears_the_next_event_all_the_same() {
    let child = child(|| {
        // A backtrace may take longer to print than the end of a program waits.
        std::panic::set_hook(Box::new(|_| {}));
        let heard = Arc::new(Mutex::new(0));
        let hears = Arc::clone(&heard);
        let code = Main::new(run_fn(|_, _| Ok(())))
            .on_event(move |_| {
                *hears
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
                panic!("on purpose")
            })
            .run();
        let heard = *heard
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        say(heard);
        code
    });
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.report);
    assert_eq!(ended.rest, ["2"], "started and exited");
}

#[test]
fn a_function_that_never_returns_holds_up_nothing_but_the_end() {
    let child = child(|| {
        let (_never, blocked) = bounded::<()>(0);
        Main::new(run_fn(|_, _| Ok(())))
            .on_event(move |_| {
                let _ = blocked.recv();
            })
            .run()
    });
    assert_eq!(child.expect_code(0), "");
}

#[test]
fn the_report_comes_also_where_each_event_that_is_heard_makes_another() {
    let mut child = child(|| {
        let (hand_out, process) = bounded(1);
        let mut deaf = deaf();
        let deaf = run_fn(move |signals, ready| {
            hand_out.send(ifrit::current())?;
            deaf.run(signals, ready)
        });
        let mut talks = None;
        Main::new(deaf)
            .stop_within(Duration::from_millis(200))
            .on_event(move |_| {
                talks = talks.take().or_else(|| process.try_recv().ok().flatten());
                if let Some(process) = &talks {
                    process.note("and so on");
                }
            })
            .run()
    });
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    let report = child.expect_end(143);
    assert!(report.contains("still runs"), "{report}");
}

#[test]
fn a_program_that_becomes_ready_calls_its_function() {
    let mut child = child(|| {
        Main::new(listener())
            .on_ready(|| {
                say("now it is");
                panic!("on purpose")
            })
            .run()
    });
    child.expect_all(["ready", "now it is"]);
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn a_program_that_does_not_become_ready_does_not_call_its_function() {
    let child = child(|| {
        Main::new(run_fn(|_, _| Err("no disk".into())))
            .on_ready(|| say("ready after all"))
            .run()
    });
    child.expect_code(1);
}

#[test]
fn a_signal_prints_the_tree_and_the_newest_events_and_stops_nothing() {
    let mut child = child(|| {
        let web = run_fn(|signals, ready| {
            ifrit::process::note("serving 3 clients");
            ready.notify();
            say("ready");
            for signal in signals {
                say(signal);
                if signal.is_stop() {
                    break;
                }
            }
            Ok(())
        });
        Main::new(Ordered::new(Members::new().add("web", web)))
            .quiet()
            .dump_on(Signal::USER1)
            .run()
    });
    child.expect("ready");
    child.signal(Signal::USER1);
    child.expect("SIGUSR1");
    child.expect_printed("main/web: ready after ");
    child.signal(Signal::TERMINATE);
    child.expect("SIGTERM");
    let report = child.expect_code(0);
    assert!(report.contains("the tree:\nmain "), "{report}");
    assert!(report.contains("note: serving 3 clients"), "{report}");
    assert!(report.contains("main/web: ready after "), "{report}");
    // Nor that it is not read yet, which is no wonder.
    assert!(!report.contains("signals not read"), "{report}");
    // Each process was told it, and the report would be full of that.
    assert!(!report.contains("told SIGUSR1"), "{report}");
}

#[test]
fn a_standard_error_that_is_full_holds_up_nothing_but_the_end() {
    // It is read at the end only, and more is said than fits into a pipe.
    let child = child(|| {
        let notes = run_fn(|_, ready| {
            ready.notify();
            for _ in 0..1_000 {
                ifrit::process::note("x".repeat(900));
            }
            Ok(())
        });
        let code = Main::new(notes).verbose().run();
        say("ended");
        code
    });
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(ended.rest, ["ended"]);
    assert!(ended.report.len() > 16_000, "as much as there was room for");
}

#[test]
fn a_standard_error_that_is_closed_harms_nothing() {
    let child = child_unread(|| {
        let members = Members::new().add("web", run_fn(|_, _| Err("port taken".into())));
        let code = Main::new(Parallel::new(members)).verbose().run();
        say("ended");
        code
    });
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.rest, ["ended"]);
}
