//! A group that is run again: all state is that of its run.

use std::time::Instant;

use ifrit::crossbeam_channel::bounded;
use ifrit::testing::{ManualClock, PATIENCE, Waiting};
use ifrit::{
    Process, Signal,
    error::Cause,
    grouper::{Dynamic, DynamicClient, Ends, Reason},
    restart::{Next, Restarter},
};

use crate::kit::{
    SECOND, at_most, both, done, expect_fired, failing, idle, insert_fake, recv, trace, unlimited,
};

/// Runs the group once on a thread that borrows it.
fn one_run<T>(group: &mut Dynamic, run: impl FnOnce(&DynamicClient, &Process) -> T) -> T {
    let client = group.client();
    ifrit::scope(|scope| {
        let process = scope.invoke(&mut *group).started().unwrap();
        let seen = run(&client, &process);
        process.signal(Signal::INTERRUPT);
        let _ = process.expect_exit();
        seen
    })
}

#[test]
fn it_takes_members_again() {
    for mut group in both(unlimited) {
        for _ in 0..3 {
            one_run(&mut group, |client, _| {
                client.insert(idle("a")).unwrap().expect_ready();
                client.insert(done("b")).unwrap().expect_exit().unwrap();
            });
        }
    }
}

#[test]
fn between_its_runs_it_is_closed() {
    let mut group = unlimited();
    let client = group.client();
    for _ in 0..2 {
        one_run(&mut group, |client, _| assert!(client.get("a").is_none()));
        let refused = client.insert(idle("a")).unwrap_err();
        assert_eq!(refused.reason(), Reason::Closed);
        expect_fired(client.closed());
    }
}

#[test]
fn between_its_runs_it_refuses_at_once_whoever_would_wait() {
    let mut group = at_most(1);
    let client = group.client();
    one_run(&mut group, |_, _| {});
    let refused = [
        client.insert(idle("a")),
        client.try_insert(idle("a")),
        client.insert_timeout(idle("a"), PATIENCE),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().reason(), Reason::Closed);
    }
}

#[test]
fn a_client_of_the_first_run_inserts_into_the_second_what_was_refused_between() {
    let mut group = unlimited();
    let client = group.client();
    one_run(&mut group, |_, _| {});
    let refused = client.insert(idle("a")).unwrap_err();
    one_run(&mut group, |_, _| {
        let inserted = client.insert(refused.into_member().unwrap()).unwrap();
        inserted.expect_ready();
    });
}

#[test]
fn a_close_between_its_runs_does_nothing() {
    let mut group = unlimited();
    let client = group.client();
    one_run(&mut group, |_, _| {});
    client.close();
    one_run(&mut group, |client, process| {
        client.insert(idle("a")).unwrap().expect_ready();
        assert!(process.try_exit().is_none());
    });
}

#[test]
fn the_streams_end_with_each_run() {
    let mut group = unlimited();
    for name in ["a", "b"] {
        let (entrances, exits) = one_run(&mut group, |client, _| {
            let streams = (client.entrances(), client.exits());
            client.insert(idle(name)).unwrap().expect_ready();
            streams
        });
        assert_eq!(
            entrances.map(|event| event.name).collect::<Vec<_>>(),
            [name]
        );
        assert_eq!(exits.map(|event| event.name).collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn a_restarter_runs_it_again_and_its_clients_stay_good() {
    let group = unlimited().stop_on_exit(Ends::Errors);
    let client = group.client();
    let (asked, again) = bounded(0);
    let group = Restarter::new(group, move |_, exit| {
        let _ = asked.send(exit.is_err());
        Next::Again
    });
    let group = ifrit::invoke(group);
    client.insert(failing("a", "broken")).unwrap();
    expect_fired(client.closed());
    assert!(recv(&again));
    // The second run begins now or soon.
    let began = Instant::now();
    let mut member = idle("b");
    let inserted = loop {
        match client.insert(member) {
            Ok(process) => break process,
            Err(refused) => {
                assert_eq!(refused.reason(), Reason::Closed);
                assert!(began.elapsed() < PATIENCE);
                member = refused.into_member().unwrap();
            }
        }
    };
    inserted.expect_ready();
    group.signal(Signal::TERMINATE);
    inserted.expect_exit().unwrap();
    group.expect_exit().unwrap();
}

#[test]
fn a_close_ends_one_run_only() {
    let mut group = unlimited();
    for _ in 0..2 {
        one_run(&mut group, |client, process| {
            client.insert(done("a")).unwrap();
            client.close();
            process.expect_exit().unwrap();
        });
    }
}

#[test]
fn it_does_not_replay_the_events_of_an_earlier_run() {
    for mut group in both(unlimited) {
        one_run(&mut group, |client, _| {
            client.insert(idle("first")).unwrap().expect_ready();
        });
        one_run(&mut group, |client, _| {
            let (entrances, exits) = (client.entrances(), client.exits());
            let second = client.insert(idle("second")).unwrap();
            assert_eq!(recv(&entrances).name, "second");
            second.signal(Signal::INTERRUPT);
            assert_eq!(recv(&exits).name, "second");
        });
    }
}

#[test]
fn a_failure_of_an_earlier_run_is_none_of_this_one() {
    for mut group in both(|| unlimited().history(1)) {
        one_run(&mut group, |client, process| {
            for name in ["a", "b"] {
                client.insert(failing(name, "broken")).unwrap();
            }
            client.close();
            assert_eq!(trace(process.expect_exit()).omitted, 1);
        });
        one_run(&mut group, |client, process| {
            client.insert(done("c")).unwrap();
            client.close();
            process.expect_exit().unwrap();
        });
    }
}

#[test]
fn it_stops_again_whoever_lives() {
    for mut group in both(unlimited) {
        for _ in 0..2 {
            one_run(&mut group, |client, process| {
                let (_a, a) = insert_fake(client, "a");
                process.signal(Signal::TERMINATE);
                assert_eq!(a.wait_for_signal(), Signal::TERMINATE);
                a.trigger_exit(Err("badly".into()));
                let trace = trace(process.expect_exit());
                assert_eq!((trace.len(), trace[0].cause), (1, Cause::Stopped));
            });
        }
    }
}

#[test]
fn a_member_given_up_in_an_earlier_run_keeps_its_place_in_the_next() {
    for mut group in both(|| at_most(1).stop_within(SECOND).kill_grace(SECOND)) {
        let clock = ManualClock::new();
        let client = group.client();
        let call = ifrit::scope(|scope| {
            let builder = Process::builder().clock(clock.clock());
            let first = builder.invoke_scoped(scope, &mut group);
            let (_deaf, call) = insert_fake(&client, "deaf");
            first.signal(Signal::INTERRUPT);
            assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
            clock.advance_to_next();
            assert_eq!(call.wait_for_signal(), Signal::KILL);
            clock.advance_to_next();
            assert_eq!(trace(first.expect_exit())[0].cause, Cause::Abandoned);
            call
        });
        one_run(&mut group, |client, _| {
            let refused = client.try_insert(idle("next")).unwrap_err();
            assert_eq!(refused.reason(), Reason::Full);
            call.trigger_exit(Ok(()));
            client
                .insert(refused.into_member().unwrap())
                .unwrap()
                .expect_ready();
        });
    }
}
