//! What an error of a group says, and what can be found in it.

use std::fmt;
use std::io;
use std::time::Duration;

use ifrit::crossbeam_channel::bounded;
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{
    BoxError, Error, Runner, Signal,
    error::Cause,
    grouper::{Member, Members, Ordered, Parallel, QueueOrdered},
};

use crate::support::{end, fakes, on, running_on, trace_of, up};

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

/// The error of a tree three levels deep, on a clock that moves while it stops:
/// `app` is `db`, then `work` (`pool` with `w1` and `w2`, in parallel with `log`), then `web`. `w1` begins the stop.
fn error_of_a_tree() -> Error {
    let clock = ManualClock::new();
    let fakes: [FakeRunner; 5] = std::array::from_fn(|_| FakeRunner::new());
    let [db, w1, w2, log, web] = fakes.clone();
    let pool = QueueOrdered::new(Members::new().add("w1", w1).add("w2", w2));
    let work = Parallel::new(Members::new().add("pool", pool).add("log", log));
    let app = Members::new()
        .add("db", db)
        .add("work", work)
        .add("web", web);
    let app = on(&clock, Ordered::new(app));
    let fakes = {
        let [db, w1, w2, log, web] = fakes;
        [db, log, w1, w2, web]
    };
    let [db, log, w1, w2, web] = up(&fakes);
    app.expect_ready();

    end(&w1, Err(Broken.into()));
    for (call, exit) in [
        (w2, Ok(())),
        (log, Err("disk full".into())),
        (web, Ok(())),
        (db, Ok(())),
    ] {
        assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
        clock.advance(Duration::from_millis(1500));
        end(&call, exit);
    }
    app.expect_exit().unwrap_err()
}

#[test]
fn its_display_names_every_member_at_every_depth_with_exit_and_cause() {
    let error = error_of_a_tree();
    // Each group was told nothing before its own part had ended, or only when its turn came.
    assert_eq!(
        error.to_string(),
        "work: (pool: (w1: broken [initiator]; w2: ok [consequence, 1.5 s]) [initiator]; \
         log: disk full [consequence, 1.5 s]) [initiator]; \
         web: ok [consequence, 1.5 s]; \
         db: ok [consequence, 1.5 s]"
    );
}

#[test]
fn its_report_says_what_began_it_and_then_what_followed_a_line_each() {
    let error = error_of_a_tree();
    assert_eq!(
        error.report().to_string(),
        "\
work/pool/w1: broken
├─ work
│  ├─ pool/w2: stopped (took 1.5 s)
│  └─ log: failed while it was stopped: disk full (took 1.5 s)
├─ web: stopped (took 1.5 s)
└─ db: stopped (took 1.5 s)"
    );
}

#[test]
fn its_root_cause_is_that_of_the_initiator_at_every_depth() {
    let error = error_of_a_tree();
    assert!(matches!(error.root_cause(), Error::Runner(_)));
    assert_eq!(error.root_cause().to_string(), "broken");
}

#[test]
fn the_root_cause_after_a_good_initiator_is_the_first_failure() {
    let clock = ManualClock::new();
    let (fakes, members) = fakes();
    let (group, [a, b, c]) = running_on(&clock, Ordered::new(members), &fakes);
    end(&b, Ok(()));
    for (call, exit) in [(c, Err("first".into())), (a, Err("second".into()))] {
        assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
        end(&call, exit);
    }
    let error = group.expect_exit().unwrap_err();
    assert_eq!(error.root_cause().to_string(), "first");
    assert_eq!(
        error.report().to_string(),
        "\
c: first
│  It failed while it was stopped.
├─ b: ended, which began the stop
└─ a: failed while it was stopped: second"
    );
}

#[test]
fn the_report_of_a_stop_from_outside_names_those_told_and_those_who_ended_by_themselves() {
    let clock = ManualClock::new();
    let once = FakeRunner::new();
    let ([a, b], members) = fakes();
    let step = Member::new("step", once.clone()).one_shot();
    let group = on(&clock, Ordered::new(members.member(step)));
    let [a, b] = up(&[a, b]);
    once.wait_for_call().trigger_exit(Ok(()));
    group.expect_ready();
    group.signal(Signal::TERMINATE);
    assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
    end(&a, Err("crashed".into()));
    clock.advance(Duration::from_secs(2));
    end(&b, Ok(()));
    assert_eq!(
        group.expect_exit().unwrap_err().report().to_string(),
        "\
a: crashed
├─ step: completed
└─ b: stopped (took 2 s)"
    );
}

