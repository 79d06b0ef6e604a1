//! What is told of members: that they became ready, and that they exited.

use ifrit::crossbeam_channel::{never, select};
use ifrit::testing::Waiting;
use ifrit::{Error, Signal, grouper::Member, run_fn};

use crate::kit::{both, done, failing, idle, insert_fake, recv, start, stress, unlimited};

#[test]
fn starting_becoming_ready_and_exiting_are_three_things() {
    let (client, group) = start(unlimited());
    let (entrances, exits) = (client.entrances(), client.exits());
    let (unready, unready_call) = insert_fake(&client, "never ready");
    let (ready, ready_call) = insert_fake(&client, "ready");
    assert!(client.get("never ready").is_some());
    ready_call.trigger_ready();
    ready.expect_ready();
    unready_call.trigger_exit(Ok(()));
    unready.expect_exit().unwrap();
    ready_call.trigger_exit(Ok(()));
    client.close();
    group.expect_exit().unwrap();
    assert_eq!(
        entrances.map(|event| event.name).collect::<Vec<_>>(),
        ["ready"]
    );
    let exits: Vec<_> = exits.map(|event| event.name).collect();
    assert_eq!(exits, ["never ready", "ready"]);
}

#[test]
fn an_entrance_carries_the_process_and_an_exit_how_it_ended() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (entrances, exits) = (client.entrances(), client.exits());
        let (process, call) = insert_fake(&client, "worker");
        call.trigger_ready();
        let entrance = recv(&entrances);
        assert_eq!(
            (&*entrance.name, entrance.process.id()),
            ("worker", process.id())
        );
        entrance.process.signal(Signal::USER1);
        assert_eq!(call.wait_for_signal(), Signal::USER1);
        call.trigger_exit(Err("broken".into()));
        let exit = recv(&exits);
        assert_eq!((&*exit.name, exit.id), ("worker", process.id()));
        assert_eq!(exit.exit.unwrap_err().to_string(), "broken");
        client.close();
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn a_panic_is_an_exit() {
    let (client, _group) = start(unlimited());
    let exits = client.exits();
    client
        .insert(Member::new("a", run_fn(|_, _| panic!("boom"))))
        .unwrap();
    assert!(matches!(recv(&exits).exit, Err(Error::Panicked(_))));
}

#[test]
fn entrances_and_exits_follow_the_real_order() {
    for group in both(unlimited) {
        let (client, _group) = start(group);
        let (entrances, exits) = (client.entrances(), client.exits());
        let members = ["a", "b", "c", "d"].map(|name| insert_fake(&client, name));
        for n in [2, 0, 3, 1] {
            members[n].1.trigger_ready();
            members[n].0.expect_ready();
        }
        for n in [1, 3, 2, 0] {
            members[n].1.trigger_exit(Ok(()));
            members[n].0.expect_exit().unwrap();
        }
        let entered: Vec<_> = entrances.try_iter().map(|event| event.name).collect();
        let exited: Vec<_> = exits.try_iter().map(|event| event.name).collect();
        assert_eq!(entered, ["c", "a", "d", "b"]);
        assert_eq!(exited, ["b", "d", "c", "a"]);
    }
}

#[test]
fn an_event_is_there_once_its_cause_is_seen() {
    for group in both(unlimited) {
        let (client, group) = start(group.event_buffer(10_000));
        let (entrances, exits) = (client.entrances(), client.exits());
        for n in 0..200 * stress() {
            let name = n.to_string();
            let process = client.insert(idle(&*name)).unwrap();
            process.expect_ready();
            assert_eq!(entrances.try_recv().unwrap().name, name);
            process.signal(Signal::INTERRUPT);
            process.expect_exit().unwrap();
            assert_eq!(exits.try_recv().unwrap().name, name);
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn the_entrance_of_a_member_comes_before_its_exit() {
    for group in both(unlimited) {
        let (client, group) = start(group.event_buffer(10_000));
        let (entrances, exits) = (client.entrances(), client.exits());
        let quick = || {
            run_fn(|_, ready| {
                ready.notify();
                Ok(())
            })
        };
        let mut entered = std::collections::HashSet::new();
        for n in 0..100 * stress() {
            client.insert(Member::new(n.to_string(), quick())).unwrap();
            let exit = recv(&exits).name;
            entered.extend(entrances.try_iter().map(|event| event.name));
            assert!(entered.contains(&exit));
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_stop_is_told_of_every_member() {
    let (client, group) = start(unlimited());
    let exits = client.exits();
    for name in ["a", "b", "c"] {
        client.insert(idle(name)).unwrap().expect_ready();
    }
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
    let mut names: Vec<_> = exits.map(|event| event.name).collect();
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn members_that_become_ready_while_the_group_stops_are_told_of() {
    let (client, group) = start(unlimited());
    let entrances = client.entrances();
    let (_process, call) = insert_fake(&client, "late");
    group.signal(Signal::TERMINATE);
    call.wait_for_signal();
    call.trigger_ready();
    assert_eq!(recv(&entrances).name, "late");
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn events_can_be_selected_on() {
    let (client, _group) = start(unlimited());
    let exits = client.exits();
    client.insert(failing("a", "broken")).unwrap();
    select! {
        recv(exits) -> event => assert_eq!(event.unwrap().name, "a"),
        recv(never::<()>()) -> _ => unreachable!(),
    }
}

#[test]
fn the_streams_end_with_the_group() {
    let (client, group) = start(unlimited());
    let (entrances, exits) = (client.entrances(), client.exits());
    client.insert(done("a")).unwrap();
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap();
    assert_eq!((entrances.count(), exits.count()), (0, 1));
}

#[test]
fn the_streams_of_a_closed_group_go_on_until_its_end() {
    let (client, group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "last");
    client.close();
    let mut exits = client.exits();
    call.trigger_exit(Ok(()));
    assert_eq!(exits.next().unwrap().name, "last");
    group.expect_exit().unwrap();
    assert!(exits.next().is_none());
}
