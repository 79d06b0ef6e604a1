//! What a group that lives long remembers of its exits.

use ifrit::testing::Waiting;
use ifrit::{Signal, grouper::DynamicClient};

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
fn the_newest_exits_are_kept_and_the_rest_is_counted() {
    for group in both(|| unlimited().history(2)) {
        let (client, group) = start(group);
        exits(&client, 5);
        client.close();
        let trace = trace(group.expect_exit());
        let names: Vec<_> = trace.iter().map(|exit| &*exit.name).collect();
        assert_eq!(names, ["3", "4"]);
        assert_eq!(trace.omitted, 3);
        let text = trace.to_string();
        assert_eq!(text, "3 older exits; 3: ok [completed]; 4: ok [completed]");
    }
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
fn unset_a_thousand_exits_are_kept() {
    let (client, group) = start(unlimited().reuse_threads());
    exits(&client, 1_001);
    client.close();
    let trace = trace(group.expect_exit());
    assert_eq!((trace.len(), trace.omitted), (1_000, 1));
    assert_eq!(trace[0].name, "1");
}

#[test]
fn those_who_were_stopped_are_the_newest() {
    let (client, group) = start(unlimited().history(2));
    exits(&client, 3);
    let (_slow, slow) = insert_fake(&client, "slow");
    group.signal(Signal::INTERRUPT);
    slow.wait_for_signal();
    slow.trigger_exit(Ok(()));
    let trace = trace(group.expect_exit());
    let names: Vec<_> = trace.iter().map(|exit| &*exit.name).collect();
    assert_eq!(names, ["2", "slow"]);
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
