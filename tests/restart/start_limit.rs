//! The limit of a group's start, while members wait for their restart.

use ifrit::error::Cause;
use ifrit::grouper::{Group, Order, Ordered, Parallel, Strategy};
use ifrit::observe::What;
use ifrit::restart::{Backoff, Restart};
use ifrit::testing::{FakeRunner, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::{Ends, Running, SECOND, calls, fakes, members, told, up};

fn in_an_hour() -> Restart {
    Restart::permanent().backoff(Backoff::constant(3_600 * SECOND))
}

/// A group that has ten seconds to become ready.
fn limited<O: Order>(fakes: &[FakeRunner; 2], restart: Restart) -> Group<O> {
    Group::new(members(fakes, restart)).start_within(10 * SECOND)
}

/// `a` was not up in time: the error has the limit that was set, and what had gone wrong.
fn failed_for_a(running: &Running) {
    let trace = running.trace();
    let initiator = trace.initiator().unwrap();
    assert_eq!((&*initiator.name, initiator.cause), ("a", Cause::Initiator));
    match &initiator.exit {
        Err(Error::StartTimeout {
            name,
            after,
            stuck: None,
            source: Some(source),
            ..
        }) => {
            assert_eq!((&**name, *after), ("a", 10 * SECOND));
            assert_eq!(source.to_string(), "broken");
        }
        other => panic!("{other:?}"),
    }
    assert!(!running.process.is_ready());
}

#[test]
fn it_holds_while_a_member_waits_for_its_restart() {
    let fakes @ [a, b] = &fakes();
    let running = Running::new(limited::<ifrit::grouper::order::Together>(
        fakes,
        in_an_hour(),
    ));
    let a1 = up(a);
    let b1 = b.wait_for_call();
    running.fails("a", &a1);
    b1.trigger_ready(); // now it is `a` alone that the group waits for
    running.process_of("b").expect_ready();
    let _ = running.admin.list();
    assert_eq!(running.clock.advance_to_next(), 10 * SECOND);
    told(&b1, Signal::INTERRUPT);
    failed_for_a(&running);
    assert_eq!(calls(fakes), [1, 1]);
}

#[test]
fn it_holds_while_all_of_a_round_wait_for_theirs() {
    let fakes @ [a, b] = &fakes();
    let group = limited::<ifrit::grouper::order::Stack>(fakes, in_an_hour());
    let running = Running::new(group.strategy(Strategy::OneForAll));
    let a1 = up(a);
    let b1 = b.wait_for_call();
    let stopped = running.process_of("b");
    running.fails("a", &a1);
    told(&b1, Signal::INTERRUPT);
    let _ = stopped.expect_exit();
    let _ = running.admin.list();
    assert_eq!(running.clock.advance_to_next(), 10 * SECOND);
    failed_for_a(&running);
    assert_eq!(calls(fakes), [1, 1]);
}

#[test]
fn it_holds_for_a_first_start_that_is_tried_again() {
    let fakes @ [a, b] = &fakes();
    let again = in_an_hour().from_the_start();
    let running = Running::new(limited::<ifrit::grouper::order::Stack>(fakes, again));
    let a1 = a.wait_for_call();
    running.fails("a", &a1);
    assert_eq!(running.clock.advance_to_next(), 10 * SECOND);
    failed_for_a(&running);
    assert_eq!((a.calls(), b.calls()), (1, 0));
}

#[test]
fn a_member_whose_restart_is_due_when_it_is_over_is_not_started() {
    let fakes @ [a, b] = &fakes();
    let at_the_limit = Restart::permanent().backoff(Backoff::constant(10 * SECOND));
    let group = limited::<ifrit::grouper::order::Stack>(fakes, at_the_limit.from_the_start());
    let running = Running::new(group);
    let a1 = a.wait_for_call();
    running.fails("a", &a1);
    assert_eq!(running.clock.advance_to_next(), 10 * SECOND);
    failed_for_a(&running);
    assert_eq!((a.calls(), b.calls()), (1, 0));
}

#[test]
fn a_run_that_was_not_ready_within_it_says_so_once() {
    let fakes @ [a, b] = &fakes();
    let again = in_an_hour().from_the_start();
    let running = Running::new(limited::<ifrit::grouper::order::Stack>(fakes, again));
    let a1 = a.wait_for_call();
    running.clock.advance(10 * SECOND);
    told(&a1, Signal::INTERRUPT);
    let error = running.process.expect_exit().unwrap_err().to_string();
    assert_eq!(error, "a: not ready within 10s [initiator]");
    let stopping = running.process.events().find_map(|event| match event.what {
        What::Stopping { why } => Some(why.to_string()),
        _ => None,
    });
    assert_eq!(stopping.unwrap(), "a ended: a: not ready within 10s");
    assert_eq!((a.calls(), b.calls()), (1, 0));
}

#[test]
fn a_member_that_fails_after_it_is_not_restarted_but_fails_the_start() {
    let fakes @ [a, b] = &fakes();
    let running = Running::new(limited::<ifrit::grouper::order::Together>(
        fakes,
        in_an_hour(),
    ));
    let a1 = up(a);
    let b1 = b.wait_for_call();
    running.process_of("a").expect_ready();
    running.clock.advance(10 * SECOND);
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT); // for not being ready, and it takes its time
    running.fails("a", &a1);
    b1.fails();
    failed_for_a(&running);
}

#[test]
fn it_is_over_once_the_group_was_ready() {
    let fakes = &fakes();
    let group = Parallel::new(members(fakes, in_an_hour())).start_within(10 * SECOND);
    let (running, [a1, b1]) = Running::up(group, fakes);
    running.fails("a", &a1);
    assert_eq!(running.clock.advance_to_next(), 3_600 * SECOND);
    let a2 = up(&fakes[0]);
    running.stop(&[&a2, &b1]).unwrap();
}

#[test]
fn a_member_that_is_up_again_in_time_makes_the_group_ready() {
    let fakes: &[FakeRunner; 2] = &fakes();
    let soon = Restart::permanent().backoff(Backoff::constant(SECOND));
    let running = Running::new(Ordered::new(members(fakes, soon)).start_within(10 * SECOND));
    let a1 = up(&fakes[0]);
    let b1 = fakes[1].wait_for_call();
    running.fails("a", &a1);
    b1.trigger_ready();
    assert_eq!(running.clock.advance_to_next(), SECOND);
    let a2 = up(&fakes[0]);
    running.process.expect_ready();
    running.clock.advance(100 * SECOND);
    let _ = running.admin.list();
    running.stop(&[&b1, &a2]).unwrap();
}
