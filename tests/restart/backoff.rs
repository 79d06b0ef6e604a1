//! How long it takes until the next incarnation, on a clock moved by hand.

use std::time::Duration;

use ifrit::grouper::Ordered;
use ifrit::restart::{Backoff, Next, Restart, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

fn every(backoff: Backoff, fake: &FakeRunner) -> Restarter<FakeRunner> {
    Restarter::new(fake.clone(), |_, _| Next::Again).backoff(backoff)
}

/// The first so many delays of a backoff.
fn delays(backoff: Backoff, count: usize) -> Vec<Duration> {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, every(backoff, &fake));
    let delays = (0..count).map(|_| {
        fake.wait_for_call().fails();
        clock.advance_to_next()
    });
    let delays = delays.collect();
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
    delays
}

fn ms(millis: &[u64]) -> Vec<Duration> {
    millis.iter().copied().map(Duration::from_millis).collect()
}

/// It fails so many times, is restarted each time, and stops when it is told to.
fn fails_and_then_stops(times: usize, fake: &FakeRunner, process: &Process) {
    for _ in 0..times {
        fake.wait_for_call().fails();
    }
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn without_a_delay_the_clock_need_not_move() {
    for none in [
        Backoff::none(),
        Backoff::constant(Duration::ZERO),
        Backoff::exponential(SECOND, Duration::ZERO),
        Backoff::none().jitter(1.0),
    ] {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let process = on(&clock, every(none, &fake));
        fails_and_then_stops(100, &fake, &process);
    }
}

#[test]
fn while_the_clock_stands_still_nothing_starts() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, every(Backoff::constant(SECOND), &fake));
    fake.wait_for_call().fails();
    clock.wait_for_timers(1);
    clock.advance(SECOND - Duration::from_nanos(1));
    // Whatever that had woken would be stopped now, and not before.
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    assert_eq!(fake.calls(), 1);
}

#[test]
fn a_constant_delay_stays_what_it_is() {
    assert_eq!(delays(Backoff::constant(SECOND), 5), ms(&[1000; 5]));
}

#[test]
fn an_exponential_delay_doubles_up_to_its_maximum() {
    let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_millis(1500));
    let expected = ms(&[100, 200, 400, 800, 1500, 1500, 1500]);
    assert_eq!(delays(backoff, 7), expected);
}

#[test]
fn a_maximum_below_the_first_delay_counts_from_the_start() {
    assert_eq!(
        delays(Backoff::exponential(2 * SECOND, SECOND), 3),
        ms(&[1000; 3])
    );
}

#[test]
fn a_delay_beyond_all_time_lasts_until_the_stop() {
    for backoff in [
        Backoff::constant(Duration::MAX),
        Backoff::constant(Duration::MAX).jitter(0.5).seed(1),
        Backoff::exponential(Duration::MAX, Duration::MAX),
        Backoff::exponential(Duration::MAX / 2 + SECOND, Duration::MAX),
    ] {
        let (clock, fake) = (ManualClock::new(), FakeRunner::new());
        let asked = ifrit::crossbeam_channel::bounded(1);
        let restarter = Restarter::new(fake.clone(), move |_, _| {
            asked.0.send(()).unwrap();
            Next::Again
        });
        let process = on(&clock, restarter.backoff(backoff));
        fake.wait_for_call().fails();
        asked.1.recv().unwrap();
        clock.advance(1_000_000 * SECOND);
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
        assert_eq!(fake.calls(), 1);
    }
}

#[test]
fn a_member_whose_delay_is_beyond_all_time_stays_down_until_the_stop() {
    let fakes = fakes();
    let later = Restart::permanent().backoff(Backoff::constant(Duration::MAX));
    let (running, [a, b]) = Running::up(Ordered::new(members(&fakes, later)), &fakes);
    running.fails("a", &a);
    running.clock.advance(1_000_000 * SECOND);
    assert_eq!(running.admin.count().unwrap().restarting, 1);
    running.stop(&[&b]).unwrap();
    assert_eq!(calls(&fakes), [1, 1]);
}

#[test]
fn doubling_never_overflows() {
    // Further than a clock can be moved, so only as far as one can look.
    let backoff = Backoff::exponential(Duration::from_nanos(1), Duration::MAX);
    let delays = delays(backoff, 60);
    assert_eq!(delays[59], Duration::from_nanos(1 << 59));
}

#[test]
fn jitter_outside_of_its_bounds_is_refused_and_nothing_starts() {
    for jitter in [-0.1, 1.000_001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let backoff = Backoff::constant(SECOND).jitter(jitter);
        let fake = FakeRunner::new();
        let process = ifrit::background(every(backoff, &fake));
        assert!(matches!(
            process.expect_exit(),
            Err(Error::InvalidBackoff(_))
        ));

        let member = Member::new("a", fake.clone()).restart(Restart::permanent().backoff(backoff));
        let process = ifrit::background(Ordered::new([member]));
        assert!(matches!(
            process.expect_exit(),
            Err(Error::InvalidBackoff(_))
        ));
        assert_eq!(fake.calls(), 0);
    }
}

#[test]
fn a_first_delay_that_cannot_grow_is_refused_and_nothing_starts() {
    let fake = FakeRunner::new();
    let backoff = Backoff::exponential(Duration::ZERO, SECOND);
    let process = ifrit::background(every(backoff, &fake));
    assert!(matches!(
        process.expect_exit(),
        Err(Error::InvalidBackoff(_))
    ));
    assert_eq!(fake.calls(), 0);
}

