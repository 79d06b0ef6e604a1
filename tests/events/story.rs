use std::time::{Duration, Instant};

use ifrit::observe::What;
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting, never_ready, signal_recorder};
use ifrit::{Error, Process, Signal, background, observe, run_fn};

use super::{alone, calm, line, mute, named, said};

fn end(call: &ifrit::testing::Call, exit: ifrit::Result) {
    call.trigger_exit(exit);
}

fn until_stop() -> ifrit::testing::SignalRecorder {
    signal_recorder().0
}

#[test]
fn a_process_says_what_becomes_of_it_in_order() {
    let _guard = calm();
    let process = named("db").invoke(until_stop());
    let events = process.events();
    process.signal(Signal::HANGUP);
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    let told = [
        "db: started",
        "db: ready",
        "db: told SIGHUP",
        "db: told SIGTERM",
    ];
    let said = said(&events);
    assert_eq!(said[..4], told);
    assert_eq!(said[4..], ["db: ok [stopped]"]);
}

#[test]
fn an_event_has_the_number_and_the_time_of_its_process() {
    let _guard = calm();
    let clock = ManualClock::new();
    let fake = FakeRunner::new();
    let process = Process::builder()
        .clock(clock.clock())
        .background(fake.clone());
    let began = clock.now();
    let call = fake.wait_for_call();
    clock.advance(Duration::from_secs(2));
    call.trigger_ready();
    process.expect_ready();
    clock.advance(Duration::from_secs(3));
    end(&call, Ok(()));
    process.expect_exit().unwrap();
    let events: Vec<_> = process.events().try_iter().collect();
    assert!(events.iter().all(|event| event.id == process.id()));
    let times: Vec<_> = events
        .iter()
        .map(|event| (event.at - began).as_secs())
        .collect();
    assert_eq!(times, [0, 2, 5]);
    assert!(matches!(events[1].what, What::Ready { after } if after.as_secs() == 2));
    assert!(matches!(events[2].what, What::Exited { took, .. } if took.as_secs() == 5));
}

#[test]
fn the_cause_of_an_exit_is_what_the_process_knows() {
    let _guard = calm();
    let exit = |ends: fn() -> ifrit::Result| {
        let process = named("a").background(run_fn(move |_, _| ends()));
        let _ = process.expect_exit();
        said(&process.events()).pop().unwrap()
    };
    assert_eq!(exit(|| Ok(())), "a: ok [completed]");
    assert_eq!(exit(|| Err("broken".into())), "a: broken [independent]");
    assert!(exit(|| panic!("boom")).ends_with("[independent]"));
    let told = named("a").invoke(run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Err("lost".into())
    }));
    told.signal(Signal::INTERRUPT);
    told.expect_exit().unwrap_err();
    assert_eq!(said(&told.events()).pop().unwrap(), "a: lost [stopped]");
}

#[test]
fn one_that_gets_no_thread_says_so() {
    let _guard = calm();
    let process = named("big").stack_size(usize::MAX).background(until_stop());
    assert!(matches!(process.expect_exit(), Err(Error::Spawn { .. })));
    let said = said(&process.events());
    assert_eq!((said.len(), &*said[0]), (2, "big: started"));
    assert!(said[1].contains("thread"), "{said:?}");
}

#[test]
fn one_that_is_given_up_says_so_and_later_that_it_has_ended_after_all() {
    let _guard = calm();
    let fake = FakeRunner::new();
    let clock = ManualClock::new();
    let deaf = named("deaf")
        .clock(clock.clock())
        .stop_within(Duration::from_secs(10));
    let deaf = deaf.background(fake.clone());
    let mut events = deaf.events();
    let call = fake.wait_for_call();
    call.trigger_ready();
    deaf.expect_ready();
    let told_at = clock.now();
    deaf.signal(Signal::TERMINATE);
    let signalled = events.find(|event| matches!(event.what, What::Signalled { .. }));
    let (kill, end_of_stop) = match signalled.unwrap().what {
        What::Signalled {
            kill_at,
            give_up_at,
            ..
        } => (kill_at.unwrap(), give_up_at.unwrap()),
        other => panic!("{other}"),
    };
    assert_eq!(kill - told_at, Duration::from_secs(9));
    assert_eq!(end_of_stop - told_at, Duration::from_secs(10));
    clock.advance(Duration::from_secs(10));
    deaf.expect_exit().unwrap_err();
    end(&call, Err("sorry".into()));
    let late = events.find(|event| matches!(event.what, What::ExitedLate { .. }));
    assert_eq!(line(&late.unwrap()), "deaf: late: sorry");
    let all: Vec<_> = deaf.events().try_iter().collect();
    let lines: Vec<_> = all.iter().skip(2).map(line).collect();
    assert_eq!(
        lines,
        [
            "deaf: told SIGTERM",
            "deaf: told SIGKILL",
            "deaf: given up",
            "deaf: late: sorry"
        ]
    );
    let given_up = &all[4].what;
    assert!(
        matches!(given_up, What::Abandoned { exit, told: Some(Signal::KILL), .. }
        if exit.error().unwrap().contains("deaf"))
    );
}

