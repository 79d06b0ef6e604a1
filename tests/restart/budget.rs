//! How many restarts are too many.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use ifrit::grouper::Ordered;
use ifrit::restart::{Backoff, Budget, Next, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

fn within(budget: Budget, fake: &FakeRunner) -> Restarter<FakeRunner> {
    Restarter::new(fake.clone(), |_, _| Next::Again).budget(budget)
}

fn is_over(process: &Process) -> bool {
    matches!(process.expect_exit(), Err(Error::RestartBudget { .. }))
}

#[test]
fn a_budget_of_none_gives_up_at_the_first_end() {
    let fake = FakeRunner::new();
    let process = ifrit::background(within(Budget::new(0, SECOND), &fake));
    up(&fake).fails();
    assert!(is_over(&process));
    assert_eq!(fake.calls(), 1);
}

#[test]
fn so_many_are_allowed_and_one_more_is_not() {
    for restarts in [1, 2, 7] {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = on(&clock, within(Budget::new(restarts, SECOND), &fake));
        for _ in 0..=restarts {
            fake.wait_for_call().fails();
        }
        assert!(is_over(&process));
        assert_eq!(fake.calls(), restarts + 1);
    }
}

#[test]
fn an_ok_end_that_is_followed_by_a_restart_counts_as_well() {
    let fake = FakeRunner::new();
    let process = ifrit::background(within(Budget::new(2, 60 * SECOND), &fake));
    for _ in 0..3 {
        fake.wait_for_call().ends(How::Ok);
    }
    match process.expect_exit() {
        Err(Error::RestartBudget {
            source: None,
            history,
            ..
        }) => {
            assert_eq!(history.len(), 3);
            assert!(history.iter().all(Result::is_ok));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_time_of_zero_is_refused_and_nothing_starts() {
    let fake = FakeRunner::new();
    let process = ifrit::background(within(Budget::new(1, Duration::ZERO), &fake));
    assert!(matches!(
        process.expect_exit(),
        Err(Error::ZeroDeadline {
            option: "budget",
            ..
        })
    ));

    let group = Ordered::new([Member::new("a", fake.clone())]);
    let process = ifrit::background(group.budget(Budget::new(1, Duration::ZERO)));
    assert!(matches!(
        process.expect_exit(),
        Err(Error::ZeroDeadline {
            option: "budget",
            ..
        })
    ));
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_restart_counts_until_exactly_its_time_is_over() {
    let edge = 10 * SECOND;
    let before = edge - Duration::from_nanos(1);
    for (time, survives) in [(before, false), (edge, true)] {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = on(&clock, within(Budget::new(2, edge), &fake));
        fake.wait_for_call().fails(); // at 0
        let second = fake.wait_for_call();
        clock.advance(SECOND);
        second.fails(); // at 1
        let third = fake.wait_for_call();
        clock.advance(time - SECOND);
        third.fails();
        if survives {
            fake.wait_for_call().fails(); // the one at 1 still counts, and this is the third
        }
        assert!(is_over(&process));
        assert_eq!(fake.calls(), if survives { 4 } else { 3 });
    }
}

#[test]
fn time_spent_in_delays_counts() {
    // One restart a second is never too many where two a second are allowed.
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let restarter = within(Budget::new(1, SECOND), &fake).backoff(Backoff::constant(SECOND));
    let process = on(&clock, restarter);
    for _ in 0..20 {
        fake.wait_for_call().fails();
        clock.advance_to_next();
    }
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn the_clock_may_stand_still() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, within(Budget::new(100, Duration::MAX), &fake));
    for _ in 0..=100 {
        fake.wait_for_call().fails();
    }
    assert!(is_over(&process));
}

#[test]
fn the_error_tells_who_how_many_the_last_error_and_the_history() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, within(Budget::new(2, 10 * SECOND), &fake));
    fake.wait_for_call().trigger_exit(Err("first".into()));
    fake.wait_for_call().ends(How::Ok);
    let last = io::Error::new(io::ErrorKind::AddrInUse, "last");
    fake.wait_for_call().trigger_exit(Err(last.into()));

    let error = process.expect_exit().unwrap_err();
    assert_eq!(
        error.to_string(),
        "app: more than 2 restarts within 10s: last"
    );
    assert!(error.source().is_none(), "the text has it");
    let found = error.downcast_ref::<io::Error>().unwrap();
    assert_eq!(found.kind(), io::ErrorKind::AddrInUse);
    let Error::RestartBudget {
        name,
        restarts,
        within,
        history,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!((&**name, *restarts, *within), ("app", 2, 10 * SECOND));
    let history: Vec<_> = history
        .iter()
        .map(|exit| exit.as_ref().map_err(|e| e.to_string()))
        .collect();
    assert_eq!(
        history,
        [Err("first".to_owned()), Ok(&()), Err("last".to_owned())]
    );
}

#[test]
fn the_history_has_only_what_still_counted() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, within(Budget::new(1, 10 * SECOND), &fake));
    fake.wait_for_call().trigger_exit(Err("long ago".into()));
    let second = fake.wait_for_call();
    clock.advance(10 * SECOND);
    second.trigger_exit(Err("lately".into()));
    fake.wait_for_call().trigger_exit(Err("now".into()));
    let Err(Error::RestartBudget { history, .. }) = process.expect_exit() else {
        panic!();
    };
    let texts: Vec<_> = history
        .iter()
        .map(|exit| exit.clone().unwrap_err().to_string())
        .collect();
    assert_eq!(texts, ["lately", "now"]);
}

#[test]
fn a_panic_is_the_last_error_too() {
    let fake = FakeRunner::new();
    let process = ifrit::background(within(Budget::new(0, SECOND), &fake));
    fake.wait_for_call().trigger_panic("out of luck");
    let error = process.expect_exit().unwrap_err();
    assert!(error.to_string().contains("out of luck"), "{error}");
    assert!(matches!(error.root_cause(), Error::Panicked(_)));
}

#[test]
fn a_group_has_one_budget_for_all_its_members() {
    let fakes @ [a, b, c] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).budget(Budget::new(2, SECOND));
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    running.fails("a", &a1);
    let a2 = up(a);
    running.fails("b", &b1);
    let b2 = up(b);
    c1.trigger_exit(Err(io::Error::from(io::ErrorKind::StorageFull).into()));
    told(&b2, Signal::INTERRUPT);
    told(&a2, Signal::INTERRUPT);

    let error = running.process.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_some());
    let trace = trace_of(Err(error));
    let last = trace.initiator().unwrap();
    assert_eq!(last.name, "c");
    let Err(Error::RestartBudget { name, history, .. }) = &last.exit else {
        panic!("{trace}");
    };
    assert_eq!((&**name, history.len()), ("c", 3));
    assert_eq!(calls(&[a.clone(), b.clone(), c.clone()]), [2, 2, 1]);
}

#[test]
fn each_run_has_the_whole_budget() {
    let fakes @ [a] = &fakes();
    let group = Ordered::new(members(fakes, permanent())).budget(Budget::new(1, SECOND));
    // The group itself is restarted when its budget is used up.
    let clock = ManualClock::new();
    let process = on(&clock, Restarter::new(group, |_, _| Next::Again));
    for _ in 0..6 {
        up(a).fails();
    }
    let call = up(a);
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}
