//! The handle: before, during and after the run, and when the group is gone.

use ifrit::crossbeam_channel::{TryRecvError, never, select};
use ifrit::testing::{Waiting, ping_runner};
use ifrit::{
    Error, Runner, Signal,
    grouper::{DynamicClient, Entrance, ExitEvent, Member, Reason, Refusal},
    observe::Events,
    ready_channel,
};

use crate::kit::{at_most, done, elsewhere, expect_fired, idle, insert_fake, start, unlimited};

#[test]
fn clients_and_events_pass_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<DynamicClient>();
    shared::<Events<Entrance>>();
    shared::<Events<ExitEvent>>();
    shared::<Refusal>();
}

#[test]
fn clones_are_clients_of_the_same_group() {
    let (client, group) = start(unlimited());
    let clone = client.clone();
    let (process, call) = insert_fake(&clone, "worker");
    assert_eq!(client.get("worker").unwrap().id(), process.id());
    call.trigger_exit(Ok(()));
    clone.close();
    expect_fired(client.closed());
    group.expect_exit().unwrap();
}

#[test]
fn a_client_outlives_its_group() {
    let (client, group) = start(unlimited());
    let exits = client.exits();
    client.insert(done("a")).unwrap();
    client.close();
    group.expect_exit().unwrap();
    drop(group);
    client.close();
    assert!(client.get("a").is_none());
    let refused = client.insert(idle("late")).unwrap_err();
    assert_eq!(refused.reason(), Reason::Closed);
    expect_fired(client.closed());
    assert_eq!(exits.count(), 1);
    assert_eq!(client.exits().count(), 1);
    assert_eq!(client.entrances().count(), 0);
}

#[test]
fn a_client_of_a_group_that_never_ran_is_answered() {
    let group = unlimited();
    let client = group.client();
    let waiting = elsewhere({
        let exits = client.exits();
        move || exits.count()
    });
    drop(group);
    assert_eq!(waiting.outcome(), 0);
    assert_eq!(client.entrances().count(), 0);
    expect_fired(client.closed());
    client.close();
    assert!(client.get("a").is_none());
}

#[test]
fn a_group_lives_on_when_its_clients_are_dropped() {
    let (client, group) = start(unlimited());
    let (process, call) = insert_fake(&client, "worker");
    drop(client);
    call.trigger_ready();
    process.expect_ready();
    group.signal(Signal::INTERRUPT);
    call.wait_for_signal();
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn closed_fires_when_the_group_is_closed() {
    let (client, _group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "worker");
    assert_eq!(client.closed().try_recv(), Err(TryRecvError::Empty));
    client.close();
    expect_fired(client.closed());
    call.trigger_exit(Ok(()));
}

#[test]
fn closed_fires_when_the_group_is_told_to_stop() {
    let (client, group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "slow");
    group.signal(Signal::USER1);
    call.wait_for_signal();
    assert_eq!(client.closed().try_recv(), Err(TryRecvError::Empty));
    group.signal(Signal::TERMINATE);
    expect_fired(client.closed());
    assert!(group.try_exit().is_none());
    call.trigger_exit(Ok(()));
}

#[test]
fn closed_can_be_selected_on() {
    let (client, _group) = start(unlimited());
    client.close();
    select! {
        recv(client.closed()) -> _ => {}
        recv(never::<()>()) -> _ => unreachable!(),
    }
}

#[test]
fn a_closed_group_lets_its_members_be_and_ends_with_the_last() {
    let (client, group) = start(unlimited());
    let (_a, a) = insert_fake(&client, "a");
    let (b, ping) = ping_runner();
    client.insert(Member::new("b", b)).unwrap();
    let exits = client.exits();
    client.close();
    ping.ping();
    // The group has heard of this exit, and goes on.
    assert_eq!(exits.recv().unwrap().name, "b");
    assert!(group.try_exit().is_none());
    a.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    expect_fired(a.signals());
}

#[test]
fn a_group_closed_without_members_ends_at_once() {
    let (client, group) = start(unlimited());
    client.close();
    client.close();
    group.expect_exit().unwrap();
}

#[test]
fn close_before_the_run_closes_it_as_soon_as_it_begins() {
    let group = at_most(1);
    let client = group.client();
    client.close();
    let refused = client.insert(idle("early")).unwrap_err();
    assert_eq!(refused.reason(), Reason::Closed);
    let (_client, group) = start(group);
    group.expect_exit().unwrap();
    assert!(group.is_ready());
}

#[test]
fn a_run_that_is_refused_answers_those_who_wait_for_it() {
    let mut group = unlimited().stop_within(std::time::Duration::ZERO);
    let client = group.client();
    let waiting = elsewhere({
        let client = client.clone();
        move || client.insert(idle("early"))
    });
    let (ready, is_ready) = ready_channel();
    let error = group.run(never(), ready).unwrap_err();
    assert!(matches!(
        error.downcast_ref(),
        Some(Error::ZeroDeadline { who, option: "stop_within" }) if who == "dynamic group"
    ));
    assert_eq!(is_ready.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(waiting.outcome().unwrap_err().reason(), Reason::Closed);
    expect_fired(client.closed());
    assert_eq!(client.exits().count(), 0);
}

#[test]
fn the_plan_says_how_many_and_on_what_threads() {
    assert_eq!(unlimited().plan().to_string(), "dynamic group (unlimited)");
    let group = at_most(64)
        .reuse_threads()
        .stop_within(std::time::Duration::from_secs(9));
    let plan = group.plan().to_string();
    assert_eq!(plan, "dynamic group (stop 9s, at most 64, reused threads)");
    assert!(format!("{group:?}").contains("reuse_threads: true"));
}
