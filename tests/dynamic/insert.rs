//! Inserting into a group that runs, and into one that does not run yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ifrit::testing::{PATIENCE, Waiting, ping_runner};
use ifrit::{
    Signal, current,
    grouper::{Member, Reason},
    process::Status,
    run_fn, run_once,
};

use crate::kit::{both, done, elsewhere, fake, idle, recv, start, unlimited};

#[test]
fn a_group_without_members_is_ready_at_once_and_stays() {
    let (client, group) = start(unlimited());
    client
        .insert(done("shows that it stays"))
        .unwrap()
        .expect_exit()
        .unwrap();
    assert!(group.try_exit().is_none());
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
}

#[test]
fn an_inserted_member_lives_as_a_process_of_its_name() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (seen, report) = ifrit::crossbeam_channel::bounded(1);
        let member = run_fn(move |signals, ready| {
            let me = current().expect("a process");
            let thread = std::thread::current().name().map(str::to_owned);
            seen.send((me.id(), me.name().to_owned(), thread))?;
            ready.notify();
            ifrit::until_stop(&signals);
            Ok(())
        });
        let process = client.insert(Member::new("worker", member)).unwrap();
        let (id, name, thread) = recv(&report);
        assert_eq!(
            (id, &*name, thread.as_deref()),
            (process.id(), "worker", Some("worker"))
        );
        process.expect_ready();
        assert_eq!(process.status(), Status::Ready);
        group.signal(Signal::INTERRUPT);
        group.expect_exit().unwrap();
        process.expect_exit().unwrap();
    }
}

#[test]
fn an_insert_does_not_wait_for_ready() {
    let (client, _group) = start(unlimited());
    let (member, fake) = fake("slow");
    let process = client.insert(member).unwrap();
    let call = fake.wait_for_call();
    assert!(!process.is_ready());
    call.trigger_ready();
    process.expect_ready();
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_member_without_a_number_of_runs_is_run_once() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let process = client
            .insert(Member::new("once", run_once(|_, _| Ok(()))))
            .unwrap();
        process.expect_exit().unwrap();
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn insert_before_the_run_waits_for_it() {
    let group = unlimited();
    let client = group.client();
    let begun = Arc::new(AtomicBool::new(false));
    let waiting = elsewhere({
        let begun = Arc::clone(&begun);
        move || {
            let process = client.insert(idle("early"));
            (process, begun.load(Ordering::SeqCst))
        }
    });
    begun.store(true, Ordering::SeqCst);
    let (_client, group) = start(group);
    let (process, was_begun) = waiting.outcome();
    let process = process.unwrap();
    assert!(was_begun);
    process.expect_ready();
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap();
}

#[test]
fn try_insert_before_the_run_says_so_and_gives_the_member_back() {
    let group = unlimited();
    let client = group.client();
    let (member, fake) = fake("early");
    let refused = client.try_insert(member).unwrap_err();
    assert_eq!(refused.reason(), Reason::NotRunning);
    assert_eq!(fake.calls(), 0);

    let (client, _group) = start(group);
    let process = client.try_insert(refused.into_member().unwrap()).unwrap();
    fake.wait_for_call().trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn insert_with_a_time_out_before_the_run_times_out() {
    let group = unlimited();
    let client = group.client();
    for patience in [Duration::ZERO, Duration::from_millis(1)] {
        let refused = client.insert_timeout(idle("early"), patience).unwrap_err();
        assert_eq!(refused.reason(), Reason::TimedOut);
    }
}

#[test]
fn insert_with_a_time_out_sees_the_run_begin() {
    for patience in [PATIENCE, Duration::MAX] {
        let group = unlimited();
        let client = group.client();
        let waiting = elsewhere(move || client.insert_timeout(idle("early"), patience));
        let (_client, group) = start(group);
        waiting.outcome().unwrap().expect_ready();
        group.signal(Signal::INTERRUPT);
        group.expect_exit().unwrap();
    }
}

#[test]
fn insert_with_no_time_at_all_enters_where_there_is_room() {
    let (client, _group) = start(unlimited());
    let process = client
        .insert_timeout(done("quick"), Duration::ZERO)
        .unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn a_member_inserts_others() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (runner, ping) = ping_runner();
        let inside = client.clone();
        let parent = run_once(move |_, ready| {
            let child = inside.insert(Member::new("child", runner))?;
            ready.notify();
            child.join()?;
            Ok(())
        });
        let parent = client.insert(Member::new("parent", parent)).unwrap();
        parent.expect_ready();
        assert!(client.get("child").is_some());
        ping.ping();
        parent.expect_exit().unwrap();
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn members_are_children_of_the_group_whoever_inserts_them() {
    let (client, group) = start(unlimited());
    let inside = client.clone();
    let parent = run_once(move |signals, ready| {
        inside.insert(idle("child"))?.expect_ready();
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    });
    client
        .insert(Member::new("parent", parent))
        .unwrap()
        .expect_ready();
    let tree = ifrit::tree();
    let node = tree.get(group.id()).unwrap();
    let names: Vec<_> = node.children.iter().map(|child| &*child.name).collect();
    assert_eq!(names, ["parent", "child"]);
    assert_eq!(node.kind, Some("dynamic group"));
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap();
}

#[test]
fn a_member_that_panics_at_once_harms_nobody() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let other = client.insert(idle("other")).unwrap();
        let bad = client
            .insert(Member::new("bad", run_fn(|_, _| panic!("at once"))))
            .unwrap();
        let error = bad.expect_exit().unwrap_err();
        assert!(matches!(&error, ifrit::Error::Panicked(panic) if panic.message() == "at once"));
        client.insert(done("next")).unwrap().expect_exit().unwrap();
        assert!(other.try_exit().is_none());
        group.signal(Signal::INTERRUPT);
        assert!(group.expect_exit().is_err());
    }
}
