//! Inserters against a stop and against a close.

use std::sync::Barrier;
use std::thread;

use ifrit::testing::{Waiting, signal_recorder};
use ifrit::{
    Process, Signal,
    grouper::{Dynamic, DynamicClient, Member, Reason},
};

use crate::kit::{at_most, both, start, stress, trace, unlimited};

const INSERTERS: usize = 4;

/// Many insert until they are refused, while `end` ends it; every member that was admitted hears `heard` and exits,
/// every other comes back.
fn race(group: Dynamic, end: impl FnOnce(&DynamicClient, &Process) + Send) {
    let (client, group) = start(group.history(1_000_000));
    let begin = Barrier::new(INSERTERS + 1);
    let admitted: Vec<_> = thread::scope(|scope| {
        let inserters: Vec<_> = (0..INSERTERS)
            .map(|inserter| {
                let (client, begin) = (&client, &begin);
                scope.spawn(move || insert_until_refused(client, inserter, begin))
            })
            .collect();
        begin.wait();
        end(&client, &group);
        let admitted = inserters
            .into_iter()
            .map(|inserter| inserter.join().unwrap());
        admitted.flatten().collect()
    });
    for (process, recorded) in &admitted {
        process.expect_exit().unwrap();
        assert_eq!(recorded.so_far(), [Signal::TERMINATE], "{process:?}");
    }
    group.expect_exit().unwrap();
}

type Admitted = (Process, ifrit::testing::RecordedSignals);

fn insert_until_refused(client: &DynamicClient, inserter: usize, begin: &Barrier) -> Vec<Admitted> {
    let mut admitted = Vec::new();
    begin.wait();
    for n in 0.. {
        let (runner, recorded) = signal_recorder();
        match client.insert(Member::new(format!("{inserter}.{n}"), runner)) {
            Ok(process) => admitted.push((process, recorded)),
            Err(refused) => {
                assert_eq!(refused.reason(), Reason::Closed);
                assert_eq!(
                    refused.into_member().unwrap().name(),
                    format!("{inserter}.{n}")
                );
                return admitted;
            }
        }
        if n > 100 {
            thread::yield_now();
        }
        if n == 1_000 {
            let _ = client.closed().recv(); // the end is late, and each of them is a thread
        }
    }
    unreachable!()
}

#[test]
fn whoever_was_admitted_hears_the_stop_and_every_other_comes_back() {
    for _ in 0..20 * stress() {
        for group in both(unlimited) {
            race(group, |_, group| group.signal(Signal::TERMINATE));
        }
    }
}

#[test]
fn so_it_is_where_all_wait_for_a_place() {
    for _ in 0..50 * stress() {
        for group in both(|| at_most(2)) {
            race(group, |_, group| group.signal(Signal::TERMINATE));
        }
    }
}

#[test]
fn so_it_is_where_the_group_is_closed_and_then_stopped() {
    for _ in 0..20 * stress() {
        for group in both(|| at_most(16)) {
            race(group, |client, group| {
                client.close();
                group.signal(Signal::TERMINATE);
            });
        }
    }
}

#[test]
fn a_close_in_the_middle_loses_no_exit() {
    for _ in 0..20 * stress() {
        for group in both(|| at_most(3)) {
            let (client, group) = start(group.history(1_000_000));
            let admitted: usize = thread::scope(|scope| {
                let inserters: Vec<_> = (0..INSERTERS)
                    .map(|inserter| {
                        let client = &client;
                        scope.spawn(move || {
                            let fail = || ifrit::run_fn(|_, _| Err("counted".into()));
                            let member = |n| Member::new(format!("{inserter}.{n}"), fail());
                            (0..)
                                .take_while(|n| client.insert(member(*n)).is_ok())
                                .count()
                        })
                    })
                    .collect();
                let exits = client.exits();
                exits.take(5).for_each(drop);
                client.close();
                inserters
                    .into_iter()
                    .map(|inserter| inserter.join().unwrap())
                    .sum()
            });
            let trace = trace(group.expect_exit());
            assert_eq!(trace.failures().count(), admitted);
        }
    }
}
