//! What a group that lives long remembers of its exits.

use ifrit::testing::Waiting;
use ifrit::{
    Error, Signal,
    grouper::{DynamicClient, Member},
    run_fn,
};

use crate::kit::{both, done, failing, insert_fake, start, trace, unlimited};

/// Exits "0", "1", …, one after the other; the first one fails.
fn exits(client: &DynamicClient, count: usize) {
    client
        .insert(failing("0", "broken"))
        .unwrap()
        .expect_exit()
        .unwrap_err();
    for n in 1..count {
        client
            .insert(done(n.to_string()))
            .unwrap()
            .expect_exit()
            .unwrap();
    }
}

#[test]
fn a_failure_is_kept_in_preference_to_newer_exits_that_were_ok() {
    for group in both(|| unlimited().history(2)) {
        let (client, group) = start(group);
        exits(&client, 5);
        client.close();
        let trace = trace(group.expect_exit());
        let names: Vec<_> = trace.iter().map(|exit| &*exit.name).collect();
        assert_eq!(names, ["0", "4"]);
        assert_eq!((trace.omitted, trace.omitted_failures), (3, 0));
        let text = trace.to_string();
        assert_eq!(
            text,
            "3 more ended ok; 0: broken [completed]; 4: ok [completed]"
        );
    }
}

#[test]
fn a_trace_that_keeps_no_exit_says_how_many_there_were() {
    let (client, group) = start(unlimited().history(0));
    exits(&client, 5);
    client.close();
    let text = trace(group.expect_exit()).to_string();
    assert_eq!(text, "1 failed; 4 ended ok");
}

#[test]
fn of_many_failures_the_newest_are_kept_in_the_order_of_the_exits() {
    let (client, group) = start(unlimited().history(3));
    for n in 0..9 {
        let member = match n % 2 {
            0 => failing(n.to_string(), "broken"),
            _ => done(n.to_string()),
        };
        let _ = client.insert(member).unwrap().expect_exit();
    }
    client.close();
    let trace = trace(group.expect_exit());
    let names: Vec<_> = trace.iter().map(|exit| &*exit.name).collect();
    assert_eq!(names, ["4", "6", "8"]);
    assert_eq!((trace.omitted, trace.omitted_failures), (6, 2));
    assert!(
        trace
            .to_string()
            .starts_with("2 more failed; 4 more ended ok; 4: broken")
    );
}

#[test]
fn a_failure_is_found_and_reported_after_a_thousand_exits_that_were_ok() {
    let (client, group) = start(unlimited().reuse_threads());
    let bad = Member::new("bad", run_fn(|_, _| panic!("the cause")));
    client.insert(bad).unwrap().expect_exit().unwrap_err();
    for n in 0..1_000 {
        client
            .insert(done(n.to_string()))
            .unwrap()
            .expect_exit()
            .unwrap();
    }
    client.close();
    let error = group.expect_exit().unwrap_err();
    assert!(matches!(error.root_cause(), Error::Panicked(panic) if panic.message() == "the cause"));
    let report = error.report().to_string();
    let lines: Vec<_> = report.lines().collect();
    assert!(lines[0].starts_with("bad: panicked: the cause"), "{report}");
    assert_eq!(lines[1..], ["└─ 1000 ended ok"]);
}

#[test]
fn a_failure_that_is_forgotten_fails_the_group_all_the_same() {
    let (client, group) = start(unlimited().history(0));
    exits(&client, 3);
    client.close();
    let trace = trace(group.expect_exit());
    assert_eq!((trace.len(), trace.omitted), (0, 3));
}

#[test]
fn by_default_a_thousand_exits_are_kept() {
    let (client, group) = start(unlimited().reuse_threads());
    exits(&client, 1_001);
    client.close();
    let trace = trace(group.expect_exit());
    assert_eq!((trace.len(), trace.omitted), (1_000, 1));
    assert_eq!((&*trace[0].name, &*trace[1].name), ("0", "2"));
}

#[test]
fn those_that_were_stopped_are_the_newest_beside_a_failure() {
    let (client, group) = start(unlimited().history(2));
    exits(&client, 3);
    let (_slow, slow) = insert_fake(&client, "slow");
    group.signal(Signal::INTERRUPT);
    slow.wait_for_signal();
    slow.trigger_exit(Ok(()));
    let trace = trace(group.expect_exit());
    let names: Vec<_> = trace.iter().map(|exit| &*exit.name).collect();
    assert_eq!(names, ["0", "slow"]);
    assert_eq!(trace.omitted, 2);
}

#[test]
fn the_newest_exit_of_a_name_is_the_one_that_is_found() {
    let (client, group) = start(unlimited());
    client.insert(done("same")).unwrap().expect_exit().unwrap();
    let second = client.insert(failing("same", "broken")).unwrap();
    second.expect_exit().unwrap_err();
    client.close();
    let trace = trace(group.expect_exit());
    assert_eq!(trace.len(), 2);
    assert_eq!(trace.get("same").unwrap().id, second.id());
}
