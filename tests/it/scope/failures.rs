//! What becomes of the exits of a scope that are not waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ifrit::crossbeam_channel::bounded;
use ifrit::process::{Failures, Wait};
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{Error, Process, Scope, Signal, run_fn, run_once, scope, until_stop};

const SECOND: Duration = Duration::from_secs(1);

/// What the panic says that comes out of `work`, if one does.
fn panic_of<T>(work: impl FnOnce() -> T) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(work)).err()?;
    Some(*payload.downcast::<String>().expect("a text"))
}

/// A process that panics at once, with one that has heard of it when it has exited.
fn panics<'scope>(scope: &Scope<'scope, '_>) -> Process {
    let process = Process::builder()
        .name("bad")
        .background_scoped(scope, run_fn(|_, _| panic!("out of luck")));
    let _ = process.exited().recv_timeout(PATIENCE);
    process
}

fn fails<'scope>(scope: &Scope<'scope, '_>, with: &'static str) -> Process {
    let process = scope.background(run_once(move |_, _| Err(with.into())));
    let _ = process.exited().recv_timeout(PATIENCE);
    process
}

fn texts(failures: &Failures) -> Vec<String> {
    let failures = failures.list();
    failures.iter().map(|one| one.error.to_string()).collect()
}

#[test]
fn a_panic_of_a_process_that_was_never_joined_comes_out_of_the_scope() {
    let panic = panic_of(|| scope(|scope| panics(scope))).unwrap();
    for part in ["bad", "out of luck", "scope/failures.rs"] {
        assert!(panic.contains(part), "{panic}");
    }
    let two = panic_of(|| scope(|scope| [panics(scope), panics(scope)])).unwrap();
    assert!(two.ends_with("(and 1 more)"), "{two}");
}

#[test]
fn a_panic_at_the_end_of_a_scope_comes_out_of_it_too() {
    let panic = panic_of(|| {
        scope(|scope| {
            scope.invoke(run_fn(|signals, ready| {
                ready.notify();
                until_stop(&signals);
                panic!("at the end")
            }));
        })
    });
    assert!(panic.unwrap().contains("at the end"));
}

#[test]
fn a_panic_after_the_limit_of_a_start_comes_out_of_a_scope_too() {
    let clock = ManualClock::new();
    let panic = panic_of(|| {
        scope(|scope| {
            let late = run_fn(|signals, _| {
                until_stop(&signals);
                panic!("too late")
            });
            let process = Process::builder()
                .name("late")
                .clock(clock.clock())
                .start_within(SECOND)
                .background_scoped(scope, late);
            clock.advance(SECOND);
            let _ = process.exited().recv_timeout(PATIENCE);
            let failure = scope.failures().list().remove(0);
            assert!(matches!(failure.error, Error::StartTimeout { .. }));
        })
    });
    let panic = panic.unwrap();
    assert!(panic.starts_with("late, a process of this scope, ") && panic.contains("too late"));
}

#[test]
fn a_panic_that_was_delivered_in_any_way_stays_in_the_scope() {
    let ways: [fn(Process); 6] = [
        |process| assert!(process.join().is_err()),
        |process| assert!(process.join_timeout(PATIENCE).unwrap().is_err()),
        |process| assert!(process.try_exit().unwrap().is_err()),
        |process| assert!(process.wait().recv().unwrap().is_err()),
        |process| assert!(process.stop(Signal::INTERRUPT, PATIENCE).is_err()),
        |process| assert!(process.started().is_err()),
    ];
    for deliver in ways {
        let exit = scope(|scope| {
            let process = panics(scope);
            deliver(process.clone());
            process.try_exit()
        });
        assert!(matches!(exit, Some(Err(Error::Panicked(_)))));
    }
}

