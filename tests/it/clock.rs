//! Time, by the system's clock and by one that is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ifrit::crossbeam_channel::{TryRecvError, select};
use ifrit::testing::{ManualClock, PATIENCE, Waiting, never_ready};
use ifrit::{
    Error, Process, Signal,
    clock::{Alarm, Clock},
};

const SECOND: Duration = Duration::from_secs(1);

fn fired(alarm: &Alarm) -> bool {
    alarm.try_recv().is_ok()
}

#[test]
fn an_alarm_does_not_fire_before_its_time() {
    let clock = Clock::system();
    let due = clock.now() + Duration::from_millis(3);
    clock.at(due).recv_timeout(PATIENCE).unwrap();
    assert!(clock.now() >= due);
}

#[test]
fn an_alarm_for_the_past_fires_at_once() {
    let hand = ManualClock::new();
    for clock in [Clock::system(), hand.clock()] {
        let now = clock.now();
        for moment in [now, now.checked_sub(SECOND).unwrap_or(now)] {
            clock.at(moment).recv_timeout(PATIENCE).unwrap();
        }
        clock.after(Duration::ZERO).recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn an_alarm_fires_once() {
    let hand = ManualClock::new();
    for clock in [Clock::system(), hand.clock()] {
        let alarm = clock.after(Duration::ZERO);
        alarm.recv_timeout(PATIENCE).unwrap();
        assert!(alarm.try_recv().is_err());
    }
}

#[test]
fn an_alarm_further_off_than_time_goes_never_fires() {
    let hand = ManualClock::new();
    for clock in [Clock::system(), hand.clock()] {
        let never = [
            clock.after(Duration::MAX),
            clock.after(Duration::from_secs(u64::MAX / 4)),
        ];
        hand.advance(SECOND * 1_000_000);
        for alarm in never {
            assert_eq!(alarm.try_recv(), Err(TryRecvError::Empty));
        }
    }
}

#[test]
fn alarms_can_be_selected_on() {
    let clock = Clock::system();
    let (soon, never) = (clock.after(Duration::ZERO), clock.after(Duration::MAX));
    select! {
        recv(soon) -> moment => assert!(moment.unwrap() <= Instant::now()),
        recv(never) -> _ => panic!("too early"),
    }
}

#[test]
fn an_earlier_deadline_is_kept_whoever_came_first() {
    // The one timer of the system's clock is asleep until the first deadline when the second is set.
    let far = Process::builder()
        .start_within(SECOND * 3_600)
        .background(never_ready());
    let near = Process::builder()
        .start_within(Duration::from_millis(1))
        .background(never_ready());
    assert!(matches!(
        near.expect_exit(),
        Err(Error::StartTimeout { .. })
    ));
    far.signal(Signal::INTERRUPT);
    far.expect_exit().unwrap();
}

#[test]
fn clones_are_the_same_clock() {
    let hand = ManualClock::new();
    let clocks = [hand.clock(), hand.clock().clone(), hand.clone().clock()];
    hand.clone().advance(SECOND);
    for clock in clocks {
        assert_eq!(clock.now(), hand.now());
    }
}

#[test]
fn a_clock_moved_by_hand_stands_still_until_then() {
    let hand = ManualClock::new();
    let start = hand.now();
    let alarm = hand.clock().after(SECOND);
    assert!(!fired(&alarm));
    hand.advance(SECOND - Duration::from_nanos(1));
    assert!(!fired(&alarm));
    hand.advance(Duration::from_nanos(1));
    assert!(fired(&alarm));
    assert_eq!(hand.now() - start, SECOND);
}

#[test]
fn what_is_due_on_the_way_is_done_in_order_each_at_its_own_time() {
    let hand = ManualClock::new();
    let start = hand.now();
    let alarms = [3, 1, 2].map(|n| hand.clock().after(SECOND * n));
    hand.advance(SECOND * 10);
    let moments = alarms.map(|alarm| alarm.try_recv().unwrap() - start);
    assert_eq!(moments, [SECOND * 3, SECOND, SECOND * 2]);
    assert_eq!(hand.now() - start, SECOND * 10);
}

#[test]
fn what_comes_due_because_of_what_was_due_is_done_on_the_same_move() {
    let hand = ManualClock::new();
    // At 1 s it is told to stop, at 2 s KILL, at 3 s it is given up: each sets the next.
    let fake = ifrit::testing::FakeRunner::new();
    let process = Process::builder()
        .clock(hand.clock())
        .start_within(SECOND)
        .kill_grace(SECOND)
        .background(fake.clone());
    hand.advance(SECOND * 3);
    assert!(process.try_exit().is_some());
    let call = fake.wait_for_call();
    let told: Vec<_> = call.signals().try_iter().collect();
    assert_eq!(told, [Signal::INTERRUPT, Signal::KILL]);
    call.trigger_exit(Ok(()));
}

#[test]
fn moving_to_the_next_timer_says_how_far_that_was() {
    let hand = ManualClock::new();
    let alarms = [5, 2].map(|n| hand.clock().after(SECOND * n));
    assert_eq!(hand.advance_to_next(), SECOND * 2);
    assert!(fired(&alarms[1]) && !fired(&alarms[0]));
    assert_eq!(hand.advance_to_next(), SECOND * 3);
    assert!(fired(&alarms[0]));
}

#[test]
fn timers_for_the_same_moment_are_all_done() {
    let hand = ManualClock::new();
    let alarms = [(); 3].map(|()| hand.clock().after(SECOND));
    assert_eq!(hand.advance_to_next(), SECOND);
    assert!(alarms.iter().all(fired));
}

#[test]
fn a_dropped_alarm_is_cancelled() {
    let hand = ManualClock::new();
    let (gone, kept) = (hand.clock().after(SECOND), hand.clock().after(SECOND * 2));
    drop(gone);
    assert_eq!(hand.advance_to_next(), SECOND * 2);
    assert!(fired(&kept));
}

#[test]
fn a_test_can_wait_until_others_have_come_to_wait() {
    let hand = ManualClock::new();
    let clock = hand.clock();
    let woken = Arc::new(AtomicBool::new(false));
    let sleeper = {
        let woken = Arc::clone(&woken);
        std::thread::spawn(move || {
            let alarms = [clock.after(SECOND), clock.after(SECOND * 2)];
            for alarm in &alarms {
                alarm.recv().unwrap();
            }
            woken.store(true, Ordering::SeqCst);
        })
    };
    hand.wait_for_timers(2);
    assert!(!woken.load(Ordering::SeqCst));
    hand.advance(SECOND * 2);
    sleeper.join().unwrap();
    assert!(woken.load(Ordering::SeqCst));
}

#[test]
fn two_may_move_the_same_clock() {
    let hand = ManualClock::new();
    let start = hand.now();
    let alarms: Vec<_> = (1..=200).map(|n| hand.clock().after(SECOND * n)).collect();
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| hand.advance(SECOND * 200));
        }
    });
    assert!(hand.now() - start >= SECOND * 200);
    assert!(alarms.iter().all(fired));
}

#[test]
#[should_panic(expected = "a clock cannot be moved by")]
fn a_clock_is_not_moved_further_than_time_goes() {
    ManualClock::new().advance(Duration::MAX);
}

#[test]
fn a_clone_of_an_alarm_fires_at_the_same_instant_and_outlives_the_alarm() {
    let hand = ManualClock::new();
    let at = hand.now() + Duration::from_secs(5);
    let alarm = hand.clock().at(at);
    let (again, late) = (alarm.clone(), alarm.clone());
    drop(alarm);
    hand.advance(Duration::from_secs(4));
    assert!(again.is_empty() && late.is_empty());
    hand.advance(Duration::from_secs(1));
    assert_eq!(again.try_recv(), Ok(at));
    drop(again);
    assert_eq!(late.try_recv(), Ok(at));
    assert_eq!(late.clone().try_recv(), Ok(at), "it is over already");

    let system = Clock::system().after(Duration::from_millis(1));
    let again = system.clone();
    drop(system);
    assert!(again.recv_timeout(PATIENCE).is_ok());
    let never = Clock::system().after(Duration::MAX).clone();
    assert!(never.is_empty());
}
