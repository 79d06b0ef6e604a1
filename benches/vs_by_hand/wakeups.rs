//! What an idle tree does: nothing. The kernel counts how often each of its threads has left a core of its own accord,
//! and one that sleeps does not.
//!
//! The tree has all that could tick: signals of the operating system, deadlines for the stop of the whole and of its
//! parts, and limits on the start that run out, unused, while it is watched. The sleeps here are the measurement.

use std::fs;
use std::process;
use std::thread;
use std::time::Duration;

use ifrit::{
    Process, Signal,
    grouper::{Member, Ordered, Parallel},
    restart::{Backoff, Budget, Restart},
    sigmon::Sigmon,
};

use crate::child;
use crate::compare::{number, print_count};
use crate::groups::names;
use crate::life::idle;

pub(crate) const TREE: &str = "wakeups";
pub(crate) const MAIN: &str = "main";
pub(crate) const CRASHED: &str = "crashed";

const SETTLED: Duration = Duration::from_millis(300);
const START_LIMIT: Duration = Duration::from_secs(1);
const WATCHED: Duration = Duration::from_secs(3);

pub(crate) fn measure() {
    print_count(
        &format!("wake-ups of an idle tree in {WATCHED:?}"),
        "0",
        child::ask(TREE),
        0.0,
    );
    print_count(
        &format!("wake-ups of an idle program under main in {WATCHED:?}"),
        "0",
        child::ask(MAIN),
        0.0,
    );
    print_count(
        &format!("wake-ups of 1,000 crashed members in {WATCHED:?}"),
        "0",
        child::ask(CRASHED),
        0.0,
    );
}

/// Prints how often the threads of a group have slept anew whose members have all crashed and wait for their restarts.
pub(crate) fn crashed_in_child() {
    let crash = || {
        ifrit::run_fn(|signals, ready| {
            ready.notify();
            ifrit::until_stop(&signals);
            Err("crashed".into())
        })
    };
    let hour = Duration::from_secs(3600);
    let restart = Restart::permanent().backoff(Backoff::constant(hour).jitter(0.5));
    let members = names(1_000).into_iter();
    let group = Parallel::new(members.map(|name| Member::new(name, crash()).restart(restart)))
        .budget(Budget::new(usize::MAX, hour));
    let admin = group.admin();
    let group = Process::builder().name("group").invoke(group);
    for member in admin.list().expect("it runs") {
        let process = member.process.expect("it lives");
        process.signal(Signal::INTERRUPT); // it did not come from the group: that is a crash
        let _ = process.join();
    }
    assert_eq!(admin.count().expect("it runs").restarting, 1_000);
    thread::sleep(SETTLED);
    let before = switches();
    thread::sleep(WATCHED);
    println!("{}", switches() - before);
    group.signal(Signal::INTERRUPT);
    group.join().expect("it ends well");
}

/// Prints how often the threads of an idle tree have slept anew.
pub(crate) fn in_child() {
    let tree = Process::builder().name("tree").invoke(tree());
    thread::sleep(SETTLED);
    let before = switches();
    thread::sleep(WATCHED);
    println!("{}", switches() - before);
    tree.signal(Signal::INTERRUPT);
    tree.join().expect("it ends well");
}

/// The same of a program under `main`, which says what happens to it.
pub(crate) fn main_in_child() {
    let count = || {
        thread::sleep(SETTLED);
        let before = switches();
        thread::sleep(WATCHED);
        println!("{}", switches() - before);
        process::exit(0);
    };
    let _ = ifrit::Main::new(groups()).on_ready(count).run();
}

fn tree() -> Sigmon<Ordered> {
    Sigmon::new(groups()).stop_within(Duration::from_secs(25))
}

fn groups() -> Ordered {
    let leaf = |name| Member::new(name, idle()).start_within(START_LIMIT);
    let group = |name| {
        let group = Parallel::new(names(10).into_iter().map(leaf));
        Member::new(name, group).stop_within(Duration::from_secs(20))
    };
    Ordered::new(names(3).into_iter().map(group))
}

/// The voluntary context switches of all threads but this one, which is the one that sleeps to measure.
fn switches() -> u64 {
    let this = process::id().to_string();
    let threads = fs::read_dir("/proc/self/task").expect("the kernel's word");
    threads
        .map(|thread| thread.expect("an entry"))
        .filter(|thread| *thread.file_name() != *this)
        .map(|thread| {
            fs::read_to_string(thread.path().join("status")).expect("a thread that lives")
        })
        .map(|status| number(&status, "voluntary_ctxt_switches:"))
        .sum()
}
