//! What processes say of themselves, and those who listen.
//!
//! The newest events of the whole program are kept, and a listener begins with those. So a test that publishes very many
//! runs alone.

mod groups;
mod listeners;
mod story;
mod texts;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ifrit::Process;
use ifrit::observe::{Event, Events, What};

static CALM: RwLock<()> = RwLock::new(());

/// No test that runs meanwhile publishes more than a few events.
fn calm() -> RwLockReadGuard<'static, ()> {
    CALM.read().unwrap_or_else(PoisonError::into_inner)
}

/// No other test runs meanwhile.
fn alone() -> RwLockWriteGuard<'static, ()> {
    CALM.write().unwrap_or_else(PoisonError::into_inner)
}

/// What a process has said so far, without the times in it.
fn said(events: &Events<Event>) -> Vec<String> {
    events.try_iter().map(|event| line(&event)).collect()
}

fn line(event: &Event) -> String {
    match &event.what {
        What::Ready { .. } => format!("{}: ready", event.path),
        What::Exited { exit, cause, .. } => format!("{}: {exit} [{cause}]", event.path),
        What::Abandoned { .. } => format!("{}: given up", event.path),
        What::ExitedLate { exit, .. } => format!("{}: late: {exit}", event.path),
        _ => event.to_string(),
    }
}

fn named(name: &str) -> ifrit::process::Builder {
    Process::builder().name(name)
}

/// One that says nothing but what it is told to note.
fn mute(name: &str) -> (Process, Events<Event>) {
    let process = named(name).invoke(ifrit::testing::signal_recorder().0);
    let events = process.events();
    assert_eq!(events.try_iter().count(), 2); // started, ready
    (process, events)
}

fn notes(events: impl Iterator<Item = Event>) -> Vec<String> {
    let notes = events.filter_map(|event| match event.what {
        What::Note(text) => Some(text.to_string()),
        _ => None,
    });
    notes.collect()
}
