//! Limits of time, on a clock that is moved by hand.

use std::time::Duration;

use ifrit::testing::{Call, ManualClock, Waiting};
use ifrit::{
    Error, Process, Signal,
    error::Cause,
    grouper::{Dynamic, DynamicClient, Member, Parallel, Reason},
    process::Status,
    run_fn,
};

use crate::kit::{
    SECOND, at_most, both, done, fake, idle, insert_fake, insert_fake_as, recv, start, trace,
    unlimited,
};

struct Timed {
    clock: ManualClock,
    client: DynamicClient,
    group: Process,
}

/// A group on a clock of its own. Its grace is 2 s unless set.
fn timed(group: Dynamic) -> Timed {
    let clock = ManualClock::new();
    let client = group.client();
    let builder = Process::builder()
        .name("group")
        .clock(clock.clock())
        .kill_grace(2 * SECOND);
    let group = builder.invoke(group);
    Timed {
        clock,
        client,
        group,
    }
}

impl Timed {
    /// Tells the group to stop; returns when the member behind `call` has heard.
    fn stop(&self, call: &Call) {
        self.group.signal(Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    }
}

#[test]
fn a_member_that_is_not_ready_in_time_is_told_to_stop_and_the_group_goes_on() {
    for group in both(unlimited) {
        let timed = timed(group);
        let limited = |member: Member| member.start_within(10 * SECOND);
        let (slow, call) = insert_fake_as(&timed.client, "slow", limited);
        timed.clock.advance(10 * SECOND);
        assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
        call.trigger_ready();
        call.trigger_exit(Ok(()));
        let error = slow.expect_exit().unwrap_err();
        assert!(matches!(error, Error::StartTimeout { after, .. } if after == 10 * SECOND));
        assert!(!slow.is_ready());
        timed
            .client
            .insert(done("next"))
            .unwrap()
            .expect_exit()
            .unwrap();
        timed.client.close();
        assert_eq!(trace(timed.group.expect_exit()).failures().count(), 1);
    }
}

#[test]
fn a_member_that_is_ready_in_time_has_no_limit_left() {
    let timed = timed(unlimited());
    let limited = |member: Member| member.start_within(10 * SECOND);
    let (slow, call) = insert_fake_as(&timed.client, "slow", limited);
    timed.clock.advance(9 * SECOND);
    call.trigger_ready();
    slow.expect_ready();
    timed.clock.advance(100 * SECOND);
    assert!(call.signals().is_empty());
    call.trigger_exit(Ok(()));
    slow.expect_exit().unwrap();
}

#[test]
fn a_member_that_was_given_up_keeps_its_place_until_its_thread_ends_but_not_its_name() {
    for group in both(|| at_most(1)) {
        let timed = timed(group);
        let limited = |member: Member| member.start_within(10 * SECOND);
        let (deaf, call) = insert_fake_as(&timed.client, "deaf", limited);
        timed.clock.advance(10 * SECOND); // INT
        timed.clock.advance(2 * SECOND); // KILL
        timed.clock.advance(2 * SECOND); // given up
        let error = deaf.expect_exit().unwrap_err();
        assert_eq!(error.stuck()[0].name, "deaf");
        assert_eq!(deaf.status(), Status::Abandoned);
        assert!(timed.client.get("deaf").is_none());
        let refused = timed.client.try_insert(idle("deaf")).unwrap_err();
        assert_eq!(refused.reason(), Reason::Full);

        call.trigger_exit(Ok(()));
        let next = timed.client.insert(refused.into_member().unwrap()).unwrap();
        next.expect_ready();
        assert_eq!(timed.client.get("deaf").unwrap().id(), next.id());
        timed.group.signal(Signal::INTERRUPT);
        assert_eq!(trace(timed.group.expect_exit()).len(), 2);
    }
}

#[test]
fn a_member_that_does_not_stop_in_time_is_told_kill_and_then_given_up_and_named() {
    for group in both(unlimited) {
        let timed = timed(group);
        let limited = |member: Member| member.stop_within(5 * SECOND);
        let (deaf, call) = insert_fake_as(&timed.client, "deaf", limited);
        timed.client.insert(idle("good")).unwrap().expect_ready();
        timed.stop(&call);
        assert_eq!(timed.clock.advance_to_next(), 9 * SECOND / 2);
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        assert_eq!(timed.clock.advance_to_next(), SECOND / 2);
        let error = timed.group.expect_exit().unwrap_err();
        assert_eq!(error.stuck()[0].name, "deaf");
        let trace = trace(Err(error));
        assert_eq!(trace.get("deaf").unwrap().cause, Cause::Abandoned);
        assert_eq!(trace.get("deaf").unwrap().time_to_stop, Some(5 * SECOND));
        assert_eq!(trace.get("good").unwrap().cause, Cause::Stopped);
        assert_eq!(deaf.status(), Status::Abandoned);
        call.trigger_exit(Ok(()));
    }
}

#[test]
fn the_whole_group_stops_within_its_limit() {
    let timed = timed(unlimited().stop_within(20 * SECOND));
    let calls = ["a", "b"].map(|name| insert_fake(&timed.client, name).1);
    timed.group.signal(Signal::TERMINATE);
    for call in &calls {
        assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    }
    // KILL comes the grace, which is 2 s, before the end.
    assert_eq!(timed.clock.advance_to_next(), 18 * SECOND);
    for call in &calls {
        assert_eq!(call.wait_for_signal(), Signal::KILL);
    }
    calls[0].trigger_exit(Ok(()));
    timed.clock.wait_for_timers(1);
    let exits = timed.client.exits();
    assert_eq!(recv(&exits).name, "a");
    timed.clock.advance(2 * SECOND);
    let trace = trace(timed.group.expect_exit());
    assert_eq!(trace.get("a").unwrap().cause, Cause::Stopped);
    assert_eq!(trace.get("b").unwrap().cause, Cause::Abandoned);
    calls[1].trigger_exit(Ok(()));
}

#[test]
fn the_lesser_limit_holds() {
    let timed = timed(unlimited().stop_within(20 * SECOND));
    let limited = |member: Member| member.stop_within(5 * SECOND);
    let (_process, call) = insert_fake_as(&timed.client, "a", limited);
    timed.stop(&call);
    assert_eq!(timed.clock.advance_to_next(), 9 * SECOND / 2);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Ok(()));
    timed.group.expect_exit().unwrap();
}

