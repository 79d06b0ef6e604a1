use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use ifrit::{
    Main, Signal,
    grouper::{Members, Ordered, Parallel},
    run_fn, run_once,
};

use crate::kit::{
    child, child_unread, deaf, listener, program, prompt_steps, say, wait_for_parent,
};

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
    assert_eq!(child.expect_code(1), format!("{}: no disk\n", program()));
}

#[test]
fn a_panic_is_code_101_and_is_reported_with_its_place() {
    let child = child(|| ifrit::main(run_fn(|_, _| panic!("on purpose"))));
    let report = child.expect_code(101);
    let ours = report
        .lines()
        .find(|line| line.starts_with(&format!("{}: ", program())))
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
    let expected = format!("{}: could not save on SIGTERM\n", program());
    let report = child.expect_code(1);
    assert!(report.ends_with(&expected), "{report}");
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
    let expected = format!("{}: SIGKILL cannot be caught\n", program());
    assert_eq!(child.expect_code(1), expected);
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
        Main::new(Ordered::new(members)).quiet().run()
    });
    child.expect("ready");
    child.expect("ready");
    child.go_on();
    child.expect("SIGINT");
    child.expect("SIGINT");
    let report = child.expect_code(1);
    let mut lines = report.lines();
    let first = format!("{}: office/printer: out of paper", program());
    assert_eq!(lines.next(), Some(&*first));
    let followed = lines.next().expect("a line for the clerk");
    assert!(followed.starts_with("├─ office/clerk: stopped"), "{report}");
    let followed = lines.next().expect("a line for db");
    assert!(followed.starts_with("└─ db: stopped"), "{report}");
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
    let ours = format!("{}: an error that cannot be printed", program());
    assert!(report.contains(&ours), "{report}");
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

#[test]
fn an_exit_code_of_ones_own_is_made_of_the_exit() {
    let child = child(|| {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let runner = run_once(|_, _| Err(full.into()));
        Main::new(runner)
            .exit_code(|exit| match exit {
                Err(error) if error.downcast_ref::<io::Error>().is_some() => ExitCode::from(74),
                _ => ExitCode::FAILURE,
            })
            .run()
    });
    let report = child.expect_code(74);
    assert!(report.starts_with(&program()), "{report}");
}

#[test]
fn an_exit_code_of_ones_own_can_make_a_failure_of_an_ok() {
    let child = child(|| {
        Main::new(run_fn(|_, _| Ok(())))
            .exit_code(|exit| if exit.is_ok() { 9 } else { 8 })
            .run()
    });
    assert_eq!(child.expect_code(9), "");
}

#[test]
fn an_exit_code_of_ones_own_counts_after_a_forced_stop_too() {
    let mut child = child(|| {
        Main::new(deaf())
            .escalate(prompt_steps())
            .exit_code(|exit| if exit.is_ok() { 0 } else { 7 })
            .run()
    });
    child.escalate();
    let report = child.expect_end(7);
    assert!(report.contains("was forced"), "{report}");
}

#[test]
fn an_exit_code_of_ones_own_that_panics_leaves_the_usual_one() {
    let child = child(|| {
        let code = |_: &ifrit::Exit| -> ExitCode { panic!("no code") };
        Main::new(run_fn(|_, _| Err("no disk".into())))
            .exit_code(code)
            .run()
    });
    let report = child.expect_code(1);
    assert!(report.contains("no code"), "{report}");
}
