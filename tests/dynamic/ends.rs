//! Whose end stops whom.

use ifrit::testing::Waiting;
use ifrit::{
    Error, Signal,
    error::Cause,
    grouper::{Dynamic, Ends, Member, Reason},
    run_fn,
};

use crate::kit::{both, done, failing, idle, insert_fake, insert_fake_as, start, trace, unlimited};

fn stopped_by(ends: Ends) -> [Dynamic; 2] {
    both(|| unlimited().stop_on_exit(ends))
}

#[test]
fn unset_no_end_stops_anybody() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (other, call) = insert_fake(&client, "other");
        let panics = Member::new("panics", run_fn(|_, _| panic!("no matter")));
        for member in [done("ok"), failing("error", "broken"), panics] {
            let _ = client.insert(member).unwrap().expect_exit();
        }
        call.trigger_exit(Ok(()));
        other.expect_exit().unwrap();
        assert!(call.signals().is_empty());
        client.insert(done("next")).unwrap().expect_exit().unwrap();
        client.close();
        let trace = trace(group.expect_exit());
        assert!(trace.iter().all(|exit| exit.cause == Cause::Completed));
        assert_eq!((trace.len(), trace.failures().count()), (5, 2));
    }
}

#[test]
fn a_group_of_which_nobody_failed_ends_well() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        for name in ["a", "b", "c"] {
            client.insert(done(name)).unwrap();
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn one_failure_fails_the_group_in_the_end_and_its_error_is_found() {
    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("number {0}")]
    struct Numbered(u32);

    let (client, group) = start(unlimited());
    client.insert(done("a")).unwrap();
    let bad = Member::new("b", run_fn(|_, _| Err(Numbered(7).into())));
    client.insert(bad).unwrap().expect_exit().unwrap_err();
    client.insert(done("c")).unwrap();
    client.close();
    let error = group.expect_exit().unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Numbered(7)));
}

#[test]
fn where_any_end_stops_the_group_a_clean_one_does() {
    for group in stopped_by(Ends::Any) {
        let (client, group) = start(group);
        let (_slow, slow) = insert_fake(&client, "slow");
        let (_first, first) = insert_fake(&client, "first");
        first.trigger_exit(Ok(()));
        assert_eq!(slow.wait_for_signal(), Signal::INTERRUPT);
        let refused = client.insert(idle("late")).unwrap_err();
        assert_eq!(refused.reason(), Reason::Closed);
        slow.trigger_exit(Err("in haste".into()));
        let trace = trace(group.expect_exit());
        assert_eq!(trace.initiator().unwrap().name, "first");
        assert!(trace.initiator().unwrap().exit.is_ok());
        assert_eq!(trace.get("slow").unwrap().cause, Cause::Consequence);
        assert!(trace.get("slow").unwrap().time_to_stop.is_some());
    }
}

#[test]
fn where_any_end_stops_the_group_it_ends_well_if_all_do() {
    let (client, group) = start(unlimited().stop_on_exit(Ends::Any));
    client.insert(idle("other")).unwrap();
    client.insert(done("first")).unwrap();
    group.expect_exit().unwrap();
}

#[test]
fn where_errors_stop_the_group_a_clean_end_does_not() {
    for group in stopped_by(Ends::Errors) {
        let (client, group) = start(group);
        let (_other, other) = insert_fake(&client, "other");
        client.insert(done("clean")).unwrap().expect_exit().unwrap();
        client
            .insert(failing("bad", "broken"))
            .unwrap()
            .expect_exit()
            .unwrap_err();
        assert_eq!(other.wait_for_signal(), Signal::INTERRUPT);
        other.trigger_exit(Ok(()));
        let trace = trace(group.expect_exit());
        let exits: Vec<_> = trace.iter().map(|exit| (&*exit.name, exit.cause)).collect();
        let expected = [
            ("clean", Cause::Completed),
            ("bad", Cause::Initiator),
            ("other", Cause::Consequence),
        ];
        assert_eq!(exits, expected);
        let told = trace.to_string();
        assert!(told.starts_with("clean: ok [completed]; bad: broken [initiator]; other: ok"));
    }
}