#[test]
fn a_wait_that_was_read_delivers_and_one_that_was_not_does_not() {
    let (begin, begun) = bounded::<()>(0);
    let waits = |read: bool, keep: bool| {
        let (begun, mut kept) = (begun.clone(), None::<Wait>);
        let panic = panic_of(|| {
            scope(|scope| {
                let process = scope.background(run_fn(|_, _| {
                    begun.recv()?;
                    panic!("out of luck")
                }));
                let wait = process.wait();
                begin.send(()).unwrap();
                process.exited().recv_timeout(PATIENCE).unwrap_err();
                if read {
                    assert!(wait.recv_timeout(PATIENCE).unwrap().is_err());
                }
                kept = keep.then_some(wait);
            });
        });
        panic.is_none()
    };
    assert!(waits(true, true) && waits(true, false));
    assert!(!waits(false, true) && !waits(false, false));
}

#[test]
fn a_wait_that_comes_after_the_exit_delivers_when_it_is_read() {
    scope(|scope| {
        let process = panics(scope);
        let (unread, read) = (process.wait(), process.wait());
        drop(unread);
        assert_eq!(scope.failures().len(), 1);
        assert!(read.recv_timeout(PATIENCE).unwrap().is_err());
        assert!(scope.failures().is_empty());
    });
}

#[test]
fn an_error_that_was_never_joined_is_among_the_failures() {
    let failures = scope(|scope| {
        let failures = scope.failures();
        assert!(failures.is_empty());
        let quiet = fails(scope, "no disk");
        fails(scope, "no paper").join().unwrap_err();
        scope.background(run_fn(|_, _| Ok(())));
        let list = failures.list();
        assert_eq!(list.len(), 1);
        assert_eq!((&*list[0].name, list[0].id), (quiet.name(), quiet.id()));
        assert_eq!(texts(&failures), ["no disk"]);
        quiet.join().unwrap_err();
        assert!(failures.is_empty(), "it has been delivered now");
        scope.invoke(run_fn(|signals, ready| {
            ready.notify();
            until_stop(&signals);
            Err("at the end".into())
        }));
        failures
    });
    assert_eq!(texts(&failures), ["at the end"]);
    assert_eq!(failures.omitted(), 0);
    assert!(format!("{failures:?}").contains("at the end"));
}

#[test]
fn a_thread_that_did_not_start_is_a_failure_of_its_scope() {
    let failures = scope(|scope| {
        let builder = Process::builder().name("huge").stack_size(usize::MAX);
        let _ = builder.background_scoped(scope, run_fn(|_, _| Ok(())));
        scope.failures()
    });
    let failures = failures.list();
    assert_eq!(failures[0].name, "huge");
    assert!(matches!(failures[0].error, Error::Spawn { .. }));
}

#[test]
fn failures_are_bounded_and_panics_are_kept_rather_than_errors() {
    let mut failures = None;
    let panic = panic_of(|| {
        scope(|scope| {
            failures = Some(scope.failures());
            for _ in 0..100 {
                fails(scope, "an error");
            }
            panics(scope);
        })
    });
    assert!(panic.is_some_and(|text| text.contains("out of luck")));
    let failures = failures.unwrap();
    assert_eq!((failures.len(), failures.omitted()), (64, 37));
    let texts = texts(&failures);
    assert_eq!(texts.iter().filter(|text| *text == "an error").count(), 63);
}

#[test]
fn errors_that_were_delivered_take_no_room_from_those_that_were_not() {
    let failures = scope(|scope| {
        let fakes: Vec<_> = (0..200).map(|_| FakeRunner::new()).collect();
        let processes: Vec<_> = fakes
            .iter()
            .map(|fake| scope.background(fake.clone()))
            .collect();
        for (n, (fake, process)) in fakes.iter().zip(&processes).enumerate() {
            fake.wait_for_call().trigger_exit(Err(n.to_string().into()));
            let _ = process.exited().recv_timeout(PATIENCE);
            if n % 20 > 0 {
                process.expect_exit().unwrap_err();
            }
        }
        scope.failures()
    });
    let expected: Vec<_> = (0..10).map(|n| (n * 20).to_string()).collect();
    assert_eq!(texts(&failures), expected);
    assert_eq!(failures.omitted(), 0);
}
