//! The n-th thread does not start, for every n: in a program with every kind of group, restarts, time limits and
//! signals.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Select, Sender, never, unbounded};
use ifrit::grouper::Capacity;
use ifrit::restart::{Backoff, Next, Restart, Restarter};
use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{
    BoxRunner, Error, Exit, Process, Runner, Signal,
    grouper::{Dynamic, DynamicClient, Member, Members, Ordered, Parallel},
    run_fn,
    sigmon::Sigmon,
    until_stop,
};

use crate::kit::{in_child, in_child_with, threads, threads_named, until};
use crate::refusal::{Refuse, refusing};

/// What is to be refused in the copy.
const WHICH: &str = "IFRIT_TEST_REFUSE";

/// Every thread of the program below, in the order in which they start: members, helpers, and the shared ones.
const THREADS: [&str; 16] = [
    "program",
    "ifrit-timer",
    "ifrit-signals",
    "db",
    "workers",
    "steady",
    "flaky",
    "adapter",
    "ifrit-by-hand",
    "pool",
    "crowd",
    "flaky", // again
    "reused",
    "reused too",
    "fresh",
    "ifrit-disposal", // for the error of the flaky one, when its group ends
];
/// The place of the one that is healed: it is the restart of a member, and the next attempt succeeds.
const HEALED: usize = 12;
/// The place of the one that no process waits for.
const UNMISSED: usize = 16;

#[test]
fn a_program_survives_any_one_thread_that_does_not_start() {
    for n in 1..=THREADS.len() {
        let in_copy = in_child_with(&[(WHICH, &n.to_string())], || {
            let n = number();
            with_refusal(Refuse::Only(n), |exit| match exit {
                Ok(()) => assert!([HEALED, UNMISSED].contains(&n), "{n}"),
                Err(error) => names_the_thread(error, n),
            });
        });
        if in_copy.is_none() {
            return;
        }
    }
}

#[test]
fn a_program_survives_that_no_more_threads_start() {
    for n in 1..=THREADS.len() {
        let in_copy = in_child_with(&[(WHICH, &n.to_string())], || {
            let n = number();
            with_refusal(Refuse::From(n), |exit| match exit {
                Ok(()) => assert_eq!(n, UNMISSED),
                Err(error) => names_the_thread(error, n),
            });
        });
        if in_copy.is_none() {
            return;
        }
    }
}

#[test]
fn those_are_all_threads_of_the_program() {
    in_child(|| {
        let mut program = Program::new();
        let (exit, asked_for) = refusing(Refuse::From(usize::MAX), || program.run());
        exit.unwrap();
        assert_eq!(asked_for, THREADS.len());
    });
}

fn number() -> usize {
    env::var(WHICH).unwrap().parse().unwrap()
}

/// The error says which thread it was, and why, to a person and to a program.
fn names_the_thread(error: &Error, n: usize) {
    let report = error.report().to_string();
    let line = format!("{}: cannot start a thread", THREADS[n - 1]);
    assert!(report.contains(&line), "{report}");
    let why = error.downcast_ref::<std::io::Error>().expect("the reason");
    assert_eq!(why.kind(), std::io::ErrorKind::WouldBlock);
}

/// Runs the program with these threads refused, and then once more, with all there are.
fn with_refusal(which: Refuse, check: impl FnOnce(&Exit)) {
    let before = threads();
    let back_to_normal = || {
        // The shared ones stay.
        let shared = || {
            let names = ["ifrit-timer", "ifrit-signals", "ifrit-disposal"];
            names.map(threads_named).iter().sum::<usize>()
        };
        until("as few threads as before", || {
            threads() == before + shared()
        });
        assert!(ifrit::tree().roots.is_empty(), "{}", ifrit::tree());
    };
    let mut program = Program::new();
    let (exit, asked_for) = refusing(which, || program.run());
    match which {
        Refuse::Only(n) | Refuse::From(n) => assert!(asked_for >= n, "it came to that"),
    }
    check(&exit);
    assert_eq!(program.running.load(Ordering::SeqCst), 0);
    back_to_normal();

    program.run().unwrap();
    back_to_normal();
    let running = Arc::clone(&program.running);
    drop(program);
    assert_eq!(Arc::strong_count(&running), 1, "every runner was dropped");
}

