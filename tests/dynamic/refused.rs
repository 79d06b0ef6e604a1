//! Members that are refused come back as they were given.

use std::time::Duration;

use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{
    Error, Process, Signal,
    grouper::{Capacity, Dynamic, DynamicClient, Member, Reason, Refusal},
    run_fn,
};

use crate::kit::{at_most, both, done, fake, idle, insert_fake, start, unlimited};

type Insert = fn(&DynamicClient, Member) -> Result<Process, Refusal>;

const EVERY_WAY: [Insert; 3] = [
    |client, member| client.insert(member),
    |client, member| client.try_insert(member),
    |client, member| client.insert_timeout(member, PATIENCE),
];

/// Every way to insert refuses for this reason, runs nothing, and gives back a member that works elsewhere.
#[track_caller]
fn assert_refused(client: &DynamicClient, name: &str, reason: Reason) {
    let (willing, group) = start(unlimited());
    for insert in EVERY_WAY {
        let (member, fake) = fake(name);
        let refused = insert(client, member).unwrap_err();
        assert_eq!(refused.reason(), reason);
        assert_eq!(fake.calls(), 0);
        let member = refused.into_member().unwrap();
        assert_eq!(member.name(), name);
        let process = willing.insert(member).unwrap();
        fake.wait_for_call().trigger_exit(Ok(()));
        process.expect_exit().unwrap();
    }
    willing.close();
    group.expect_exit().unwrap();
}

#[test]
fn a_closed_group_refuses() {
    let (client, group) = start(unlimited());
    let (_member, call) = insert_fake(&client, "last");
    client.close();
    assert_refused(&client, "late", Reason::Closed);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    assert_refused(&client, "later", Reason::Closed);
}

#[test]
fn a_group_told_to_stop_refuses() {
    let (client, group) = start(unlimited());
    let (_member, call) = insert_fake(&client, "slow");
    group.signal(Signal::INTERRUPT);
    call.wait_for_signal();
    assert_refused(&client, "late", Reason::Closed);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    assert_refused(&client, "later", Reason::Closed);
}

#[test]
fn a_group_dropped_unrun_refuses() {
    let client = unlimited().client();
    assert_refused(&client, "late", Reason::Closed);
}

#[test]
fn a_group_for_nobody_refuses_before_during_and_after_its_run() {
    let group = Dynamic::new(Capacity::at_most(0));
    let client = group.client();
    assert_refused(&client, "early", Reason::ZeroCapacity);
    let group = ifrit::invoke(group);
    assert!(matches!(group.started(), Err(Error::ZeroCapacity)));
    assert!(matches!(group.expect_exit(), Err(Error::ZeroCapacity)));
    assert_refused(&client, "late", Reason::ZeroCapacity);
}

#[test]
fn a_duplicate_of_a_living_member_is_refused_before_it_starts() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (first, call) = insert_fake(&client, "same");
        assert_refused(&client, "same", Reason::DuplicateName);
        assert_eq!(client.get("same").unwrap().id(), first.id());
        call.trigger_exit(Ok(()));
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_duplicate_does_not_wait_for_a_place() {
    let (client, _group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "same");
    assert_refused(&client, "same", Reason::DuplicateName);
    call.trigger_exit(Ok(()));
}

#[test]
fn a_name_that_begins_another_is_no_duplicate() {
    let (client, _group) = start(unlimited());
    let (_long, call) = insert_fake(&client, "worker-1");
    client
        .insert(done("worker-"))
        .unwrap()
        .expect_exit()
        .unwrap();
    client
        .insert(done("worker-10"))
        .unwrap()
        .expect_exit()
        .unwrap();
    call.trigger_exit(Ok(()));
}

#[test]
fn a_member_without_a_name_is_refused_at_once() {
    let group = unlimited();
    let client = group.client();
    for insert in EVERY_WAY {
        let refused = insert(&client, idle("")).unwrap_err();
        assert_eq!(refused.reason(), Reason::EmptyName);
    }
    let (client, _group) = start(group);
    for insert in EVERY_WAY {
        let refused = insert(&client, idle("")).unwrap_err();
        assert_eq!(refused.reason(), Reason::EmptyName);
    }
}

#[test]
fn a_member_whose_limit_leaves_no_time_is_refused_at_once() {
    let group = unlimited();
    let client = group.client();
    let no_start = || idle("a").start_within(Duration::ZERO);
    let no_stop = || idle("a").stop_within(Duration::ZERO);
    for insert in EVERY_WAY {
        let refused = insert(&client, no_start()).unwrap_err();
        assert_eq!(refused.reason(), Reason::ZeroDeadline("start_within"));
        let refused = insert(&client, no_stop()).unwrap_err();
        assert_eq!(refused.reason(), Reason::ZeroDeadline("stop_within"));
    }
}

#[test]
fn a_stop_delay_of_no_length_is_fine() {
    let (client, group) = start(unlimited());
    let member = idle("a").stop_delay(Duration::ZERO);
    client.insert(member).unwrap().expect_ready();
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap();
}

#[test]
fn a_member_comes_back_with_its_options() {
    let client = unlimited().client();
    let member = || idle("picky").one_shot().stop_within(Duration::from_secs(7));
    let back = client.insert(member()).unwrap_err().into_member().unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", member()));
}

#[test]
fn a_refusal_passes_through_the_question_mark_of_a_runner() {
    let client = unlimited().client();
    let inserter = run_fn(move |_, _| {
        client.insert(idle("late"))?;
        Ok(())
    });
    let error = ifrit::background(inserter).expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "late: the group takes no more members");
    let refused: &Refusal = error.downcast_ref().unwrap();
    assert_eq!(refused.reason(), Reason::Closed);
}
