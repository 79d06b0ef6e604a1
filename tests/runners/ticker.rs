//! Something again and again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ifrit::crossbeam_channel::{Receiver, unbounded};
use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::runners::{Missed, Ticker};
use ifrit::testing::{Harness, ManualClock, PATIENCE, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;

const INTERVAL: Duration = Duration::from_secs(10);

/// A clock moved by hand, and the seconds since its beginning at which something was done.
struct Times {
    clock: ManualClock,
    begin: Instant,
}

impl Times {
    fn new() -> Self {
        let clock = ManualClock::new();
        let begin = clock.now();
        Times { clock, begin }
    }

    fn now(&self) -> u64 {
        self.clock.now().duration_since(self.begin).as_secs()
    }

    /// Work that takes so many seconds at each tick, the last of them for ever, and tells when it began.
    fn work(&self, takes: &[u64]) -> (impl FnMut() -> ifrit::Result + Send + use<>, Receiver<u64>) {
        let (tell, told) = unbounded();
        let (clock, begin) = (self.clock.clone(), self.begin);
        let mut takes = takes.to_vec();
        let work = move || {
            tell.send(clock.now().duration_since(begin).as_secs())?;
            let takes_now = if takes.len() > 1 {
                takes.remove(0)
            } else {
                takes[0]
            };
            clock.advance(SECOND * u32::try_from(takes_now)?);
            Ok(())
        };
        (work, told)
    }

    fn start(&self, runner: impl Runner + 'static) -> Process {
        let builder = Process::builder().clock(self.clock.clock());
        builder.invoke(runner).started().unwrap()
    }

    /// Moves on to the next tick, `n` times, and returns when they were.
    fn next(&self, told: &Receiver<u64>, n: usize) -> Vec<u64> {
        let mut times = Vec::new();
        while times.len() < n {
            match told.try_recv() {
                Ok(time) => times.push(time),
                Err(_) => {
                    self.clock.advance_to_next();
                    times.push(told.recv_timeout(PATIENCE).unwrap());
                }
            }
        }
        times
    }
}

#[test]
fn the_first_tick_comes_after_one_interval() {
    let times = Times::new();
    let (work, told) = times.work(&[0]);
    let process = times.start(Ticker::new(INTERVAL, work));
    assert_eq!(times.next(&told, 3), [10, 20, 30]);
    process.interrupt().unwrap();
}

#[test]
fn the_first_tick_comes_at_once_where_that_is_asked_for() {
    let times = Times::new();
    let (work, told) = times.work(&[0]);
    let process = times.start(Ticker::new(INTERVAL, work).at_once());
    assert_eq!(told.recv_timeout(PATIENCE), Ok(0));
    assert_eq!(times.next(&told, 2), [10, 20]);
    process.interrupt().unwrap();
}

#[test]
fn ticks_that_take_their_time_do_not_drift() {
    let times = Times::new();
    let (work, told) = times.work(&[3, 9, 10, 0]);
    let process = times.start(Ticker::new(INTERVAL, work));
    assert_eq!(times.next(&told, 5), [10, 20, 30, 40, 50]);
    process.interrupt().unwrap();
}

/// When the ticks come if the first one takes so many seconds, and how many are missed.
fn after_a_slow_one(takes: u64, policy: Missed) -> (Vec<u64>, u64) {
    let times = Times::new();
    let (work, told) = times.work(&[takes, 0]);
    let ticker = Ticker::new(INTERVAL, work).at_once().missed(policy);
    let handle = ticker.handle();
    let process = times.start(ticker);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(0));
    let next = times.next(&told, 4);
    process.interrupt().unwrap();
    (next, handle.missed())
}

#[test]
fn missed_ticks_are_skipped_made_up_for_or_delay_the_others() {
    assert_eq!(
        after_a_slow_one(25, Missed::Skip),
        (vec![30, 40, 50, 60], 2)
    );
    assert_eq!(
        after_a_slow_one(25, Missed::Burst),
        (vec![25, 25, 30, 40], 0)
    );
    assert_eq!(
        after_a_slow_one(25, Missed::Delay),
        (vec![35, 45, 55, 65], 2)
    );
}

#[test]
fn one_that_is_due_when_the_last_one_ends_is_not_missed() {
    for policy in [Missed::Skip, Missed::Burst, Missed::Delay] {
        assert_eq!(after_a_slow_one(10, policy), (vec![10, 20, 30, 40], 0));
    }
}

