//! Those who listen: late, slowly, never, and a million of them.

use std::collections::VecDeque;
use std::time::Duration;

use ifrit::testing::Waiting;
use ifrit::{
    Process,
    grouper::{DynamicClient, ExitEvent},
    observe::Events,
};
use rustix::time::{ClockId, clock_gettime};

use crate::kit::{both, done, start, unlimited};
use crate::whole::{MB, grown_by, in_child};

fn exit_one_after_the_other(client: &DynamicClient, names: impl Iterator<Item = usize>) {
    for name in names {
        let process = client.insert(done(name.to_string())).unwrap();
        process.expect_exit().unwrap();
    }
}

fn end(client: &DynamicClient, group: &Process) {
    client.close();
    group.expect_exit().unwrap();
}

fn names(events: Events<ExitEvent>) -> Vec<String> {
    events.map(|event| event.name).collect()
}

#[test]
fn a_late_listener_gets_the_newest_past_events_oldest_first_and_then_the_live_ones() {
    for group in both(|| unlimited().event_buffer(3)) {
        let (client, group) = start(group);
        exit_one_after_the_other(&client, 0..5);
        let exits = client.exits();
        assert_eq!(
            exits.try_iter().map(|exit| exit.name).collect::<Vec<_>>(),
            ["2", "3", "4"]
        );
        exit_one_after_the_other(&client, 5..7);
        assert_eq!(exits.missed(), 0);
        end(&client, &group);
        assert_eq!(names(exits), ["5", "6"]);
    }
}

#[test]
fn past_events_take_up_the_room_of_a_late_listener() {
    let (client, group) = start(unlimited().event_buffer(3));
    exit_one_after_the_other(&client, 0..5);
    let exits = client.exits();
    exit_one_after_the_other(&client, 5..7);
    assert_eq!(exits.missed(), 2);
    end(&client, &group);
    assert_eq!(exits.missed(), 2);
    assert_eq!(names(exits), ["2", "3", "4"]);
}

#[test]
fn a_listener_that_never_reads_holds_nobody_up_and_counts_what_it_missed() {
    for group in both(|| unlimited().event_buffer(2)) {
        let (client, group) = start(group);
        let idle = client.exits();
        exit_one_after_the_other(&client, 0..100);
        end(&client, &group);
        assert_eq!(idle.missed(), 98);
        assert_eq!(names(idle), ["0", "1"]);
    }
}

#[test]
fn a_listener_hears_again_once_it_has_read() {
    let (client, group) = start(unlimited().event_buffer(2));
    let exits = client.exits();
    exit_one_after_the_other(&client, 0..5);
    assert_eq!(exits.missed(), 3);
    assert_eq!(exits.recv().unwrap().name, "0");
    exit_one_after_the_other(&client, 5..7);
    end(&client, &group);
    assert_eq!(exits.missed(), 4);
    assert_eq!(names(exits), ["1", "5"]);
}

#[test]
fn a_listener_that_never_reads_takes_nothing_from_one_that_does() {
    let (client, group) = start(unlimited().event_buffer(2));
    let (idle, mut eager) = (client.exits(), client.exits());
    for n in 0..20 {
        exit_one_after_the_other(&client, n..n + 1);
        assert_eq!(eager.next().unwrap().name, n.to_string());
    }
    end(&client, &group);
    assert_eq!((eager.missed(), idle.missed()), (0, 18));
    assert!(eager.next().is_none());
}

#[test]
fn unset_a_listener_has_room_for_sixty_four() {
    let (client, group) = start(unlimited());
    let idle = client.exits();
    exit_one_after_the_other(&client, 0..65);
    let late = client.exits();
    end(&client, &group);
    assert_eq!((idle.missed(), late.missed()), (1, 0));
    assert_eq!((idle.count(), late.count()), (64, 64));
}

#[test]
fn a_buffer_has_room_for_one_at_least() {
    let (client, group) = start(unlimited().event_buffer(0));
    let early = client.exits();
    exit_one_after_the_other(&client, 0..2);
    let late = client.exits();
    end(&client, &group);
    assert_eq!(early.missed(), 1);
    assert_eq!(names(early), ["0"]);
    assert_eq!(names(late), ["1"]);
}

