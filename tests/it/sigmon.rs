//! What sigmon does to the process it runs in, on a clock moved by hand. Real signals have a binary of their own.

use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Select, Sender, bounded, unbounded};
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{Error, Process, ReadySender, Runner, Signal, ready_channel, run_fn, sigmon::Sigmon};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_stop_is_enforced_whoever_asks_for_it() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let app = Sigmon::new(fake.clone()).stop_within(10 * SECOND);
    let app = Process::builder().clock(clock.clock()).background(app);
    let call = fake.wait_for_call();
    app.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    clock.wait_for_timers(2);
    clock.advance(9 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Ok(()));
    assert!(app.expect_exit().is_ok());
}

#[test]
fn kill_comes_the_grace_before_the_end_and_at_the_end_it_is_given_up() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let app = Sigmon::new(fake.clone())
        .stop_within(100 * SECOND)
        .kill_grace(5 * SECOND);
    let app = Process::builder().clock(clock.clock()).background(app);
    let call = fake.wait_for_call();
    app.signal(Signal::TERMINATE);
    clock.wait_for_timers(2);
    assert_eq!(clock.advance_to_next(), 95 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    assert_eq!(clock.advance_to_next(), 5 * SECOND);
    assert!(matches!(app.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn of_two_limits_one_inside_the_other_the_shorter_counts() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let inner = Sigmon::new(fake.clone()).only([]).stop_within(60 * SECOND);
    let app = Sigmon::new(inner).only([]).stop_within(10 * SECOND);
    let app = Process::builder().clock(clock.clock()).background(app);
    let call = fake.wait_for_call();
    app.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    clock.wait_for_timers(2);
    clock.advance(9 * SECOND);
    assert_eq!(call.wait_for_signal(), Signal::KILL);
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
}

/// Runs `first`, says ready, and then what it hears, until it is let go.
fn after(
    mut first: impl Runner,
    heard: Sender<Signal>,
    released: Receiver<()>,
) -> impl FnMut(Receiver<Signal>, ReadySender) -> ifrit::Result + Send {
    move |signals, ready| {
        first.run(signals.clone(), ready_channel().0)?;
        ready.notify();
        let mut select = Select::new();
        let told = select.recv(&signals);
        select.recv(&released);
        while select.ready() == told {
            heard.send(signals.try_recv()?)?;
        }
        Ok(())
    }
}

fn that_returns() -> Sigmon<impl Runner> {
    Sigmon::new(run_fn(|_, _| Ok(()))).only([])
}

#[test]
fn its_limits_go_with_it() {
    let clock = ManualClock::new();
    let ((say, heard), (release, released)) = (unbounded(), bounded(0));
    let short = that_returns().stop_within(SECOND).kill_grace(SECOND);
    let runner = run_fn(after(short, say, released));
    let process = Process::builder().clock(clock.clock()).invoke(runner);
    process.signal(Signal::TERMINATE);
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(Signal::TERMINATE));
    clock.advance(3_600 * SECOND);
    process.signal(Signal::USER1);
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(Signal::USER1)); // and no KILL before
    drop(release);
    process.expect_exit().unwrap();
}

#[test]
fn those_around_it_hold_again_when_it_has_returned() {
    let clock = ManualClock::new();
    let ((say, heard), (release, released)) = (unbounded(), bounded(0));
    let hour = 3_600 * SECOND;
    let long = that_returns().stop_within(hour).kill_grace(hour);
    let outer = Sigmon::new(run_fn(after(long, say, released)))
        .only([])
        .stop_within(10 * SECOND)
        .kill_grace(5 * SECOND);
    let process = Process::builder().clock(clock.clock()).invoke(outer);
    process.signal(Signal::TERMINATE);
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(Signal::TERMINATE));
    clock.advance(9 * SECOND);
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(Signal::KILL));
    clock.advance(SECOND);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    drop(release);
}
