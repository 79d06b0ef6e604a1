//! A member whose thread does not start. It takes a limit on the whole program, so it happens in a child.

use std::env;
use std::fs;
use std::process::Command;

use ifrit::crossbeam_channel::bounded;
use ifrit::testing::Waiting;
use ifrit::{Dynamic, Error, Member, Signal, run_once};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::kit::{at_most, done, idle, start, trace};

const CHILD: &str = "IFRIT_TEST_SPAWN_FAILURE";
/// Much more than is free once the limit is set, and more than the C library keeps of the stacks of ended threads.
const STACK: u64 = 256 << 20;

#[test]
fn a_thread_that_does_not_start_is_the_exit_of_its_process() {
    in_a_child(
        "spawn_failure::a_thread_that_does_not_start_is_the_exit_of_its_process",
        || fails_to_start(at_most(2)),
    );
}

#[test]
fn a_thread_to_be_used_again_that_does_not_start_is_the_exit_of_its_process() {
    in_a_child(
        "spawn_failure::a_thread_to_be_used_again_that_does_not_start_is_the_exit_of_its_process",
        || fails_to_start(at_most(2).reuse_threads()),
    );
}

/// Runs this test, of which this is the name, in a program of its own, where no thread has ended: the stack of one that
/// has might be used again.
fn in_a_child(test: &str, work: impl FnOnce()) {
    if env::var_os(CHILD).is_some() {
        return work();
    }
    let this = env::current_exe().unwrap();
    let child = Command::new(this)
        .args(["--exact", "--nocapture", test])
        .env(CHILD, "1")
        .env("RUST_MIN_STACK", STACK.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let complained = String::from_utf8_lossy(&child.stderr);
    let passed = child.status.success() && said.contains("1 passed");
    assert!(passed, "{said}\n{complained}");
}

fn fails_to_start(group: Dynamic) {
    let (client, group) = start(group);
    let (entrances, exits) = (client.entrances(), client.exits());
    let (dropped, is_dropped) = bounded::<()>(0);
    let runner = run_once(move |_, ready| {
        let _dropped = dropped;
        ready.notify();
        Ok(())
    });
    let process = without_room_for_a_stack(|| client.insert(Member::new("a", runner)).unwrap());
    assert!(client.get("a").is_none());
    assert!(matches!(process.expect_exit(), Err(Error::Spawn { name, .. }) if name == "a"));
    assert!(!process.is_ready());
    assert!(is_dropped.try_recv().unwrap_err().is_disconnected());
    assert_eq!(exits.try_recv().unwrap().name, "a");
    assert!(entrances.is_empty());

    // Nothing is left of it: not its name, and not its place.
    client.insert(done("a")).unwrap().expect_exit().unwrap();
    client.insert(idle("b")).unwrap().expect_ready();
    group.signal(Signal::INTERRUPT);
    assert_eq!(trace(group.expect_exit()).failures().count(), 1);
}

/// Calls `work` while the program may not grow by the stack of one more thread.
fn without_room_for_a_stack<T>(work: impl FnOnce() -> T) -> T {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    let size = pages * rustix::param::page_size() as u64;
    let usual = getrlimit(Resource::As);
    let limit = Rlimit {
        current: Some(size + STACK / 4),
        maximum: usual.maximum,
    };
    setrlimit(Resource::As, limit).unwrap();
    let result = work();
    setrlimit(Resource::As, usual).unwrap();
    result
}
