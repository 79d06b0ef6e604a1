//! What events cost: kept with no listener, with one that keeps up, and with very many that never read.
//!
//! `cargo bench --bench events` prints a table: see `vs_by_hand` for what its columns are. The floor of its figures is the
//! same work without a listener.
//!
//! What an event costs without any listener is the difference between two builds, so it needs the other one:
//!
//! ```text
//! RUSTFLAGS="--cfg ifrit_no_events" cargo bench --bench events --no-run --target-dir target/no_events
//! IFRIT_WITHOUT_EVENTS=target/no_events/release/deps/events-… cargo bench --bench events
//! ```
//!
//! Both programs then take turns, each in a fresh copy that is pinned to one core and says how long all its threads have had that core for one life.
//!
//! Nothing here fails: a bound that is missed on a busy machine is a line to look at.

#[path = "vs_by_hand/compare.rs"]
#[allow(dead_code)] // what only the other benches need
mod compare;

use std::env;
use std::process::Command;
use std::time::Duration;

use compare::{Cost, Figure, Placement, Stopwatch, compare, compare_at};
use ifrit::observe::{Event, Events};
use ifrit::{Process, Signal, run_fn, until_stop};

const CHILD: &str = "--child";
const LIVES: u32 = 20;
const NOTES: u32 = 10_000;
const DEAF: usize = 1_000;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    if args.iter().any(|arg| arg == CHILD) {
        return in_child();
    }
    // `cargo test` runs benches too, without this flag; there is nothing to test here.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    compare::print_header();
    if let Ok(other) = env::var("IFRIT_WITHOUT_EVENTS") {
        kept(&other);
    }
    listened_to();
    not_read();
}

fn figure<const N: usize>(name: &str, times: u32, bound: f64) -> [Figure; N] {
    std::array::from_fn(|_| Figure {
        name: name.to_owned(),
        times,
        bound,
    })
}

/// As many lives as make up a turn: a thread is started, says that it is ready, is told to stop, and its exit is received.
fn lives() {
    for _ in 0..LIVES {
        let process = Process::builder()
            .name("life")
            .invoke(run_fn(|signals, ready| {
                ready.notify();
                until_stop(&signals);
                Ok(())
            }));
        process.signal(Signal::INTERRUPT);
        let exit = process.wait().recv().expect("an exit");
        exit.expect("it ends well");
    }
}

fn timed(work: impl FnOnce()) -> [Cost; 1] {
    let mut watch = Stopwatch::start();
    work();
    [watch.lap()]
}

/// The child's part: the seconds that one life had a core, as the median of many turns.
fn in_child() {
    let mut turns = Vec::new();
    Placement::Pinned.hold(|| {
        for _ in 0..301 {
            let [cost] = compare::quietly(|| timed(lives));
            turns.push(cost.cpu().as_secs_f64() / f64::from(LIVES));
        }
    });
    println!("{}", compare::median(turns));
}

fn ask(program: &str) -> f64 {
    let output = Command::new(program).arg(CHILD).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().expect("a number")
}

fn kept(other: &str) {
    let this = env::current_exe().expect("this program");
    let this = this.to_string_lossy();
    let cost = |program: &str| [Cost::of(Duration::from_secs_f64(ask(program)))];
    let [figure] = figure("one life: kept, no listener", 1, 1.03);
    compare_at(
        Placement::Free,
        15,
        &[figure],
        || cost(other),
        || cost(&this),
    );
}

fn listened_to() {
    let [figure] = figure("one life: one listener, in batches", LIVES, 1.10);
    let floor = || timed(lives);
    let ours = || {
        let events = ifrit::observe::events();
        let _past = events.try_iter().count();
        timed(|| {
            lives();
            assert!(events.try_iter().count() >= LIVES as usize);
        })
    };
    compare(401, &[figure], floor, ours);
}

/// Those who listen and never read, and have no room left.
fn deaf(process: &Process) -> Vec<Events<Event>> {
    let listeners = (0..DEAF).map(|n| match n % 2 {
        0 => ifrit::observe::events(),
        _ => process.events(),
    });
    let listeners = listeners.collect();
    (0..3_000).for_each(|_| process.note("fills"));
    listeners
}

/// What an event costs is measured of one that is published by a note.
fn not_read() {
    let notes = |with_listeners: bool| {
        let process = ifrit::invoke(run_fn(|signals, ready| {
            ready.notify();
            until_stop(&signals);
            Ok(())
        }));
        let deaf = with_listeners.then(|| deaf(&process));
        let cost = timed(|| (0..NOTES).for_each(|_| process.note("offset 42")));
        drop(deaf);
        process.signal(Signal::KILL);
        process.join().expect("it ends well");
        cost
    };
    let [figure] = figure("one event: 1,000 that never read", NOTES, 2.00);
    compare(31, &[figure], || notes(false), || notes(true));
}
