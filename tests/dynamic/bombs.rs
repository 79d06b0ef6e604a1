//! Destructors that panic, and errors whose last handle dies in the group.

use std::error::Error as StdError;
use std::fmt;
use std::thread;

use ifrit::crossbeam_channel::{Sender, unbounded};
use ifrit::restart::Restart;
use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{
    Receiver, Result, Runner, Signal,
    grouper::{Dynamic, DynamicClient, Member},
    run_fn, run_once, until_stop,
};

use crate::kit::{at_most, both, done, expect_fired, insert_fake, recv, start, unlimited};

/// An error that panics when it is dropped, after it has said so.
#[derive(Debug)]
struct Bomb(Sender<()>);

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bomb")
    }
}

impl StdError for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        let _ = self.0.send(());
        panic!("dropped");
    }
}

/// A member that fails with a bomb, and the news that it went off.
fn bomber(name: &str) -> (Member, Receiver<()>) {
    let (gone_off, goes_off) = unbounded();
    let member = run_once(move |_, _| Err(Bomb(gone_off).into()));
    (Member::new(name, member), goes_off)
}

/// A group that forgets an exit at the next one.
fn forgetful() -> Dynamic {
    at_most(1).history(0).event_buffer(1)
}

#[test]
fn an_old_error_whose_destructor_panics_harms_no_later_member() {
    for group in both(forgetful) {
        let (client, group) = start(group);
        let (bomber, goes_off) = bomber("bomber");
        drop(client.insert(bomber).unwrap());
        // The exit of this one pushes out that of the first.
        client
            .insert(done("innocent"))
            .unwrap()
            .expect_exit()
            .unwrap();
        recv(&goes_off);
        client.insert(done("next")).unwrap().expect_exit().unwrap();
        client.close();
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn an_error_whose_destructor_panics_on_its_own_thread_leaves_the_thread_of_use() {
    for group in both(forgetful) {
        let (client, group) = start(group);
        for n in 0..20 {
            let (bomber, _) = bomber("bomber");
            drop(client.insert(bomber).unwrap());
            client
                .insert(done(n.to_string()))
                .unwrap()
                .expect_exit()
                .unwrap();
        }
        client.close();
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn the_last_handle_of_a_process_may_hold_an_error_whose_destructor_panics() {
    for group in both(forgetful) {
        let (client, group) = start(group);
        for n in 0..20 {
            let (bomber, goes_off) = bomber("bomber");
            let process = client.insert(bomber).unwrap();
            expect_fired(process.exited());
            client
                .insert(done(n.to_string()))
                .unwrap()
                .expect_exit()
                .unwrap();
            drop(process);
            recv(&goes_off);
        }
        client.close();
        assert!(group.expect_exit().is_err());
    }
}

/// An error whose destructor waits for the exit of the member "waited for", and says whether it came.
#[derive(Debug, thiserror::Error)]
#[error("one that waits")]
struct Waits(DynamicClient, Sender<Option<bool>>);

impl Drop for Waits {
    fn drop(&mut self) {
        let process = self.0.get("waited for");
        let _ = self.1.send(None);
        let exit = process.and_then(|process| process.join_timeout(PATIENCE));
        let _ = self.1.send(Some(exit.is_some()));
    }
}

#[test]
fn what_falls_out_when_a_restarter_says_ready_may_wait_for_the_restarter() {
    for group in both(forgetful) {
        let (client, group) = start(group);
        let (says, said) = unbounded();
        let asks = client.clone();
        let waits = run_once(move |_, ready| {
            ready.notify();
            Err(Waits(asks, says).into())
        });
        client.insert(Member::new("waits", waits)).unwrap();
        client.insert(done("next")).unwrap(); // its exit, not its entrance, takes the place of the first
        let by_helper = run_fn(|signals, ready| {
            let helper = thread::spawn(move || ready.notify());
            until_stop(&signals);
            drop(helper);
            Ok(())
        });
        let by_helper = Member::new("waited for", by_helper).restart(Restart::transient());
        let process = client.insert(by_helper).unwrap();
        assert_eq!(recv(&said), None); // its destructor has begun, on the helper
        process.signal(Signal::TERMINATE);
        assert_eq!(recv(&said), Some(true));
        client.close();
        assert!(group.expect_exit().is_err());
    }
}

/// A runner whose destructor panics.
struct Mine;

impl Runner for Mine {
    fn run(&mut self, _: Receiver<Signal>, _: ifrit::ReadySender) -> Result<()> {
        Ok(())
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_runner_whose_destructor_panics_fails_alone() {
    for group in both(|| at_most(1)) {
        let (client, group) = start(group);
        for n in 0..20 {
            let mine = client.insert(Member::new(n.to_string(), Mine)).unwrap();
            assert!(mine.expect_exit().is_err());
            client.insert(done("next")).unwrap().expect_exit().unwrap();
        }
        client.close();
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn a_runner_is_dropped_before_its_exit_is_published() {
    struct Says(Sender<&'static str>);
    impl Drop for Says {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    for group in both(unlimited) {
        let (client, _group) = start(group);
        let (says, said) = unbounded();
        let says = Says(says);
        let runner = run_fn(move |_, _| Ok(says.0.send("run")?));
        let process = client.insert(Member::new("a", runner)).unwrap();
        process.expect_exit().unwrap();
        assert_eq!(said.try_iter().collect::<Vec<_>>(), ["run", "dropped"]);
    }
}

#[test]
fn a_destructor_may_use_the_client_of_its_group() {
    struct Inserts(ifrit::grouper::DynamicClient);
    impl Drop for Inserts {
        fn drop(&mut self) {
            let _ = self.0.insert(done("from a destructor"));
        }
    }
    for group in both(unlimited) {
        let (client, _group) = start(group);
        let exits = client.exits();
        let inserts = Inserts(client.clone());
        let runner = run_fn(move |_, _| {
            assert!(inserts.0.get("unknown").is_none());
            Ok(())
        });
        client.insert(Member::new("a", runner)).unwrap();
        let mut names = [recv(&exits).name, recv(&exits).name];
        names.sort();
        assert_eq!(names, ["a", "from a destructor"]);
    }
}

#[test]
fn a_ready_sender_that_outlives_its_run_says_nothing() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let entrances = client.entrances();
        let (keep, kept) = unbounded();
        let runner = run_fn(move |_, ready| Ok(keep.send(ready)?));
        let process = client.insert(Member::new("a", runner)).unwrap();
        process.expect_exit().unwrap();
        recv(&kept).notify();
        assert!(!process.is_ready());
        let (_process, call) = insert_fake(&client, "b");
        call.trigger_ready();
        assert_eq!(recv(&entrances).name, "b");
        call.trigger_exit(Ok(()));
        client.close();
        group.expect_exit().unwrap();
    }
}
