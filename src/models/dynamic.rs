//! Dynamic groups: inserts against exits, close and stop; and threads that are used again.
//!
//! Each caller that waits to insert is answered. A member that is admitted is told of every stop, and the group ends after
//! it; one that is refused comes back and never runs. There are never more members than may be, and each gets a thread.

use super::*;
use crate::error::{Error, Result};
use crate::grouper::{Capacity, Dynamic, DynamicClient, Member, Reason};
use crate::process::builder::background;
use crate::ready::{ReadySender, ready_channel};
use crate::runner::{Runner, run_once, until_stop};
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, bounded, unbounded};

const MOST: usize = 1;

/// A member that counts itself.
#[derive(Clone, Default)]
struct Worker {
    idle: bool,
    alive: Count,
    runs: Count,
}

impl Runner for Worker {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        on_its_own();
        require(self.alive.up() < MOST, "more members than there may be");
        self.runs.up();
        ready.notify();
        if self.idle {
            until_stop(&signals);
        }
        self.alive.down();
        Ok(())
    }
}

/// Inserts a member, and says whether it was admitted.
fn insert(client: &DynamicClient, name: &'static str, worker: &Worker, say: &Sender<bool>) {
    let (client, worker, say) = (client.clone(), worker.clone(), say.clone());
    go(move || {
        let answer = client.insert(Member::new(name, worker));
        let admitted = match answer {
            Ok(process) => {
                process.signal(Signal::HANGUP); // harmless, whatever it does by now
                true
            }
            Err(refused) => {
                assert_eq!(refused.reason(), Reason::Closed);
                assert_eq!(
                    refused.into_member().unwrap().name(),
                    name,
                    "who is refused comes back"
                );
                false
            }
        };
        let _ = say.send(admitted);
    });
}

/// Two want to get in where there is room for one, and a third thread ends it all.
fn ended(idle: bool, end: impl FnOnce(&DynamicClient, &crate::Process)) {
    let group = one();
    let client = group.client();
    let worker = Worker {
        idle,
        ..Worker::default()
    };
    let (say, said) = unbounded();
    insert(&client, "a", &worker, &say);
    insert(&client, "b", &worker, &say);
    let group = background(group);
    end(&client, &group);
    assert!(group.join().is_ok());
    let runs = worker.runs.get();
    assert_eq!(worker.alive.get(), 0, "the group has ended before a member");
    let answers =
        [said.recv(), said.recv()].map(|answer| answer.expect("each that waits is answered"));
    let admitted = answers.iter().filter(|admitted| **admitted).count();
    assert_eq!(runs, admitted, "admitted and run are the same");
    assert_eq!(worker.runs.get(), admitted, "nothing starts after the end");
}

fn closed() {
    ended(false, |client, _| client.close());
}

fn stopped() {
    ended(true, |_, group| group.signal(Signal::TERMINATE));
}

/// The group is not closed before all are in: a place that becomes free goes to a caller that waits for it.
fn all_get_in(group: Dynamic) {
    let client = group.client();
    let worker = Worker::default();
    let (say, said) = unbounded();
    let group = background(group);
    for name in ["a", "b", "c"] {
        insert(&client, name, &worker, &say);
    }
    for _ in 0..3 {
        assert_eq!(said.recv(), Ok(true), "each that waits gets in");
    }
    client.close();
    assert!(group.join().is_ok());
    assert_eq!(worker.runs.get(), 3, "each gets a thread");
}

fn places() {
    all_get_in(one());
}

fn threads() {
    all_get_in(one().reuse_threads());
}

/// More jobs than one at a time, on threads that are used again.
fn pool() {
    struct Job(Count);
    impl Runner for Job {
        fn run(&mut self, _: Receiver<Signal>, ready: ReadySender) -> Result<()> {
            on_its_own();
            ready.notify();
            self.0.up();
            Ok(())
        }
    }
    let group = Dynamic::new(Capacity::at_most(2)).reuse_threads();
    let (client, runs) = (group.client(), Count::default());
    let group = background(group);
    let (done, all_done) = bounded::<()>(0);
    for name in ["a", "b"] {
        let (client, runs, done) = (client.clone(), runs.clone(), done.clone());
        go(move || {
            for _ in 0..2 {
                let job = Member::new(name, Job(runs.clone()));
                let process = client.insert(job).expect("it is open");
                assert!(process.join().is_ok());
            }
            drop(done);
        });
    }
    drop(done);
    let _ = all_done.recv();
    client.close();
    assert!(group.join().is_ok());
    assert_eq!(runs.get(), 4, "no job is lost");
}

/// A member that does not return in time, or just about.
fn given_up(group: Dynamic) {
    let mut group = group.stop_within(10 * SECOND).kill_grace(SECOND);
    let client = group.client();
    let (keep, gate) = bounded::<()>(0);
    let ended = Flag::default();
    let ends = ended.clone();
    let stuck = run_once(move |_, _| {
        on_its_own();
        let _ = gate.recv();
        ends.raise();
        Ok(())
    });
    let (say, said) = bounded(1);
    go(move || drop(say.send(client.insert(Member::new("a", stuck)))));
    let (signals, inbox) = unbounded();
    let (ready, _) = ready_channel();
    go(move || {
        let answer = said.recv().expect("each that waits is answered");
        let _ = signals.send(Signal::TERMINATE);
        drop((answer, keep));
    });
    let exit = group.run(inbox, ready);
    match exit {
        Ok(()) => assert!(ended.is_up(), "the group has ended before a member"),
        Err(_) => assert!(
            sync::elapsed() >= 10 * SECOND,
            "invariant 6: not before the time"
        ),
    }
}

