//! How many live at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use ifrit::testing::Waiting;
use ifrit::{
    Signal,
    grouper::{Capacity, Dynamic, Member, Reason},
    run_fn,
};

use crate::kit::{at_most, both, idle, insert_fake, start, stress, unlimited};

#[test]
fn as_many_as_may_live_do_live_at_the_same_time() {
    for group in both(|| at_most(8)) {
        let (client, group) = start(group);
        let together = Arc::new(Barrier::new(8));
        for n in 0..8 {
            let together = Arc::clone(&together);
            let runner = run_fn(move |_, _| {
                together.wait();
                Ok(())
            });
            client
                .try_insert(Member::new(n.to_string(), runner))
                .unwrap();
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn never_do_more_live_than_may() {
    const MOST: usize = 3;
    for group in both(|| at_most(MOST)) {
        let (client, group) = start(group);
        let (alive, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let count = Arc::new((alive, most));
        thread::scope(|scope| {
            for inserter in 0..6 {
                let (client, count) = (&client, &count);
                scope.spawn(move || {
                    for n in 0..50 * stress() {
                        let count = Arc::clone(count);
                        let runner = run_fn(move |_, _| {
                            let (alive, most) = &*count;
                            let now = alive.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            thread::yield_now();
                            alive.fetch_sub(1, Ordering::SeqCst);
                            Ok(())
                        });
                        let name = format!("{inserter}.{n}");
                        client.insert(Member::new(name, runner)).unwrap();
                    }
                });
            }
        });
        client.close();
        group.expect_exit().unwrap();
        assert!((1..=MOST).contains(&count.1.load(Ordering::SeqCst)));
    }
}

#[test]
fn a_place_is_free_once_its_process_was_joined() {
    for group in both(|| at_most(1)) {
        let (client, group) = start(group);
        for n in 0..1_000 * stress() {
            let member = Member::new(n.to_string(), run_fn(|_, _| Ok(())));
            client.try_insert(member).unwrap().expect_exit().unwrap();
        }
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn without_a_limit_all_enter() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let members: Vec<_> = (0..100)
            .map(|n| client.try_insert(idle(n.to_string())).unwrap())
            .collect();
        for member in &members {
            member.expect_ready();
        }
        group.signal(Signal::INTERRUPT);
        group.expect_exit().unwrap();
    }
}

#[test]
fn the_largest_limit_is_a_limit_like_any_other() {
    let (client, group) = start(Dynamic::new(Capacity::at_most(usize::MAX)));
    client.insert(idle("one")).unwrap().expect_ready();
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap();
}

#[test]
fn a_member_that_is_not_ready_yet_takes_its_place() {
    let (client, _group) = start(at_most(1));
    let (_slow, call) = insert_fake(&client, "slow");
    let refused = client.try_insert(idle("next")).unwrap_err();
    assert_eq!(refused.reason(), Reason::Full);
    call.trigger_exit(Ok(()));
}
