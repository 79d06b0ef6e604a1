use std::collections::BTreeSet;
use std::thread;

use ifrit::observe::{Event, Events};
use ifrit::testing::{FakeRunner, Waiting};
use ifrit::{Signal, grouper::Members, grouper::Parallel, observe, run_fn};

use super::{alone, calm, mute, named, notes, said};

/// So many events a listener has room for.
const ROOM: u64 = 2_048;
/// So many past ones are kept.
const NEWEST: usize = 1_024;

#[test]
fn a_subtree_is_the_process_and_what_starts_below_it_then_and_later() {
    let _guard = calm();
    let (first, late) = (FakeRunner::new(), FakeRunner::new());
    let starts_another = {
        let late = late.clone();
        run_fn(move |signals, ready| {
            ready.notify();
            ifrit::until_stop(&signals);
            named("late").background(late.clone()).join()?;
            Ok(())
        })
    };
    let members = Members::new()
        .add("first", first.clone())
        .add("second", starts_another);
    let app = named("app").background(Parallel::new(members));
    let call = first.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    let (events, of_first) = (app.events(), app.find("first").unwrap().events());
    let beside = named("beside").background(run_fn(|_, _| Ok(())));
    beside.expect_exit().unwrap();
    call.trigger_exit(Ok(()));
    late.wait_for_call().trigger_exit(Ok(()));
    app.expect_exit().unwrap();
    let names = |events: &Events<Event>| -> BTreeSet<String> {
        events
            .try_iter()
            .map(|event| event.path.to_string())
            .collect()
    };
    let below = ["app", "app/first", "app/second", "app/second/late"];
    assert_eq!(names(&events), below.map(str::to_owned).into());
    assert_eq!(names(&of_first), ["app/first".to_owned()].into());
}

#[test]
fn a_listener_that_comes_late_gets_the_past_first() {
    let _guard = calm();
    let (process, early) = mute("a");
    for n in 0..3 {
        process.note(n);
    }
    let late = process.events();
    process.note(3);
    assert_eq!(notes(early.try_iter()), ["0", "1", "2", "3"]);
    assert_eq!(notes(late.try_iter()), ["0", "1", "2", "3"]);
    process.kill().unwrap();
}

#[test]
fn a_listener_that_does_not_read_knows_how_many_it_has_missed() {
    let _guard = alone();
    let (process, mut events) = mute("busy");
    for n in 0..5_000 {
        process.note(n);
    }
    assert_eq!(events.missed(), 5_000 - ROOM);
    assert_eq!(events.len() as u64, ROOM);
    // It is given events again as soon as it has read.
    assert_eq!(notes(events.next().into_iter()), ["0"]);
    process.note("back");
    process.note("full");
    process.signal(Signal::KILL);
    process.expect_exit().unwrap();
    let missed = events.missed();
    let rest = notes(events.try_iter());
    assert_eq!(rest.last().unwrap(), "back");
    assert_eq!(rest.len() as u64, ROOM);
    assert_eq!(missed, 5_000 - ROOM + 3); // "full", the signal and the exit
}

#[test]
fn what_is_received_and_what_is_missed_is_what_was_published() {
    let _guard = alone();
    let (process, _) = mute("busy");
    let reads = |every: usize| {
        let events = process.events();
        let past = events.try_iter().count();
        assert!(past >= 2);
        let process = process.clone();
        thread::spawn(move || {
            let mut received = 0;
            while !process.exited().is_empty() || process.try_exit().is_none() {
                received += events.try_iter().take(every).count() as u64;
                thread::yield_now();
            }
            received += events.try_iter().count() as u64;
            received + events.missed()
        })
    };
    let readers = [1, 100, usize::MAX].map(reads);
    for n in 0..20_000 {
        process.note(n);
    }
    process.signal(Signal::KILL);
    process.expect_exit().unwrap();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), 20_000 + 2);
    }
}

