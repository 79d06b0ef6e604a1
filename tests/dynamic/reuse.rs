//! Threads that are used again: nothing but the threads is different.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ifrit::crossbeam_channel::{Sender, unbounded};
use ifrit::testing::Waiting;
use ifrit::{
    Receiver, Signal,
    grouper::{DynamicClient, Member},
    run_fn, run_once,
};

use crate::kit::{at_most, idle, recv, start, stress, unlimited};
use crate::whole::{threads_named, until};

/// Inserts a member that calls `work` on its thread; returns what that gave, once it has exited.
fn on_a_member<T: Send + 'static>(
    client: &DynamicClient,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (give, given) = unbounded();
    let runner = run_once(move |_, _| {
        let _ = give.send(work());
        Ok(())
    });
    let process = client.insert(Member::new(name, runner)).unwrap();
    process.expect_exit().unwrap();
    recv(&given)
}

fn this_thread() -> ThreadId {
    thread::current().id()
}

#[test]
fn the_next_member_gets_the_thread_of_the_one_before() {
    let (client, _group) = start(at_most(1).reuse_threads());
    let first = on_a_member(&client, "a", this_thread);
    for n in 0..50 {
        assert_eq!(on_a_member(&client, &n.to_string(), this_thread), first);
    }
}

#[test]
fn a_member_that_panics_costs_no_thread() {
    let (client, _group) = start(at_most(1).reuse_threads());
    let first = on_a_member(&client, "a", this_thread);
    for _ in 0..10 {
        let panics = run_fn(|_, _| panic!("on purpose"));
        client
            .insert(Member::new("bad", panics))
            .unwrap()
            .expect_exit()
            .unwrap_err();
        assert_eq!(on_a_member(&client, "a", this_thread), first);
    }
}

#[test]
fn a_member_may_stop_the_one_that_had_its_thread_before() {
    let (client, _group) = start(at_most(1).reuse_threads());
    let first = run_fn(|_, _| Err("its own".into()));
    let first = client.insert(Member::new("first", first)).unwrap();
    first.expect_exit().unwrap_err();
    let exit = on_a_member(&client, "second", move || {
        first.stop(Signal::TERMINATE, Duration::from_secs(1))
    });
    assert_eq!(exit.unwrap_err().to_string(), "its own");
}

#[test]
fn every_member_has_a_thread_of_its_own_while_it_runs() {
    const MEMBERS: usize = 64;
    let (client, group) = start(at_most(MEMBERS).reuse_threads());
    let (ids, threads) = unbounded();
    for round in 0..5 * stress() {
        let together = Arc::new(Barrier::new(MEMBERS));
        for n in 0..MEMBERS {
            let (together, ids) = (Arc::clone(&together), ids.clone());
            let runner = run_fn(move |_, _| {
                together.wait();
                Ok(ids.send(this_thread())?)
            });
            client
                .insert(Member::new(format!("{round}.{n}"), runner))
                .unwrap();
        }
    }
    client.close();
    group.expect_exit().unwrap();
    drop(ids);
    let threads: HashSet<_> = threads.iter().collect();
    assert_eq!(threads.len(), MEMBERS);
}

#[test]
fn there_are_never_more_threads_than_members_may_live() {
    const MOST: usize = 4;
    let (client, group) = start(at_most(MOST).reuse_threads());
    let (ids, threads) = unbounded();
    thread::scope(|scope| {
        for inserter in 0..4 {
            let (client, ids) = (&client, &ids);
            scope.spawn(move || {
                for n in 0..500 * stress() {
                    let ids = ids.clone();
                    let runner = run_fn(move |_, _| Ok(ids.send(this_thread())?));
                    client
                        .insert(Member::new(format!("{inserter}.{n}"), runner))
                        .unwrap();
                }
            });
        }
    });
    client.close();
    group.expect_exit().unwrap();
    drop(ids);
    let threads: HashSet<_> = threads.iter().collect();
    assert!(threads.len() <= MOST, "{}", threads.len());
}

