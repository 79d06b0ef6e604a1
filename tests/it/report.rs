//! What a failed run says to the person who is woken by it, line by line.

use std::fmt;
use std::time::Duration;

use ifrit::crossbeam_channel::bounded;
use ifrit::grouper::{Member, Members, Ordered, Parallel};
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{FakeRunner, ManualClock, Waiting, never_ready};
use ifrit::{BoxError, BoxRunner, Error, Runner, Signal, background, run_fn, run_once};

use crate::support::{end, fakes, on, running_on, up};

const SECOND: Duration = Duration::from_secs(1);

fn steady() -> impl Runner {
    run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}

fn fails(text: &'static str) -> impl Runner {
    run_fn(move |_, _| Err(text.into()))
}

/// The report of a runner that ends by itself, without how long what took.
fn report(runner: impl Runner + 'static) -> String {
    let error = background(runner).expect_exit().unwrap_err();
    without_times(&error.report().to_string())
}

fn without_times(report: &str) -> String {
    let mut parts = report.split(" (took ");
    let mut text = parts.next().unwrap().to_owned();
    text.extend(parts.map(|part| part.split_once(')').unwrap().1));
    text
}

/// A runner that stays up, and fails when it is told to stop.
fn fails_when_stopped() -> impl Runner {
    run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Err("cannot flush".into())
    })
}

