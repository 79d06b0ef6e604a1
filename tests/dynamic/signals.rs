//! What is sent to a group on its way to the members.

use ifrit::Signal;
use ifrit::testing::{Waiting, signal_recorder};
use ifrit::{Receiver, grouper::Member};

use crate::kit::{both, done, expect_fired, insert_fake, start, unlimited};

#[test]
fn a_notification_reaches_all_the_living_and_stops_nobody() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let calls = ["a", "b", "c"].map(|name| insert_fake(&client, name).1);
        for signal in [Signal::USER1, Signal::HANGUP, Signal::from_raw(40).unwrap()] {
            group.signal(signal);
            for call in &calls {
                assert_eq!(call.wait_for_signal(), signal);
            }
        }
        client.insert(done("next")).unwrap().expect_exit().unwrap();
        calls.iter().for_each(|call| call.trigger_exit(Ok(())));
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_notification_reaches_a_closed_group() {
    let (client, group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "a");
    client.close();
    group.signal(Signal::USER2);
    assert_eq!(call.wait_for_signal(), Signal::USER2);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn those_who_come_later_do_not_hear_of_it() {
    let (client, group) = start(unlimited());
    let (_early, early) = insert_fake(&client, "early");
    group.signal(Signal::USER1);
    early.wait_for_signal();
    let (_late, late) = insert_fake(&client, "late");
    group.signal(Signal::USER2);
    assert_eq!(late.wait_for_signal(), Signal::USER2);
    for call in [early, late] {
        call.trigger_exit(Ok(()));
    }
}

#[test]
fn a_stop_signal_reaches_all_as_it_was_sent() {
    for signal in [
        Signal::INTERRUPT,
        Signal::TERMINATE,
        Signal::QUIT,
        Signal::KILL,
    ] {
        let (client, group) = start(unlimited());
        let calls = ["a", "b", "c"].map(|name| insert_fake(&client, name).1);
        group.signal(signal);
        for call in &calls {
            assert_eq!(call.wait_for_signal(), signal);
        }
        calls.iter().for_each(|call| call.trigger_exit(Ok(())));
        group.expect_exit().unwrap();
    }
}

#[test]
fn all_are_told_at_once_and_not_one_after_the_other() {
    let (client, group) = start(unlimited());
    let calls = ["a", "b"].map(|name| insert_fake(&client, name).1);
    group.signal(Signal::INTERRUPT);
    // Both hear while both live.
    for call in &calls {
        assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    }
    calls.iter().for_each(|call| call.trigger_exit(Ok(())));
    group.expect_exit().unwrap();
}

#[test]
fn every_further_signal_reaches_those_who_stop() {
    let (client, group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "slow");
    let order = [
        Signal::INTERRUPT,
        Signal::USER1,
        Signal::TERMINATE,
        Signal::KILL,
    ];
    for signal in order {
        group.signal(signal);
        assert_eq!(call.wait_for_signal(), signal);
    }
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn signals_keep_their_order() {
    let (client, group) = start(unlimited());
    let (runner, recorded) = signal_recorder();
    client
        .insert(Member::new("a", runner))
        .unwrap()
        .expect_ready();
    let order = [
        Signal::HANGUP,
        Signal::USER1,
        Signal::USER2,
        Signal::TERMINATE,
    ];
    for signal in order {
        group.signal(signal);
    }
    group.expect_exit().unwrap();
    assert_eq!(recorded.so_far(), order);
}

#[test]
fn a_stop_is_told_once() {
    let (client, group) = start(unlimited());
    let (_process, call) = insert_fake(&client, "a");
    group.signal(Signal::INTERRUPT);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    let signals: Receiver<Signal> = call.signals().clone();
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    expect_fired(&signals);
}
