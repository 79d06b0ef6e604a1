//! How a run ends, and what is found in its error.

mod fatal;
mod panics;
mod words;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ifrit::testing::{FakeRunner, PATIENCE, Waiting};
use ifrit::{Error, ReadySender, Receiver, Result, Runner, Signal, background, run_fn, run_once};

/// A user's error, with another one below it.
#[derive(Debug)]
struct Wrapped(Option<ifrit::BoxError>);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrapped")
    }
}

impl StdError for Wrapped {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_deref().map(|error| error as _)
    }
}

fn address_in_use() -> io::Error {
    io::Error::from(io::ErrorKind::AddrInUse)
}

#[test]
fn what_the_runner_returns_is_the_exit() {
    background(run_fn(|_, _| Ok(()))).expect_exit().unwrap();
    let error = background(run_fn(|_, _| Err("no disk".into())))
        .expect_exit()
        .unwrap_err();
    assert!(matches!(error, Error::Runner(_)));
    assert_eq!(error.to_string(), "no disk");
}

#[test]
fn every_waiter_gets_the_exit_however_many_and_whenever_they_ask() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let early: Vec<_> = (0..100).map(|_| process.wait()).collect();
    let call = fake.wait_for_call();
    std::thread::scope(|threads| {
        let joins: Vec<_> = (0..4)
            .map(|_| threads.spawn(|| process.expect_exit()))
            .collect();
        call.trigger_exit(Err("the one".into()));
        for join in joins {
            assert_eq!(join.join().unwrap().unwrap_err().to_string(), "the one");
        }
    });
    let late: Vec<_> = (0..100).map(|_| process.clone().wait()).collect();
    for wait in early.iter().chain(&late) {
        let exit = wait.recv_timeout(PATIENCE).unwrap();
        assert_eq!(exit.unwrap_err().to_string(), "the one");
    }
}

#[test]
fn the_exit_is_stored_before_any_wait_fires() {
    for _ in 0..500 {
        let process = background(run_fn(|_, _| Ok(())));
        let exit = process.wait().recv_timeout(PATIENCE);
        assert!(process.try_exit().is_some() && exit.is_ok());
    }
}

#[test]
fn the_runner_is_gone_before_its_exit_is_published() {
    struct Tells(Arc<AtomicBool>, bool);
    impl Runner for Tells {
        fn run(&mut self, _: Receiver<Signal>, _: ReadySender) -> Result<()> {
            assert!(!self.1, "as told");
            Ok(())
        }
    }
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    for panics in [false, true] {
        let dropped = Arc::new(AtomicBool::new(false));
        let process = background(Tells(Arc::clone(&dropped), panics));
        let exit = process.wait().recv_timeout(PATIENCE).unwrap();
        assert!(dropped.load(Ordering::SeqCst));
        assert_eq!(exit.is_err(), panics);
    }
}

#[test]
fn the_runners_destructor_may_use_its_own_process() {
    struct Nosy;
    impl Runner for Nosy {
        fn run(&mut self, _: Receiver<Signal>, _: ReadySender) -> Result<()> {
            Ok(())
        }
    }
    impl Drop for Nosy {
        fn drop(&mut self) {
            let me = ifrit::current().expect("a thread of ours");
            me.signal(Signal::HANGUP);
            assert!(me.try_exit().is_none() && me.wait().is_empty());
            assert!(matches!(me.join(), Err(Error::WouldDeadlock { .. })));
            assert!(ifrit::tree().get(me.id()).is_some());
        }
    }
    background(Nosy).expect_exit().unwrap();
}

