//! Letting go of foreign values where others wait: on marked threads, with or without a thread to take them.
//!
//! Invariant 2: no destructor of a user runs on a thread that others wait for, nor under a lock; each runs once, and
//! nothing waits for it, also where it waits for the thread on which the value fell.

use super::*;
use crate::disposal::{defer, defer_quietly, start_if_needed};
use crate::error::{BoxError, Failure};
use crate::sync::channel::{Receiver, Sender, bounded, unbounded};
use crate::sync::thread::{ThreadId, current};

/// An error whose destructor asks, and waits for the answer.
struct Asks {
    fell_on: ThreadId,
    ask: Sender<Sender<()>>,
    dropped: Count,
}

impl std::fmt::Debug for Asks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asks")
    }
}

impl std::fmt::Display for Asks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an error that asks")
    }
}

impl std::error::Error for Asks {}

impl Drop for Asks {
    fn drop(&mut self) {
        on_its_own();
        require(
            current().id() != self.fell_on,
            "invariant 2: on a thread that others wait for",
        );
        let (reply, answer) = bounded(1);
        let _ = self.ask.send(reply);
        let _ = answer.recv();
        self.dropped.up();
    }
}

fn failure(ask: &Sender<Sender<()>>, dropped: &Count) -> Failure {
    let error = Asks {
        fell_on: current().id(),
        ask: ask.clone(),
        dropped: dropped.clone(),
    };
    Failure::from(BoxError::from(error))
}

/// Answers whatever falls, until all of it has been dropped.
fn answer(asked: &Receiver<Sender<()>>, all: usize, dropped: &Count) {
    for reply in asked.iter() {
        let _ = reply.send(());
    }
    assert_eq!(dropped.get(), all, "invariant 2: each is dropped, once");
}

/// Two threads that others wait for, on each of which something falls.
fn fallen() {
    let (ask, asked) = unbounded();
    let dropped = Count::default();
    let (other_ask, other_dropped) = (ask.clone(), dropped.clone());
    go(move || {
        let _deferring = defer();
        drop(failure(&other_ask, &other_dropped));
    });
    let _deferring = defer();
    drop(failure(&ask, &dropped));
    drop(ask);
    answer(&asked, 2, &dropped);
}

/// What falls where no thread may be started is kept until another start or end of a process.
fn kept() {
    let (ask, asked) = unbounded();
    let dropped = Count::default();
    {
        let _deferring = defer_quietly();
        drop(failure(&ask, &dropped));
    }
    assert_eq!(dropped.get(), 0, "invariant 2: it is kept");
    let _deferring = defer();
    drop(ask);
    start_if_needed();
    start_if_needed();
    answer(&asked, 1, &dropped);
}

#[test]
fn what_falls_where_others_wait_is_dropped_elsewhere() {
    check("disposal", Schedules::Interrupting(2), fallen);
    check("disposal", Schedules::Some, fallen);
    check("disposal, kept", Schedules::Every, kept);
}

#[test]
fn a_value_that_the_thread_is_not_told_of_is_found() {
    let place = "fn take( > self.fallen.notify_one()";
    let broken = (Fault::Forgotten, "src/disposal.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, fallen);
}

/// Broken in the model itself: the thread is not marked.
#[test]
fn a_destructor_on_a_thread_that_others_wait_for_is_found() {
    fails_any(
        &["on a thread that others wait for", DEADLOCK],
        Schedules::Some,
        || {
            let (ask, asked) = unbounded();
            let dropped = Count::default();
            drop(failure(&ask, &dropped));
            drop(ask);
            answer(&asked, 1, &dropped);
        },
    );
}