/// Run twice, while another thread inserts: before, between, and after the runs.
fn run_twice() {
    let mut group = one();
    let (client, worker) = (
        group.client(),
        Worker {
            idle: true,
            ..Worker::default()
        },
    );
    let (say, said) = unbounded();
    insert(&client, "a", &worker, &say);
    insert(&client, "b", &worker, &say);
    for _ in 0..2 {
        let (signals, inbox) = unbounded();
        go(move || {
            let _ = signals.send(Signal::TERMINATE);
        });
        assert!(group.run(inbox, ready_channel().0).is_ok());
        assert_eq!(worker.alive.get(), 0, "the group has ended before a member");
    }
    drop(group);
    let answers =
        [said.recv(), said.recv()].map(|answer| answer.expect("each that waits is answered"));
    let admitted = answers.iter().filter(|admitted| **admitted).count();
    assert_eq!(worker.runs.get(), admitted, "admitted and run are the same");
}

/// Threads that may not start.
fn refused(group: Dynamic) {
    let client = group.client();
    let worker = Worker::default();
    let (ready, _) = ready_channel();
    let (_signals, inbox) = unbounded();
    let runs = worker.runs.clone();
    go(move || {
        let mut spawned = 0;
        for _ in 0..2 {
            let process = client
                .insert(Member::new("a", worker.clone()))
                .expect("it is open");
            match process.join() {
                Ok(()) => spawned += 1,
                Err(error) => assert!(matches!(error, Error::Spawn { .. }), "invariant 5"),
            }
        }
        assert_eq!(runs.get(), spawned, "invariant 5");
        client.close();
    });
    let mut group = group;
    let _ = group.run(inbox, ready); // it ends: no place was leaked
}

/// Two processes insert where there is room for one. One of them is told to stop: it enters or comes back. The other enters,
/// whatever the first has been woken for.
fn unless(group: Dynamic) {
    let (client, worker) = (group.client(), Worker::default());
    let (say, said) = unbounded();
    let inserter = |name: &'static str| {
        let (client, worker, say) = (client.clone(), worker.clone(), say.clone());
        background(run_once(move |signals, _| {
            on_its_own();
            let member = Member::new(name, worker);
            let refused = client.insert_unless(&signals, member).err();
            let reason = refused.map(|refused| refused.reason());
            let _ = say.send((name, reason));
            Ok(())
        }))
    };
    let group = background(group);
    insert_and_forget(&client, &worker);
    let (told, other) = (inserter("told"), inserter("other"));
    told.signal(Signal::TERMINATE);
    for _ in 0..2 {
        match said.recv().expect("each that waits is answered") {
            (_, None) | ("told", Some(Reason::StopPending)) => {}
            (name, reason) => panic!("{name} is refused: {reason:?}"),
        }
    }
    assert!(told.join().is_ok() && other.join().is_ok());
    client.close();
    assert!(group.join().is_ok());
}

/// A member that may be there when others come.
fn insert_and_forget(client: &DynamicClient, worker: &Worker) {
    drop(client.insert(Member::new("first", worker.clone())));
}

/// A stop comes to a process that waits for a group that is never run.
fn unless_in_vain() {
    let group = one();
    let client = group.client();
    let process = background(run_once(move |signals, _| {
        on_its_own();
        let member = Member::new("a", Worker::default());
        let refused = client
            .insert_unless(&signals, member)
            .expect_err("it never runs");
        require(refused.reason() == Reason::StopPending, "why it is refused");
        require(signals.try_recv().is_ok(), "the signal is still there");
        Ok(())
    }));
    process.signal(Signal::HANGUP);
    process.signal(Signal::TERMINATE);
    assert!(process.join().is_ok());
    drop(group);
}

/// A caller asks for room again and again, until it gets in.
fn vacancy() {
    let group = one();
    let (client, worker) = (group.client(), Worker::default());
    let group = background(group);
    insert_and_forget(&client, &worker);
    let (say, said) = bounded(1);
    let (asks, member) = (client.clone(), worker.clone());
    go(move || {
        let mut member = Member::new("a", member);
        let process = loop {
            drop(asks.vacancy()); // leaves nothing behind
            let told = asks.vacancy().recv();
            assert!(told.is_ok(), "it fires before it is disconnected");
            match asks.try_insert(member) {
                Ok(process) => break process,
                Err(refused) => {
                    assert_eq!(refused.reason(), Reason::Full);
                    member = refused.into_member().expect("who is refused comes back");
                }
            }
        };
        let _ = say.send(process);
    });
    insert(&client, "b", &worker, &unbounded().0);
    assert!(said.recv().expect("each that waits gets in").join().is_ok());
    client.close();
    assert!(group.join().is_ok());
}

