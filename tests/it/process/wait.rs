//! Waiting for an exit: by channel, by blocking, without blocking, in vain.

use std::time::Duration;

use ifrit::crossbeam_channel::{TryRecvError, select};
use ifrit::testing::{FakeRunner, PATIENCE, Waiting};
use ifrit::{Error, background, current, run_fn};

#[test]
fn a_fresh_wait_on_an_exited_process_fires_at_once() {
    let process = background(run_fn(|_, _| Ok(())));
    process.expect_exit().unwrap();
    for _ in 0..1_000 {
        assert!(matches!(process.wait().try_recv(), Ok(Ok(()))));
    }
}

#[test]
fn a_wait_emits_the_exit_once_and_is_then_at_its_end() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let early = process.wait();
    assert!(matches!(early.try_recv(), Err(TryRecvError::Empty)));
    fake.wait_for_call().trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    for wait in [early, process.wait()] {
        assert!(matches!(wait.recv_timeout(PATIENCE), Ok(Ok(()))));
        // The sending end is let go right after the exit is sent.
        assert!(
            wait.recv_timeout(PATIENCE)
                .is_err_and(|e| e.is_disconnected())
        );
    }
}

#[test]
fn each_wait_is_a_channel_of_its_own() {
    let process = background(run_fn(|_, _| Ok(())));
    let (one, other) = (process.wait(), process.wait());
    assert!(matches!(one.recv_timeout(PATIENCE), Ok(Ok(()))));
    assert!(matches!(other.recv_timeout(PATIENCE), Ok(Ok(()))));
}

#[test]
fn a_clone_of_a_wait_is_a_channel_of_its_own() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let wait = process.wait();
    let (kept, dropped) = (wait.clone(), wait.clone());
    drop(dropped);
    fake.wait_for_call().trigger_exit(Err("for all".into()));
    let again = [wait.clone(), kept.clone()];
    drop(process);
    for wait in [wait, kept].into_iter().chain(again) {
        let exit = wait.recv_timeout(PATIENCE).unwrap();
        assert_eq!(exit.unwrap_err().to_string(), "for all");
        assert!(wait.recv_timeout(PATIENCE).is_err(), "once");
        let late = wait.clone().recv_timeout(PATIENCE).unwrap();
        assert_eq!(late.unwrap_err().to_string(), "for all");
    }
}

#[test]
fn a_clone_of_a_wait_outlives_the_wait_it_was_made_from() {
    let fake = FakeRunner::new();
    let wait = background(fake.clone()).wait();
    let clone = wait.clone();
    drop(wait);
    fake.wait_for_call().trigger_exit(Ok(()));
    assert!(matches!(clone.recv_timeout(PATIENCE), Ok(Ok(()))));
}

#[test]
fn a_bare_receiver_taken_out_of_a_wait_lives_as_long_as_the_wait() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let wait = process.wait();
    let bare = ifrit::Receiver::clone(&wait);
    drop(wait);
    assert_eq!(bare.try_recv().unwrap_err(), TryRecvError::Disconnected);
    fake.wait_for_call().trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn a_wait_that_is_dropped_takes_nothing_from_the_others() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let (gone, kept, gone_too) = (process.wait(), process.wait(), process.wait());
    drop((gone, gone_too));
    fake.wait_for_call().trigger_exit(Ok(()));
    assert!(matches!(kept.recv_timeout(PATIENCE), Ok(Ok(()))));
}

#[test]
fn a_wait_outlives_every_handle() {
    let fake = FakeRunner::new();
    let wait = background(fake.clone()).wait();
    fake.wait_for_call().trigger_exit(Err("at last".into()));
    let exit = wait.recv_timeout(PATIENCE).unwrap();
    assert_eq!(exit.unwrap_err().to_string(), "at last");
}

#[test]
fn a_wait_can_be_selected_on() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let (wait, never) = (process.wait(), ifrit::crossbeam_channel::never::<()>());
    fake.wait_for_call().trigger_exit(Ok(()));
    select! {
        recv(wait) -> exit => exit.unwrap().unwrap(),
        recv(never) -> _ => unreachable!(),
        default(PATIENCE) => panic!("no exit"),
    }
}

#[test]
fn an_exit_can_be_looked_for_without_blocking() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    assert!(process.try_exit().is_none());
    fake.wait_for_call().trigger_exit(Err("no disk".into()));
    let _ = process.expect_exit();
    for _ in 0..2 {
        assert_eq!(
            process.try_exit().unwrap().unwrap_err().to_string(),
            "no disk"
        );
    }
}

#[test]
fn an_expired_join_leaves_the_process_alone() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    for patience in [Duration::ZERO, Duration::from_millis(1)] {
        assert!(process.join_timeout(patience).is_none());
    }
    let call = fake.wait_for_call();
    assert!(matches!(
        call.signals().try_recv(),
        Err(TryRecvError::Empty)
    ));
    call.trigger_exit(Ok(()));
    process.join_timeout(PATIENCE).unwrap().unwrap();
    process.join_timeout(Duration::ZERO).unwrap().unwrap();
}

#[test]
fn a_join_without_end_is_harmless() {
    for patience in [Duration::MAX, Duration::from_secs(u64::MAX / 4)] {
        let process = background(run_fn(|_, _| Ok(())));
        process.join_timeout(patience).unwrap().unwrap();
    }
}

#[test]
fn a_process_that_waits_for_itself_is_told_so() {
    let process = background(run_fn(|_, _| {
        let me = current().expect("a thread of ours");
        let joins = [
            me.join(),
            me.join_timeout(Duration::MAX).unwrap_or(Ok(())),
            me.stop(ifrit::Signal::TERMINATE, Duration::MAX),
        ];
        for join in joins {
            assert!(matches!(join, Err(Error::WouldDeadlock { .. })), "{join:?}");
        }
        assert!(me.try_exit().is_none());
        Ok(())
    }));
    process.expect_exit().unwrap();
}

#[test]
fn a_process_that_waits_for_its_own_start_is_told_so_until_it_is_ready() {
    let process = background(run_fn(|_, ready| {
        let me = current().expect("a thread of ours");
        for start in [me.wait_ready(), me.started().map(drop)] {
            assert!(matches!(start, Err(Error::WouldDeadlock { .. })));
        }
        ready.notify();
        Ok(me.wait_ready()?)
    }));
    process.expect_exit().unwrap();
}

#[test]
fn a_process_may_wait_for_one_it_has_started() {
    let process = background(run_fn(|_, _| {
        let child = background(run_fn(|_, _| Err("the child's".into())));
        Ok(child.join()?)
    }));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "the child's");
}
