use std::fmt;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ifrit::grouper::{Member, Ordered};
use ifrit::observe::{What, Why};
use ifrit::restart::{Budget, Restart};
use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{Process, background, observe, process, run_fn, run_once};

use super::{calm, mute, named, notes, said};

#[test]
fn a_note_is_one_line_of_bounded_length() {
    let _guard = calm();
    let (process, events) = mute("a");
    process.note("x".repeat(1 << 20));
    process.note("two\nlines\u{1b}[2J");
    let notes = notes(events.try_iter());
    assert!((990..=1_000).contains(&notes[0].len()));
    assert!(notes[0].ends_with("x…"));
    assert_eq!(notes[1], r"two\nlines\u{1b}[2J");
    let node = ifrit::tree().get(process.id()).cloned().unwrap();
    assert_eq!(node.note.as_deref(), Some(&*notes[1]));
    assert!(node.to_string().ends_with(&notes[1]), "{node}");
    process.kill().unwrap();
}

#[test]
fn a_note_is_of_the_process_that_notes_and_of_no_other_thread() {
    let _guard = calm();
    struct Unasked;
    impl fmt::Display for Unasked {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("it is asked for its text");
        }
    }
    process::note(Unasked); // on a thread of no process
    let noting = background(run_fn(|_, _| {
        process::note(format_args!("offset {}", 42));
        Ok(())
    }));
    noting.expect_exit().unwrap();
    assert_eq!(notes(noting.events().try_iter()), ["offset 42"]);
    noting.note("too late");
    assert_eq!(notes(noting.events().try_iter()), ["offset 42"]);
}

#[test]
fn what_a_group_says_of_a_member_is_bounded_whatever_that_is_called() {
    let _guard = calm();
    let name = "x".repeat(1 << 20);
    let fails = || run_fn(|_, _| Err("y".repeat(1 << 20).into()));
    let ends = run_fn(|_, ready| {
        ready.notify();
        Ok(())
    });
    let restart = Restart::permanent().from_the_start();
    let used_up = Ordered::new([Member::new(&*name, fails()).restart(restart)]);
    let used_up = used_up.budget(Budget::new(0, Duration::from_secs(60)));
    let unasked = Ordered::new([Member::new(&*name, ends).essential()]);
    for group in [used_up, unasked] {
        let app = background(group);
        app.expect_exit().unwrap_err();
        let why = app.events().try_iter().find_map(|event| match event.what {
            What::Stopping { why } => Some(why),
            _ => None,
        });
        let Some(Why::Member { name, exit, .. }) = why else {
            panic!("{why:?}");
        };
        assert!((990..=1_000).contains(&name.len()));
        assert!((990..=1_000).contains(&exit.error().unwrap().len()));
    }
}

#[test]
fn a_name_is_one_part_of_a_path_and_of_a_line() {
    let _guard = calm();
    let process = named("a/b\n\u{1b}[31m%").background(run_fn(|_, _| Ok(())));
    process.expect_exit().unwrap();
    let events = process.events();
    let event = events.try_iter().next().unwrap();
    assert_eq!(event.to_string(), "a%2Fb%0A%1B[31m%25: started");
    assert_eq!(event.path.to_string(), process.path());
    assert_eq!(event.path.name(), process.name());
}

#[test]
fn a_long_name_is_cut_in_an_event() {
    let _guard = calm();
    let name = "x".repeat(1 << 20);
    let process = named(&name).background(run_fn(|_, _| Ok(())));
    process.expect_exit().unwrap();
    let event = process.events().try_iter().next().unwrap();
    assert!(event.path.to_string().len() <= 1_000);
    assert!(event.path.name().len() <= 1_000);
    assert_eq!(event.path.to_string(), process.path());
    assert_eq!(process.name().len(), 1 << 20);
}

/// An error that one can see the end of.
#[derive(Debug)]
struct Watched {
    _alive: Sender<()>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it\nbroke")
    }
}

impl std::error::Error for Watched {}

#[test]
fn an_event_says_an_error_and_does_not_keep_it() {
    let _guard = calm();
    let (alive, gone) = bounded(0);
    let error = Watched { _alive: alive };
    let process = background(run_once(move |_, _| Err(error.into())));
    let events = process.events();
    drop(process.expect_exit());
    drop(process);
    let exited = events.iter().find_map(|event| match event.what {
        What::Exited { exit, .. } => Some(exit),
        _ => None,
    });
    assert_eq!(exited.unwrap().error(), Some(r"it\nbroke"));
    // The thread lets go of the exit a moment after that was seen.
    assert!(
        gone.recv_timeout(PATIENCE)
            .is_err_and(|end| end == RecvTimeoutError::Disconnected)
    );
}

#[derive(Debug)]
struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl std::error::Error for Panics {}

#[test]
fn an_error_whose_display_panics_is_said_too() {
    let _guard = calm();
    let process = named("a").background(run_fn(|_, _| Err(Panics.into())));
    process.expect_exit().unwrap_err();
    let said = said(&process.events()).pop().unwrap();
    assert_eq!(said, "a: an error that cannot be printed [independent]");
}

#[derive(Debug)]
struct Blocks(Receiver<()>);

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = self.0.recv();
        f.write_str("at last")
    }
}

impl std::error::Error for Blocks {}

#[test]
fn an_error_whose_display_blocks_holds_up_its_own_process_only() {
    let _guard = calm();
    let (release, released) = bounded(0);
    let blocked = background(run_once(move |_, _| Err(Blocks(released).into())));
    let events = blocked.events();
    let other: Process = background(run_fn(|_, _| Ok(())));
    other.expect_exit().unwrap();
    assert_eq!(said(&other.events()).len(), 2);
    let _ = observe::events().try_iter().count();
    assert!(ifrit::tree().get(blocked.id()).is_some());
    assert!(blocked.try_exit().is_none());
    drop(release);
    blocked.expect_exit().unwrap_err();
    assert!(said(&events).pop().unwrap().contains("at last"));
}
