//! Events of processes, and of a dynamic group: their order, listeners that come late, or do not keep up; and what falls
//! out of the past.

use std::fmt;

use super::*;
use crate::error::Result;
use crate::grouper::{Capacity, Dynamic, DynamicClient, Member};
use crate::observe::{Event, Events, What};
use crate::process::builder::background;
use crate::ready::ReadySender;
use crate::restart::Restart;
use crate::runner::{Runner, run_fn, until_stop};
use crate::signal::Signal;
use crate::sync::channel::{Receiver, bounded};

/// Ready, and done.
struct Worker;

impl Runner for Worker {
    fn run(&mut self, _: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        on_its_own();
        ready.notify();
        Ok(())
    }
}

/// A listener comes at any step: each exit comes to it once, past or new, and then the end.
fn listened_to() {
    let group = Dynamic::new(Capacity::at_most(2));
    let (client, listener) = (group.client(), group.client());
    let (say, said) = bounded(1);
    go(move || {
        let mut names: Vec<String> = listener.exits().map(|exit| exit.name).collect();
        names.sort();
        let _ = say.send(names);
    });
    let group = background(group);
    for name in ["a", "b"] {
        let member = Member::new(name, Worker);
        drop(client.insert(member).expect("it is open"));
    }
    client.close();
    assert!(group.join().is_ok());
    let names = said.recv().expect("the stream ends with the group");
    assert_eq!(names, ["a", "b"], "each exit once");
}

/// A listener with room for one: what it does not get it has missed.
fn slow() {
    let group = Dynamic::new(Capacity::at_most(2)).event_buffer(1);
    let client = group.client();
    let mut exits = client.exits();
    let group = background(group);
    let (say, said) = bounded(1);
    go(move || {
        let received = exits.by_ref().count() as u64;
        let _ = say.send((received, exits.missed()));
    });
    for name in ["a", "b", "c"] {
        drop(
            client
                .insert(Member::new(name, Worker))
                .expect("it is open"),
        );
    }
    client.close();
    assert!(group.join().is_ok());
    let (received, missed) = said.recv().expect("the stream ends with the group");
    assert!(received >= 1, "there is room for one");
    assert_eq!(received + missed, 3, "what is missed is counted");
}

/// What a process has said, in a word each.
fn words(events: &Events<Event>) -> Vec<&'static str> {
    let word = |event: Event| match event.what {
        What::Started => "started",
        What::Ready { .. } => "ready",
        What::Signalled { .. } => "told",
        What::Exited { .. } => "exited",
        What::Abandoned { .. } => "given up",
        What::ExitedLate { .. } => "late",
        _ => "other",
    };
    events.try_iter().map(word).collect()
}

/// What is seen of a process has been said before; and what it says has the order of its states.
fn said() {
    let process = background(Worker);
    let events = process.events();
    let watched = process.clone();
    go(move || {
        let events = watched.events();
        let is_ready = watched.wait_ready().is_ok();
        let words = words(&events);
        require(is_ready, "it has been ready");
        let newest_kept = ["ready", "exited"];
        let is_said = words.iter().any(|word| newest_kept.contains(word));
        require(is_said, "an effect is seen after its event");
    });
    assert!(process.join().is_ok());
    let words = words(&events);
    assert_eq!(
        words.last(),
        Some(&"exited"),
        "an exit is seen after its event"
    );
    let in_order = ["started", "ready", "exited"];
    assert!(
        in_order.ends_with(&words),
        "each once, and in order: {words:?}"
    );
}

/// What a runner does about a signal comes after that it was told.
fn told() {
    let process = background(run_fn(|signals: Receiver<Signal>, _| {
        until_stop(&signals);
        crate::process::note("heard");
        Ok(())
    }));
    let events = process.events();
    process.signal(Signal::INTERRUPT);
    assert!(process.join().is_ok());
    let words = words(&events);
    let in_order = ["started", "told", "other", "exited"];
    assert!(in_order.ends_with(&words), "in order: {words:?}");
}

/// A process is given up while it returns; what it says is one story.
fn given_up() {
    let process = background(run_fn(|_, _| Ok(())));
    let events = process.events();
    let given_up = process.core().give_up();
    assert!(process.try_exit().is_some());
    let story = words(&events);
    let (last, late) = match given_up {
        true => ("given up", story.last() == Some(&"late")),
        false => ("exited", false),
    };
    let ends = story.iter().rev().nth(usize::from(late));
    assert_eq!(
        ends,
        Some(&last),
        "the exit is said once, and in order: {story:?}"
    );
}