struct Program {
    runner: BoxRunner,
    pool: DynamicClient,
    crowd: DynamicClient,
    /// One for each time the flaky member is up.
    flaky_up: Receiver<()>,
    /// How many runs have begun and not ended.
    running: Arc<AtomicUsize>,
}

impl Program {
    fn new() -> Self {
        let running = Arc::new(AtomicUsize::new(0));
        let idle = || idle(&running);
        let (up, flaky_up) = unbounded();
        let again = Restart::permanent().backoff(Backoff::none());
        let workers = Parallel::new(
            Members::new()
                .add("steady", idle())
                .member(Member::new("flaky", flaky(&running, up)).restart(again)),
        );
        let pool = Dynamic::new(Capacity::unlimited()).reuse_threads();
        let crowd = Dynamic::new(Capacity::unlimited());
        let (pool_client, crowd_client) = (pool.client(), crowd.client());
        let db = Member::new("db", idle()).start_within(Duration::from_secs(3_600));
        let members = Members::new()
            .member(db)
            .add("workers", workers)
            .member(Member::new("adapter", adapter(&running)).one_shot())
            .add("pool", pool)
            .add("crowd", crowd);
        let program = Sigmon::new(Ordered::new(members)).stop_within(Duration::from_secs(3_600));
        Program {
            runner: Box::new(program),
            pool: pool_client,
            crowd: crowd_client,
            flaky_up,
            running,
        }
    }

    /// Starts it, lets one member fail and be restarted, inserts others, and stops it, as far as it comes.
    fn run(&mut self) -> Exit {
        let runner = &mut self.runner;
        ifrit::scope(|scope| {
            let program = Process::builder()
                .name("program")
                .background_scoped(scope, runner);
            if program.started().is_ok() {
                self.flaky_up.recv_timeout(PATIENCE).unwrap();
                program.signal(Signal::HANGUP);
                let mut select = Select::new();
                select.recv(&self.flaky_up);
                select.recv(program.exited());
                select.ready_timeout(PATIENCE).unwrap();
                for (client, name) in [
                    (&self.pool, "reused"),
                    (&self.pool, "reused too"),
                    (&self.crowd, "fresh"),
                ] {
                    // Refused where the program has ended over the restart.
                    if let Ok(member) = client.insert(Member::new(name, idle(&self.running))) {
                        let _ = member.started();
                    }
                }
            }
            program.signal(Signal::TERMINATE);
            let exit = program.expect_exit();
            self.flaky_up.try_iter().for_each(drop);
            exit
        })
    }
}

/// Counts a run for as long as it lasts.
struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    fn new(running: &'c AtomicUsize) -> Self {
        running.fetch_add(1, Ordering::SeqCst);
        Counted(running)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn idle(running: &Arc<AtomicUsize>) -> impl Runner + use<> {
    let running = Arc::clone(running);
    run_fn(move |signals, ready| {
        let _counted = Counted::new(&running);
        ready.notify();
        until_stop(&signals);
        Ok(())
    })
}

/// Fails when it is told HUP.
fn flaky(running: &Arc<AtomicUsize>, up: Sender<()>) -> impl Runner + use<> {
    let running = Arc::clone(running);
    run_fn(move |signals, ready| {
        let _counted = Counted::new(&running);
        ready.notify();
        up.send(())?;
        match signals.recv() {
            Ok(Signal::HANGUP) => Err("hung up".into()),
            _ => Ok(()),
        }
    })
}

/// Runs another runner, with signals that are not those of the process, so that takes a helper; and is done.
fn adapter(running: &Arc<AtomicUsize>) -> impl Runner + use<> {
    let running = Arc::clone(running);
    run_fn(move |_, ready| {
        let once = run_fn(|_, ready| {
            let _counted = Counted::new(&running);
            ready.notify();
            Ok(())
        });
        Restarter::new(once, |_, _| Next::End).run(never(), ready)
    })
}
