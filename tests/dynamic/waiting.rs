//! Inserting into a group that is full, and the end of the wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ifrit::crossbeam_channel::unbounded;
use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{
    Signal,
    grouper::{Member, Reason, Refusal},
    run_once,
};

use crate::kit::{
    at_most, both, elsewhere, expect_fired, fake, idle, insert_fake, recv, start, unlimited,
};

#[test]
fn insert_into_a_full_group_waits_for_a_place() {
    for group in both(|| at_most(1)) {
        let (client, group) = start(group);
        let (_first, call) = insert_fake(&client, "first");
        let left = Arc::new(AtomicBool::new(false));
        let waiting = elsewhere({
            let (client, left) = (client.clone(), Arc::clone(&left));
            move || {
                let process = client.insert(idle("second")).unwrap();
                (process, left.load(Ordering::SeqCst))
            }
        });
        left.store(true, Ordering::SeqCst);
        call.trigger_exit(Ok(()));
        let (second, had_left) = waiting.outcome();
        assert!(had_left);
        second.expect_ready();
        group.signal(Signal::INTERRUPT);
        group.expect_exit().unwrap();
    }
}

#[test]
fn try_insert_into_a_full_group_says_so() {
    let (client, _group) = start(at_most(1));
    let (first, call) = insert_fake(&client, "first");
    let refused = client.try_insert(idle("second")).unwrap_err();
    assert_eq!(refused.reason(), Reason::Full);
    call.trigger_exit(Ok(()));
    first.expect_exit().unwrap();
    client
        .try_insert(refused.into_member().unwrap())
        .unwrap()
        .expect_ready();
}

#[test]
fn insert_with_a_time_out_into_a_full_group_times_out() {
    let (client, _group) = start(at_most(1));
    let (first, call) = insert_fake(&client, "first");
    let patience = Duration::from_millis(1);
    let refused = client.insert_timeout(idle("second"), patience).unwrap_err();
    assert_eq!(refused.reason(), Reason::TimedOut);

    let waiting = elsewhere({
        let client = client.clone();
        move || client.insert_timeout(refused.into_member().unwrap(), PATIENCE)
    });
    call.trigger_exit(Ok(()));
    waiting.outcome().unwrap().expect_ready();
    first.expect_exit().unwrap();
}

#[test]
fn every_one_who_waits_gets_a_place_in_the_end() {
    for group in both(|| at_most(2)) {
        let (client, group) = start(group);
        let (begun, begins) = unbounded();
        let waiting: Vec<_> = (0..20)
            .map(|n| {
                let (client, begun) = (client.clone(), begun.clone());
                let runner = run_once(move |_, _| Ok(begun.send(n)?));
                elsewhere(move || client.insert(Member::new(n.to_string(), runner)))
            })
            .collect();
        for waiting in waiting {
            waiting.outcome().unwrap().expect_exit().unwrap();
        }
        let mut numbers: Vec<_> = begins.try_iter().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn one_who_gives_up_takes_no_place_from_those_who_wait_on() {
    for group in both(|| at_most(1)) {
        let (client, group) = start(group);
        for n in 0..50 {
            let (first, call) = insert_fake(&client, "first");
            let patient = elsewhere({
                let client = client.clone();
                move || client.insert(idle("patient"))
            });
            let hasty = elsewhere({
                let client = client.clone();
                move || client.insert_timeout(idle("hasty"), Duration::from_micros(n * 10))
            });
            call.trigger_exit(Ok(()));
            if let Ok(hasty) = hasty.outcome() {
                hasty.signal(Signal::INTERRUPT);
            }
            let patient = patient.outcome().unwrap();
            patient.signal(Signal::INTERRUPT);
            patient.expect_exit().unwrap();
            first.expect_exit().unwrap();
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn one_who_is_refused_after_all_passes_the_place_on() {
    let (client, group) = start(at_most(1));
    for _ in 0..50 {
        let (_first, call) = insert_fake(&client, "first");
        // The second of the two may find the other alive; the third gets a place in any case.
        let waiting = ["same", "same", "other"].map(|name| {
            let client = client.clone();
            elsewhere(move || {
                let process = client.insert(idle(name))?;
                process.signal(Signal::INTERRUPT);
                Ok::<_, Refusal>(process.expect_exit())
            })
        });
        call.trigger_exit(Ok(()));
        let [one, two, other] = waiting.map(|waiting| waiting.outcome());
        other.unwrap().unwrap();
        let refused = [one, two].into_iter().filter_map(Result::err);
        let reasons: Vec<_> = refused.map(|refused| refused.reason()).collect();
        assert!(reasons.is_empty() || reasons == [Reason::DuplicateName]);
    }
    client.close();
    group.expect_exit().unwrap();
}

#[test]
fn close_answers_those_who_wait_for_a_place() {
    let (client, group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    let (member, fake) = fake("second");
    let waiting = elsewhere({
        let client = client.clone();
        move || client.insert(member)
    });
    client.close();
    let refused = waiting.outcome().unwrap_err();
    assert_eq!(refused.reason(), Reason::Closed);
    assert_eq!(fake.calls(), 0);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn a_stop_answers_those_who_wait_for_a_place() {
    let (client, group) = start(at_most(1));
    client.insert(idle("first")).unwrap().expect_ready();
    let waiting = elsewhere({
        let client = client.clone();
        move || client.insert(idle("second"))
    });
    group.signal(Signal::INTERRUPT);
    // It may have waited, or entered after the first has left: not once the stop has begun.
    assert_eq!(waiting.outcome().unwrap_err().reason(), Reason::Closed);
    group.expect_exit().unwrap();
}

#[test]
fn a_stop_answers_a_member_that_waits_for_room_in_its_own_group() {
    for group in both(|| at_most(1)) {
        let (client, group) = start(group);
        let inside = client.clone();
        let (answers, answer) = unbounded();
        let member = run_once(move |_, ready| {
            ready.notify();
            let refused = inside.insert(idle("never")).unwrap_err();
            answers.send(refused.reason())?;
            Ok(())
        });
        client
            .insert(Member::new("selfish", member))
            .unwrap()
            .expect_ready();
        group.signal(Signal::INTERRUPT);
        assert_eq!(recv(&answer), Reason::Closed);
        group.expect_exit().unwrap();
    }
}

#[test]
fn close_before_the_run_answers_those_who_wait_for_it() {
    let group = unlimited();
    let client = group.client();
    let waiting = elsewhere(move || client.insert(idle("early")));
    let client = group.client();
    client.close();
    assert_eq!(waiting.outcome().unwrap_err().reason(), Reason::Closed);
    expect_fired(client.closed());
}

#[test]
fn a_group_dropped_unrun_answers_those_who_wait_for_it() {
    let group = unlimited();
    let (member, fake) = fake("early");
    let (client, patient) = (group.client(), group.client());
    let waiting = elsewhere(move || client.insert(member));
    let patient = elsewhere(move || patient.insert_timeout(idle("patient"), PATIENCE));
    drop(group);
    let refused = waiting.outcome().unwrap_err();
    assert_eq!(refused.reason(), Reason::Closed);
    assert_eq!(patient.outcome().unwrap_err().reason(), Reason::Closed);

    let (elsewhere, _group) = start(unlimited());
    let process = elsewhere.insert(refused.into_member().unwrap()).unwrap();
    fake.wait_for_call().trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}
