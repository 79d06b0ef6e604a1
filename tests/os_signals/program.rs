use std::error::Error;
use std::fmt;
use std::time::Duration;

use ifrit::{
    Main, Signal,
    grouper::{Members, Ordered, Parallel},
    run_fn,
};

use crate::kit::{child, child_unread, listener, say, wait_for_parent};

#[test]
fn a_run_that_ends_well_is_code_0_and_no_report() {
    let child = child(|| {
        ifrit::main(run_fn(|_, ready| {
            ready.notify();
            Ok(())
        }))
    });
    assert_eq!(child.expect_code(0), "");
}

#[test]
fn an_error_is_code_1_and_is_reported() {
    let child = child(|| ifrit::main(run_fn(|_, _| Err("no disk".into()))));
    assert_eq!(child.expect_code(1), "ifrit: no disk\n");
}

#[test]
fn a_panic_is_code_101_and_is_reported_with_its_place() {
    let child = child(|| ifrit::main(run_fn(|_, _| panic!("on purpose"))));
    let report = child.expect_code(101);
    let ours = report
        .lines()
        .find(|line| line.starts_with("ifrit: "))
        .expect("a report");
    assert!(ours.contains("panicked: on purpose, at "), "{report}");
    assert!(ours.contains("program.rs"), "{report}");
}

#[test]
fn a_panic_of_a_member_is_code_101() {
    let child = child(|| {
        let members = Members::new()
            .add("db", listener())
            .add("web", run_fn(|_, _| panic!("on purpose")));
        ifrit::main(Parallel::new(members))
    });
    child.expect_end(101);
}

#[test]
fn an_error_after_a_signal_is_code_1() {
    let mut child = child(|| {
        ifrit::main(run_fn(|signals, ready| {
            say("ready");
            ready.notify();
            Err(format!("could not save on {}", ifrit::until_stop(&signals)).into())
        }))
    });
    child.expect("ready");
    child.signal(Signal::TERMINATE);
    assert_eq!(child.expect_code(1), "ifrit: could not save on SIGTERM\n");
}

#[test]
fn a_program_that_cannot_start_is_code_1_and_says_why() {
    let child = child(|| Main::new(listener()).stop_within(Duration::ZERO).run());
    let report = child.expect_code(1);
    assert!(report.contains("stop_within is zero"), "{report}");
}

#[test]
fn a_signal_that_cannot_be_caught_is_code_1_and_named() {
    let child = child(|| Main::new(listener()).only([Signal::KILL]).run());
    assert_eq!(child.expect_code(1), "ifrit: SIGKILL cannot be caught\n");
}

#[test]
fn the_report_names_who_began_it_and_what_followed_at_every_depth() {
    let mut child = child(|| {
        let failing = run_fn(|_, ready| {
            ready.notify();
            wait_for_parent();
            Err("out of paper".into())
        });
        let office = Ordered::new(
            Members::new()
                .add("clerk", listener())
                .add("printer", failing),
        );
        let members = Members::new().add("db", listener()).add("office", office);
        ifrit::main(Ordered::new(members))
    });
    child.expect("ready");
    child.expect("ready");
    child.go_on();
    child.expect("SIGINT");
    child.expect("SIGINT");
    let report = child.expect_code(1);
    let mut lines = report.lines();
    assert_eq!(lines.next(), Some("ifrit: out of paper"));
    assert_eq!(
        lines.next(),
        Some("  began it: office/printer: out of paper")
    );
    let followed = lines.next().expect("a line for the clerk");
    assert!(
        followed.starts_with("  followed: office/clerk: ok (after "),
        "{report}"
    );
    let followed = lines.next().expect("a line for db");
    assert!(
        followed.starts_with("  followed: db: ok (after "),
        "{report}"
    );
    assert_eq!(lines.next(), None);
}

#[test]
fn an_error_that_panics_when_it_is_printed_is_code_1() {
    #[derive(Debug)]
    struct Shy;
    impl fmt::Display for Shy {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("not to be printed")
        }
    }
    impl Error for Shy {}
    let child = child(|| ifrit::main(run_fn(|_, _| Err(Shy.into()))));
    let report = child.expect_code(1);
    let ours = "ifrit: an error that cannot be printed";
    assert!(report.contains(ours), "{report}");
}

#[test]
fn a_closed_standard_error_harms_nothing() {
    let mut child = child_unread(|| {
        ifrit::main(run_fn(|_, _| {
            say("up");
            wait_for_parent();
            Err("unheard".into())
        }))
    });
    child.expect("up");
    child.go_on();
    child.expect_code(1);
}