#[test]
fn a_start_limit_says_when_kill_comes() {
    let _guard = calm();
    let clock = ManualClock::new();
    let (second, grace) = (Duration::from_secs(1), Duration::from_millis(100));
    let slow = Process::builder().clock(clock.clock()).kill_grace(grace);
    let slow = slow.start_within(second).background(never_ready());
    let mut events = slow.events();
    clock.wait_for_timers(1);
    let limit = clock.now() + second;
    clock.advance(second);
    let told = events.find_map(|event| match event.what {
        What::Signalled {
            signal,
            kill_at,
            give_up_at,
            ..
        } => Some((signal, kill_at, give_up_at)),
        _ => None,
    });
    let (kill, end) = (limit + grace, limit + grace + grace);
    assert_eq!(told.unwrap(), (Signal::INTERRUPT, Some(kill), Some(end)));
    slow.expect_exit().unwrap_err();
}

#[test]
fn a_bare_process_has_no_limit_after_a_signal() {
    let _guard = calm();
    let (process, events) = mute("bare");
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
    let told = events.try_iter().next().unwrap().what;
    assert!(matches!(
        told,
        What::Signalled {
            kill_at: None,
            give_up_at: None,
            ..
        }
    ));
}

#[test]
fn a_signal_after_the_exit_is_not_said() {
    let _guard = calm();
    let process = background(run_fn(|_, _| Ok(())));
    process.expect_exit().unwrap();
    process.signal(Signal::TERMINATE);
    assert_eq!(process.events().try_iter().count(), 2); // started, exited
}

#[test]
fn what_is_seen_has_been_said() {
    let _guard = alone();
    let all = observe::events();
    let _past = all.try_iter().count();
    for _ in 0..100 {
        let process = background(until_stop());
        let mut events = process.events();
        process.expect_ready();
        assert!(events.any(|event| matches!(event.what, What::Ready { .. })));
        process.signal(Signal::INTERRUPT);
        process.expect_exit().unwrap();
        let own: Vec<_> = events.try_iter().collect();
        assert!(matches!(own.last().unwrap().what, What::Exited { .. }));
        let mine = all.try_iter().filter(|event| event.id == process.id());
        assert_eq!(mine.count(), 4);
    }
    assert_eq!(all.missed(), 0);
}

#[test]
fn an_exit_is_said_before_a_wait_fires() {
    let _guard = alone();
    for _ in 0..100 {
        let process = background(run_fn(|_, _| Ok(())));
        let events = process.events();
        assert!(process.wait().recv_timeout(PATIENCE).unwrap().is_ok());
        assert!(said(&events).last().unwrap().ends_with("[completed]"));
    }
}

#[test]
fn a_runner_that_is_driven_by_hand_says_nothing() {
    let _guard = calm();
    let (signals, inbox) = ifrit::crossbeam_channel::unbounded();
    signals.send(Signal::HANGUP).unwrap();
    signals.send(Signal::INTERRUPT).unwrap();
    let host = named("host").background(run_fn(move |_, ready| {
        use ifrit::Runner;
        let mut inner = ifrit::restart::Restarter::always(signal_recorder().0);
        inner.run(inbox.clone(), ready)
    }));
    host.expect_exit().unwrap();
    let said = said(&host.events());
    assert_eq!(said[..1], ["host: started"]);
    assert!(said.iter().all(|line| !line.contains("told")), "{said:?}");
}

#[test]
fn times_of_one_process_never_go_back() {
    let _guard = alone();
    let (process, events) = mute("steady");
    for n in 0..100 {
        process.note(n);
    }
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
    let times: Vec<Instant> = events.try_iter().map(|event| event.at).collect();
    assert!(times.is_sorted());
}
