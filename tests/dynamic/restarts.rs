//! Members that are started again: each on its own, as one process over all its incarnations.

use ifrit::testing::{Call, FakeRunner, ManualClock, Waiting};
use ifrit::{
    Error, Process, Signal,
    grouper::{Capacity, Dynamic, DynamicClient, Ends, Member, Reason},
    process::Status,
    restart::{Backoff, Restart},
};

use crate::kit::{
    SECOND, both, expect_fired, fake, idle, insert_fake, recv, start, trace, unlimited,
};

/// How many restarts a member may have, and in how much time they count, unless it is wrapped by hand.
const BUDGET: usize = 5;

fn permanent() -> Restart {
    Restart::permanent().backoff(Backoff::none())
}

fn transient() -> Restart {
    Restart::transient().backoff(Backoff::none())
}

fn insert(client: &DynamicClient, name: &str, restart: Restart) -> (Process, FakeRunner) {
    let (member, fake) = fake(name);
    let process = client.insert(member.restart(restart)).expect("room");
    (process, fake)
}

fn fails(call: &Call) {
    call.trigger_exit(Err("broken".into()));
}

#[test]
fn it_is_one_process_that_enters_once_and_exits_once() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (entrances, exits) = (client.entrances(), client.exits());
        let (process, fake) = insert(&client, "worker", transient());
        for _ in 0..3 {
            let call = fake.wait_for_call();
            call.trigger_ready();
            process.expect_ready();
            assert_eq!(client.get("worker").unwrap().id(), process.id());
            fails(&call);
        }
        fake.wait_for_call().trigger_exit(Ok(()));
        process.expect_exit().unwrap();
        client.close();
        group.expect_exit().unwrap(); // what was healed is no failure
        let entered: Vec<_> = entrances.map(|event| event.process.id()).collect();
        let exited: Vec<_> = exits.map(|event| (event.id, event.exit.is_ok())).collect();
        assert_eq!(entered, [process.id()]);
        assert_eq!(exited, [(process.id(), true)]);
    }
}

#[test]
fn each_policy_restarts_after_the_ends_it_names() {
    let cases = [
        (permanent(), [true, true]),
        (transient(), [false, true]),
        (Restart::temporary(), [false, false]),
    ];
    for (restart, comes_back) in cases {
        for (fails, comes_back) in [false, true].into_iter().zip(comes_back) {
            let (client, group) = start(unlimited());
            let (process, fake) = insert(&client, "worker", restart);
            let end = if fails { Err("broken".into()) } else { Ok(()) };
            fake.wait_for_call().trigger_exit(end);
            if comes_back {
                let second = fake.wait_for_call();
                assert!(process.try_exit().is_none());
                group.signal(Signal::INTERRUPT);
                second.wait_for_signal();
                second.trigger_exit(Ok(()));
                group.expect_exit().unwrap();
            } else {
                assert_eq!(process.expect_exit().is_err(), fails);
                client.close();
                assert_eq!(group.expect_exit().is_err(), fails);
            }
            assert_eq!(fake.calls(), 1 + usize::from(comes_back));
        }
    }
}

#[test]
fn it_keeps_its_name_and_its_place_during_a_delay_and_a_stop_ends_that_at_once() {
    for group in both(|| Dynamic::new(Capacity::at_most(1))) {
        let clock = ManualClock::new();
        let client = group.client();
        let group = Process::builder().clock(clock.clock()).invoke(group);
        let slow = Restart::permanent().backoff(Backoff::constant(SECOND));
        let (process, fake) = insert(&client, "worker", slow);
        fails(&fake.wait_for_call());
        clock.wait_for_timers(1);
        assert_eq!(process.status(), Status::Restarting);
        let refused = |name: &str| client.try_insert(idle(name)).unwrap_err().reason();
        assert_eq!(refused("worker"), Reason::DuplicateName);
        assert_eq!(refused("other"), Reason::Full);
        group.signal(Signal::TERMINATE);
        group.expect_exit().unwrap();
        process.expect_exit().unwrap();
        assert_eq!(fake.calls(), 1);
    }
}

