//! Groups inside groups: who is restarted when one gives up.

use ifrit::grouper::{Ordered, Strategy};
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{FakeRunner, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

/// "inner" with "a" and "b", and "beside" it "c".
fn nested(fakes: &[FakeRunner; 3], strategy: Strategy, outer: Budget) -> Ordered {
    let [a, b, c] = fakes;
    let inner = Ordered::new([
        Member::new("a", a.clone()).restart(permanent()),
        Member::new("b", b.clone()).restart(permanent()),
    ]);
    Ordered::new([
        Member::new("inner", inner.budget(Budget::new(1, SECOND))).restart(permanent()),
        Member::new("c", c.clone()).restart(permanent()),
    ])
    .strategy(strategy)
    .budget(outer)
}

#[test]
fn a_group_that_has_used_up_its_budget_is_restarted_whole_by_its_parent() {
    let fakes @ [a, b, _] = &fakes();
    let group = nested(fakes, Strategy::OneForOne, Budget::new(1, SECOND));
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    a1.fails();
    up(a).fails(); // one too many
    told(&b1, Signal::INTERRUPT);
    let (a3, b2) = (up(a), up(b));
    // With a fresh budget.
    a3.fails();
    let a4 = up(a);
    running.stop(&[&c1, &b2, &a4]).unwrap();
    assert_eq!(calls(fakes), [4, 2, 1]);
}

#[test]
fn what_its_parent_restarts_with_it_comes_back_too() {
    let fakes @ [a, _, _] = &fakes();
    let group = nested(fakes, Strategy::OneForAll, Budget::new(1, SECOND));
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    a1.fails();
    up(a).fails();
    told(&b1, Signal::INTERRUPT);
    told(&c1, Signal::INTERRUPT);
    let [a3, b2, c2] = all_up(fakes);
    running.stop(&[&c2, &b2, &a3]).unwrap();
}

#[test]
fn when_the_parent_gives_up_as_well_the_error_has_it_all() {
    #[derive(Debug, thiserror::Error)]
    #[error("out of paper")]
    struct OutOfPaper;

    let fakes @ [a, b, _] = &fakes();
    let group = nested(fakes, Strategy::OneForOne, Budget::new(0, SECOND));
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    a1.fails();
    up(a).trigger_exit(Err(OutOfPaper.into()));
    told(&b1, Signal::INTERRUPT);
    told(&c1, Signal::INTERRUPT);

    let error = running.process.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<OutOfPaper>().is_some());
    let trace = trace_of(Err(error));
    let inner = trace.initiator().unwrap();
    assert_eq!(inner.name, "inner");
    let Err(Error::RestartBudget {
        restarts: 0,
        source: Some(source),
        ..
    }) = &inner.exit
    else {
        panic!("{trace}");
    };
    let inner = trace_of(Err(Error::clone(source)));
    let last = inner.initiator().unwrap();
    assert_eq!(last.name, "a");
    assert!(matches!(
        last.exit,
        Err(Error::RestartBudget { restarts: 1, .. })
    ));
    assert_eq!((a.calls(), b.calls()), (2, 1));
}

#[test]
fn a_child_group_hears_the_stop_in_the_middle_of_its_own_delay() {
    let fakes @ [a] = &fakes();
    let later = Restart::permanent().backoff(Backoff::constant(SECOND));
    let inner = Ordered::new(members(fakes, later));
    let outer = Ordered::new([Member::new("inner", inner).restart(permanent())]);
    let running = Running::new(outer);
    let a1 = up(a);
    running.process.expect_ready();
    a1.fails();
    running.clock.wait_for_timers(1);
    running.process.signal(Signal::TERMINATE);
    running.process.expect_exit().unwrap();
    assert_eq!(a.calls(), 1);
}

#[test]
fn a_member_that_has_left_a_thread_behind_is_not_restarted() {
    let fakes @ [a, b] = &fakes();
    let [first, second] = std::array::from_fn(|n| Member::new(name(n), fakes[n].clone()));
    let inner = Ordered::new([first.stop_within(5 * SECOND), second]);
    let running = Running::new(Ordered::new([
        Member::new("inner", inner).restart(permanent())
    ]));
    let [stuck, cause] = all_up(fakes);
    running.process.expect_ready();
    cause.fails();
    assert_eq!(stuck.wait_for_signal(), Signal::INTERRUPT);
    running.clock.advance_to_next();
    assert_eq!(stuck.wait_for_signal(), Signal::KILL);
    running.clock.advance_to_next();

    let error = running.process.expect_exit().unwrap_err();
    assert_eq!(error.stuck()[0].name, "a");
    assert_eq!((a.calls(), b.calls()), (1, 1));
    stuck.ends(How::Ok);
}
