//! Which members there are, and what they are doing.

use ifrit::testing::{ManualClock, Waiting};
use ifrit::{
    Process, Signal,
    grouper::{Member, MemberState, MemberStatus},
    restart::{Backoff, Restart},
};

use crate::kit::{
    SECOND, at_most, both, failing, idle, insert_fake, insert_fake_as, recv, start, unlimited,
};

fn names_and_states(list: &[MemberStatus]) -> Vec<(&str, MemberState)> {
    list.iter().map(|m| (&*m.name, m.state)).collect()
}

#[test]
fn the_living_are_listed_in_the_order_in_which_they_were_inserted() {
    for group in both(unlimited) {
        let client = group.client();
        assert!(client.list().is_empty());
        let (_, group) = start(group);
        assert!(client.list().is_empty());
        let (ready, ready_call) = insert_fake(&client, "z");
        let (_starting, starting_call) = insert_fake(&client, "a");
        let (_stopping, stopping_call) = insert_fake(&client, "m");
        ready_call.trigger_ready();
        ready.expect_ready();
        client.get("m").unwrap().signal(Signal::INTERRUPT);
        stopping_call.wait_for_signal();
        let list = client.list();
        let expected = [
            ("z", MemberState::Ready),
            ("a", MemberState::Starting),
            ("m", MemberState::Stopping),
        ];
        assert_eq!(names_and_states(&list), expected);
        assert_eq!(list[0].process.as_ref().map(Process::id), Some(ready.id()));
        let counts = client.count();
        assert_eq!((counts.members, counts.running), (3, 3));
        assert_eq!((counts.restarting, counts.abandoned), (0, 0));
        for call in [ready_call, starting_call, stopping_call] {
            call.trigger_exit(Ok(()));
        }
        client.close();
        group.expect_exit().unwrap();
        assert!(client.list().is_empty());
        assert_eq!(client.count().members, 0);
    }
}

#[test]
fn a_member_that_has_exited_is_listed_no_more() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (process, call) = insert_fake(&client, "a");
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
        assert!(client.list().is_empty());
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_member_that_waits_to_be_restarted_is_listed_as_such() {
    let clock = ManualClock::new();
    let group = unlimited();
    let client = group.client();
    let group = Process::builder().clock(clock.clock()).invoke(group);
    let restart = Restart::permanent().backoff(Backoff::constant(SECOND));
    client
        .insert(failing("a", "broken").restart(restart))
        .unwrap();
    clock.wait_for_timers(1);
    assert_eq!(
        names_and_states(&client.list()),
        [("a", MemberState::Restarting)]
    );
    assert_eq!(client.count().restarting, 1);
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap();
}

#[test]
fn a_member_that_was_given_up_is_listed_until_its_thread_ends() {
    let clock = ManualClock::new();
    let group = at_most(2);
    let client = group.client();
    let builder = Process::builder().clock(clock.clock()).kill_grace(SECOND);
    let group = builder.invoke(group);
    let limited = |member: Member| member.start_within(SECOND);
    let (deaf, call) = insert_fake_as(&client, "deaf", limited);
    for _told_told_kill_given_up in 0..3 {
        clock.advance(SECOND);
    }
    deaf.expect_exit().unwrap_err();
    client.insert(idle("beside")).unwrap().expect_ready();
    let expected = [
        ("deaf", MemberState::Abandoned),
        ("beside", MemberState::Ready),
    ];
    assert_eq!(names_and_states(&client.list()), expected);
    let counts = client.count();
    assert_eq!((counts.running, counts.abandoned), (1, 1));
    let vacancy = client.vacancy();
    call.trigger_exit(Ok(()));
    recv(&vacancy); // the thread has ended
    assert_eq!(
        names_and_states(&client.list()),
        [("beside", MemberState::Ready)]
    );
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap_err();
}
