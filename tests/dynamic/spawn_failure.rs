//! A member whose thread does not start. It takes a limit on the whole program, so it happens in a child.

use std::env;
use std::fs;
use std::process::Command;

use ifrit::testing::Waiting;
use ifrit::{Error, Member, run_once};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::kit::{both, done, idle, start, trace, unlimited};

const CHILD: &str = "IFRIT_TEST_SPAWN_FAILURE";
/// Much more than is free once the limit is set, and more than the C library keeps of the stacks of ended threads.
const STACK: u64 = 256 << 20;

#[test]
fn a_thread_that_does_not_start_is_the_exit_of_its_process() {
    if env::var_os(CHILD).is_some() {
        return in_the_child();
    }
    let this = env::current_exe().unwrap();
    let child = Command::new(this)
        .args(["--exact", "--nocapture"])
        .arg("spawn_failure::a_thread_that_does_not_start_is_the_exit_of_its_process")
        .env(CHILD, "1")
        .env("RUST_MIN_STACK", STACK.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        { String::from_utf8_lossy(&child.stderr) }
    );
}

fn in_the_child() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (entrances, exits) = (client.entrances(), client.exits());
        let (dropped, is_dropped) = ifrit::crossbeam_channel::bounded::<()>(0);
        let runner = run_once(move |_, ready| {
            let _dropped = dropped;
            ready.notify();
            Ok(())
        });
        let process = without_room_for_a_stack(|| {
            let process = client.insert(Member::new("a", runner)).unwrap();
            assert!(client.get("a").is_none());
            process
        });
        assert!(matches!(process.expect_exit(), Err(Error::Spawn { name, .. }) if name == "a"));
        assert!(!process.is_ready());
        assert!(is_dropped.try_recv().unwrap_err().is_disconnected());
        assert_eq!(exits.try_recv().unwrap().name, "a");
        assert!(entrances.is_empty());

        // Nothing is left of it: not its name, and not its place.
        client.insert(done("a")).unwrap().expect_exit().unwrap();
        client.insert(idle("b")).unwrap().expect_ready();
        group.signal(ifrit::Signal::INTERRUPT);
        assert_eq!(trace(group.expect_exit()).failures().count(), 1);
    }
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