#[test]
fn the_users_own_error_is_found() {
    let error = background(run_fn(|_, _| Err(address_in_use().into())))
        .expect_exit()
        .unwrap_err();
    let found = error.downcast_ref::<io::Error>().expect("it is inside");
    assert_eq!(found.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn an_error_is_found_at_the_end_of_a_chain_of_sources() {
    let chain = Wrapped(Some(Box::new(Wrapped(Some(address_in_use().into())))));
    let error = background(run_once(|_, _| Err(chain.into())))
        .expect_exit()
        .unwrap_err();
    assert!(error.downcast_ref::<Wrapped>().is_some());
    assert!(error.downcast_ref::<io::Error>().is_some());
}

#[test]
fn an_error_is_found_below_an_exit_that_was_passed_on_as_a_cause() {
    let inner = background(run_fn(|_, _| Err(address_in_use().into())))
        .expect_exit()
        .unwrap_err();
    let error = background(run_once(|_, _| Err(Wrapped(Some(inner.into())).into())))
        .expect_exit()
        .unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_some());
}

#[test]
fn an_error_is_found_however_the_question_mark_has_boxed_it() {
    let inner = || background(run_fn(|_, _| Err(address_in_use().into()))).expect_exit();
    let boxed = background(run_fn(move |_, _| Ok(inner().map_err(Box::new)?)));
    let error = boxed.expect_exit().unwrap_err();
    assert!(
        matches!(error, Error::Runner(_)),
        "it stays what it is: {error:?}"
    );
    assert!(error.downcast_ref::<io::Error>().is_some());
    let shared = background(run_fn(move |_, _| Ok(inner().map_err(Arc::new)?)));
    let error = shared.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_some());
    let theirs = background(run_fn(|_, _| Err(Box::new(Arc::new(Wrapped(None))).into())));
    let error = theirs.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<Arc<Wrapped>>().is_some());
}

#[test]
fn a_thread_that_still_runs_is_found_below_an_error_of_the_user() {
    let kept = Error::Abandoned(Vec::new());
    let error = background(run_once(|_, _| Err(Wrapped(Some(kept.into())).into())));
    let error = error.expect_exit().unwrap_err();
    assert!(error.stuck().is_empty());
    let (release, released) = ifrit::crossbeam_channel::bounded::<()>(0);
    let deaf = run_fn(move |_, _| {
        let _ = released.recv();
        Ok(())
    });
    let deaf = ifrit::Process::builder()
        .name("deaf")
        .kill_grace(std::time::Duration::from_millis(1))
        .background(deaf);
    let stuck = deaf
        .stop(Signal::TERMINATE, std::time::Duration::from_millis(1))
        .unwrap_err();
    let outer = background(run_once(|_, _| Err(Wrapped(Some(stuck.into())).into())));
    let error = outer.expect_exit().unwrap_err();
    assert_eq!(error.stuck()[0].name, "deaf");
    drop(release);
}

#[test]
fn an_error_that_is_not_there_is_not_found() {
    let error = background(run_fn(|_, _| Err(Wrapped(None).into())))
        .expect_exit()
        .unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_none());
    let error = background(run_fn(|_, _| panic!("text")))
        .expect_exit()
        .unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_none());
}

#[test]
fn an_error_of_ours_stays_what_it_is() {
    let inner = background(run_fn(|_, _| panic!("inside")));
    let outer = background(run_fn(move |_, _| Ok(inner.join()?)));
    assert!(matches!(outer.expect_exit(), Err(Error::Panicked(_))));
}

#[test]
fn an_error_is_shared_by_its_clones() {
    let process = background(run_fn(|_, _| Err(address_in_use().into())));
    let (one, other) = (
        process.expect_exit().unwrap_err(),
        process.expect_exit().unwrap_err(),
    );
    let place = |error: &Error| std::ptr::from_ref(error.downcast_ref::<io::Error>().unwrap());
    assert_eq!(place(&one), place(&other));
}

#[test]
fn an_error_crosses_threads_and_converts_with_the_question_mark() {
    fn is_an_error<T: StdError + Clone + Send + Sync + 'static>() {}
    is_an_error::<Error>();
    fn passed_on() -> Result<()> {
        Ok(background(run_fn(|_, _| Err("no disk".into()))).join()?)
    }
    let error = passed_on().unwrap_err();
    assert!(error.is::<Error>());
}

#[test]
fn what_goes_wrong_is_told_with_the_name_of_the_process() {
    let process = ifrit::Process::builder()
        .name("db")
        .background(run_fn(|_, _| Ok(())));
    let unready = process.started().unwrap_err();
    assert_eq!(unready.to_string(), "db: exited before it was ready");
    let me = ifrit::Process::builder()
        .name("me")
        .background(run_fn(|_, _| {
            Ok(ifrit::current().expect("a thread of ours").join()?)
        }));
    let own = me.expect_exit().unwrap_err();
    assert_eq!(own.to_string(), "me: the caller would wait for itself");
}