#[test]
fn a_member_never_waits_for_the_end_of_another_one() {
    let (client, group) = start(unlimited().reuse_threads());
    // One thread is free; each of these needs those after it to run at the same time.
    on_a_member(&client, "first", this_thread);
    let inside = client.clone();
    let outer = run_once(move |_, _| {
        for n in 0..20 {
            on_a_member(&inside, &n.to_string(), this_thread);
        }
        let (client, nested) = (inside.clone(), run_fn(|_, _| Ok(())));
        let middle = run_once(move |_, _| {
            let innermost = client.insert(Member::new("innermost", nested))?;
            Ok(innermost.join()?)
        });
        inside.insert(Member::new("middle", middle))?.join()?;
        Ok(())
    });
    client
        .insert(Member::new("outer", outer))
        .unwrap()
        .expect_exit()
        .unwrap();
    client.close();
    group.expect_exit().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_operating_system_shows_the_name_of_the_member() {
    let comm = || fs::read_to_string("/proc/thread-self/comm").unwrap();
    let (client, group) = start(at_most(1).reuse_threads());
    for name in ["a-name-that-is-too-long", "b", "ccc", "ünïcödé-naming"] {
        let shown = on_a_member(&client, name, comm);
        let cut = &name.as_bytes()[..name.len().min(15)];
        assert_eq!(shown.trim_end(), String::from_utf8_lossy(cut));
    }
    group.signal(Signal::INTERRUPT);
    group.expect_exit().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_names_of_all_who_live_are_in_the_task_list() {
    let (client, group) = start(at_most(3).reuse_threads());
    for round in 0..3 {
        let names: Vec<_> = (0..3).map(|n| format!("r{round}-m{n}")).collect();
        let members: Vec<_> = names
            .iter()
            .map(|name| client.insert(idle(&**name)).unwrap())
            .collect();
        for member in &members {
            member.expect_ready();
        }
        until("all in the list", || {
            names.iter().all(|name| threads_named(name) == 1)
        });
        for member in members {
            member.signal(Signal::INTERRUPT);
            member.expect_exit().unwrap();
        }
    }
    client.close();
    group.expect_exit().unwrap();
}

#[test]
fn a_name_that_no_thread_can_have_is_no_hindrance() {
    let (client, _group) = start(at_most(1).reuse_threads());
    for name in ["a\0b", "\n", "c"] {
        let process = client.insert(idle(name)).unwrap();
        process.expect_ready();
        assert_eq!(process.name(), name);
        process.signal(Signal::INTERRUPT);
        process.expect_exit().unwrap();
    }
}

/// Left on a thread by a member; says when the thread ends.
struct Left(Sender<&'static str>);

impl Drop for Left {
    fn drop(&mut self) {
        let _ = self.0.send("gone");
    }
}

thread_local! {
    static LEFT: RefCell<Option<Left>> = const { RefCell::new(None) };
}

/// Leaves something on every thread of a pool of `threads`; returns the channel on which it says that it is gone.
fn leave_on_each(client: &DynamicClient, threads: usize) -> Receiver<&'static str> {
    let (gone, news) = unbounded();
    let together = Arc::new(Barrier::new(threads));
    for n in 0..threads {
        let (gone, together) = (gone.clone(), Arc::clone(&together));
        let runner = run_fn(move |_, _| {
            LEFT.with(|left| left.replace(Some(Left(gone.clone()))));
            together.wait();
            Ok(())
        });
        client.insert(Member::new(n.to_string(), runner)).unwrap();
    }
    news
}

#[test]
fn thread_locals_keep_what_earlier_members_have_left() {
    let (client, _group) = start(at_most(1).reuse_threads());
    let _gone = leave_on_each(&client, 1);
    let kept = || LEFT.with(|left| left.borrow().is_some());
    // It has a place only once the other has exited.
    assert!(on_a_member(&client, "next", kept));
}

#[test]
fn the_threads_end_with_the_run() {
    for end in [Signal::INTERRUPT, Signal::KILL] {
        let (client, group) = start(at_most(8).reuse_threads());
        let gone = leave_on_each(&client, 8);
        group.signal(end);
        group.expect_exit().unwrap();
        for _ in 0..8 {
            assert_eq!(recv(&gone), "gone");
        }
        assert!(gone.recv().is_err(), "and no other");
    }
}

#[test]
fn the_threads_of_a_closed_group_end_with_it() {
    let (client, group) = start(at_most(8).reuse_threads());
    let gone = leave_on_each(&client, 8);
    client.close();
    group.expect_exit().unwrap();
    assert_eq!(gone.iter().count(), 8);
}

#[test]
fn a_thread_that_was_given_up_ends_when_its_member_returns() {
    let clock = ifrit::testing::ManualClock::new();
    let group = at_most(1).reuse_threads().stop_within(crate::kit::SECOND);
    let client = group.client();
    let group = ifrit::Process::builder().clock(clock.clock()).invoke(group);
    let (gone, news) = unbounded();
    let (release, released) = unbounded::<()>();
    let deaf = run_fn(move |_, ready| {
        LEFT.with(|left| left.replace(Some(Left(gone.clone()))));
        ready.notify();
        let _ = released.recv();
        Ok(())
    });
    client
        .insert(Member::new("deaf", deaf))
        .unwrap()
        .expect_ready();
    group.signal(Signal::TERMINATE);
    clock.advance_to_next();
    clock.advance_to_next();
    assert_eq!(group.expect_exit().unwrap_err().stuck().len(), 1);
    assert!(news.is_empty());
    drop(release);
    assert_eq!(recv(&news), "gone");
}