#[test]
fn jitter_stays_within_its_bounds_and_varies() {
    for jitter in [0.1, 0.5, 1.0] {
        let delays = delays(Backoff::constant(SECOND).jitter(jitter).seed(7), 100);
        let seconds = delays.iter().map(Duration::as_secs_f64);
        let (low, high) = (1.0 - jitter, 1.0 + jitter);
        assert!(
            seconds
                .clone()
                .all(|delay| delay >= low - 1e-6 && delay <= high + 1e-6)
        );
        let (below, above) = (1.0 - jitter / 2.0, 1.0 + jitter / 2.0);
        assert!(seconds.clone().any(|delay| delay < below));
        assert!(seconds.clone().any(|delay| delay > above));
    }
}

#[test]
fn seeded_jitter_is_repeatable() {
    let backoff = Backoff::constant(SECOND).jitter(0.5);
    assert_eq!(delays(backoff.seed(1), 10), delays(backoff.seed(1), 10));
    assert_ne!(delays(backoff.seed(1), 10), delays(backoff.seed(2), 10));
}

#[test]
fn unseeded_jitter_differs_from_one_run_to_the_next() {
    let backoff = Backoff::constant(SECOND).jitter(0.5);
    assert_ne!(delays(backoff, 10), delays(backoff, 10));
}

#[test]
fn delays_begin_anew_after_an_incarnation_that_was_ready_for_long_enough() {
    let backoff = Backoff::exponential(SECOND, 60 * SECOND);
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, every(backoff, &fake).reset_after(10 * SECOND));
    let after = |ready_for: Option<Duration>| {
        let call = fake.wait_for_call();
        if let Some(ready_for) = ready_for {
            call.trigger_ready();
            clock.advance(ready_for);
        }
        call.fails();
        clock.advance_to_next()
    };
    let just_under = 10 * SECOND - Duration::from_nanos(1);
    assert_eq!(after(Some(Duration::ZERO)), SECOND);
    assert_eq!(after(Some(just_under)), 2 * SECOND);
    assert_eq!(after(None), 4 * SECOND);
    assert_eq!(after(Some(10 * SECOND)), SECOND); // at its edge
    assert_eq!(after(Some(just_under)), 2 * SECOND);
    assert_eq!(after(Some(3600 * SECOND)), SECOND);
    let call = fake.wait_for_call();
    process.signal(Signal::TERMINATE);
    told(&call, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn time_spent_unready_does_not_count() {
    let backoff = Backoff::exponential(SECOND, 60 * SECOND);
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, every(backoff, &fake).reset_after(10 * SECOND));
    for expected in [1, 2, 4] {
        let call = fake.wait_for_call();
        clock.advance(3600 * SECOND); // it never becomes ready
        call.fails();
        assert_eq!(clock.advance_to_next(), expected * SECOND);
    }
    process.signal(Signal::TERMINATE);
    fake.ensure_exit();
    process.expect_exit().unwrap();
}

/// The only one here that does not move time by hand.
#[test]
fn on_the_systems_clock_a_delay_ends_by_itself() {
    let fake = FakeRunner::new();
    let soon = Backoff::constant(Duration::from_millis(1));
    let process = ifrit::background(every(soon, &fake));
    fails_and_then_stops(3, &fake, &process);
}

#[test]
fn the_readiness_of_an_earlier_incarnation_does_not_count() {
    let fakes @ [a] = &fakes();
    let backoff = Backoff::exponential(SECOND, 60 * SECOND);
    let restart = Restart::permanent().backoff(backoff);
    let group = Ordered::new(members(fakes, restart.reset_after(10 * SECOND)));
    let (running, [first]) = Running::up(group, fakes);
    running.fails("a", &first);
    for expected in [1, 2, 4] {
        assert_eq!(running.clock.advance_to_next(), expected * SECOND);
        let never_ready = a.wait_for_call();
        running.clock.advance(3600 * SECOND);
        running.fails("a", &never_ready);
    }
    running.stop(&[]).unwrap();
}

#[test]
fn members_have_delays_of_their_own_which_begin_anew_likewise() {
    let fakes @ [a, b] = &fakes();
    let backoff = Backoff::exponential(SECOND, 60 * SECOND);
    let restart = Restart::permanent()
        .backoff(backoff)
        .reset_after(10 * SECOND);
    let group = Ordered::new(members(fakes, restart)).budget(any_number());
    let (running, [mut a_run, mut b_run]) = Running::up(group, fakes);
    for expected in [1, 2, 4] {
        running.fails("a", &a_run);
        assert_eq!(running.clock.advance_to_next(), expected * SECOND);
        a_run = up(a);
    }
    running.fails("b", &b_run); // ready for 7 s
    assert_eq!(running.clock.advance_to_next(), SECOND);
    b_run = up(b);
    running.fails("a", &a_run);
    assert_eq!(running.clock.advance_to_next(), 8 * SECOND);
    a_run = up(a);
    running.members(); // it has heard of the readiness
    running.clock.advance(10 * SECOND);
    running.fails("a", &a_run);
    assert_eq!(running.clock.advance_to_next(), SECOND);
    a_run = up(a);
    running.stop(&[&b_run, &a_run]).unwrap();
}

#[test]
fn a_delay_is_not_extended_by_the_failures_of_siblings() {
    let fakes @ [a, b] = &fakes();
    let restart = Restart::permanent().backoff(Backoff::constant(10 * SECOND));
    let group = Ordered::new(members(fakes, restart)).budget(any_number());
    let (running, [a_run, b_run]) = Running::up(group, fakes);
    running.fails("a", &a_run);
    running.clock.advance(6 * SECOND);
    running.fails("b", &b_run);
    running.clock.advance(4 * SECOND);
    let a_run = up(a);
    assert_eq!(b.calls(), 1);
    running.clock.advance(6 * SECOND);
    let b_run = up(b);
    running.stop(&[&b_run, &a_run]).unwrap();
}
