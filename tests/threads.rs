//! What groups cost in threads, and what happens when there are no more. Each test that measures or limits the whole
//! process runs itself again as a child of its own.

use std::env;
use std::fs;
use std::process::Command;

use ifrit::testing::{Waiting, signal_recorder};
use ifrit::{
    BoxRunner, Cause, Error, Member, Members, Ordered, Parallel, QueueOrdered, Runner, Signal,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CHILD: &str = "IFRIT_TEST_CHILD";
const MIB: u64 = 1 << 20;

/// Runs `work` in a process of its own, in which only the test `name` runs.
fn in_a_child(name: &str, variables: &[(&str, String)], work: fn()) {
    if env::var_os(CHILD).is_some() {
        return work();
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    // It did run: a name with a slip in it would run nothing, and succeed.
    assert!(said.contains("1 passed"), "{said}");
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// `size` members of the names 0, 1, ….
fn recorders(size: usize) -> Members {
    let recorder = |n: usize| Member::new(n.to_string(), signal_recorder().0);
    (0..size).map(recorder).collect()
}

#[test]
fn a_tree_has_one_thread_for_each_leaf_and_one_for_each_group() {
    const NAME: &str = "a_tree_has_one_thread_for_each_leaf_and_one_for_each_group";
    in_a_child(NAME, &[], || {
        let inner = QueueOrdered::new(recorders(5));
        let mid = Parallel::new(recorders(7).add("inner", inner));
        let tree = Ordered::new(recorders(11).add("mid", mid));
        let before = threads();
        let group = ifrit::background(tree);
        group.expect_ready();
        assert_eq!(threads() - before, 5 + 7 + 11 + 3);
        // Neither waiting nor signalling takes one.
        let waits: Vec<_> = (0..100).map(|_| group.wait()).collect();
        for _ in 0..1000 {
            group.signal(Signal::HANGUP);
        }
        assert!(group.ready().try_recv().unwrap_err().is_disconnected());
        assert_eq!(threads() - before, 5 + 7 + 11 + 3);
        drop(waits);
        group.signal(Signal::TERMINATE);
        assert!(group.expect_exit().is_ok());
    });
}

#[test]
fn two_thousand_members_start_and_stop() {
    let groups: [BoxRunner; 3] = [
        Box::new(Ordered::new(recorders(2000))),
        Box::new(QueueOrdered::new(recorders(2000))),
        Box::new(Parallel::new(recorders(2000))),
    ];
    for group in groups {
        let group = ifrit::background(group);
        group.expect_ready();
        assert_eq!(ifrit::tree().get(group.id()).unwrap().children.len(), 2000);
        group.signal(Signal::TERMINATE);
        assert!(group.expect_exit().is_ok());
    }
}

/// Makes the system refuse the third or fourth thread from here on, with room left for everything else.
fn with_room_for_three_threads(work: impl FnOnce()) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let size = size.unwrap().trim().strip_suffix(" kB").unwrap();
    let size = size.parse::<u64>().unwrap() * 1024;
    let before = getrlimit(Resource::As);
    let room = 7 * STACK / 2;
    setrlimit(
        Resource::As,
        Rlimit {
            current: Some(size + room),
            maximum: before.maximum,
        },
    )
    .unwrap();
    work();
    setrlimit(Resource::As, before).unwrap();
}

/// So large that nothing else counts beside it.
const STACK: u64 = 64 * MIB;

fn stops_when_a_thread_is_refused<R: Runner>(mut group: R) {
    ifrit::scope(|scope| {
        with_room_for_three_threads(|| {
            let run = scope.background(&mut group);
            let Err(Error::Group(trace)) = run.expect_exit() else {
                panic!("the threads were there")
            };
            let refused = trace.initiator().unwrap();
            assert!(
                matches!(&refused.exit, Err(Error::Spawn { name, .. }) if *name == refused.name)
            );
            // Those before it were started and stopped, those after it never started.
            let place: usize = refused.name.parse().unwrap();
            assert_eq!(trace.len(), place + 1);
            for exit in trace.iter().filter(|exit| exit.name != refused.name) {
                assert!(exit.exit.is_ok());
                assert_eq!(exit.cause, Cause::Consequence);
            }
            assert!(!run.is_ready());
        });
    });
    // The runner whose thread did not start came home, too.
    ifrit::scope(|scope| {
        let run = scope.background(&mut group);
        run.expect_ready();
        run.signal(Signal::TERMINATE);
        assert!(run.expect_exit().is_ok());
    });
}

// A child for each: threads that are still on their way out would leave more room than was measured.

#[test]
fn a_member_whose_thread_does_not_start_stops_an_ordered_group() {
    const NAME: &str = "a_member_whose_thread_does_not_start_stops_an_ordered_group";
    with_large_stacks(NAME, || {
        stops_when_a_thread_is_refused(Ordered::new(recorders(8)));
    });
}

#[test]
fn a_member_whose_thread_does_not_start_stops_a_queue_ordered_group() {
    const NAME: &str = "a_member_whose_thread_does_not_start_stops_a_queue_ordered_group";
    with_large_stacks(NAME, || {
        stops_when_a_thread_is_refused(QueueOrdered::new(recorders(8)));
    });
}

#[test]
fn a_member_whose_thread_does_not_start_stops_a_parallel_group() {
    const NAME: &str = "a_member_whose_thread_does_not_start_stops_a_parallel_group";
    with_large_stacks(NAME, || {
        stops_when_a_thread_is_refused(Parallel::new(recorders(8)));
    });
}

fn with_large_stacks(name: &str, work: fn()) {
    let stack = ("RUST_MIN_STACK", STACK.to_string());
    // The allocator's arenas for threads would take more room than their stacks.
    let arenas = ("MALLOC_ARENA_MAX", "1".to_owned());
    in_a_child(name, &[stack, arenas], work);
}
