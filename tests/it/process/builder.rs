//! What can be set before a process starts, and what happens when it cannot start.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ifrit::crossbeam_channel::TryRecvError;
use ifrit::testing::{FakeRunner, ManualClock, Waiting, never_ready, signal_recorder};
use ifrit::{
    Error, Process, ReadySender, Receiver, Result, Runner, Signal, background, process::Builder,
    run_fn,
};

/// Returns the name of its thread.
fn thread_name() -> impl Runner {
    run_fn(|_, _| Err(std::thread::current().name().unwrap_or("none").into()))
}

fn name_of_thread(builder: Builder) -> String {
    let exit = builder.background(thread_name()).expect_exit();
    exit.unwrap_err().to_string()
}

/// Tells whether it was run, and whether it was dropped.
#[derive(Clone, Default)]
struct Watched(Arc<(AtomicBool, AtomicBool)>);

struct Guarded(Watched);

impl Watched {
    fn runner(&self) -> Guarded {
        Guarded(self.clone())
    }

    fn was_run(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    fn was_dropped(&self) -> bool {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl Runner for Guarded {
    fn run(&mut self, _: Receiver<Signal>, _: ReadySender) -> Result<()> {
        self.0.0.0.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.0.1.store(true, Ordering::SeqCst);
    }
}

#[test]
fn the_name_is_that_of_the_process_and_of_its_thread() {
    let builder = Process::builder().name("db");
    assert_eq!(name_of_thread(builder.clone()), "db");
    let process = builder.background(run_fn(|_, _| Ok(())));
    assert_eq!(process.name(), "db");
}

#[test]
fn without_a_name_it_is_named_after_the_type_of_its_runner() {
    for builder in [Process::builder(), Process::builder().name("")] {
        let process = builder.background(never_ready());
        assert_eq!(process.name(), "NeverReady");
        process.signal(Signal::INTERRUPT);
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_name_that_no_thread_can_have_is_taken_all_the_same() {
    let long = "x".repeat(100_000);
    for name in ["a\0b", "\0", long.as_str(), "größe äöü ſ 名前 🦊", " "] {
        let process = Process::builder()
            .name(name)
            .background(run_fn(|_, _| Ok(())));
        assert_eq!(process.name(), name);
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_stack_is_as_large_as_asked_for() {
    fn use_stack(megabytes: u32) -> u32 {
        let page = std::hint::black_box([1_u8; 1 << 20]);
        let deeper = match megabytes {
            0 => 0,
            more => use_stack(more - 1),
        };
        deeper + u32::from(page[megabytes as usize])
    }
    // Twice what a thread gets by default: this would end the program.
    let process = Process::builder()
        .stack_size(16 << 20)
        .background(run_fn(|_, _| {
            assert_eq!(use_stack(4), 5);
            Ok(())
        }));
    process.expect_exit().unwrap();
}

#[test]
fn a_stack_of_no_size_is_as_small_as_it_can_be() {
    Process::builder()
        .stack_size(0)
        .background(run_fn(|_, _| Ok(())))
        .expect_exit()
        .unwrap();
}

#[test]
fn a_thread_that_cannot_start_is_an_exit() {
    for size in [usize::MAX, usize::MAX - 1, usize::MAX / 2, 1 << 60, 1 << 50] {
        let watched = Watched::default();
        let process = Process::builder()
            .name("huge")
            .stack_size(size)
            .invoke(watched.runner());
        match process.expect_exit() {
            Err(Error::Spawn { name, source, .. }) => {
                assert_eq!(name, "huge");
                assert!(!source.to_string().is_empty());
            }
            other => panic!("{size}: {other:?}"),
        }
        assert!(watched.was_dropped() && !watched.was_run());
    }
}

#[test]
fn a_process_that_did_not_start_answers_like_any_other() {
    let process = Process::builder()
        .stack_size(usize::MAX)
        .background(never_ready());
    process.signal(Signal::TERMINATE);
    assert!(matches!(
        process.wait().try_recv(),
        Ok(Err(Error::Spawn { .. }))
    ));
    assert!(matches!(process.started(), Err(Error::Spawn { .. })));
    assert!(matches!(process.join(), Err(Error::Spawn { .. })));
    let stop = process.stop(Signal::TERMINATE, Duration::MAX);
    assert!(matches!(stop, Err(Error::Spawn { .. })));
    assert_eq!(process.ready().try_recv(), Err(TryRecvError::Empty));
    assert_eq!(process.exited().try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(process.status(), ifrit::process::Status::Exited);
    assert!(ifrit::tree().get(process.id()).is_none());
}

#[test]
fn the_error_of_the_operating_system_is_found() {
    let process = Process::builder()
        .stack_size(usize::MAX)
        .background(never_ready());
    let error = process.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<std::io::Error>().is_some());
}

#[test]
fn a_start_limit_of_no_length_is_refused_and_nothing_is_started() {
    let watched = Watched::default();
    let process = Process::builder()
        .name("hasty")
        .start_within(Duration::ZERO)
        .invoke(watched.runner());
    match process.expect_exit() {
        Err(Error::ZeroDeadline { who, option, .. }) => {
            assert_eq!((who.as_str(), option), ("hasty", "start_within"));
        }
        other => panic!("{other:?}"),
    }
    assert!(watched.was_dropped() && !watched.was_run());
}

#[test]
fn a_builder_can_be_used_again() {
    let builder = Process::builder().name("twin");
    let twins = [(); 2].map(|()| builder.clone().invoke(signal_recorder().0));
    assert_ne!(twins[0].id(), twins[1].id());
    for twin in twins {
        assert_eq!(twin.name(), "twin");
        twin.signal(Signal::INTERRUPT);
        twin.expect_exit().unwrap();
    }
}

#[test]
fn the_clock_is_inherited_to_any_depth() {
    let clock = ManualClock::new();
    let start = clock.now();
    clock.advance(Duration::from_secs(1 << 30));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let seen = Arc::clone(&seen);
        move || {
            let clock = ifrit::current().expect("a thread of ours").clock();
            seen.lock().unwrap().push(clock.now() - start);
        }
    };
    let process = Process::builder()
        .clock(clock.clock())
        .background(run_fn(move |_, _| {
            note();
            let note = note.clone();
            let child = background(run_fn(move |_, _| {
                note();
                let leaf = run_fn(|_, _| {
                    note();
                    Ok(())
                });
                Ok(ifrit::scope(|scope| scope.background(leaf).join())?)
            }));
            Ok(child.join()?)
        }));
    process.expect_exit().unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, [Duration::from_secs(1 << 30); 3]);
}

#[test]
fn the_clock_of_a_child_can_be_another() {
    let (outer, inner) = (ManualClock::new(), ManualClock::new());
    inner.advance(Duration::from_secs(1 << 30));
    let own = inner.clone();
    let process = Process::builder()
        .clock(outer.clock())
        .background(run_fn(move |_, _| {
            let child = Process::builder()
                .clock(own.clock())
                .background(run_fn(|_, _| Ok(())));
            assert_eq!(child.clock().now(), own.now());
            Ok(child.join()?)
        }));
    process.expect_exit().unwrap();
    assert_eq!(process.clock().now(), outer.now());
}

#[test]
fn the_grace_after_kill_is_inherited() {
    const GRACE: Duration = Duration::from_secs(77);
    const WITHIN: Duration = Duration::from_secs(1_000);
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let stubborn = fake.clone();
    let parent = Process::builder()
        .clock(clock.clock())
        .kill_grace(GRACE)
        .background(run_fn(move |_, _| {
            let child = background(stubborn.clone());
            Ok(child.stop(Signal::TERMINATE, WITHIN)?)
        }));
    let call = fake.wait_for_call();
    assert_eq!(clock.advance_to_next(), WITHIN - GRACE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert_eq!(clock.advance_to_next(), GRACE);
    let exit = parent.expect_exit();
    assert!(matches!(exit, Err(Error::StopTimeout { .. })), "{exit:?}");
    call.trigger_exit(Ok(()));
}