#[test]
fn a_panic_is_an_error() {
    let (client, group) = start(unlimited().stop_on_exit(Ends::Errors));
    client.insert(idle("other")).unwrap();
    client
        .insert(Member::new("bad", run_fn(|_, _| panic!("boom"))))
        .unwrap();
    let trace = trace(group.expect_exit());
    assert_eq!(trace.initiator().unwrap().name, "bad");
    assert!(matches!(
        trace.get("bad").unwrap().exit,
        Err(Error::Panicked(_))
    ));
}

#[test]
fn the_only_member_may_be_the_one_that_ends() {
    for ends in [Ends::Any, Ends::Errors] {
        let (client, group) = start(unlimited().stop_on_exit(ends));
        client.insert(failing("only", "broken")).unwrap();
        let trace = trace(group.expect_exit());
        assert_eq!((trace.len(), trace.initiator().is_some()), (1, true));
    }
}

#[test]
fn the_others_are_told_the_termination_signal() {
    let (client, group) = start(
        unlimited()
            .stop_on_exit(Ends::Any)
            .termination(Signal::QUIT),
    );
    let (_other, other) = insert_fake(&client, "other");
    client.insert(done("first")).unwrap();
    assert_eq!(other.wait_for_signal(), Signal::QUIT);
    other.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn the_termination_signal_is_not_told_to_those_stopped_from_outside() {
    let (client, group) = start(unlimited().termination(Signal::QUIT));
    let (_member, call) = insert_fake(&client, "a");
    group.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn a_one_shot_member_that_ends_well_stops_nobody() {
    for ends in [Ends::Any, Ends::Errors] {
        let (client, group) = start(unlimited().stop_on_exit(ends));
        let (other, call) = insert_fake(&client, "other");
        client
            .insert(done("step").one_shot())
            .unwrap()
            .expect_exit()
            .unwrap();
        client
            .insert(done("step").one_shot())
            .unwrap()
            .expect_exit()
            .unwrap();
        client.close();
        call.trigger_exit(Ok(()));
        other.expect_exit().unwrap();
        assert!(call.signals().is_empty());
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_one_shot_member_that_fails_stops_the_group() {
    for ends in [Ends::Any, Ends::Errors] {
        let (client, group) = start(unlimited().stop_on_exit(ends));
        let (_other, other) = insert_fake(&client, "other");
        client.insert(failing("step", "broken").one_shot()).unwrap();
        assert_eq!(other.wait_for_signal(), Signal::INTERRUPT);
        other.trigger_exit(Ok(()));
        let trace = trace(group.expect_exit());
        assert_eq!(trace.initiator().unwrap().name, "step");
    }
}

#[test]
fn an_end_after_the_close_stops_the_others_all_the_same() {
    let (client, group) = start(unlimited().stop_on_exit(Ends::Errors));
    let (_other, other) = insert_fake(&client, "other");
    let (_bad, bad) = insert_fake(&client, "bad");
    client.close();
    bad.trigger_exit(Err("broken".into()));
    assert_eq!(other.wait_for_signal(), Signal::INTERRUPT);
    other.trigger_exit(Ok(()));
    assert_eq!(trace(group.expect_exit()).initiator().unwrap().name, "bad");
}

#[test]
fn of_two_that_fail_the_first_is_the_initiator() {
    let (client, group) = start(unlimited().stop_on_exit(Ends::Errors));
    let (_a, a) = insert_fake(&client, "a");
    let (b, call) = insert_fake_as(&client, "b", Member::one_shot);
    call.trigger_exit(Err("first".into()));
    b.expect_exit().unwrap_err();
    a.wait_for_signal();
    a.trigger_exit(Err("second".into()));
    let trace = trace(group.expect_exit());
    let causes: Vec<_> = trace.iter().map(|exit| (&*exit.name, exit.cause)).collect();
    assert_eq!(causes, [("b", Cause::Initiator), ("a", Cause::Consequence)]);
}
