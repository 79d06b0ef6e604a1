//! What is shared by the tests that touch the whole program: copies of it that run one test alone, and the kernel's
//! account of its threads, files and memory.

#![allow(dead_code)] // each binary uses a part of it

use std::any::type_name;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ifrit::testing::PATIENCE;
use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};

/// Set in the copy.
const CHILD: &str = "IFRIT_TEST_CHILD";
pub(crate) const MB: u64 = 1 << 20;

/// Runs `body` in a copy of this program that runs nothing else. Returns what the copy wrote to standard error, and in
/// the copy itself nothing.
///
/// The copy runs the test from which this is called, found by the name of the closure.
#[track_caller]
pub(crate) fn in_child<F: FnOnce()>(body: F) -> Option<String> {
    in_child_with(&[], body)
}

/// As [`in_child`], with these variables set besides.
#[track_caller]
pub(crate) fn in_child_with<F: FnOnce()>(variables: &[(&str, &str)], body: F) -> Option<String> {
    in_copy(Command::new(env::current_exe().unwrap()), variables, body)
}

/// As [`in_child`], in a copy where every thread asks for a stack of so many bytes, unless it says otherwise.
#[track_caller]
pub(crate) fn in_child_with_stacks<F: FnOnce()>(bytes: u64, body: F) -> Option<String> {
    let stack = bytes.to_string();
    // The allocator's arenas for threads would take more room than their stacks.
    let variables = [("RUST_MIN_STACK", &*stack), ("MALLOC_ARENA_MAX", "1")];
    in_child_with(&variables, body)
}

/// As [`in_child`], in a copy started by a shell that ignores `signal`, such as `HUP`: a program inherits that.
#[track_caller]
pub(crate) fn in_child_ignoring<F: FnOnce()>(signal: &str, body: F) -> Option<String> {
    let mut shell = Command::new("sh");
    shell.arg("-c");
    shell.arg(format!("trap '' {signal}; exec \"$0\" \"$@\""));
    shell.arg(env::current_exe().unwrap());
    in_copy(shell, &[], body)
}

#[track_caller]
fn in_copy<F: FnOnce()>(mut copy: Command, variables: &[(&str, &str)], body: F) -> Option<String> {
    if env::var_os(CHILD).is_some() {
        // If the parent dies, no process is left to end this one.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        body();
        return None;
    }
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let test = path.split_once("::").expect("binary::test").1;
    let copy = copy
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&copy.stdout),
        String::from_utf8_lossy(&copy.stderr),
    );
    // It did run: a name with a slip in it would run nothing, and succeed.
    let passed = copy.status.success() && out.contains("1 passed");
    assert!(passed, "{}\n{out}\n{err}", copy.status);
    Some(err.into_owned())
}

pub(crate) fn threads() -> usize {
    account("Threads:") as usize
}

/// How many of them have this name. While any thread ends, the list may leave out others that live.
pub(crate) fn threads_named(name: &str) -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    // One that has ended since has no name any more.
    let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|found| found.trim_end() == name).count()
}

/// How many files are open; the one that is open for looking counts every time.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A number from the kernel's account of this program; memory is in kB.
pub(crate) fn account(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What the program has in memory, in bytes.
pub(crate) fn resident() -> u64 {
    account("VmRSS:") * 1024
}

/// How many bytes more the program has in memory after `work` than before.
pub(crate) fn grown_by(work: impl FnOnce()) -> u64 {
    let before = resident();
    work();
    resident().saturating_sub(before)
}

/// Blocks until `condition` holds. It asks again and again, since the kernel announces no end of a thread or a file; in
/// between it sleeps, and leaves the core to what it waits for.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < limit, "not {what} after {PATIENCE:?}");
        thread::sleep(Duration::from_micros(100));
    }
}

/// Lets the program's address space grow by so much and no more, for as long as `work` takes.
pub(crate) fn with_room_for<T>(bytes: u64, work: impl FnOnce() -> T) -> T {
    limited(Resource::As, account("VmSize:") * 1024 + bytes, work)
}

/// Lets the program open so many files more, for as long as `work` takes.
pub(crate) fn with_descriptors<T>(more: usize, work: impl FnOnce() -> T) -> T {
    let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let files: Vec<_> = files.map(|file| file.path()).collect();
    // The one that was open for looking is closed by now.
    let open = files.iter().filter(|file| fs::metadata(file).is_ok());
    let open: BTreeSet<u64> = open
        .filter_map(|file| file.file_name()?.to_str()?.parse().ok())
        .collect();
    // A new file gets the lowest number that is free, and the limit is on the numbers.
    let mut free = (0..).filter(|number| !open.contains(number));
    limited(Resource::Nofile, free.nth(more).unwrap_or(u64::MAX), work)
}

fn limited<T>(resource: Resource, limit: u64, work: impl FnOnce() -> T) -> T {
    let before = getrlimit(resource);
    let lower = Rlimit {
        current: Some(limit),
        maximum: before.maximum,
    };
    setrlimit(resource, lower).unwrap();
    let result = work();
    setrlimit(resource, before).unwrap();
    result
}