/// Two listeners come while a process notes, and have room for a few: what one does not get it has missed.
fn noted() {
    let process = background(run_fn(|signals: Receiver<Signal>, _| {
        until_stop(&signals);
        Ok(())
    }));
    let mut first = process.events();
    let (say, said) = bounded(1);
    let listens = process.clone();
    go(move || {
        let late = listens.events();
        let clone = late.clone();
        drop(late);
        let _ = say.send(clone);
    });
    for _ in 0..3 {
        process.note("a");
    }
    let mut received = usize::from(first.next().is_some()) as u64;
    for _ in 0..3 {
        process.note("b");
    }
    received += first.try_iter().count() as u64;
    assert_eq!(received + first.missed(), 7, "what is missed is counted");
    let clone = said.recv().expect("it listens");
    let mut received = clone.try_iter().count() as u64;
    let before = received + clone.missed();
    process.note("c");
    received += clone.try_iter().count() as u64;
    let after = received + clone.missed();
    assert_eq!(before + 1, after, "what is missed is counted");
    process.signal(Signal::INTERRUPT);
    assert!(process.join().is_ok());
}

/// An error whose destructor asks all that may hold a lock.
struct Nosy(DynamicClient);

impl Drop for Nosy {
    fn drop(&mut self) {
        on_its_own();
        let _ = (crate::tree(), self.0.get("a"), self.0.exits().missed());
    }
}

impl fmt::Debug for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nosy")
    }
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nosy")
    }
}

impl std::error::Error for Nosy {}

/// Errors fall out of the events and the history, wherever that is, while others look.
fn nosy() {
    let group = Dynamic::new(Capacity::at_most(1))
        .event_buffer(1)
        .history(0);
    let (client, looks) = (group.client(), group.client());
    let group = background(group);
    go(move || {
        let exits = looks.exits();
        let _ = crate::tree();
        drop(exits);
    });
    for name in ["a", "b"] {
        let asks = client.clone();
        let failing = run_fn(move |_, _| {
            on_its_own();
            Err(Nosy(asks.clone()).into())
        });
        drop(
            client
                .insert(Member::new(name, failing))
                .expect("it is open"),
        );
    }
    client.close();
    assert!(group.join().is_err());
}

/// What falls out is the last that is left of a process and its error, and does so while a restarter says ready.
fn nosy_beside_a_restarter() {
    let group = Dynamic::new(Capacity::at_most(1))
        .event_buffer(1)
        .history(0);
    let client = group.client();
    let group = background(group);
    let asks = client.clone();
    let failing = run_fn(move |_, ready: ReadySender| {
        on_its_own();
        ready.notify();
        Err(Nosy(asks.clone()).into())
    });
    let unready = run_fn(|_, _| Ok(()));
    let restart = Restart::transient();
    for member in [
        Member::new("a", failing),
        Member::new("b", unready),
        Member::new("c", Worker).restart(restart),
    ] {
        drop(client.insert(member).expect("it is open"));
    }
    client.close();
    assert!(group.join().is_err());
}

#[test]
fn a_listener_who_does_not_keep_up_knows_what_he_has_missed() {
    check("events, slow", Schedules::Some, slow);
}

#[test]
fn nothing_foreign_is_dropped_under_a_lock() {
    check("events, nosy", Schedules::Some, nosy);
    let name = "events, nosy beside a restarter";
    check(name, Schedules::Some, nosy_beside_a_restarter);
}

#[test]
fn a_listener_gets_each_event_once() {
    check("events, listened to", Schedules::Some, listened_to);
}

/// As an event that is lost, or as a stream that does not end.
#[test]
fn a_listener_that_is_not_registered_in_one_step_is_found() {
    let place = "fn listen< > hub.lock()";
    let broken = (Fault::Torn, "src/observe/hub.rs", place);
    let whys = ["each exit once", DEADLOCK];
    finds_any(&whys, broken, Schedules::Some, listened_to);
}

#[test]
fn an_event_that_is_not_sent_and_not_counted_is_found() {
    let place = "fn push( > self.sender.send(event)";
    let broken = (Fault::Forgotten, "src/observe/stream.rs", place);
    finds("there is room for one", broken, Schedules::Some, slow);
}

#[test]
fn what_is_seen_has_been_said() {
    check("events, said", Schedules::Interrupting(1), said);
    check("events, said", Schedules::Some, said);
    check("events, told", Schedules::Interrupting(2), told);
    check("events, given up", Schedules::Some, given_up);
}

#[test]
fn an_event_is_received_or_missed() {
    check("events, noted", Schedules::Some, noted);
}

#[test]
fn an_event_that_is_not_kept_and_told_in_one_step_is_found() {
    let place = "pub(crate) fn publish( > PROGRAM.lock()";
    let broken = (Fault::Torn, "src/observe/recorder.rs", place);
    let whys = ["each once", "is seen after its event"];
    finds_any(&whys, broken, Schedules::Some, said);
}

#[test]
fn a_listener_of_processes_that_is_not_registered_in_one_step_is_found() {
    let place = "fn listen( > PROGRAM.lock()";
    let broken = (Fault::Torn, "src/observe/recorder.rs", place);
    let whys = ["each once", "is seen after its event"];
    finds_any(&whys, broken, Schedules::Some, said);
}
