//! What touches the whole program: its threads, its memory, its limits, its panic hook.
//!
//! Each test runs itself again in a copy of this program that runs nothing else.

use std::fs;
use std::ops::Range;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ifrit::testing::{FakeRunner, PATIENCE, Waiting, never_ready, signal_recorder};
use ifrit::{
    Error, Process, Signal, background,
    error::MemberExit,
    grouper::{Capacity, Dynamic, DynamicClient, Member, Ordered},
    invoke,
    restart::{Backoff, Restart},
    run_fn,
    sigmon::Sigmon,
};

mod kit;

use kit::{MB, grown_by, in_child, in_child_with_stacks, threads, until, with_room_for};

fn stop(process: &Process) {
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn a_process_costs_one_thread_and_waiting_for_it_none() {
    in_child(|| {
        let before = threads();
        let processes: Vec<_> = (0..10).map(|_| invoke(signal_recorder().0)).collect();
        assert_eq!(threads(), before + 10);
        let waits: Vec<_> = processes.iter().map(Process::wait).collect();
        for process in &processes {
            assert!(process.ready().is_empty() && process.exited().is_empty());
            process.signal(Signal::HANGUP);
        }
        assert_eq!(threads(), before + 10);
        processes.iter().for_each(stop);
        assert!(waits.iter().all(|wait| wait.recv().unwrap().is_ok()));
    });
}

#[test]
fn all_time_limits_share_one_thread() {
    in_child(|| {
        let limited = || Process::builder().start_within(Duration::from_secs(3_600));
        let before = threads();
        let processes: Vec<_> = (0..10)
            .map(|_| limited().invoke(signal_recorder().0))
            .collect();
        assert_eq!(threads(), before + 10 + 1);
        processes.iter().for_each(stop);
    });
}

#[test]
fn a_million_waits_and_signals_leave_nothing_behind() {
    in_child(|| {
        let fake = FakeRunner::new();
        let process = background(fake.clone());
        let call = fake.wait_for_call();
        let grown = grown_by(|| {
            for n in 0..1_000_000 {
                drop(process.wait());
                process.signal(Signal::from_raw(n % 64 + 1).unwrap());
            }
        });
        assert!(grown < 8 * MB, "{grown} bytes");
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
    });
}

/// Now and then: a process exits before its thread has ended, and a thread that lingers takes up memory.
fn let_threads_end(n: usize) {
    if n.is_multiple_of(100) {
        until("few threads", || threads() < 50);
    }
}

#[test]
fn many_short_processes_leave_nothing_behind() {
    in_child(|| {
        let short = |n| {
            let process = background(run_fn(|_, _| Err("x".repeat(10_000).into())));
            let exit = process.expect_exit();
            assert!(matches!(exit, Err(Error::Runner(_))), "{exit:?}");
            let_threads_end(n);
        };
        (0..100).for_each(short);
        let grown = grown_by(|| (0..2_000).for_each(short));
        assert!(grown < 8 * MB, "{grown} bytes");
    });
}

#[test]
fn many_members_of_a_dynamic_group_leave_nothing_behind() {
    in_child(|| {
        for reused in [false, true] {
            let mut group = Dynamic::new(Capacity::at_most(4)).history(100);
            if reused {
                group = group.reuse_threads();
            }
            let client = group.client();
            let exits = client.exits(); // never read
            let group = invoke(group);
            let members = |numbers: Range<usize>| {
                for number in numbers {
                    let name = format!("{number:01000}");
                    let member = Member::new(name, run_fn(|_, _| Err("x".repeat(1_000).into())));
                    client.insert(member).unwrap();
                    let_threads_end(number);
                }
            };
            members(0..1_000);
            let grown = grown_by(|| members(1_000..20_000));
            assert!(grown < 8 * MB, "{grown} bytes");
            client.close();
            let Err(Error::Group(trace)) = group.expect_exit() else {
                panic!("all have failed")
            };
            assert_eq!((trace.len(), trace.omitted), (100, 19_900));
            let failed = |member: &MemberExit| matches!(member.exit, Err(Error::Runner(_)));
            assert!(trace.iter().all(failed));
            assert_eq!(exits.missed(), 20_000 - 64);
        }
    });
}

#[test]
fn an_event_costs_nothing_for_the_listeners_of_another_group() {
    in_child(|| {
        let group = || Dynamic::new(Capacity::unlimited());
        let (here, there) = (group(), group());
        let (client, elsewhere) = (here.client(), there.client());
        let (here, there) = (invoke(here), invoke(there));
        let listeners: Vec<_> = (0..100).map(|_| elsewhere.exits()).collect();
        // An event has the name of its member.
        let event = |client: &DynamicClient| {
            let member = Member::new("x".repeat(MB as usize), run_fn(|_, _| Ok(())));
            client.insert(member).unwrap().expect_exit().unwrap();
        };
        event(&client);
        let grown = grown_by(|| event(&client));
        assert!(grown < 8 * MB, "{grown} bytes");
        let grown = grown_by(|| event(&elsewhere));
        assert!(grown > 90 * MB, "{grown} bytes for {}", listeners.len());
        [&here, &there].into_iter().for_each(stop);
    });
}

#[test]
fn very_many_events_leave_nothing_but_the_newest() {
    in_child(|| {
        let process = invoke(signal_recorder().0);
        let listeners: Vec<_> = (0..10).map(|_| process.events()).collect();
        let publish = |many: u64| (0..many).for_each(|_| process.note("x".repeat(100)));
        publish(10_000); // all are full, and so is the recorder
        let grown = grown_by(|| publish(1_000_000));
        assert!(grown < MB, "{grown} bytes");
        for events in listeners {
            assert_eq!(events.len() as u64 + events.missed(), 1_010_000 + 2);
        }
        stop(&process);
    });
}

#[test]
fn listeners_to_processes_that_are_gone_leave_nothing() {
    in_child(|| {
        let listen = || {
            let process = background(run_fn(|_, _| Ok(())));
            process.expect_exit().unwrap();
            let events = process.events();
            drop((events.clone(), events));
        };
        (0..2_000).for_each(|_| listen());
        let grown = grown_by(|| (0..10_000).for_each(|_| listen()));
        assert!(grown < MB, "{grown} bytes");
    });
}

#[test]
fn a_thread_there_is_no_memory_for_is_an_exit_and_later_ones_start_again() {
    in_child(|| {
        let builder = Process::builder().stack_size(64 << 20);
        let mut running = Vec::new();
        let refused = with_room_for(400 * MB, || {
            loop {
                match builder.clone().invoke(signal_recorder().0).started() {
                    Ok(process) => running.push(process),
                    Err(error) => break error,
                }
            }
        });
        assert!(matches!(refused, Error::Spawn { .. }), "{refused}");
        assert!((1..10).contains(&running.len()), "{}", running.len());
        // Those who did start are unharmed, and the one that did not is nowhere.
        assert_eq!(ifrit::tree().roots.len(), running.len());
        running.iter().for_each(stop);
        stop(&builder.invoke(signal_recorder().0));
    });
}

/// What the kernel says of each thread but this one: whether it sleeps, and how often it has left a core of its own
/// accord.
fn others() -> Vec<(bool, u64)> {
    let this = std::process::id().to_string(); // the runner of the tests, which only waits
    let me = rustix::thread::gettid().as_raw_nonzero().to_string();
    let threads = fs::read_dir("/proc/self/task").unwrap();
    threads
        .map(|thread| thread.unwrap())
        .filter(|thread| *thread.file_name() != *this && *thread.file_name() != *me)
        .filter_map(|thread| {
            let status = fs::read_to_string(thread.path().join("status")).ok()?; // it has just ended
            let line = |key| {
                status
                    .lines()
                    .find_map(|line| line.strip_prefix(key))
                    .unwrap()
            };
            let switches = line("voluntary_ctxt_switches:").trim().parse().unwrap();
            Some((line("State:").trim().starts_with('S'), switches))
        })
        .collect()
}

#[test]
fn an_idle_tree_causes_no_wake_ups() {
    in_child(|| {
        let hour = Duration::from_secs(3_600);
        let (crashing, crash) = (FakeRunner::new(), Restart::permanent());
        let crash = crash.backoff(Backoff::constant(hour));
        let pool = Dynamic::new(Capacity::at_most(4)).reuse_threads();
        let full = Dynamic::new(Capacity::at_most(1));
        let (client, full_client) = (pool.client(), full.client());
        let idle = |name: &str| Member::new(name, signal_recorder().0).start_within(hour);
        let tree = Ordered::new([
            idle("db").stop_within(hour),
            Member::new("pool", pool),
            Member::new("full", full),
            Member::new("crashing", crashing.clone()).restart(crash),
        ]);
        let tree = background(Sigmon::new(tree.stop_within(hour)).stop_within(hour));
        let done = || Member::new("done", run_fn(|_, _| Ok(())));
        client.insert(idle("job")).unwrap().expect_ready();
        client.insert(done()).unwrap().expect_exit().unwrap();
        full_client.insert(idle("job")).unwrap().expect_ready();
        let waiting = idle("waiting for a place");
        let waiting = std::thread::spawn(move || full_client.insert(waiting).map(drop));
        let call = crashing.wait_for_call();
        call.trigger_ready();
        tree.expect_ready();
        call.trigger_exit(Err("crashed".into()));

        // A thread that sleeps in two looks that are the same has slept in between: there is a moment when all do.
        let began = Instant::now();
        let mut before = others();
        while !before.iter().all(|(sleeps, _)| *sleeps) || before != others() {
            assert!(began.elapsed() < PATIENCE, "{before:?}");
            before = others();
        }
        // The tree, its first three members, the jobs in two of them, the worker without one, the one that waits, the listener
        // for signals, the timer.
        assert!(before.len() >= 10, "{before:?}");
        std::thread::sleep(Duration::from_millis(500)); // this is the measurement
        assert_eq!(others(), before);
        stop(&tree);
        assert!(waiting.join().unwrap().is_err());
    });
}

#[test]
fn failed_starts_leave_nothing_behind() {
    in_child(|| {
        let builder = Process::builder().stack_size(1 << 30);
        let fail = || {
            let ballast = vec![1_u8; 10_000];
            let process = builder.clone().background(run_fn(move |_, _| {
                assert!(!ballast.is_empty());
                Ok(())
            }));
            assert!(matches!(process.expect_exit(), Err(Error::Spawn { .. })));
        };
        let before = threads();
        with_room_for(256 * MB, || {
            (0..100).for_each(|_| fail());
            let grown = grown_by(|| (0..2_000).for_each(|_| fail()));
            assert!(grown < 8 * MB, "{grown} bytes");
        });
        assert_eq!(threads(), before);
        assert!(ifrit::tree().roots.is_empty());
    });
}

#[test]
fn a_timer_that_cannot_start_is_an_exit_and_starts_when_it_can() {
    // The timer is among those that ask for so large a stack.
    in_child_with_stacks(1024 * MB, || {
        let builder = Process::builder()
            .stack_size(1 << 20)
            .start_within(Duration::from_millis(1));
        with_room_for(512 * MB, || {
            let exit = builder.clone().background(never_ready()).expect_exit();
            assert!(matches!(exit, Err(Error::Spawn { .. })), "{exit:?}");
        });
        let exit = builder.background(never_ready()).expect_exit();
        assert!(matches!(exit, Err(Error::StartTimeout { .. })), "{exit:?}");
    });
}

/// Counts the calls of a hook that prints nothing.
fn count_panics() -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    panic::set_hook(Box::new(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    count
}

fn panic_of_a_process() -> ifrit::error::Panic {
    match background(run_fn(|_, _| panic!("out of luck"))).expect_exit() {
        Err(Error::Panicked(panic)) => panic,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_panic_hook_that_was_there_is_still_called() {
    let printed = in_child(|| {
        let count = count_panics();
        assert!(panic_of_a_process().location().is_some());
        assert_eq!(count.load(Ordering::SeqCst), 1);
        // On a thread that is not ours, too.
        assert!(std::thread::spawn(|| panic!("elsewhere")).join().is_err());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    });
    // The crate itself prints nothing.
    assert!(printed.is_none_or(|printed| printed.is_empty()));
}

#[test]
fn a_panic_is_printed_at_once_as_it_always_was() {
    let printed = in_child(|| {
        panic_of_a_process();
    });
    assert!(printed.is_none_or(|printed| printed.matches("out of luck").count() == 1));
}

#[test]
fn a_panic_is_kept_without_its_place_when_the_hook_was_replaced() {
    in_child(|| {
        panic_of_a_process();
        count_panics();
        let panic = panic_of_a_process();
        assert_eq!(panic.message(), "out of luck");
        assert!(panic.location().is_none() && panic.backtrace().is_none());
    });
}

#[test]
fn the_first_process_may_be_started_while_a_thread_panics() {
    in_child(|| {
        struct StartsOne;
        impl Drop for StartsOne {
            fn drop(&mut self) {
                background(run_fn(|_, _| Ok(()))).expect_exit().unwrap();
            }
        }
        let unwound = panic::catch_unwind(|| {
            let _starts_one = StartsOne;
            panic!("as told");
        });
        assert!(unwound.is_err());
    });
}

#[test]
fn a_program_may_end_while_its_processes_run() {
    in_child(|| {
        std::mem::forget(background(FakeRunner::new()));
    });
}
