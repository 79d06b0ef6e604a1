//! Reloads: who has waited for one knows that the settings were read after the call.

use super::*;
use crate::process::reloads;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::channel::Select;
use std::time::Duration;

/// The settings, and what was read of them.
#[derive(Default)]
struct Settings {
    written: AtomicU64,
    read: AtomicU64,
}

fn reads(settings: &Arc<Settings>) -> impl Runner + 'static {
    let settings = Arc::clone(settings);
    run_once(move |signals: Receiver<Signal>, ready: ReadySender| {
        on_its_own();
        let mut reloads = reloads();
        ready.notify();
        loop {
            let mut select = Select::new();
            let told = select.recv(&signals);
            select.recv(&reloads);
            if select.ready() == told {
                match signals.try_recv() {
                    Ok(signal) if !signal.is_stop() => {}
                    _ => return Ok(()),
                }
            } else if reloads.is_due() {
                let _reloading = reloads.begin();
                let written = settings.written.load(Ordering::SeqCst);
                settings.read.store(written, Ordering::SeqCst);
            }
        }
    })
}

/// Waits for a reload after a change, while others ask for one, and perhaps stop it.
fn changed_while(others: fn(&Process)) {
    let settings = Arc::new(Settings::default());
    let process = background(reads(&settings));
    assert!(process.wait_ready().is_ok());
    let of_others = process.clone();
    go(move || others(&of_others));
    settings.written.store(1, Ordering::SeqCst);
    let reloaded = process.reload_until(None, Duration::MAX);
    let read = settings.read.load(Ordering::SeqCst);
    match reloaded {
        Ok(0) => {} // it was stopped
        Ok(1) => require(read == 1, "reloads 2: what was written before is read"),
        _ => require(false, "reloads 2: it fails never"),
    }
    process.signal(Signal::TERMINATE);
    assert!(process.join().is_ok());
}

fn with_another_hup() {
    changed_while(|process| {
        process.signal(Signal::HANGUP);
    });
}

fn with_a_stop() {
    changed_while(|process| {
        process.signal(Signal::TERMINATE);
    });
}

fn with_another_round() {
    changed_while(|process| {
        let reloaded = process.reload_until(None, Duration::MAX);
        require(reloaded.is_ok(), "reloads 2: it fails never");
    });
}

#[test]
fn a_reload_that_was_waited_for_began_after_the_call() {
    check("a HUP meanwhile", Schedules::Some, with_another_hup);
    check("a stop meanwhile", Schedules::Some, with_a_stop);
    check("two rounds", Schedules::Some, with_another_round);
}

#[test]
fn a_reload_that_is_not_said_to_be_due_is_found() {
    let line = "fn ask( > self.due.try_send(())";
    let broken = (Fault::Forgotten, "src/process/core/reloads.rs", line);
    finds(DEADLOCK, broken, Schedules::Some, with_another_round);
}

#[test]
fn a_round_that_nothing_wakes_is_found() {
    let line = "fn hear( > self.changed.notify_all()";
    let broken = (Fault::Forgotten, "src/process/core/reloads.rs", line);
    finds(DEADLOCK, broken, Schedules::Some, with_another_hup);
}
