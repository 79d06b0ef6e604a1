//! Clocks that jump, to the edge of time and beyond, and limits that are further off than that.

use std::time::{Duration, Instant};

use ifrit::crossbeam_channel::bounded;
use ifrit::grouper::Capacity;
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting, signal_recorder};
use ifrit::{
    Error, Process, Runner, Signal,
    clock::Clock,
    error::Cause,
    grouper::{Dynamic, Member, Members, Ordered, Parallel},
    run_fn,
    sigmon::Sigmon,
    until_stop,
};

const SECOND: Duration = Duration::from_secs(1);
const AGES: Duration = Duration::from_secs(1_000 * 365 * 86_400);

/// How far it is from there to the edge of time.
fn to_the_edge(now: Instant) -> Duration {
    let mut distance = Duration::ZERO;
    for bit in (0..64).rev() {
        let further = distance.saturating_add(Duration::from_secs(1 << bit));
        if now.checked_add(further).is_some() {
            distance = further;
        }
    }
    distance
}

fn steady() -> impl Runner {
    signal_recorder().0
}

/// A tree with every limit there is, each of this length.
fn limited(limit: Duration) -> impl Runner {
    let forever = Budget::new(100, limit);
    let slow = || Backoff::constant(limit);
    let flaky = run_fn(|signals, ready| {
        ready.notify();
        match until_stop(&signals) {
            Signal::TERMINATE | Signal::INTERRUPT => Ok(()),
            other => Err(other.to_string().into()),
        }
    });
    let restart = Restart::permanent().backoff(slow()).reset_after(limit);
    let flaky = Member::new("flaky", flaky)
        .restart(restart)
        .start_within(limit)
        .stop_within(limit);
    let restarter = Restarter::on_error(steady())
        .backoff(slow())
        .budget(forever)
        .reset_after(limit);
    let inner = Parallel::new(Members::new().member(flaky).add("restarter", restarter))
        .start_within(limit)
        .stop_within(limit)
        .kill_grace(limit)
        .budget(forever);
    let dynamic = Dynamic::new(Capacity::unlimited())
        .stop_within(limit)
        .kill_grace(limit);
    let group = Ordered::new(Members::new().add("inner", inner).add("dynamic", dynamic))
        .start_within(limit)
        .stop_within(limit)
        .kill_grace(limit);
    Sigmon::new(group).stop_within(limit).kill_grace(limit)
}

fn runs_and_stops(clock: Clock, limit: Duration) {
    let process = Process::builder()
        .clock(clock)
        .start_within(limit)
        .kill_grace(limit)
        .background(limited(limit));
    process.expect_ready();
    process.signal(Signal::HANGUP);
    process.stop(Signal::TERMINATE, limit).unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn limits_at_the_edge_of_time_and_beyond_are_none() {
    let edge = to_the_edge(Instant::now());
    let limits = [
        Duration::MAX,
        Duration::MAX / 2,
        edge,
        edge - SECOND,
        edge.saturating_sub(Duration::from_secs(3_600)),
        AGES,
    ];
    for limit in limits {
        runs_and_stops(Clock::system(), limit);
        runs_and_stops(ManualClock::new().clock(), limit);
    }
}

#[test]
fn at_the_edge_of_time_everything_runs_without_limits() {
    let clock = ManualClock::new();
    clock.advance(to_the_edge(clock.now()));
    for limit in [Duration::from_nanos(1), SECOND, Duration::MAX] {
        runs_and_stops(clock.clock(), limit);
    }
}

#[test]
fn a_jump_to_the_edge_of_time_comes_past_every_limit_on_the_way() {
    let clock = ManualClock::new();
    let (gate, open) = bounded::<()>(0);
    let deaf = run_fn(move |_, ready| {
        ready.notify();
        let _ = open.recv();
        Ok(())
    });
    let group = Parallel::new(Members::new().add("deaf", deaf)).stop_within(10 * SECOND);
    let group = Process::builder().clock(clock.clock()).background(group);
    group.expect_ready();
    group.signal(Signal::TERMINATE);
    clock.advance_to_next(); // KILL
    clock.wait_for_timers(1); // of giving up
    clock.advance(to_the_edge(clock.now()));
    let Err(Error::Group(trace)) = group.expect_exit() else {
        panic!("it is stuck")
    };
    assert_eq!(trace.iter().next().unwrap().cause, Cause::Abandoned);
    drop(gate);
}

#[test]
fn a_jump_over_many_delays_restarts_once() {
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let restarter = Restarter::always(fake.clone()).backoff(Backoff::constant(SECOND));
    let process = Process::builder()
        .clock(clock.clock())
        .background(restarter);
    for _ in 0..3 {
        let call = fake.wait_for_call();
        call.trigger_exit(Ok(()));
        clock.wait_for_timers(1);
        clock.advance(AGES / 10);
    }
    let call = fake.wait_for_call();
    assert_eq!(fake.calls(), 4);
    process.signal(Signal::TERMINATE);
    assert_eq!(call.wait_for_signal(), Signal::TERMINATE);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
fn two_who_move_a_clock_at_once_run_everything_once() {
    for _ in 0..50 {
        let clock = ManualClock::new();
        let start = clock.now();
        let alarms: Vec<_> = (1..=100).map(|n| clock.clock().after(n * SECOND)).collect();
        std::thread::scope(|threads| {
            for steps in [10, 50] {
                let clock = clock.clone();
                threads.spawn(move || {
                    for _ in 0..steps {
                        clock.advance(100 * SECOND / steps);
                    }
                });
            }
        });
        assert!(clock.now() >= start + 100 * SECOND);
        for (n, alarm) in (1..).zip(alarms) {
            assert_eq!(alarm.recv_timeout(PATIENCE), Ok(start + n * SECOND));
            assert!(alarm.try_recv().is_err());
        }
    }
}
