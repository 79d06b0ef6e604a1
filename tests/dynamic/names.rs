//! The names of the living.

use std::sync::Barrier;
use std::thread;

use ifrit::crossbeam_channel::unbounded;
use ifrit::testing::Waiting;
use ifrit::{
    Signal, current,
    grouper::{Member, Reason},
    run_once,
};

use crate::kit::{both, done, expect_fired, idle, insert_fake, recv, start, stress, unlimited};

#[test]
fn get_answers_at_once_before_the_run() {
    let group = unlimited();
    assert!(group.client().get("unknown").is_none());
}

#[test]
fn get_gives_the_living_and_nobody_else() {
    for group in both(unlimited) {
        let (client, _group) = start(group);
        let (process, call) = insert_fake(&client, "worker");
        assert_eq!(client.get("worker").unwrap().id(), process.id());
        assert!(client.get("work").is_none());
        assert!(client.get("").is_none());
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
        assert!(client.get("worker").is_none());
    }
}

#[test]
fn get_gives_members_while_they_stop_and_none_after_the_run() {
    let (client, group) = start(unlimited());
    let (process, call) = insert_fake(&client, "slow");
    group.signal(Signal::INTERRUPT);
    call.wait_for_signal();
    assert_eq!(client.get("slow").unwrap().id(), process.id());
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    assert!(client.get("slow").is_none());
}

#[test]
fn a_member_finds_itself() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let inside = client.clone();
        let (found, finds) = unbounded();
        let member = run_once(move |_, _| {
            found.send((
                inside.get("self").map(|me| me.id()),
                current().map(|me| me.id()),
            ))?;
            Ok(())
        });
        client.insert(Member::new("self", member)).unwrap();
        let (found, current) = recv(&finds);
        assert!(found.is_some());
        assert_eq!(found, current);
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_process_from_get_can_be_told_and_joined() {
    let (client, _group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "worker");
    let found = client.get("worker").unwrap();
    found.signal(Signal::USER1);
    assert_eq!(call.wait_for_signal(), Signal::USER1);
    call.trigger_exit(Err("done".into()));
    assert_eq!(found.expect_exit().unwrap_err().to_string(), "done");
}

#[test]
fn a_name_is_free_once_its_process_was_joined() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        for _ in 0..1_000 * stress() {
            client.insert(done("same")).unwrap().expect_exit().unwrap();
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_name_is_free_once_its_process_is_seen_to_have_exited() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        for round in 0..300 * stress() {
            // Several at once: the later ones exit at the very moment at which they are looked at.
            let members = ["a", "b", "c", "d"].map(|name| client.insert(done(name)).unwrap());
            for member in members {
                match round % 3 {
                    0 => recv(&member.wait()).unwrap(),
                    1 => expect_fired(member.exited()),
                    _ => member.expect_exit().unwrap(),
                }
                assert!(client.get(member.name()).is_none());
            }
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn the_exits_of_the_members_are_there_once_that_of_the_group_is() {
    for _ in 0..200 * stress() {
        let (client, group) = start(unlimited());
        let member = client.insert(done("last")).unwrap();
        client.close();
        group.expect_exit().unwrap();
        assert!(member.try_exit().is_some());
    }
}

#[test]
fn of_many_who_insert_one_name_at_once_one_is_admitted() {
    const INSERTERS: usize = 4;
    for group in both(unlimited) {
        let (client, _group) = start(group);
        for _ in 0..50 * stress() {
            let together = Barrier::new(INSERTERS);
            let answers: Vec<_> = thread::scope(|scope| {
                let insert = || {
                    together.wait();
                    client.insert(idle("same"))
                };
                let inserters: Vec<_> = (0..INSERTERS).map(|_| scope.spawn(insert)).collect();
                let answers = inserters.into_iter().map(|inserter| inserter.join());
                answers.map(Result::unwrap).collect()
            });
            let (admitted, refused): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(Result::is_ok);
            let [Ok(process)] = &admitted[..] else {
                panic!("{admitted:?}")
            };
            assert_eq!(client.get("same").unwrap().id(), process.id());
            for refused in refused {
                assert_eq!(refused.unwrap_err().reason(), Reason::DuplicateName);
            }
            process.signal(Signal::INTERRUPT);
            process.expect_exit().unwrap();
        }
    }
}