#[test]
fn a_tick_now_comes_in_addition_and_moves_no_other() {
    let times = Times::new();
    let (work, told) = times.work(&[0]);
    let ticker = Ticker::new(INTERVAL, work);
    let handle = ticker.handle();
    let process = times.start(ticker);
    times.clock.wait_for_timers(1);
    times.clock.advance(SECOND * 4);
    handle.tick_now();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(4));
    assert_eq!(times.next(&told, 2), [10, 20]);
    assert_eq!(times.now(), 20);
    process.interrupt().unwrap();
    assert_eq!(handle.ticks(), 3);
}

#[test]
fn a_tick_now_of_before_the_start_is_the_first_thing_it_does() {
    let times = Times::new();
    let (work, told) = times.work(&[0]);
    let ticker = Ticker::new(INTERVAL, work);
    ticker.handle().tick_now();
    let process = times.start(ticker);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(0));
    process.interrupt().unwrap();
}

#[test]
fn ticks_that_are_asked_for_during_a_tick_are_one_that_follows_it() {
    let (tell, told) = unbounded();
    let (go, gone) = unbounded::<()>();
    let ticker = Ticker::new(INTERVAL, move || {
        tell.send(())?;
        Ok(gone.recv()?)
    });
    let handle = ticker.handle();
    let process = ifrit::invoke(ticker);
    handle.tick_now();
    told.recv_timeout(PATIENCE).unwrap();
    (0..5).for_each(|_| handle.tick_now());
    go.send(()).unwrap();
    told.recv_timeout(PATIENCE).unwrap(); // one for those five
    process.signal(Signal::TERMINATE);
    go.send(()).unwrap();
    process.expect_exit().unwrap();
    assert_eq!(handle.ticks(), 2);
    assert!(told.is_empty());
}

#[test]
fn errors_are_noted_and_counted_and_it_goes_on() {
    let times = Times::new();
    let mut results = vec![Ok(()), Err("no route"), Err("no host"), Ok(()), Ok(())].into_iter();
    let ticker = Ticker::new(INTERVAL, move || {
        results.next().unwrap_or(Ok(())).map_err(Into::into)
    });
    let handle = ticker.handle();
    let process = times.start(ticker);
    let events = process.events();
    for _ in 0..5 {
        times.clock.advance_to_next();
    }
    times.clock.wait_for_timers(1); // the last tick has ended
    assert_eq!(next_note(&events), "a tick failed: no route");
    assert_eq!(next_note(&events), "2 ticks in a row failed: no host");
    assert_eq!(next_note(&events), "ticks again, after 2 failures");
    assert_eq!((handle.ticks(), handle.failures()), (5, 2));
    process.interrupt().unwrap();
}

#[test]
fn a_fatal_error_and_a_panic_end_it() {
    let mut fails = Ticker::new(INTERVAL, || Err(ifrit::fatal("the table is gone"))).at_once();
    let (_keep, signals) = unbounded();
    let error = fails.run(signals, ifrit::ready_channel().0).unwrap_err();
    assert_eq!(error.to_string(), "the table is gone");
    assert_eq!(fails.handle().failures(), 1);
    let panics = ifrit::background(Ticker::new(INTERVAL, || panic!("bug")).at_once());
    assert!(matches!(panics.expect_exit(), Err(Error::Panicked(_))));
}

#[test]
fn a_stop_comes_before_a_tick() {
    let mut ticker = Ticker::new(INTERVAL, || panic!("it was told to stop")).at_once();
    ticker.handle().tick_now();
    let outcome = Harness::new()
        .signal(Signal::HANGUP)
        .signal(Signal::TERMINATE)
        .run(&mut ticker);
    assert!(outcome.exit.is_ok() && outcome.ready);
    assert!(Harness::new().run(&mut ticker).exit.is_ok()); // disconnected, which is a stop
}

#[test]
fn a_notification_changes_nothing() {
    let times = Times::new();
    let (work, told) = times.work(&[0]);
    let process = times.start(Ticker::new(INTERVAL, work));
    process.signal(Signal::HANGUP);
    assert_eq!(times.next(&told, 1), [10]);
    process.signal(Signal::USER1);
    assert_eq!(times.next(&told, 1), [20]);
    process.interrupt().unwrap();
}