#[test]
fn a_buffer_without_bound_costs_what_is_in_it() {
    for room in [1 << 40, usize::MAX] {
        let (client, group) = start(unlimited().event_buffer(room));
        let idle = client.exits();
        exit_one_after_the_other(&client, 0..100);
        end(&client, &group);
        assert_eq!(idle.missed(), 0);
        assert_eq!(idle.count(), 100);
    }
}

#[test]
fn a_listener_after_the_end_gets_the_past_events_and_no_more() {
    let (client, group) = start(unlimited());
    exit_one_after_the_other(&client, 0..2);
    end(&client, &group);
    assert_eq!(names(client.exits()), ["0", "1"]);
    assert_eq!(names(client.exits()), ["0", "1"]);
}

#[test]
fn a_million_listeners_that_came_and_went_leave_nothing() {
    in_child(|| {
        let (client, group) = start(unlimited().event_buffer(1));
        exit_one_after_the_other(&client, 0..1);
        let grown = grown_by(|| (0..1_000_000).for_each(|_| drop(client.exits())));
        assert!(grown < 8 * MB, "{grown} bytes");
        end(&client, &group);
    });
}

/// How long so many listeners keep this thread busy: they come, hear the same event, and go, the oldest and the newest
/// first.
fn busy_with_listeners(many: usize) -> Duration {
    let (client, group) = start(unlimited().event_buffer(1));
    let before = clock_gettime(ClockId::ThreadCPUTime);
    let mut listeners: VecDeque<_> = (0..many).map(|_| client.exits()).collect();
    exit_one_after_the_other(&client, 0..1);
    for exits in &listeners {
        assert_eq!(exits.try_recv().unwrap().name, "0");
    }
    while let Some(oldest) = listeners.pop_front() {
        drop((oldest, listeners.pop_back()));
    }
    let busy = clock_gettime(ClockId::ThreadCPUTime) - before;
    end(&client, &group);
    busy.try_into().expect("time goes forward")
}

#[test]
fn very_many_listeners_at_once_all_hear_and_go_in_any_order() {
    let [few, many] = [10_000, 100_000].map(busy_with_listeners);
    // Were all the others looked at whenever one comes or goes, it would be a hundred times as long.
    assert!(many < 40 * few, "{few:?}, {many:?}");
}

#[test]
fn a_listener_dropped_after_the_group_is_harmless() {
    let (client, group) = start(unlimited());
    let (entrances, exits) = (client.entrances(), client.exits());
    end(&client, &group);
    drop((group, client));
    drop((entrances, exits));
}

#[test]
fn a_clone_of_a_stream_is_a_stream_of_its_own_that_begins_at_the_newest_event() {
    let (client, group) = start(unlimited().event_buffer(2));
    let exits = client.exits();
    exit_one_after_the_other(&client, 0..3);
    let clone = exits.clone();
    assert_eq!((exits.missed(), clone.missed()), (1, 0));
    assert!(clone.is_empty());
    exit_one_after_the_other(&client, 3..4);
    drop(exits);
    exit_one_after_the_other(&client, 4..5);
    end(&client, &group);
    assert_eq!(clone.clone().count(), 0); // the stream has ended
    assert_eq!(names(clone), ["3", "4"]);
}

#[test]
fn a_clone_of_a_stream_whose_group_is_gone_has_ended() {
    let client = unlimited().client();
    let exits = client.exits();
    drop(client);
    assert_eq!(exits.clone().count(), 0);
    assert_eq!(exits.count(), 0);
}

#[test]
fn a_receiver_that_was_cloned_out_of_a_stream_lives_as_long_as_the_stream() {
    let (client, group) = start(unlimited());
    let exits = client.exits();
    let receiver = ifrit::Receiver::clone(&exits);
    exit_one_after_the_other(&client, 0..1);
    drop(exits);
    exit_one_after_the_other(&client, 1..2);
    assert_eq!(
        receiver.iter().map(|exit| exit.name).collect::<Vec<_>>(),
        ["0"]
    );
    end(&client, &group);
}
