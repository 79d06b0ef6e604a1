//! Fakes that do the same in every run, and small runners.

use ifrit::testing::{
    FakeRunner, PATIENCE, PingEnd, Waiting, exits_unready, ping_runner, signal_recorder,
};
use ifrit::{Error, Signal, background, invoke, until_stop};

#[derive(Debug)]
struct NoDisk;

impl std::fmt::Display for NoDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no disk")
    }
}

impl std::error::Error for NoDisk {}

#[test]
fn a_fake_that_returns_does_so_in_every_later_run() {
    let fake = FakeRunner::new();
    let before = background(fake.clone());
    let call = fake.wait_for_call();
    fake.returns(Err(NoDisk.into()));
    for _ in 0..2 {
        let error = background(fake.clone()).expect_exit().unwrap_err();
        assert_eq!(error.to_string(), "no disk");
        assert!(error.downcast_ref::<NoDisk>().is_some());
    }
    assert!(
        before.try_exit().is_none(),
        "the run under way is left alone"
    );
    call.trigger_exit(Ok(()));
    before.expect_exit().unwrap();
    fake.returns(Ok(()));
    background(fake.clone()).expect_exit().unwrap();
    assert_eq!(fake.calls(), 4);
}

#[test]
fn a_stub_is_called_in_every_run_and_counted() {
    let fake = FakeRunner::new();
    fake.stub(|signals, ready| {
        ready.notify();
        Err(until_stop(&signals).to_string().into())
    });
    for run in 0..2 {
        let process = background(fake.clone());
        process.expect_ready();
        process.signal(Signal::TERMINATE);
        let error = process.expect_exit().unwrap_err();
        assert_eq!(error.to_string(), Signal::TERMINATE.to_string());
        assert_eq!(fake.calls(), run + 1);
    }
    fake.stub(|_, _| panic!("as told"));
    let exit = background(fake).expect_exit();
    assert!(matches!(exit, Err(Error::Panicked(_))));
}

#[test]
fn each_call_of_a_fake_can_be_looked_at_by_its_number() {
    let fake = FakeRunner::new();
    assert!(fake.call(0).is_none());
    let processes = [(); 2].map(|()| {
        let process = background(fake.clone());
        fake.wait_for_call();
        process
    });
    processes[1].signal(Signal::USER2);
    let second = fake.call(1).unwrap();
    assert_eq!(second.wait_for_signal(), Signal::USER2);
    second.trigger_ready();
    processes[1].expect_ready();
    assert!(!processes[0].is_ready());
    assert!(fake.call(2).is_none());
    fake.ensure_exit();
    for process in processes {
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_fake_keeps_no_process_of_a_run_that_has_ended() {
    let fake = FakeRunner::new();
    let process = background(fake.clone());
    let call = fake.wait_for_call();
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    call.trigger_ready();
    assert!(!process.is_ready());
}

#[test]
fn an_exit_from_a_ping_can_be_told_from_one_from_a_signal() {
    let (mut runner, ping) = ping_runner();
    ifrit::scope(|scope| {
        let process = scope.invoke(&mut runner);
        assert!(ping.ends().is_empty());
        ping.ping();
        process.expect_exit().unwrap();
    });
    invoke(runner).kill().unwrap();
    assert_eq!(ping.ends(), [PingEnd::Ping, PingEnd::Signal(Signal::KILL)]);
}

#[test]
fn a_runner_that_exits_at_once_was_never_ready() {
    let process = background(exits_unready());
    process.expect_exit().unwrap();
    assert!(!process.is_ready());
}

#[test]
fn a_recorder_may_have_exit_signals_of_its_own() {
    let (runner, recorded) = signal_recorder();
    let process = invoke(runner.exit_on([Signal::USER1, Signal::QUIT]));
    for signal in [Signal::TERMINATE, Signal::HANGUP] {
        process.signal(signal);
    }
    recorded.wait_for(2);
    assert!(process.join_timeout(std::time::Duration::ZERO).is_none());
    process.signal(Signal::QUIT);
    process.join_timeout(PATIENCE).unwrap().unwrap();
    let expected = [Signal::TERMINATE, Signal::HANGUP, Signal::QUIT];
    assert_eq!(recorded.so_far(), expected);
}