#[test]
fn the_interval_can_be_changed_while_it_runs() {
    let times = Times::new();
    let (work, told) = times.work(&[0]);
    let ticker = Ticker::new(INTERVAL, work);
    let handle = ticker.handle();
    let process = times.start(ticker);
    assert_eq!(times.next(&told, 1), [10]);
    times.clock.wait_for_timers(1);
    times.clock.advance(SECOND * 2);
    handle.set_interval(SECOND * 5).unwrap();
    assert_eq!(handle.interval(), SECOND * 5);
    // Which of the two timers is set is not seen from here; both lie beyond the third second.
    times.clock.advance(SECOND * 3);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(15));
    assert_eq!(times.next(&told, 2), [20, 25]);
    // The next would have been due at 27.
    times.clock.wait_for_timers(1);
    times.clock.advance(SECOND * 4);
    handle.set_interval(SECOND * 2).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(29));
    process.interrupt().unwrap();
}

#[test]
fn an_interval_of_zero_is_refused() {
    let is_zero = |error: &Error| {
        matches!(
            error,
            Error::ZeroDeadline {
                option: "interval",
                ..
            }
        )
    };
    let mut ticker = Ticker::new(Duration::ZERO, || panic!("never")).at_once();
    let outcome = Harness::new().run(&mut ticker);
    assert!(is_zero(&outcome.exit.unwrap_err()) && !outcome.ready);
    let handle = ticker.handle();
    handle.set_interval(INTERVAL).unwrap();
    assert!(is_zero(&handle.set_interval(Duration::ZERO).unwrap_err()));
    assert_eq!(handle.interval(), INTERVAL);
}

#[test]
fn an_interval_beyond_time_never_comes_but_a_tick_can_be_asked_for() {
    let (tell, told) = unbounded();
    let ticker = Ticker::new(Duration::MAX, move || Ok(tell.send(())?)).at_once();
    let handle = ticker.handle();
    let process = ifrit::invoke(ticker);
    told.recv_timeout(PATIENCE).unwrap();
    handle.tick_now();
    told.recv_timeout(PATIENCE).unwrap();
    process.interrupt().unwrap();
}

#[test]
fn it_is_ready_before_the_first_tick_or_after_the_first_that_succeeds() {
    let times = Times::new();
    let mut results = vec![Err("cold"), Ok(())].into_iter();
    let ticker = Ticker::new(INTERVAL, move || {
        results.next().unwrap_or(Ok(())).map_err(Into::into)
    });
    let ticker = ticker.at_once().ready_after_first();
    let handle = ticker.handle();
    let process = Process::builder()
        .clock(times.clock.clock())
        .background(ticker);
    times.clock.wait_for_timers(1);
    assert_eq!((handle.failures(), process.is_ready()), (1, false));
    times.clock.advance_to_next();
    process.expect_ready();
    process.interrupt().unwrap();
}

#[test]
fn each_run_begins_anew_and_the_handle_goes_on_working() {
    let times = Times::new();
    let (work, told) = times.work(&[0]);
    let ticker = Ticker::new(INTERVAL, work);
    let handle = ticker.handle();
    let mut runs = 0;
    let ticker = Arc::new(Mutex::new(ticker));
    let twice = ifrit::run_fn(move |signals, ready| {
        runs += 1;
        match runs {
            1 => Err("again".into()),
            _ => ticker.lock().unwrap().run(signals, ready),
        }
    });
    let again = Restart::transient().backoff(Backoff::constant(SECOND * 3));
    let process = Process::builder()
        .clock(times.clock.clock())
        .background(Restarter::with(twice, again));
    times.clock.wait_for_timers(1);
    times.clock.advance(SECOND * 3);
    process.expect_ready();
    assert_eq!(times.next(&told, 1), [13]);
    handle.tick_now();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(13));
    process.interrupt().unwrap();
}

#[test]
fn its_plan_and_debug_say_what_has_been_set() {
    let ticker = Ticker::new(INTERVAL, || Ok(())).at_once();
    assert_eq!(ticker.plan().to_string(), "ticker (every 10s, at once)");
    assert_eq!(
        format!("{ticker:?} {:?}", ticker.handle()),
        "Ticker { ticks: \"every 10s\", at_once: true, missed: Skip, .. } \
         TickerHandle { interval: 10s, ticks: 0, failures: 0, missed: 0 }"
    );
}
