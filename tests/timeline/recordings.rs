use ifrit::observe::{Event, Timeline, What, record, timeline};
use ifrit::testing::Waiting;

use super::rules::read;
use super::{alone, idle, named};

fn notes<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<String> {
    let notes = events.into_iter().filter_map(|event| match &event.what {
        What::Note(text) => Some(text.to_string()),
        _ => None,
    });
    notes.collect()
}

fn numbers(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| n.to_string()).collect()
}

#[test]
fn a_recording_keeps_more_than_the_newest() {
    let _guard = alone();
    let mut recording = record(10_000);
    let process = named("long").invoke(idle());
    for n in 0..3_000 {
        process.note(n);
    }
    process.kill().unwrap();
    let recorded = recording.take();
    let own = recorded
        .events()
        .iter()
        .filter(|event| event.id == process.id());
    assert_eq!(notes(own), numbers(0..3_000));
    assert_eq!(recording.missed(), 0);
    assert!(recorded.critical_chain(process.id()).unwrap().is_complete);
    assert_eq!(read(&recorded).instants_of("long").len(), 3_001);
    // Of what the program still keeps, the start is not there any more.
    let newest = timeline();
    assert!(newest.missed() >= 3_004 - 1_024 && newest.events().len() == 1_024);
    assert!(newest.critical_chain(process.id()).is_none());
}

#[test]
fn a_recording_that_is_full_counts_what_it_misses_and_the_trace_shows_where() {
    let _guard = alone();
    let process = named("full").invoke(idle());
    let mut recording = record(100);
    let past = recording.take().events().len();
    assert!((2..=100).contains(&past));
    for n in 0..250 {
        process.note(n);
    }
    assert_eq!(recording.missed(), 150);
    let mut first = recording.take();
    assert_eq!(notes(first.events()), numbers(0..100));
    assert_eq!(first.missed(), 150);
    let trace = read(&first);
    let gap = (
        "missing events".to_owned(),
        "150 events are missing here".to_owned(),
    );
    assert_eq!(trace.instants.last().unwrap(), &gap);

    // There is room again, and the parts can be put together.
    for n in 250..300 {
        process.note(n);
    }
    let second = recording.take();
    assert_eq!(notes(second.events()), numbers(250..300));
    assert_eq!((second.missed(), recording.missed()), (0, 150));
    first.append(second);
    assert_eq!((first.events().len(), first.missed()), (150, 150));
    let gaps = read(&first).instants_of("missing events").len();
    assert_eq!(gaps, 1);
    process.kill().unwrap();
}

#[test]
fn a_recording_with_little_room_begins_with_the_newest_past() {
    let _guard = alone();
    let process = named("little").invoke(idle());
    for n in 0..10 {
        process.note(n);
    }
    let mut recording = record(3);
    process.note("one too many");
    let recorded = recording.take();
    assert_eq!(notes(recorded.events()), numbers(7..10));
    assert_eq!(recording.missed(), 1);
    assert!(recorded.missed() > 1); // and those before
    let trace = read(&recorded);
    assert_eq!(trace.instants_of("missing events").len(), 2);
    let mut none = record(0);
    assert_eq!(none.take().events().len(), 1);
    process.kill().unwrap();
}

#[test]
fn what_is_recorded_and_what_is_missed_is_what_was_published() {
    let _guard = alone();
    let process = named("steady").invoke(idle());
    let mut recording = record(64);
    let mut all = Timeline::default();
    let speaker = {
        let process = process.clone();
        std::thread::spawn(move || (0..20_000).for_each(|n| process.note(n)))
    };
    while !speaker.is_finished() {
        all.append(recording.take());
    }
    speaker.join().unwrap();
    all.append(recording.take());
    let recorded = notes(all.events());
    let before = all.missed() - recording.missed();
    let newer: Vec<usize> = recorded
        .iter()
        .filter_map(|note| note.parse().ok())
        .collect();
    assert!(newer.is_sorted() || before > 0);
    let own = all.events().iter().filter(|event| event.id == process.id());
    let own = own
        .filter(|event| matches!(event.what, What::Note(_)))
        .count();
    assert_eq!(own as u64 + recording.missed(), 20_000);
    process.kill().unwrap();
}

#[test]
fn a_process_whose_start_was_missed_begins_where_events_are_missing() {
    let _guard = alone();
    let busy = named("missed").invoke(idle());
    let mut recording = record(10);
    let mut whole: Timeline = recording.take().events().iter().cloned().collect();
    for n in 0..10 {
        busy.note(n);
    }
    let late = named("late").invoke(idle());
    whole.append(recording.take());
    late.note("here");
    whole.append(recording.take());
    let trace = read(&whole);
    let life = trace.slice("late", "late");
    assert_eq!(life.details["started"], "where events are missing");
    assert!(life.begin > 0.0);
    for process in [busy, late] {
        process.kill().unwrap();
    }
}
