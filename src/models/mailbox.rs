//! The mailbox: one thread pushes signals, another reads them when it likes, until the mailbox goes.
//!
//! The promises of signals: first in, first out; an equal signal that is still pending is coalesced; none is lost, so
//! after the last push of each number that number is read; `push` never blocks (invariant 3).

use std::sync::Mutex;

use super::*;
use crate::Signal;
use crate::mailbox::Mailbox;
use crate::sync::channel::Receiver;

const PUSHED: [Signal; 4] = [
    Signal::HANGUP,
    Signal::INTERRUPT,
    Signal::HANGUP,
    Signal::USER1,
];

#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// About to be.
    Pushed(Signal),
    Read(Signal),
}

/// What has happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Step>>>);

impl Log {
    fn add(&self, step: Step) {
        self.0.lock().unwrap().push(step);
    }

    fn count(&self, of: Step) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|step| **step == of)
            .count()
    }

    fn read_until_it_goes(&self, signals: &Receiver<Signal>) {
        for signal in signals.iter() {
            self.add(Step::Read(signal));
            let reads = self.count(Step::Read(signal));
            assert!(
                reads <= self.count(Step::Pushed(signal)),
                "{signal} came from nowhere"
            );
        }
    }

    fn check(&self) {
        let steps = self.0.lock().unwrap();
        let last = |of| steps.iter().rposition(|step| *step == of);
        let first = |of| steps.iter().position(|step| *step == of);
        for signal in PUSHED {
            let lost = last(Step::Read(signal)) < last(Step::Pushed(signal));
            assert!(!lost, "{signal} is lost");
        }
        let order =
            [Signal::HANGUP, Signal::INTERRUPT, Signal::USER1].map(|s| first(Step::Read(s)));
        assert!(order.is_sorted(), "not first in, first out");
    }
}

fn pushed_and_read() {
    let mut mailbox = Mailbox::default();
    let signals = mailbox.receiver();
    let log = Log::default();
    let reader = log.clone();
    go(move || {
        reader.read_until_it_goes(&signals);
        drop(signals);
        reader.check();
    });
    for signal in PUSHED {
        log.add(Step::Pushed(signal));
        mailbox.push(signal);
    }
}

/// What is pending moves to another mailbox, while a thread still reads from the first, and later from the second.
fn moved_on() {
    let mut outer = Mailbox::default();
    let log = Log::default();
    let (first, second) = (log.clone(), log.clone());
    let signals = outer.receiver();
    for signal in PUSHED {
        log.add(Step::Pushed(signal));
        outer.push(signal);
    }
    go(move || {
        if let Ok(signal) = signals.try_recv() {
            first.add(Step::Read(signal));
        }
    });
    let mut inner = Mailbox::default();
    inner.take_from(&mut outer);
    let signals = inner.receiver();
    drop((outer, inner));
    for signal in signals.iter() {
        second.add(Step::Read(signal));
    }
    for signal in PUSHED {
        assert_eq!(
            log.count(Step::Read(signal)),
            1,
            "invariant 3: {signal} is lost or doubled"
        );
    }
}

#[test]
fn keeps_the_order_coalesces_and_loses_nothing() {
    check("mailbox", Schedules::Every, pushed_and_read);
}

#[test]
fn what_is_pending_can_move_on() {
    check("mailbox, moved on", Schedules::Every, moved_on);
}

#[test]
fn a_signal_taken_for_pending_that_was_read_is_found() {
    let line = "=> sender.len(),";
    let broken = (Fault::Stale, "src/mailbox.rs", line);
    finds("is lost", broken, Schedules::Every, pushed_and_read);
}

#[test]
fn a_signal_that_is_left_behind_is_found() {
    let line = "Some((_, receiver)) => receiver.try_iter()";
    let broken = (Fault::Stale, "src/mailbox.rs", line);
    finds("is lost", broken, Schedules::Every, moved_on);
}
