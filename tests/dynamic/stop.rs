//! The end of the whole group.

use ifrit::crossbeam_channel::{never, unbounded};
use ifrit::testing::{Harness, Waiting};
use ifrit::{
    Error, Runner, Signal,
    error::Cause,
    grouper::{Member, Reason},
    ready_channel, run_fn,
};

use crate::kit::{
    at_most, both, done, elsewhere, failing, fake, idle, insert_fake, recv, start, trace, unlimited,
};

#[test]
fn a_group_does_not_exit_while_a_member_lives() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let exits = client.exits();
        let members = ["a", "b"].map(|name| insert_fake(&client, name));
        group.signal(Signal::INTERRUPT);
        for (_, call) in &members {
            call.wait_for_signal();
        }
        members[0].1.trigger_exit(Ok(()));
        assert_eq!(recv(&exits).name, "a");
        assert!(group.try_exit().is_none());
        members[1].1.trigger_exit(Ok(()));
        group.expect_exit().unwrap();
        assert!(
            members
                .iter()
                .all(|(process, _)| process.try_exit().is_some())
        );
    }
}

#[test]
fn a_group_without_members_stops_at_once() {
    let (_client, group) = start(at_most(1));
    group.signal(Signal::QUIT);
    group.expect_exit().unwrap();
}

#[test]
fn a_stop_that_all_obey_well_is_no_error() {
    let (client, group) = start(unlimited());
    for name in ["a", "b"] {
        client.insert(idle(name)).unwrap();
    }
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
}

#[test]
fn after_a_stop_the_trace_has_who_was_told_and_how_long_it_took() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        client
            .insert(done("before"))
            .unwrap()
            .expect_exit()
            .unwrap();
        let members = ["a", "b"].map(|name| insert_fake(&client, name));
        group.signal(Signal::TERMINATE);
        for (process, call) in members.iter().rev() {
            call.wait_for_signal();
            call.trigger_exit(Err("badly".into()));
            assert!(process.expect_exit().is_err());
        }
        let trace = trace(group.expect_exit());
        let exits: Vec<_> = trace.iter().map(|exit| (&*exit.name, exit.cause)).collect();
        let expected = [
            ("before", Cause::Completed),
            ("b", Cause::Stopped),
            ("a", Cause::Stopped),
        ];
        assert_eq!(exits, expected);
        assert!(trace.initiator().is_none());
        assert!(trace.get("a").unwrap().time_to_stop.is_some());
        assert!(trace.get("before").unwrap().time_to_stop.is_none());
        assert_eq!(trace.get("b").unwrap().id, members[1].0.id());
    }
}

#[test]
fn a_stop_of_a_closed_group_is_a_stop() {
    let (client, group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "a");
    client.close();
    group.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn close_during_a_stop_changes_nothing() {
    let (client, group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "a");
    group.signal(Signal::TERMINATE);
    call.wait_for_signal();
    client.close();
    group.signal(Signal::KILL);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn a_member_that_ends_by_itself_while_the_others_stop_harms_nobody() {
    let (client, group) = start(unlimited());
    let members = ["a", "b"].map(|name| insert_fake(&client, name));
    group.signal(Signal::INTERRUPT);
    members[0].1.trigger_panic("in the middle");
    assert!(members[0].0.expect_exit().is_err());
    assert_eq!(members[1].1.wait_for_signal(), Signal::INTERRUPT);
    members[1].1.trigger_exit(Ok(()));
    let trace = trace(group.expect_exit());
    assert!(matches!(
        trace.get("a").unwrap().exit,
        Err(Error::Panicked(_))
    ));
    assert_eq!(trace.len(), 2);
}

#[test]
fn a_stop_that_came_before_the_run_is_obeyed() {
    let mut group = unlimited();
    let outcome = Harness::new().signal(Signal::TERMINATE).run(&mut group);
    assert!(outcome.ready);
    outcome.exit.unwrap();
}

#[test]
fn driven_by_hand_a_disconnected_channel_counts_as_a_stop() {
    let mut group = unlimited();
    let client = group.client();
    let (stop, signals) = unbounded();
    let run = elsewhere(move || group.run(signals, ready_channel().0));
    let (member, fake) = fake("a");
    let process = client.insert(member).unwrap();
    let call = fake.wait_for_call();
    drop(stop);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    call.trigger_exit(Ok(()));
    run.outcome().unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn driven_by_hand_it_ends_when_closed() {
    let mut group = unlimited();
    let client = group.client();
    let run = elsewhere(move || group.run(never(), ready_channel().0));
    client
        .insert(failing("a", "broken"))
        .unwrap()
        .expect_exit()
        .unwrap_err();
    client.close();
    let error = run.outcome().unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::Group(_))));
}

#[test]
fn a_member_may_stop_its_own_group() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let process = group.clone();
        let member = run_fn(move |signals, ready| {
            ready.notify();
            process.signal(Signal::TERMINATE);
            assert_eq!(ifrit::until_stop(&signals), Signal::TERMINATE);
            Ok(())
        });
        client.insert(Member::new("a", member)).unwrap();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_member_may_close_its_own_group() {
    let (client, group) = start(unlimited());
    let inside = client.clone();
    let member = run_fn(move |_, _| {
        inside.close();
        let refused = inside.insert(idle("late")).unwrap_err();
        assert_eq!(refused.reason(), Reason::Closed);
        Ok(())
    });
    client.insert(Member::new("a", member)).unwrap();
    group.expect_exit().unwrap();
}
