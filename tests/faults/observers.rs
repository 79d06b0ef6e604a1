//! Observers that panic, vanish, or act at the worst moment: no process notices.

use std::error::Error as StdError;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Sender, bounded, unbounded};
use ifrit::grouper::Capacity;
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{PATIENCE, Waiting, signal_recorder};
use ifrit::{
    Process, Signal, background,
    grouper::{Dynamic, DynamicClient, Member, Members, Parallel},
    invoke, run_fn, run_once, until_stop,
};

use crate::kit::in_child;

fn start(group: Dynamic) -> (DynamicClient, Process) {
    let client = group.client();
    (client, invoke(group))
}

fn done(name: impl Into<String>) -> Member {
    Member::new(name, run_fn(|_, _| Ok(())))
}

#[test]
fn a_listener_that_panics_over_an_event_takes_nobody_with_it() {
    let (client, group) = start(Dynamic::new(Capacity::unlimited()).event_buffer(1));
    let events = client.exits();
    let listener = thread::spawn(move || {
        let mut events = events;
        let first = events.next().unwrap();
        panic!("{} was too much", first.name);
    });
    let others = client.exits();
    client.insert(done("first")).unwrap().expect_exit().unwrap();
    assert!(listener.join().is_err());
    for n in 0..10 {
        let member = client.insert(done(n.to_string())).unwrap();
        member.expect_exit().unwrap();
    }
    client.close();
    group.expect_exit().unwrap();
    assert_eq!(others.missed(), 10);
    assert_eq!(others.last().unwrap().name, "first");
}

#[test]
fn a_waiter_that_panics_or_vanishes_at_any_moment_is_not_missed() {
    for round in 0..50 {
        let process = invoke(signal_recorder().0);
        thread::scope(|threads| {
            for n in 0..4 {
                let process = &process;
                threads.spawn(move || {
                    let wait = process.wait();
                    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        let wait = process.wait();
                        if n % 2 == 0 {
                            let _ = wait.recv_timeout(Duration::from_micros(round));
                        }
                        panic!("tired of waiting");
                    }));
                    assert!(caught.is_err());
                    wait.recv_timeout(PATIENCE).unwrap().unwrap();
                });
            }
            process.signal(Signal::TERMINATE);
        });
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_member_that_panics_with_every_handle_there_is_in_its_hands_harms_nobody() {
    let (client, group) = start(Dynamic::new(Capacity::unlimited()));
    let (hand, handed) = bounded::<Process>(1);
    let inside = client.clone();
    let greedy = run_once(move |signals, ready| {
        let group = handed.recv()?;
        let me = ifrit::current().expect("a thread of ours");
        let _all = (
            (inside.exits(), inside.entrances(), inside),
            (group.wait(), group.ready().clone(), group.exited().clone()),
            (me.wait(), me.ready().clone(), me, group),
            (signals, ready),
        );
        panic!("out of hands")
    });
    let member = client.insert(Member::new("greedy", greedy)).unwrap();
    hand.send(group.clone()).unwrap();
    assert!(member.expect_exit().is_err());
    client.insert(done("other")).unwrap().expect_exit().unwrap();
    client.close();
    assert!(group.expect_exit().is_err());
}

/// An error whose destructor looks at everything that can be looked at, from wherever it is dropped.
struct Nosy {
    client: Option<DynamicClient>,
    looked: Sender<()>,
}

impl fmt::Debug for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nosy")
    }
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nosy")
    }
}

impl StdError for Nosy {}

impl Drop for Nosy {
    fn drop(&mut self) {
        // It asks every process how it is.
        let _ = (ifrit::tree().to_string(), ifrit::current());
        if let Some(client) = &self.client {
            let _ = (client.get("a"), client.exits(), client.entrances());
        }
        background(run_fn(|_, _| Ok(()))).expect_exit().unwrap();
        let _ = self.looked.send(());
    }
}

#[test]
fn an_error_may_look_at_its_group_while_the_group_drops_it() {
    let groups = || {
        Dynamic::new(Capacity::unlimited())
            .history(1)
            .event_buffer(1)
    };
    for group in [groups(), groups().reuse_threads()] {
        let (client, group) = start(group);
        let (looked, looks) = unbounded();
        let full = (client.exits(), client.exits());
        for n in 0..20 {
            let (client_of_it, looked) = (client.clone(), looked.clone());
            let member = run_once(move |_, _| {
                Err(Nosy {
                    client: Some(client_of_it),
                    looked,
                }
                .into())
            });
            let member = client.insert(Member::new(n.to_string(), member)).unwrap();
            assert!(member.expect_exit().is_err());
        }
        // What is remembered now is the exit of this one.
        let last = Member::new("last", run_fn(|_, _| Err("broken".into())));
        client.insert(last).unwrap().expect_exit().unwrap_err();
        // The first is with those who listen and do not read.
        for _ in 1..20 {
            looks.recv_timeout(PATIENCE).expect("it was dropped");
        }
        drop(full);
        looks.recv_timeout(PATIENCE).expect("it was dropped");
        group.signal(Signal::TERMINATE);
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn an_error_may_look_at_the_group_that_heals_its_member() {
    let (up, ups) = unbounded();
    let (looked, looks) = unbounded();
    let mut failures = 3;
    let flaky = run_fn(move |signals, ready| {
        ready.notify();
        if failures == 0 {
            up.send(())?;
            until_stop(&signals);
            return Ok(());
        }
        failures -= 1;
        Err(Nosy {
            client: None,
            looked: looked.clone(),
        }
        .into())
    });
    let again = Restart::permanent().backoff(Backoff::none());
    let member = Member::new("flaky", flaky).restart(again);
    let group = background(Parallel::new([member]).budget(Budget::new(10, PATIENCE)));
    ups.recv_timeout(PATIENCE).expect("healed");
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
    for _ in 0..3 {
        looks.recv_timeout(PATIENCE).expect("it was dropped");
    }
}

#[test]
fn a_panic_hook_may_use_the_crate() {
    in_child(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let groups: Arc<Mutex<Option<Process>>> = Arc::default();
        let (counted, told) = (Arc::clone(&calls), Arc::clone(&groups));
        std::panic::set_hook(Box::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            assert!(ifrit::current().is_some());
            let _ = ifrit::tree().to_string();
            background(run_fn(|_, _| Ok(()))).expect_exit().unwrap();
            if let Some(group) = &*told.lock().unwrap() {
                group.signal(Signal::HANGUP);
            }
        }));
        let members = Members::new().add("steady", signal_recorder().0).add(
            "panics",
            run_fn(|signals, ready| {
                ready.notify();
                until_stop(&signals);
                panic!("as told")
            }),
        );
        let group = invoke(Parallel::new(members));
        *groups.lock().unwrap() = Some(group.clone());
        group.signal(Signal::TERMINATE);
        let error = group.expect_exit().unwrap_err();
        assert!(error.report().to_string().contains("as told"));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}
