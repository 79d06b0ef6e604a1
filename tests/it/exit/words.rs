//! What an error says: all it knows, and each thing once.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::num::ParseIntError;
use std::time::Duration;

use ifrit::grouper::{Member, Members, Ordered, Parallel};
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{BoxError, Error, Runner, background, run_fn, run_once};

use crate::support::on;

const SECOND: Duration = Duration::from_secs(1);

/// An error with a text and another one below it.
#[derive(Debug)]
struct Told(&'static str, Option<BoxError>);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Told {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|error| error as _)
    }
}

fn told(text: &'static str, source: impl Into<BoxError>) -> Told {
    Told(text, Some(source.into()))
}

fn error_of(error: impl Into<BoxError>) -> Error {
    let error = error.into();
    let process = background(run_once(|_, _| Err(error)));
    process.expect_exit().unwrap_err()
}

#[test]
fn an_error_says_the_sources_of_the_users_error_and_has_none_itself() {
    let invalid: ParseIntError = "x".parse::<u8>().unwrap_err();
    let error = error_of(told("cannot serve", told("bad port", invalid)));
    assert_eq!(
        error.to_string(),
        "cannot serve: bad port: invalid digit found in string"
    );
    assert!(error.source().is_none());
    let panicked = background(run_once(|_, _| {
        std::panic::panic_any(BoxError::from(told("cannot serve", "bad port")))
    }));
    let text = panicked.expect_exit().unwrap_err().to_string();
    assert!(
        text.starts_with("panicked: cannot serve: bad port, at "),
        "{text}"
    );
}

#[test]
fn a_source_that_the_error_above_it_quotes_is_said_once() {
    let quoting = error_of(told("config: no such file", "no such file"));
    assert_eq!(quoting.to_string(), "config: no such file");
    let in_the_middle = error_of(told(
        "cannot read (no such file), giving up",
        "no such file",
    ));
    assert_eq!(
        in_the_middle.to_string(),
        "cannot read (no such file), giving up"
    );
    let part_of_a_word = error_of(told("misconfigured", "configured"));
    assert_eq!(part_of_a_word.to_string(), "misconfigured: configured");
    let transparent = error_of(io::Error::other(told("disk", "full")));
    assert_eq!(transparent.to_string(), "disk: full");
}

#[test]
fn an_exit_passed_on_as_a_cause_says_all_it_knows() {
    let group = Ordered::new([Member::new("web", run_fn(|_, _| Err("port taken".into())))]);
    let inner = background(group).expect_exit().unwrap_err();
    let error = error_of(told("app", inner));
    assert_eq!(error.to_string(), "app: web: port taken [initiator]");
}

#[test]
fn an_error_that_is_its_own_source_is_said_once_and_searched_to_an_end() {
    #[derive(Debug)]
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("endless")
        }
    }
    impl StdError for Endless {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(self)
        }
    }
    let error = error_of(Endless);
    assert_eq!(error.to_string(), "endless");
    assert!(error.downcast_ref::<Endless>().is_some());
    assert!(error.downcast_ref::<io::Error>().is_none());
    assert!(error.stuck().is_empty() && !error.is_fatal());
}

/// Does what it should not, wherever it is asked.
#[derive(Debug)]
enum Rude {
    PanicsWhenPrinted,
    FailsWhenPrinted,
    PanicsWhenAskedForItsSource,
}

impl fmt::Display for Rude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rude::PanicsWhenPrinted => panic!("not to be printed"),
            Rude::FailsWhenPrinted => Err(fmt::Error),
            Rude::PanicsWhenAskedForItsSource => f.write_str("rude"),
        }
    }
}

impl StdError for Rude {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        assert!(
            !matches!(self, Rude::PanicsWhenAskedForItsSource),
            "not to be asked"
        );
        None
    }
}

#[test]
fn an_error_that_cannot_be_printed_is_told_as_such() {
    for (rude, text) in [
        (Rude::PanicsWhenPrinted, "an error that cannot be printed"),
        (Rude::FailsWhenPrinted, "an error that cannot be printed"),
        (Rude::PanicsWhenAskedForItsSource, "rude"),
    ] {
        let error = error_of(told("app", rude));
        assert_eq!(error.to_string(), format!("app: {text}"));
        assert_eq!(error.report().to_string(), format!("app: {text}"));
        assert!(error.downcast_ref::<Rude>().is_some());
        assert!(error.downcast_ref::<io::Error>().is_none());
    }
}

/// The error of a member `db` in a group.
fn error_of_db(runner: impl Runner + 'static, set: impl FnOnce(Member) -> Member) -> Error {
    let db = set(Member::new("db", runner).start_within(SECOND));
    let clock = ManualClock::new();
    let group = on(&clock, Parallel::new([db]).kill_grace(SECOND));
    while group.try_exit().is_none() {
        clock.advance(SECOND);
        group.join_timeout(Duration::from_millis(1));
    }
    group.expect_exit().unwrap_err()
}

#[test]
fn the_name_of_a_member_is_said_once() {
    let late = error_of_db(ifrit::testing::never_ready(), |db| db);
    let text = late.to_string();
    assert!(text.starts_with("db: not ready within "), "{text}");
    assert_eq!(text.matches("db").count(), 1, "{text}");

    let deaf = FakeRunner::new();
    let text = error_of_db(deaf.clone(), |db| db).to_string();
    assert!(text.contains(", and still running (#"), "{text}");
    assert_eq!(text.matches("db").count(), 1, "{text}");
    deaf.wait_for_call().trigger_exit(Ok(()));

    let budget = Budget::new(1, 60 * SECOND);
    let broken = || run_fn(|_, _| Err("disk full".into()));
    let restarter = Restarter::on_error(broken())
        .backoff(Backoff::none())
        .budget(budget);
    let group = Parallel::new(Members::new().add("db", restarter));
    let text = background(group).expect_exit().unwrap_err().to_string();
    assert_eq!(
        text,
        "db: more than 1 restart within 60s: disk full [initiator]"
    );
}

#[test]
fn a_report_of_a_spent_budget_says_the_last_error_first_and_each_line_once() {
    let mut up = false;
    let flaky = run_fn(move |_, ready| {
        if !std::mem::replace(&mut up, true) {
            ready.notify();
        }
        Err("disk full".into())
    });
    let db = Member::new("db", flaky).restart(Restart::permanent().backoff(Backoff::none()));
    let group = || Budget::new(1, 60 * SECOND);
    let inner = Ordered::new([db]).budget(group());
    let error = background(Ordered::new(Members::new().add("app", inner)))
        .expect_exit()
        .unwrap_err();
    assert_eq!(
        error.report().to_string(),
        "\
app/db: disk full
   Gave up on app/db after more than 1 restart within 60s.
   It had failed once before, with the same error"
    );

    let leaf = || Ordered::new([Member::new("db", run_fn(|_, _| Err("disk full".into())))]);
    let restarter = || {
        Restarter::on_error(leaf())
            .backoff(Backoff::none())
            .budget(group())
    };
    let error = background(Ordered::new(Members::new().add("app", restarter())))
        .expect_exit()
        .unwrap_err();
    assert_eq!(
        error.report().to_string(),
        "\
app/db: disk full
   Gave up on app after more than 1 restart within 60s."
    );
    let main = ifrit::Process::builder()
        .name("main")
        .background(restarter());
    assert_eq!(
        main.expect_exit().unwrap_err().report().to_string(),
        "\
db: disk full
   Gave up on main after more than 1 restart within 60s."
    );
}
