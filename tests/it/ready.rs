//! Ready: said once, seen by all, never falsely.

use std::convert::Infallible;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, TryRecvError, bounded};
use ifrit::testing::{FakeRunner, PATIENCE, Waiting, never_ready, signal_recorder};
use ifrit::{Error, ReadySender, Signal, background, invoke, ready_channel, run_fn, scope};

fn fired(latch: &Receiver<Infallible>) -> bool {
    latch.try_recv() == Err(TryRecvError::Disconnected)
}

#[test]
fn invoke_returns_once_the_runner_is_ready() {
    let process = invoke(signal_recorder().0);
    assert!(process.is_ready());
    assert!(process.try_exit().is_none());
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
}

#[test]
fn invoke_returns_when_the_runner_exits_instead_and_the_exit_is_in_wait() {
    let process = invoke(run_fn(|_, _| Err("no disk".into())));
    assert!(!process.is_ready());
    let exit = process.wait().try_recv().expect("it has exited");
    assert_eq!(exit.unwrap_err().to_string(), "no disk");
}

#[test]
fn background_does_not_wait_for_ready() {
    let process = background(never_ready());
    assert!(!process.is_ready());
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
}

#[test]
fn started_gives_the_process_once_it_is_ready() {
    let process = invoke(signal_recorder().0);
    let started = process.started().unwrap();
    assert_eq!(started.id(), process.id());
    started.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
}

#[test]
fn started_tells_the_error_of_a_start_that_failed() {
    let error = invoke(run_fn(|_, _| Err("no disk".into())))
        .started()
        .unwrap_err();
    assert!(matches!(error, Error::Runner(_)));
    assert_eq!(error.to_string(), "no disk");
}

#[test]
fn started_tells_of_a_run_that_ended_well_but_unready() {
    let process = ifrit::Process::builder()
        .name("short")
        .invoke(run_fn(|_, _| Ok(())));
    match process.started() {
        Err(Error::ExitedBeforeReady { name }) => assert_eq!(name, "short"),
        other => panic!("{other:?}"),
    }
    process.expect_exit().unwrap();
}

#[test]
fn a_process_that_was_ready_counts_as_started_even_after_it_has_failed() {
    let process = background(run_fn(|_, ready| {
        ready.notify();
        Err("later".into())
    }));
    assert!(process.expect_exit().is_err());
    assert!(process.is_ready());
    process.started().unwrap();
    process.wait_ready().unwrap();
    process.wait_ready_timeout(Duration::ZERO).unwrap().unwrap();
    assert!(fired(process.ready()));
}

#[test]
fn waiting_for_ready_resolves_on_the_exit() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    std::thread::scope(|threads| {
        let waits = [(); 3].map(|()| threads.spawn(|| process.wait_ready()));
        call.trigger_exit(Ok(()));
        for wait in waits {
            assert!(matches!(
                wait.join().unwrap(),
                Err(Error::ExitedBeforeReady { .. })
            ));
        }
    });
}

#[test]
fn an_expired_wait_for_ready_leaves_the_process_alone() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    assert!(process.wait_ready_timeout(Duration::ZERO).is_none());
    let call = fake.wait_for_call();
    assert_eq!(call.signals().try_recv(), Err(TryRecvError::Empty));
    call.trigger_ready();
    process.wait_ready_timeout(PATIENCE).unwrap().unwrap();
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_wait_for_ready_without_end_is_harmless() {
    let process = background(signal_recorder().0);
    process.wait_ready_timeout(Duration::MAX).unwrap().unwrap();
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
}

#[test]
fn ready_fires_for_ever_for_those_who_asked_before_and_after() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let before = process.ready().clone();
    assert!(!fired(&before));
    let call = fake.wait_for_call();
    call.trigger_ready();
    process.expect_ready();
    for _ in 0..3 {
        assert!(fired(&before));
        assert!(fired(process.clone().ready()));
    }
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    drop((process, fake, call));
    assert!(fired(&before));
}

#[test]
fn ready_never_fires_falsely_whatever_is_dropped() {
    // The end of the scope joins the thread, so that nothing is left of the process but this channel.
    let ready = scope(|scope| {
        let process = scope.background(run_fn(|_signals, ready| {
            drop(ready);
            Ok(())
        }));
        process.ready().clone()
    });
    assert_eq!(ready.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn exited_never_fires_before_the_exit_and_for_ever_after() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let exited = process.exited().clone();
    let call = fake.wait_for_call();
    call.trigger_ready();
    process.expect_ready();
    assert!(!fired(&exited));
    call.trigger_exit(Ok(()));
    assert!(exited.recv_timeout(PATIENCE).is_err());
    assert!(process.try_exit().is_some(), "the news is not late");
    drop((process, fake, call));
    assert!(fired(&exited));
}

#[test]
fn who_sees_the_exit_has_seen_ready() {
    for _ in 0..500 {
        let process = background(run_fn(|_, ready| {
            ready.notify();
            Ok(())
        }));
        let ready = process.ready().clone();
        let _ = process.exited().recv();
        assert!(process.is_ready() && fired(&ready));
    }
}

#[test]
fn ready_may_be_said_from_another_thread() {
    let (lend, lent) = bounded::<ReadySender>(1);
    let process = background(run_fn(move |signals, ready| {
        lend.send(ready)?;
        ifrit::until_stop(&signals);
        Ok(())
    }));
    let ready = lent.recv_timeout(PATIENCE).unwrap();
    assert!(!process.is_ready());
    ready.notify();
    assert!(process.is_ready());
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
}

#[test]
fn a_ready_sender_that_outlives_its_process_says_nothing() {
    let (leak, leaked) = bounded::<ReadySender>(1);
    let process = background(run_fn(move |_signals, ready| {
        leak.send(ready)?;
        Ok(())
    }));
    let ready = leaked.recv_timeout(PATIENCE).unwrap();
    process.expect_exit().unwrap();
    ready.notify();
    assert!(!process.is_ready() && !fired(process.ready()));
    assert!(matches!(
        process.started(),
        Err(Error::ExitedBeforeReady { .. })
    ));
}

#[test]
fn a_ready_sender_says_nothing_once_its_run_has_returned() {
    struct Leaks(Option<ReadySender>);
    impl ifrit::Runner for Leaks {
        fn run(&mut self, _: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
            self.0 = Some(ready);
            Ok(())
        }
    }
    impl Drop for Leaks {
        // After the run, and before the exit is published.
        fn drop(&mut self) {
            if let Some(ready) = self.0.take() {
                ready.notify();
            }
        }
    }
    let process = background(Leaks(None));
    process.expect_exit().unwrap();
    assert!(!process.is_ready() && !fired(process.ready()));
}

#[test]
fn a_ready_channel_fires_when_it_is_told_and_only_then() {
    let (ready, is_ready) = ready_channel();
    assert!(!fired(&is_ready));
    std::thread::spawn(move || ready.notify());
    assert!(is_ready.recv_timeout(PATIENCE).is_err());
    assert!(fired(&is_ready) && fired(&is_ready.clone()));
}

#[test]
fn a_ready_channel_whose_sender_is_dropped_never_fires() {
    let (ready, is_ready) = ready_channel();
    drop(ready);
    assert_eq!(is_ready.try_recv(), Err(TryRecvError::Empty));
}
