//! A runner on its thread, seen from outside.

mod beat;
mod builder;
mod family;
mod reload;
mod runner;
mod start_limit;
mod stop;
mod until;
mod wait;

use std::panic::{RefUnwindSafe, UnwindSafe};

use ifrit::testing::{FakeRunner, Waiting, never_ready};
use ifrit::{
    Process, Signal, background, current,
    process::{Status, Wait},
    run_fn,
};

#[test]
fn a_process_can_be_shared_in_every_way() {
    fn can<T: Clone + Send + Sync + UnwindSafe + RefUnwindSafe + std::fmt::Debug + 'static>() {}
    can::<Process>();
    fn crosses_threads<T: Send + Sync + std::fmt::Debug>() {}
    crosses_threads::<Wait>();
    crosses_threads::<ifrit::ReadySender>();
    crosses_threads::<ifrit::process::Builder>();
    crosses_threads::<ifrit::clock::Clock>();
    crosses_threads::<ifrit::clock::Alarm>();
    crosses_threads::<ifrit::Scope<'_, '_>>();
    crosses_threads::<FakeRunner>();
    fn can_be_sent<T: Send>() {}
    can_be_sent::<ifrit::BoxRunner>();
}

#[test]
fn a_clone_is_a_handle_to_the_same_process() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let clone = process.clone();
    assert_eq!(process.id(), clone.id());
    clone.signal(Signal::QUIT);
    let call = fake.wait_for_call();
    assert_eq!(call.wait_for_signal(), Signal::QUIT);
    call.trigger_exit(Ok(()));
    clone.expect_exit().unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn a_process_whose_handles_are_dropped_runs_on() {
    let fake = FakeRunner::new();
    drop(background(fake.clone()));
    let call = fake.wait_for_call();
    let me = call.signals().clone();
    // Still running: its signals are open, and it does what it is told.
    assert_eq!(
        me.try_recv(),
        Err(ifrit::crossbeam_channel::TryRecvError::Empty)
    );
    call.trigger_exit(Ok(()));
    assert!(me.recv_timeout(ifrit::testing::PATIENCE).is_err());
}

#[test]
fn the_status_tells_how_far_it_has_come() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    assert_eq!(process.status(), Status::Starting);
    let call = fake.wait_for_call();
    call.trigger_ready();
    assert_eq!(process.status(), Status::Ready);
    process.signal(Signal::HANGUP);
    assert_eq!(
        process.status(),
        Status::Ready,
        "a notification stops nothing"
    );
    process.signal(Signal::TERMINATE);
    assert_eq!(process.status(), Status::Stopping);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    assert_eq!(process.status(), Status::Exited);
}

#[test]
fn a_process_prints_its_name_number_and_status() {
    let process = Process::builder().name("db").background(never_ready());
    let text = format!("{process:?}");
    for part in ["db", &format!("{:?}", process.id()), "Starting"] {
        assert!(text.contains(part), "{text}");
    }
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
    assert!(format!("{process:?}").contains("Exited"));
}

#[test]
fn every_process_has_a_number_of_its_own() {
    let (one, two) = (background(never_ready()), background(never_ready()));
    assert!(one.id() < two.id());
    for process in [one, two] {
        process.signal(Signal::INTERRUPT);
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_thread_of_ours_knows_its_process_and_no_other_thread_does() {
    assert!(current().is_none());
    let process = background(run_fn(|_, _| {
        let me = current().expect("a thread of ours");
        let inner = background(run_fn(move |_, _| {
            assert_ne!(current().expect("a thread of ours").id(), me.id());
            Ok(())
        }));
        inner.join()?;
        assert!(std::thread::spawn(|| current().is_none()).join().unwrap());
        Err(current().expect("still").id().to_string().into())
    }));
    let seen = process.expect_exit().unwrap_err().to_string();
    assert_eq!(seen, process.id().to_string());
    assert!(current().is_none());
}