/// The error of `leaf`, two groups up.
fn error_around(leaf: impl Runner + 'static) -> Error {
    let inner = Ordered::new(Members::new().add("leaf", leaf));
    let outer = Parallel::new(Members::new().add("inner", inner));
    ifrit::background(outer).expect_exit().unwrap_err()
}

#[test]
fn an_error_of_the_user_is_found_through_groups() {
    let error = error_of_a_tree();
    assert!(error.downcast_ref::<Broken>().is_some());
    assert!(error.downcast_ref::<io::Error>().is_none());
}

/// An error of the user with another one below it.
#[derive(Debug)]
struct Above(Broken);

impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("above")
    }
}

impl std::error::Error for Above {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_below_an_error_of_the_user_is_found_through_groups() {
    let error = error_around(ifrit::run_fn(|_, _| Err(Above(Broken).into())));
    assert!(error.downcast_ref::<Above>().is_some());
    assert!(error.downcast_ref::<Broken>().is_some());
}

#[test]
fn an_error_that_a_panic_carries_is_found_through_groups() {
    let as_it_is = error_around(ifrit::run_fn(|_, _| std::panic::panic_any(Broken)));
    assert!(as_it_is.downcast_ref::<Broken>().is_some());
    let boxed = error_around(ifrit::run_fn(|_, _| {
        std::panic::panic_any(BoxError::from(Broken))
    }));
    assert!(boxed.downcast_ref::<Broken>().is_some());
    assert_eq!(
        boxed.root_cause().to_string().split(',').next(),
        Some("panicked: broken")
    );
}

#[test]
fn an_error_of_ours_is_found_through_groups() {
    let error = error_around(ifrit::run_fn(|_, _| Err(Error::AlreadyRan.into())));
    // The first of that type is the outermost.
    assert!(matches!(error.downcast_ref(), Some(Error::Group(_))));
    assert!(matches!(error.root_cause(), Error::AlreadyRan));
}

#[test]
fn a_group_run_by_a_runner_of_the_user_is_seen_through() {
    // What a wrapper passes on with `?` is not wrapped once more.
    let group = Ordered::new([Member::new(
        "leaf",
        ifrit::run_fn(|_, _| Err(Broken.into())),
    )]);
    let mut group = Some(group);
    let wrapper = ifrit::run_fn(move |signals, ready| {
        let mut group = group.take().ok_or("run twice")?;
        group.run(signals, ready)?;
        Ok(())
    });
    let error = error_around(wrapper);
    let text = error.to_string();
    let expected = "inner: (leaf: (leaf: broken [initiator]) [initiator]) [initiator]";
    assert_eq!(text, expected);
    assert!(error.downcast_ref::<Broken>().is_some());
}

#[test]
fn three_members_that_share_a_name_are_all_printed_through_groups() {
    let same = ["x", "x", "x"].map(|name| Member::new(name, FakeRunner::new()));
    let error = error_around(Parallel::new(same));
    assert!(error.to_string().contains("duplicate member names: x, x"));
}

#[test]
fn a_trace_is_a_slice_that_finds_members_by_name() {
    let trace = trace_of(Err(error_of_a_tree()));
    assert_eq!(trace.len(), 3);
    assert_eq!(trace.get("web").unwrap().cause, Cause::Consequence);
    assert!(trace.get("we").is_none());
    let failed: Vec<_> = trace.failures().map(|exit| exit.name.as_str()).collect();
    assert_eq!(failed, ["work"]);
    let names: Vec<_> = (&trace).into_iter().map(|exit| &*exit.name).collect();
    assert_eq!(names, ["work", "web", "db"]);
    assert!(trace.windows(2).all(|pair| pair[0].id != pair[1].id));
}

#[test]
fn every_waiter_gets_the_same_trace() {
    let (gate, opened) = bounded::<()>(0);
    let leaf = ifrit::run_fn(move |_, _| {
        let _ = opened.recv();
        Err(Broken.into())
    });
    let group = ifrit::background(Ordered::new(Members::new().add("leaf", leaf)));
    let early = [group.wait(), group.wait()];
    drop(gate);
    let exits = early.map(|wait| wait.recv().unwrap());
    for exit in exits
        .into_iter()
        .chain([group.join(), group.wait().recv().unwrap()])
    {
        let trace = trace_of(exit);
        assert_eq!(trace.to_string(), "leaf: broken [initiator]");
    }
}
