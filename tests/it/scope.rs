//! Runners that borrow.

mod failures;
mod given_up;
mod host;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use ifrit::crossbeam_channel::{RecvTimeoutError, Sender, bounded, unbounded};
use ifrit::testing::{FakeRunner, PATIENCE, Waiting, never_ready, signal_recorder};
use ifrit::{Error, Process, Receiver, Runner, Signal, run_fn, run_once, scope};

#[test]
fn a_runner_may_borrow_from_the_caller() {
    let text = String::from("borrowed");
    let mut length = 0;
    scope(|scope| {
        let process = scope.background(run_once(|_, _| {
            length = text.len();
            Ok(())
        }));
        process.expect_exit().unwrap();
    });
    assert_eq!(length, text.len());
}

#[test]
fn a_borrowed_runner_comes_back() {
    let (mut runner, recorded) = signal_recorder();
    for _ in 0..2 {
        scope(|scope| {
            let process = scope.invoke(&mut runner);
            process.signal(Signal::HANGUP);
        });
    }
    let once = [Signal::HANGUP, Signal::INTERRUPT];
    assert_eq!(recorded.so_far(), [once, once].concat());
    // It is ours again.
    let _runner: &mut dyn Runner = &mut runner;
}

#[test]
fn a_scope_gives_back_what_its_body_returns() {
    assert_eq!(scope(|_| 7), 7);
}

#[test]
fn the_end_of_a_scope_tells_all_to_stop_and_joins_them() {
    let ended = Mutex::new(Vec::new());
    let processes = scope(|scope| {
        let idle = || {
            run_fn(|signals, ready| {
                ready.notify();
                let signal = ifrit::until_stop(&signals);
                ended.lock().unwrap().push(signal);
                Ok(())
            })
        };
        let ready = scope.invoke(idle());
        assert!(ready.is_ready());
        [ready, scope.background(idle()), scope.background(idle())]
    });
    assert_eq!(*ended.lock().unwrap(), [Signal::INTERRUPT; 3]);
    for process in processes {
        process.try_exit().expect("it has been joined").unwrap();
    }
}

#[test]
fn the_end_of_a_scope_waits_for_those_who_take_their_time() {
    let fake = FakeRunner::new();
    let (end, ended) = bounded(1);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            scope(|scope| scope.background(fake.clone()).id());
            end.send(()).unwrap();
        });
        let call = fake.wait_for_call();
        assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
        assert!(ended.is_empty(), "it still runs");
        call.trigger_exit(Ok(()));
        ended.recv_timeout(PATIENCE).unwrap();
    });
}

#[test]
fn a_panic_in_a_scope_stops_and_joins_all_and_then_goes_on() {
    let (runner, recorded) = signal_recorder();
    let mut started = None;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        scope(|scope| {
            started = Some(scope.invoke(runner.clone()));
            panic!("in the body");
        })
    }));
    assert_eq!(
        *panic.unwrap_err().downcast::<&str>().unwrap(),
        "in the body"
    );
    let exit = started.unwrap().try_exit();
    exit.expect("it has been joined").unwrap();
    assert_eq!(recorded.so_far(), [Signal::INTERRUPT]);
}

#[test]
fn a_thread_that_cannot_start_is_an_exit_in_a_scope_too() {
    let mut dropped = 0;
    struct Counts<'a>(&'a mut i32);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            *self.0 += 1;
        }
    }
    let counts = Counts(&mut dropped);
    scope(|scope| {
        let runner = run_once(move |_, _| {
            drop(counts);
            Ok(())
        });
        let process = Process::builder()
            .stack_size(usize::MAX)
            .invoke_scoped(scope, runner);
        assert!(matches!(process.try_exit(), Some(Err(Error::Spawn { .. }))));
    });
    assert_eq!(dropped, 1);
}

#[test]
fn a_scoped_process_takes_the_options_of_a_builder() {
    scope(|scope| {
        let process = Process::builder()
            .name("inside")
            .background_scoped(scope, never_ready());
        assert_eq!(process.name(), "inside");
    });
}

#[test]
fn scopes_nest() {
    let sum = AtomicUsize::new(0);
    scope(|outer| {
        outer.background(run_fn(|_, _| {
            let own = 2;
            scope(|inner| {
                inner.background(run_fn(|_, _| {
                    sum.fetch_add(own, Ordering::SeqCst);
                    Ok(())
                }));
            });
            sum.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }));
    });
    assert_eq!(sum.into_inner(), 3);
}

#[test]
fn a_scope_that_starts_many_one_after_the_other_does_not_grow() {
    /// Lives as long as the exit it is in is kept.
    #[derive(Debug)]
    struct Kept;
    static LIVING: AtomicIsize = AtomicIsize::new(0);
    impl Drop for Kept {
        fn drop(&mut self) {
            LIVING.fetch_sub(1, Ordering::SeqCst);
        }
    }
    impl std::fmt::Display for Kept {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("kept")
        }
    }
    impl std::error::Error for Kept {}

    scope(|scope| {
        for _ in 0..500 {
            let process = scope.background(run_fn(|_, _| {
                LIVING.fetch_add(1, Ordering::SeqCst);
                Err(Kept.into())
            }));
            assert!(process.expect_exit().is_err());
        }
        let living = LIVING.load(Ordering::SeqCst);
        assert!(living < 100, "{living} of 500 exits are kept");
    });
}

/// An error whose destructor says that it is being dropped, and whether what it then waits for has come.
#[derive(Debug)]
struct Waits {
    dropped: Sender<()>,
    wait: Receiver<()>,
    came: Sender<bool>,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one that waits")
    }
}

impl std::error::Error for Waits {}

impl Drop for Waits {
    fn drop(&mut self) {
        let _ = self.dropped.send(());
        let came = self.wait.recv_timeout(PATIENCE);
        let _ = self.came.send(came == Err(RecvTimeoutError::Disconnected));
    }
}

#[test]
fn an_error_that_a_scope_lets_go_may_wait_for_another_start_in_it() {
    let (dropped, is_dropped) = unbounded();
    let (started, wait) = bounded(0);
    let (came, comes) = unbounded();
    scope(|scope| {
        for _ in 0..16 {
            let (dropped, wait, came) = (dropped.clone(), wait.clone(), came.clone());
            let error = Waits {
                dropped,
                wait,
                came,
            };
            let process = scope.background(run_once(|_, _| Err(error.into())));
            process.expect_exit().unwrap_err();
        }
        std::thread::scope(|threads| {
            threads.spawn(|| scope.background(never_ready())); // many have exited: it lets them go
            is_dropped.recv_timeout(PATIENCE).unwrap();
            scope.background(never_ready());
            drop(started);
        });
    });
    drop(came);
    assert_eq!(comes.iter().filter(|came| *came).count(), 16);
}