#[test]
fn those_that_never_read_take_nothing_from_one_that_does() {
    let _guard = alone();
    let (process, mut reads) = mute("busy");
    let deaf: Vec<_> = (0..100).map(|_| process.events()).collect();
    for n in 0..5_000 {
        process.note(n);
        assert_eq!(notes(reads.next().into_iter()), [n.to_string()]);
    }
    assert_eq!(reads.missed(), 0);
    for events in deaf {
        assert_eq!(events.len() as u64 + events.missed(), 5_002);
    }
    process.kill().unwrap();
}

#[test]
fn each_of_many_that_were_full_hears_again_after_it_has_read() {
    let _guard = alone();
    let (process, _) = mute("busy");
    let many: Vec<_> = (0..50).map(|_| process.events()).collect();
    for n in 0..ROOM + 1 {
        process.note(n);
    }
    for events in &many {
        assert!(events.missed() > 0);
        assert_eq!(events.try_iter().count() as u64, ROOM);
    }
    // Each eighth event looks at one of them.
    for n in 0..8 * many.len() {
        process.note(n);
    }
    process.note("all hear");
    for events in &many {
        assert_eq!(notes(events.try_iter()).last().unwrap(), "all hear");
    }
    process.kill().unwrap();
}

#[test]
fn a_clone_begins_at_the_newest_event_and_is_a_listener_of_its_own() {
    let _guard = calm();
    let (process, events) = mute("a");
    process.note("past");
    let clone = events.clone();
    drop(events);
    process.note("new");
    assert_eq!(notes(clone.try_iter()), ["new"]);
    assert_eq!(clone.missed(), 0);
    process.kill().unwrap();
}

#[test]
fn the_past_of_the_program_is_its_newest_events() {
    let _guard = alone();
    let (process, _) = mute("busy");
    for n in 0..2 * NEWEST {
        process.note(n);
    }
    let expected: Vec<_> = (NEWEST..2 * NEWEST).map(|n| n.to_string()).collect();
    assert_eq!(notes(observe::events().try_iter()), expected);
    assert_eq!(notes(process.events().try_iter()), expected);
    process.kill().unwrap();
}

#[test]
fn a_listener_that_panics_harms_no_other() {
    let _guard = calm();
    let (process, events) = mute("a");
    let of_another = process.events();
    let listener = thread::spawn(move || {
        let mut events = events;
        let event = events.next().unwrap();
        panic!("{event} was too much");
    });
    process.note("this");
    assert!(listener.join().is_err());
    process.note("that");
    process.signal(Signal::KILL);
    process.expect_exit().unwrap();
    assert_eq!(notes(of_another.try_iter()), ["this", "that"]);
}

#[test]
fn listeners_may_come_and_go_while_events_are_published() {
    let _guard = alone();
    let (process, events) = mute("busy");
    let comes_and_goes = || {
        let process = process.clone();
        thread::spawn(move || {
            while process.try_exit().is_none() {
                let (one, other) = (process.events(), observe::events());
                let clone = one.clone();
                drop((one, other, clone));
            }
        })
    };
    let listeners = [comes_and_goes(), comes_and_goes()];
    for n in 0..1_000 {
        process.note(n);
    }
    process.signal(Signal::KILL);
    process.expect_exit().unwrap();
    for listener in listeners {
        listener.join().unwrap();
    }
    let notes: Vec<_> = notes(events.try_iter());
    assert_eq!(notes, (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn events_can_be_listened_to_after_all_is_over() {
    let _guard = calm();
    let process = named("a").background(run_fn(|_, _| Ok(())));
    process.expect_exit().unwrap();
    for _ in 0..2 {
        assert_eq!(said(&process.events()), ["a: started", "a: ok [completed]"]);
    }
}

#[test]
fn very_many_listeners_to_one_process_each_hear() {
    let _guard = calm();
    let (process, _) = mute("a");
    let many: Vec<_> = (0..1_000).map(|_| process.events()).collect();
    process.note("all");
    assert!(
        many.iter()
            .all(|events| notes(events.try_iter()) == ["all"])
    );
    process.kill().unwrap();
}