#[test]
fn each_member_has_a_budget_of_its_own() {
    let (client, group) = start(unlimited());
    let (hot, hot_fake) = insert(&client, "hot", permanent());
    let (other, other_fake) = insert(&client, "other", permanent());
    for _ in 0..=BUDGET {
        fails(&hot_fake.wait_for_call());
    }
    let error = hot.expect_exit().unwrap_err();
    assert!(matches!(
        &error,
        Error::RestartBudget {
            restarts: BUDGET,
            ..
        }
    ));
    for _ in 0..BUDGET {
        fails(&other_fake.wait_for_call());
    }
    let last = other_fake.wait_for_call();
    assert!(other.try_exit().is_none());
    group.signal(Signal::INTERRUPT);
    last.wait_for_signal();
    last.trigger_exit(Ok(()));
    let trace = trace(group.expect_exit());
    assert!(matches!(
        trace.get("hot").unwrap().exit,
        Err(Error::RestartBudget { .. })
    ));
    assert!(trace.get("other").unwrap().exit.is_ok());
}

#[test]
fn an_end_that_its_policy_allows_stops_nobody() {
    for ends in [Ends::Any, Ends::Errors] {
        let (client, group) = start(unlimited().stop_on_exit(ends));
        let (_other, other) = insert_fake(&client, "other");
        let exits = client.exits();
        for (restart, end) in [
            (transient(), Ok(())),
            (Restart::temporary(), Ok(())),
            (Restart::temporary(), Err("of no account".into())),
        ] {
            let (_process, fake) = insert(&client, "worker", restart);
            fake.wait_for_call().trigger_exit(end);
            assert_eq!(recv(&exits).name, "worker");
        }
        // The group has heard of all these exits, and still takes members.
        client.try_insert(idle("next")).unwrap().expect_ready();
        group.signal(Signal::TERMINATE);
        assert_eq!(other.wait_for_signal(), Signal::TERMINATE);
        other.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn an_end_that_its_policy_does_not_allow_stops_the_others() {
    for ends in [Ends::Any, Ends::Errors] {
        let (client, group) = start(unlimited().stop_on_exit(ends));
        let (_other, other) = insert_fake(&client, "other");
        let (_process, fake) = insert(&client, "hot", transient());
        for _ in 0..=BUDGET {
            fails(&fake.wait_for_call());
        }
        assert_eq!(other.wait_for_signal(), Signal::INTERRUPT);
        expect_fired(client.closed());
        other.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn a_backoff_that_cannot_be_is_refused_and_the_member_comes_back() {
    let (client, _group) = start(unlimited());
    let invalid = Restart::permanent().backoff(Backoff::none().jitter(2.0));
    let (member, fake) = fake("worker");
    let refused = client.insert(member.restart(invalid)).unwrap_err();
    assert_eq!(refused.reason(), Reason::InvalidBackoff);
    let member: Member = refused.into_member().unwrap();
    let restarted = client.insert(member.restart(transient())).unwrap();
    fake.wait_for_call().trigger_exit(Ok(()));
    restarted.expect_exit().unwrap();
}

#[test]
fn the_list_says_how_often_it_was_restarted_and_after_which_end() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (process, fake) = insert(&client, "worker", permanent());
        let status = || client.list().remove(0);
        for n in 0..4 {
            let call = fake.wait_for_call();
            assert_eq!(status().restarts, n);
            let last = status().last_exit;
            assert_eq!(last.is_some(), n > 0);
            if let Some(last) = last {
                assert!(last.is_err());
                assert_eq!((&*last.to_string(), last.id()), ("disk full", process.id()));
            }
            call.trigger_exit(Err("disk full".into()));
        }
        fake.wait_for_call().trigger_exit(Ok(()));
        let last = fake.wait_for_call();
        assert_eq!(status().restarts, 5);
        assert!(status().last_exit.unwrap().is_ok());
        group.signal(Signal::INTERRUPT);
        last.wait_for_signal();
        last.trigger_exit(Ok(()));
        group.expect_exit().unwrap();
    }
}