fn one() -> Dynamic {
    Dynamic::new(Capacity::at_most(MOST))
}

#[test]
fn who_is_stuck_is_given_up() {
    check("dynamic, given up", Schedules::Some, || given_up(one()));
    check("dynamic, given up by a pool", Schedules::Some, || {
        given_up(one().reuse_threads())
    });
}

#[test]
fn a_thread_that_does_not_start_leaks_no_place() {
    short_of_threads(|| {
        check("dynamic, refused", Schedules::Some, || refused(one()));
        check("dynamic, a pool refused", Schedules::Some, || {
            refused(one().reuse_threads())
        });
    });
}

#[test]
fn each_caller_that_waits_to_insert_is_answered() {
    check("dynamic, closed", Schedules::Some, closed);
    check("dynamic, stopped", Schedules::Some, stopped);
}

#[test]
fn each_caller_that_waits_is_answered_by_another_run_too() {
    check("dynamic, run twice", Schedules::Some, run_twice);
}

#[test]
fn a_place_that_becomes_free_goes_to_who_waits() {
    check("dynamic, places", Schedules::Some, places);
    check(
        "dynamic, places on threads used again",
        Schedules::Some,
        threads,
    );
}

#[test]
fn who_inserts_unless_told_is_answered_and_keeps_no_place_from_others() {
    check("dynamic, unless", Schedules::Some, || unless(one()));
    check("dynamic, unless, in vain", Schedules::Some, unless_in_vain);
    check("dynamic, vacancy", Schedules::Some, vacancy);
}

/// A thread that waits with a channel sees at least that it has no other end any more.
#[test]
fn a_vacancy_that_does_not_fire_is_found() {
    let place = "fn tell_of_a_place( > sender.try_send(())";
    let broken = (Fault::Forgotten, "src/grouper/dynamic/vacancy.rs", place);
    finds("it fires", broken, Schedules::Some, vacancy);
}

#[test]
fn a_vacancy_that_is_not_registered_in_one_step_is_found() {
    let place = "fn new(shared > shared.state.lock()";
    let broken = (Fault::Torn, "src/grouper/dynamic/vacancy.rs", place);
    for model in [|| unless(one()), vacancy] {
        finds(DEADLOCK, broken, Schedules::Many, model);
    }
}

#[test]
fn a_stop_that_is_not_waited_for_is_found() {
    let place = "fn wait_beside( > select.recv(watch.receiver())";
    let broken = (Fault::Forgotten, "src/grouper/dynamic/unless.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, unless_in_vain);
    let place = "fn new(core > core.state.lock()";
    let broken = (Fault::Torn, "src/process/core/stop_watch.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, unless_in_vain);
}

#[test]
fn each_job_gets_a_thread() {
    check("dynamic, pool", Schedules::Some, pool);
}

#[test]
fn a_free_place_that_is_not_notified_of_is_found() {
    let place = "fn place_free( > self.changed.notify_one()";
    let broken = (Fault::Forgotten, "src/grouper/dynamic/reports.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, places);
}

#[test]
fn an_admission_that_is_not_one_step_is_found() {
    let place = "fn admit( > self.state.lock()";
    let broken = (Fault::Torn, "src/grouper/dynamic/admission.rs", place);
    finds("more members", broken, Schedules::Some, places);
    let whys = ["more members", "admitted and run", DEADLOCK];
    finds_any(&whys, broken, Schedules::Many, stopped);
}

#[test]
fn a_close_that_is_not_one_step_is_found() {
    let place = "fn close(&self) > self.state.lock()";
    let broken = (Fault::Torn, "src/grouper/dynamic/shared.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, closed);
}

#[test]
fn an_exit_that_is_not_reported_is_found() {
    let place = "fn hear( > .send(report)";
    let broken = (Fault::Forgotten, "src/grouper/engine/mod.rs", place);
    let with_a_pool = || given_up(one().reuse_threads());
    for model in [|| given_up(one()), with_a_pool] {
        finds(DEADLOCK, broken, Schedules::Some, model);
    }
}

#[test]
fn a_worker_that_is_not_woken_is_found() {
    let place = "fn wake(&self) > self.wake.notify_one()";
    let broken = (Fault::Forgotten, "src/process/pool.rs", place);
    for model in [pool, threads] {
        finds(DEADLOCK, broken, Schedules::Some, model);
    }
}

#[test]
fn a_job_that_is_not_queued_in_one_step_is_found() {
    let place = "fn launch( > self.0.state.lock()";
    let broken = (Fault::Torn, "src/process/pool.rs", place);
    finds("overflow", broken, Schedules::Some, pool);
}

#[test]
fn a_change_that_is_not_notified_of_is_found() {
    let place = "fn wake( > self.changed.notify_all()";
    let broken = (Fault::Forgotten, "src/grouper/dynamic/shared.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, run_twice);
    let with_a_pool = || refused(one().reuse_threads());
    short_of_threads(|| {
        for model in [|| refused(one()), with_a_pool] {
            finds(DEADLOCK, broken, Schedules::Some, model);
        }
    });
}