#[test]
fn the_grace_can_be_set() {
    let timed = timed(unlimited().kill_grace(7 * SECOND));
    let limited = |member: Member| member.stop_within(100 * SECOND);
    let (_process, call) = insert_fake_as(&timed.client, "a", limited);
    timed.stop(&call);
    assert_eq!(timed.clock.advance_to_next(), 93 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert_eq!(timed.clock.advance_to_next(), 7 * SECOND);
    assert_eq!(trace(timed.group.expect_exit())[0].cause, Cause::Abandoned);
    call.trigger_exit(Ok(()));
}

#[test]
fn the_grace_is_that_of_the_members_too() {
    let timed = timed(unlimited().kill_grace(7 * SECOND));
    let limited = |member: Member| member.start_within(SECOND);
    let (deaf, call) = insert_fake_as(&timed.client, "deaf", limited);
    assert_eq!(timed.clock.advance_to_next(), SECOND);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    assert_eq!(timed.clock.advance_to_next(), 7 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert_eq!(timed.clock.advance_to_next(), 7 * SECOND);
    assert_eq!(deaf.expect_exit().unwrap_err().stuck()[0].name, "deaf");
    call.trigger_exit(Ok(()));
}

#[test]
fn a_stop_that_begins_inside_a_member_has_the_lesser_limit() {
    // The inner group has a tenth less than that, and KILL comes a tenth before its end.
    let (eight, sixteen) = (Duration::from_millis(8_100), Duration::from_millis(16_200));
    let limits = [
        (unlimited().stop_within(20 * SECOND), None, sixteen),
        (unlimited(), Some(10 * SECOND), eight),
        (
            unlimited().stop_within(20 * SECOND),
            Some(10 * SECOND),
            eight,
        ),
        (
            unlimited().stop_within(20 * SECOND),
            Some(50 * SECOND),
            sixteen,
        ),
    ];
    for (group, own, expected) in limits {
        let timed = timed(group);
        let fakes = ["a", "b"].map(fake);
        let [first, second] = fakes.each_ref().map(|(_, fake)| fake.clone());
        let inner = Parallel::new(fakes.map(|(member, _)| member));
        let mut inner = Member::new("inner", inner);
        if let Some(own) = own {
            inner = inner.stop_within(own);
        }
        let inner = timed.client.insert(inner).unwrap();
        let [failing, deaf] = [first, second].map(|fake| fake.wait_for_call());
        failing.trigger_exit(Err("lost".into()));
        assert_eq!(deaf.wait_for_signal(), Signal::INTERRUPT);
        assert_eq!(timed.clock.advance_to_next(), expected);
        assert_eq!(deaf.wait_for_signal(), Signal::KILL);
        timed.clock.advance_to_next();
        assert_eq!(inner.expect_exit().unwrap_err().stuck()[0].name, "b");
        deaf.trigger_exit(Ok(()));
    }
}

#[test]
fn without_a_limit_nobody_is_killed() {
    let timed = timed(unlimited());
    let (_process, call) = insert_fake(&timed.client, "slow");
    timed.stop(&call);
    timed.clock.advance(1_000_000 * SECOND);
    // The first may pass what has just become due, and the second come together with it; the third comes after it.
    for _ in 0..3 {
        timed.group.signal(Signal::HANGUP);
        assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    }
    call.trigger_exit(Ok(()));
    timed.group.expect_exit().unwrap();
}

#[test]
fn a_stop_delay_holds_the_signal_back() {
    let timed = timed(unlimited());
    let delayed = |member: Member| member.stop_delay(3 * SECOND);
    let (_late, late) = insert_fake_as(&timed.client, "late", delayed);
    let (_prompt, prompt) = insert_fake(&timed.client, "prompt");
    timed.stop(&prompt);
    timed.clock.wait_for_timers(1);
    assert!(late.signals().is_empty());
    timed.clock.advance(3 * SECOND);
    assert_eq!(late.wait_for_signal(), Signal::TERMINATE);
    for call in [late, prompt] {
        call.trigger_exit(Ok(()));
    }
    timed.group.expect_exit().unwrap();
}

#[test]
fn kill_cuts_a_stop_delay_short() {
    let timed = timed(unlimited());
    let delayed = |member: Member| member.stop_delay(3 * SECOND);
    let (_late, late) = insert_fake_as(&timed.client, "late", delayed);
    timed.group.signal(Signal::TERMINATE);
    timed.clock.wait_for_timers(1);
    timed.group.signal(Signal::KILL);
    assert_eq!(late.wait_for_signal(), Signal::KILL);
    late.trigger_exit(Ok(()));
    timed.group.expect_exit().unwrap();
}

#[test]
fn a_stop_from_outside_hands_its_limit_down() {
    let timed = timed(unlimited());
    let (_deaf, call) = insert_fake(&timed.client, "deaf");
    let stopping = crate::kit::elsewhere({
        let group = timed.group.clone();
        move || group.stop(Signal::TERMINATE, 20 * SECOND)
    });
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    // The group has 18 s, and the member is told KILL a tenth before that.
    timed.clock.wait_for_timers(2);
    assert_eq!(timed.clock.advance_to_next(), Duration::from_millis(16_200));
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    timed.clock.wait_for_timers(2);
    timed.clock.advance(2 * SECOND);
    let error = stopping.outcome().unwrap_err();
    assert_eq!(error.stuck()[0].name, "deaf");
    call.trigger_exit(Ok(()));
}

#[test]
fn a_limit_of_no_length_is_refused_by_the_run() {
    let group = ifrit::background(unlimited().stop_within(Duration::ZERO));
    assert!(matches!(
        group.expect_exit(),
        Err(Error::ZeroDeadline {
            option: "stop_within",
            ..
        })
    ));
}

#[test]
fn members_inherit_the_clock_whoever_inserts_them() {
    let timed = timed(unlimited());
    let now = timed.clock.now();
    let asks = run_fn(move |_, _| {
        let clock = ifrit::current().expect("a process").clock();
        assert_eq!(clock.now(), now);
        Ok(())
    });
    let asks = Member::new("asks", asks);
    let (other, _group) = start(unlimited());
    let client = timed.client.clone();
    let inserter = run_fn({
        let mut asks = Some(asks);
        move |_, _| {
            client.insert(asks.take().expect("once"))?.join()?;
            Ok(())
        }
    });
    other
        .insert(Member::new("inserter", inserter))
        .unwrap()
        .expect_exit()
        .unwrap();
}