/// A report without the numbers of threads, and without what the kernel says of them.
fn without_numbers(report: &str) -> String {
    let lines = report.lines().map(|line| match line.split_once("thread ") {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            let rest = rest.split([',', ';']).next().unwrap();
            format!("{before}thread N{rest}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_port_that_is_taken_when_the_group_starts() {
    let members = Members::new()
        .add("db", steady())
        .add("web", fails("port 80 is taken"))
        .add("never started", steady());
    assert_eq!(
        report(Ordered::new(members)),
        "\
web: port 80 is taken
└─ db: stopped"
    );
}

#[test]
fn a_process_that_is_no_group_says_its_error() {
    assert_eq!(report(fails("no disk")), "no disk");
}

#[test]
fn a_runner_that_has_forgotten_to_say_ready() {
    let clock = ManualClock::new();
    let forgetful = run_fn(|signals, _ready| {
        ifrit::until_stop(&signals);
        Ok(())
    });
    let group = Ordered::new([Member::new("db", forgetful).start_within(5 * SECOND)]);
    let group = on(&clock, group);
    assert_eq!(clock.advance_to_next(), 5 * SECOND);
    assert_eq!(
        group.expect_exit().unwrap_err().report().to_string(),
        "db: not ready within 5s; was `ready.notify()` forgotten?"
    );
}

#[test]
fn a_runner_that_is_not_ready_in_time_and_does_not_stop_either() {
    let clock = ManualClock::new();
    let deaf = FakeRunner::new();
    let group = Ordered::new([Member::new("db", deaf.clone()).start_within(5 * SECOND)]);
    let group = on(&clock, group);
    let call = deaf.wait_for_call();
    for told in [Signal::INTERRUPT, Signal::KILL] {
        clock.advance_to_next();
        assert_eq!(call.wait_for_signal(), told);
    }
    clock.advance_to_next(); // the grace is over
    let report = group.expect_exit().unwrap_err().report().to_string();
    assert_eq!(
        without_numbers(&report),
        "\
db: not ready within 5s
   thread N still runs"
    );
    call.trigger_exit(Ok(()));
}

#[test]
fn a_panic_says_where_it_was() {
    let panics = run_fn(|_, ready| {
        ready.notify();
        panic!("index out of bounds")
    });
    let group = Ordered::new(Members::new().add("db", steady()).add("web", panics));
    let report = report(group);
    let (first, rest) = report.split_once('\n').unwrap();
    assert!(
        first.starts_with("web: panicked: index out of bounds, at tests/it/report.rs:"),
        "{report}"
    );
    assert_eq!(rest, "└─ db: stopped");
}

/// A member that is up once, and fails with these errors.
fn crashes(errors: &'static [&'static str]) -> Member {
    let mut errors = errors.iter();
    let mut up = false;
    let runner = run_fn(move |_, ready| {
        if !std::mem::replace(&mut up, true) {
            ready.notify();
        }
        Err((*errors.next().unwrap()).into())
    });
    Member::new("worker", runner).restart(Restart::permanent().backoff(Backoff::none()))
}

#[test]
fn a_member_whose_restarts_are_used_up() {
    let budget = Budget::new(2, 60 * SECOND);
    let group = |errors| {
        let members = Members::new().add("db", steady()).member(crashes(errors));
        Ordered::new(members).budget(budget)
    };
    assert_eq!(
        report(group(&["refused", "refused", "refused"])),
        "\
worker: refused
│  Gave up on worker after more than 2 restarts within 60s.
│  It had failed 2 times before, the last time with the same error
└─ db: stopped"
    );
    assert_eq!(
        report(group(&["refused", "reset\nby peer", "no route"])),
        "\
worker: no route
│  Gave up on worker after more than 2 restarts within 60s.
│  It had failed 2 times before, the last time with this error: reset\\nby peer
└─ db: stopped"
    );
}

#[test]
fn why_a_member_was_not_restarted_stands_below_its_error() {
    let with = |runner: BoxRunner, restart: Restart| {
        report(Ordered::new([
            Member::new("db", steady()),
            Member::new("web", runner).restart(restart.backoff(Backoff::none())),
        ]))
    };
    let later = |error: fn() -> BoxError| -> BoxRunner {
        Box::new(run_fn(move |_, ready| {
            ready.notify();
            Err(error())
        }))
    };
    let once: BoxRunner = Box::new(run_once(|_, ready| {
        ready.notify();
        Err("refused".into())
    }));
    let table = [
        (
            with(Box::new(fails("refused")), Restart::permanent()),
            "It was not restarted, since it had never been ready.",
        ),
        (
            with(later(|| ifrit::fatal("refused")), Restart::permanent()),
            "It was not restarted, since its error is fatal.",
        ),
        (
            with(later(|| ifrit::fatal("refused")), Restart::temporary()),
            "It was not restarted, since its error is fatal.",
        ),
        (
            with(
                later(|| "refused".into()),
                Restart::permanent().only_if(|_| false),
            ),
            "It was not restarted, since its policy restarts it only after other errors.",
        ),
        (
            with(once, Restart::permanent()),
            "\
It was not restarted, since its runner can run only once.
│  It had failed once before, with the same error",
        ),
    ];
    for (report, why) in table {
        assert_eq!(report, format!("web: refused\n│  {why}\n└─ db: stopped"));
    }
    assert_eq!(
        report(run_fn(|_, _| Err(ifrit::fatal("refused")))),
        "refused\n   It is fatal: nothing is restarted after it."
    );
}

#[test]
fn a_first_end_without_an_error_says_why_it_was_the_last() {
    let leaves = Member::new("web", run_fn(|_, _| Ok(()))).restart(Restart::permanent());
    let group = Ordered::new([Member::new("db", fails_when_stopped()), leaves]);
    assert_eq!(
        report(group),
        "\
db: cannot flush
│  It failed while it was stopped.
└─ web: ended, which began the stop; it was not restarted, since it had never been ready"
    );
}

#[test]
fn what_was_healed_before_another_member_failed() {
    let budget = Budget::new(9, 60 * SECOND);
    let (fail, told) = bounded::<()>(0);
    let mut failed = 0;
    let flaky = run_fn(move |signals, ready| {
        failed += 1;
        if failed <= 3 {
            if failed == 1 {
                ready.notify();
            }
            return Err(format!("reset {failed}").into());
        }
        let _ = fail.send(()); // the other one fails now
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    });
    let bad = run_fn(move |_, ready| {
        ready.notify();
        let _ = told.recv();
        Err("disk full".into())
    });
    let flaky = Member::new("feed", flaky).restart(Restart::permanent().backoff(Backoff::none()));
    let group = Parallel::new([flaky, Member::new("disk", bad)]).budget(budget);
    assert_eq!(
        report(group),
        "\
disk: disk full
└─ feed: stopped
      It had failed 3 times before, the last time with this error: reset 3"
    );
}

#[test]
fn a_thread_that_is_stuck() {
    let clock = ManualClock::new();
    let ([db, web], members) = fakes();
    let group = Ordered::new(members).stop_within(30 * SECOND);
    let (group, [db, web]) = running_on(&clock, group, &[db, web]);
    group.signal(Signal::TERMINATE);
    assert_eq!(web.wait_for_signal(), Signal::TERMINATE);
    clock.advance_to_next();
    assert_eq!(web.wait_for_signal(), Signal::KILL);
    clock.advance_to_next();
    assert_eq!(db.wait_for_signal(), Signal::TERMINATE);
    end(&db, Ok(()));
    let error = group.expect_exit().unwrap_err();
    let report = error.report().to_string();
    assert_eq!(
        without_numbers(&report),
        "\
b: told TERM, then KILL, and did not stop within 30s
│  thread N still runs
└─ a: stopped"
    );
    #[cfg(target_os = "linux")]
    {
        let stuck = error.stuck()[0];
        let line = format!("thread {} still runs, ", stuck.os_thread_id.unwrap());
        assert!(report.contains(&line), "{report}");
        assert!(report.contains(stuck.kernel_state().unwrap()), "{report}");
    }
    // What it was told is none of its own doing.
    let last = "; it last did something of itself 29 s before it was given up: it became ready\n";
    assert!(report.contains(last), "{report}");
    web.trigger_exit(Ok(()));
}

#[test]
fn what_a_stuck_thread_has_noted_is_what_it_did_last() {
    let clock = ManualClock::new();
    let deaf = FakeRunner::new();
    let group = Ordered::new([Member::new("db", deaf.clone())]).stop_within(10 * SECOND);
    let group = on(&clock, group);
    let call = deaf.wait_for_call();
    let db = group.find("db").unwrap();
    call.trigger_ready();
    group.expect_ready();
    db.note("flushing 3 files");
    group.signal(Signal::TERMINATE);
    clock.advance_to_next();
    clock.advance_to_next();
    let error = group.expect_exit().unwrap_err();
    let last = error.stuck()[0].last_event();
    assert_eq!(
        last,
        Some("10 s before it was given up: it noted: flushing 3 files")
    );
    call.trigger_exit(Ok(()));
}

#[test]
fn nested_groups_and_a_group_of_which_nothing_else_is_to_be_told() {
    let pool = Parallel::new(
        Members::new()
            .add("w1", steady())
            .add("w2", fails("disk full")),
    );
    let alone =
        Ordered::new(Members::new().add("cache", Parallel::new([Member::new("c", steady())])));
    let app = Ordered::new(Members::new().add("alone", alone).add(
        "back",
        Ordered::new(Members::new().add("log", steady()).add("pool", pool)),
    ));
    assert_eq!(
        report(app),
        "\
back/pool/w2: disk full
├─ back
│  ├─ pool/w1: stopped
│  └─ log: stopped
└─ alone: stopped"
    );
}

#[test]
fn an_essential_member_that_ends_without_having_been_told_to() {
    let done = run_fn(|_, ready| {
        ready.notify();
        Ok(())
    });
    let members = Members::new()
        .add("db", steady())
        .member(Member::new("web", done).essential());
    assert_eq!(
        report(Ordered::new(members)),
        "\
web: ended without having been told to
└─ db: stopped"
    );
}

#[test]
fn two_failures_at_once() {
    let clock = ManualClock::new();
    let (fakes, members) = fakes();
    let group = on(&clock, Parallel::new(members).without_termination());
    let [a, b, c] = up(&fakes);
    group.expect_ready();
    end(&b, Err("first".into()));
    end(&c, Err("second\nbecause of this".into()));
    end(&a, Ok(()));
    assert_eq!(
        group.expect_exit().unwrap_err().report().to_string(),
        "\
b: first
├─ c: failed, too: second
│     because of this
└─ a: ended by itself"
    );
}

#[test]
fn a_thread_that_cannot_be_started() {
    let error = Error::Spawn {
        name: "web".into(),
        source: std::io::Error::from_raw_os_error(11).into(),
    };
    let group = Ordered::new(
        Members::new()
            .add("db", steady())
            .add("web", run_once(|_, _| Err(error.into()))),
    );
    assert_eq!(
        report(group),
        "\
web: cannot start a thread: Resource temporarily unavailable (os error 11)
└─ db: stopped"
    );
}

#[test]
fn a_member_that_fails_while_it_is_stopped() {
    let clock = ManualClock::new();
    let (fakes, members) = fakes();
    let (group, [a, b]) = running_on(&clock, Parallel::new(members), &fakes);
    group.signal(Signal::TERMINATE);
    assert_eq!(a.wait_for_signal(), Signal::TERMINATE);
    assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
    clock.advance(2 * SECOND);
    end(&a, Err("cannot flush".into()));
    end(&b, Err("cannot flush either".into()));
    assert_eq!(
        group.expect_exit().unwrap_err().report().to_string(),
        "\
a: cannot flush
│  It failed while it was stopped (took 2 s).
└─ b: failed while it was stopped: cannot flush either (took 2 s)"
    );
}

#[test]
fn hundreds_of_members_that_fail_are_counted() {
    let (all, oks) = (200, 100);
    let members = (0..all).map(|n| Member::new(format!("w{n}"), fails_when_stopped()));
    let well = (0..oks).map(|n| Member::new(format!("ok{n}"), steady()));
    let group = ifrit::invoke(Parallel::new(members.chain(well)));
    group.signal(Signal::TERMINATE);
    let error = group.expect_exit().unwrap_err();
    let report = error.report().to_string();
    let lines: Vec<_> = report.lines().collect();
    assert!(lines[0].ends_with(": cannot flush"), "{report}");
    // The first, what is known of it, those that are listed, and two counts.
    assert_eq!(lines.len(), 2 + 19 + 2, "{report}");
    assert!(
        report.ends_with("├─ 180 more failed\n└─ 100 ended ok"),
        "{report}"
    );
}

#[test]
fn many_groups_are_told_in_so_many_lines_and_the_rest_is_counted() {
    let group = |n: usize| {
        let members = (0..10).map(|m| Member::new(format!("m{m}"), fails_when_stopped()));
        Member::new(format!("g{n}"), Parallel::new(members))
    };
    let group = ifrit::invoke(Parallel::new((0..20).map(group)));
    group.signal(Signal::TERMINATE);
    let report = group.expect_exit().unwrap_err().report().to_string();
    // The first, what is known of it, and eighty places: the first group, and seven more, of which the last is cut.
    assert_eq!(report.lines().count(), 2 + 80 + 1, "{report}");
    assert!(report.ends_with(" more failed"), "{report}");
    let listed = report.matches(": failed while it was stopped: ").count();
    let counted = report.rsplit_once("… ").unwrap().1;
    let counted: usize = counted.split_once(' ').unwrap().0.parse().unwrap();
    assert_eq!(1 + listed + counted, 200, "{report}");
}

#[test]
fn names_and_errors_break_no_line_and_move_no_cursor() {
    let group = Ordered::new(
        Members::new()
            .add("a\n\u{1b}[2J", steady())
            .add("b/\r", fails("one\r\n\u{1b}[31mtwo\ttabbed\n")),
    );
    assert_eq!(
        report(group),
        "\
b%2F\\r: one
│  \\u{1b}[31mtwo\ttabbed
└─ a\\n\\u{1b}[2J: stopped"
    );
}

#[test]
fn an_error_of_a_megabyte_and_a_name_of_one_are_cut() {
    let long = "x".repeat(1 << 20);
    let text = long.clone();
    let runner = run_fn(move |_, _| Err(text.clone().into()));
    let report = report(Ordered::new(Members::new().add(long, runner)));
    assert!(report.len() < 10_000, "{}", report.len());
    assert!(report.contains('…'));
}

#[test]
fn an_error_that_panics_when_it_is_printed_is_told_as_such() {
    #[derive(Debug)]
    struct Rude;
    impl fmt::Display for Rude {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("not to be printed")
        }
    }
    impl std::error::Error for Rude {}
    let rude = run_once(|_, _| Err(Rude.into()));
    let group = Ordered::new(Members::new().add("db", steady()).add("web", rude));
    assert_eq!(
        report(group),
        "\
web: an error that cannot be printed
└─ db: stopped"
    );
}

#[test]
fn a_process_that_is_given_up_names_what_is_stuck_below_it() {
    let clock = ManualClock::new();
    let deaf = FakeRunner::new();
    let inner = deaf.clone();
    // It starts a process of its own and waits for it, whatever it is told.
    let holder = run_fn(move |_, ready| {
        ready.notify();
        Ok(background(inner.clone()).join()?)
    });
    let group = Ordered::new([Member::new("holder", holder).stop_within(10 * SECOND)]);
    let group = on(&clock, group);
    let call = deaf.wait_for_call();
    group.expect_ready();
    group.signal(Signal::QUIT);
    clock.advance_to_next();
    clock.advance_to_next();
    let report = group.expect_exit().unwrap_err().report().to_string();
    assert_eq!(
        without_numbers(&report),
        "\
holder: told QUIT, then KILL, and did not stop within 10s
   FakeRunner: thread N still runs"
    );
    call.trigger_exit(Ok(()));
}

#[test]
fn never_ready_runners_that_return_an_error_when_told_to_stop_say_it() {
    let clock = ManualClock::new();
    let sulks = run_fn(|signals, _ready| {
        ifrit::until_stop(&signals);
        Err("no database".into())
    });
    let group = Ordered::new([
        Member::new("db", sulks).start_within(5 * SECOND),
        Member::new("web", never_ready()),
    ]);
    let group = on(&clock, group);
    assert_eq!(clock.advance_to_next(), 5 * SECOND);
    assert_eq!(
        group.expect_exit().unwrap_err().report().to_string(),
        "db: not ready within 5s: no database"
    );
}
