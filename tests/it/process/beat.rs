//! What is promised with beats, and what becomes of it.

use std::time::Duration;

use ifrit::crossbeam_channel::{Sender, bounded};
use ifrit::observe::{Event, Events, What};
use ifrit::process::beat_within;
use ifrit::testing::ManualClock;
use ifrit::{Process, Signal, run_fn, until_stop};

const SECOND: Duration = Duration::from_secs(1);

/// A process that beats when it is told to, and has done so when that call has returned.
struct Beating {
    process: Process,
    beat: Sender<Duration>,
    done: ifrit::Receiver<()>,
    events: Events<Event>,
}

impl Beating {
    fn on(clock: &ManualClock) -> Self {
        let (beat, beats) = bounded(0);
        let (did, done) = bounded(0);
        let runner = run_fn(move |signals, ready| {
            ready.notify();
            for limit in &beats {
                beat_within(limit);
                did.send(())?;
            }
            until_stop(&signals);
            Ok(())
        });
        let builder = Process::builder().name("beating").clock(clock.clock());
        let process = builder.invoke(runner);
        let events = process.events();
        Beating {
            process,
            beat,
            done,
            events,
        }
    }

    fn beat(&self, limit: Duration) {
        self.beat.send(limit).unwrap();
        self.done.recv().unwrap();
    }

    /// What was said about its beats since this was called last.
    fn said(&self) -> Vec<String> {
        let events = self.events.try_iter().map(|event| event.what);
        let beats =
            events.filter(|what| matches!(what, What::Stalled { .. } | What::Recovered { .. }));
        beats.map(|what| what.to_string()).collect()
    }

    fn stalled_for(&self) -> Option<Duration> {
        let tree = ifrit::tree();
        tree.get(self.process.id()).expect("it lives").stalled_for
    }

    fn end(self) {
        drop(self.beat);
        self.process.signal(Signal::INTERRUPT);
        self.process.join().unwrap();
    }
}

#[test]
fn a_process_that_does_not_beat_in_time_has_stalled_and_the_next_beat_ends_that() {
    let clock = ManualClock::new();
    let beating = Beating::on(&clock);
    beating.beat(10 * SECOND);
    clock.advance(9 * SECOND);
    assert_eq!((beating.said(), beating.stalled_for()), (vec![], None));
    clock.advance(SECOND);
    assert_eq!(beating.said(), ["stalled"]);
    clock.advance(100 * SECOND);
    assert_eq!(beating.said(), [""; 0], "it is said once");
    assert_eq!(beating.stalled_for(), Some(110 * SECOND));
    let tree = ifrit::tree();
    let line = tree.get(beating.process.id()).unwrap().to_string();
    assert!(
        line.contains("stalled: no progress for 1 min 50 s"),
        "{line}"
    );

    beating.beat(10 * SECOND);
    assert_eq!(beating.said(), ["makes progress again, after 1 min 50 s"]);
    assert_eq!(beating.stalled_for(), None);
    clock.advance(10 * SECOND);
    assert_eq!(beating.said(), ["stalled"], "the promise was made anew");
    beating.end();
}

#[test]
fn a_process_that_beats_in_time_never_stalls() {
    let clock = ManualClock::new();
    let beating = Beating::on(&clock);
    for _ in 0..50 {
        beating.beat(10 * SECOND);
        clock.advance(9 * SECOND);
    }
    assert_eq!(beating.said(), [""; 0]);
    beating.end();
}

#[test]
fn a_shorter_promise_counts_at_once_and_an_endless_one_is_none() {
    let clock = ManualClock::new();
    let beating = Beating::on(&clock);
    beating.beat(100 * SECOND);
    beating.beat(SECOND);
    clock.advance(SECOND);
    assert_eq!(beating.said(), ["stalled"]);
    beating.beat(Duration::MAX);
    clock.advance(1_000_000 * SECOND);
    assert_eq!(beating.said().len(), 1, "that it has recovered");
    beating.end();
}

#[test]
fn a_promise_that_is_broken_as_soon_as_it_is_made_does_not_end_the_watch() {
    let clock = ManualClock::new();
    let beating = Beating::on(&clock);
    beating.beat(Duration::ZERO);
    assert_eq!(beating.said(), ["stalled"]);
    beating.beat(10 * SECOND);
    assert_eq!(beating.said(), ["makes progress again, after 0 ms"]);
    clock.advance(10 * SECOND);
    assert_eq!(beating.said(), ["stalled"]);
    beating.end();
}

#[test]
fn a_promise_ends_with_the_run() {
    let clock = ManualClock::new();
    let beating = Beating::on(&clock);
    beating.beat(SECOND);
    let events = beating.process.events();
    beating.end();
    clock.advance(100 * SECOND);
    let stalled = |event: &Event| matches!(event.what, What::Stalled { .. });
    assert!(!events.try_iter().any(|event| stalled(&event)));
}

#[test]
fn a_thread_of_no_process_promises_nothing() {
    beat_within(Duration::ZERO);
}
