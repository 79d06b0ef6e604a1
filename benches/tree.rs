//! What a snapshot of the process tree costs over a look into a table kept by hand.
//!
//! `cargo bench --bench tree`, or `-- 4000` for so many processes. The floor clones the names and states of as many out of a
//! map behind a lock. Meanwhile 1,000 processes start and exit in a second, and as often an entry comes into the map and
//! goes. The two sides take turns; a line shows the medians, and the least, the median and the greatest of their ratios.
//! The aim is a ratio of 3, and 10 ms.
//!
//! Nothing here fails: a bound that is missed on a busy machine is a line to look at.

#[path = "vs_by_hand/compare.rs"]
#[allow(dead_code)] // what only the other benches need
mod compare;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use compare::median;
use ifrit::{
    Process, Signal,
    grouper::{Member, Parallel},
    process::Status,
};

const PROCESSES: usize = 10_000;
const TURNS: usize = 101;
const BOUND: f64 = 3.0;

type Table = Arc<Mutex<BTreeMap<u64, (String, Status)>>>;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` runs benches too, without this flag; there is nothing to test here.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    let processes = args.iter().find_map(|arg| arg.parse().ok());
    measure(processes.unwrap_or(PROCESSES));
}

fn measure(processes: usize) {
    let names = || (0..processes).map(|n| format!("worker-{n}"));
    let members = names().map(|name| Member::new(name, idle()).stack_size(64 * 1024));
    let group = Process::builder()
        .name("group")
        .invoke(Parallel::new(members));
    assert!(group.is_ready(), "{:?}", group.try_exit());
    let entries = names().map(|name| (name, Status::Ready));
    let table: Table = Arc::new(Mutex::new((0..).zip(entries).collect()));

    let done = Arc::new(AtomicBool::new(false));
    let (churn, in_table) = (Arc::clone(&done), Arc::clone(&table));
    let churn = thread::spawn(move || come_and_go(&churn, &in_table));
    let turns: Vec<_> = (0..TURNS)
        .map(|turn| match turn % 2 {
            0 => {
                let floor = by_hand(&table);
                (floor, ours(processes))
            }
            _ => {
                let ours = ours(processes);
                (by_hand(&table), ours)
            }
        })
        .collect();
    done.store(true, Relaxed);
    let lives = churn.join().expect("it ends well");
    group.signal(Signal::INTERRUPT);
    group.join().expect("it ends well");

    let ratios = || turns.iter().map(|(floor, ours)| ours / floor);
    let least = ratios().fold(f64::INFINITY, f64::min);
    let greatest = ratios().fold(0.0, f64::max);
    let time = |seconds: f64| Duration::from_secs_f64(seconds);
    println!(
        "a snapshot of {processes} processes: {:.2?}, the floor {:.2?}; ratio {least:.2}/{:.2}/{greatest:.2}, bound {BOUND} \
         ({lives:.0} lives a second meanwhile)",
        time(median(turns.iter().map(|(_, ours)| *ours))),
        time(median(turns.iter().map(|(floor, _)| *floor))),
        median(ratios()),
    );
}

fn idle() -> impl ifrit::Runner + 'static {
    ifrit::run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}

/// In seconds, the end of what was made not included.
fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Instant::now();
    let made = black_box(work());
    let time = begun.elapsed();
    drop(made);
    time.as_secs_f64()
}

fn by_hand(table: &Table) -> f64 {
    seconds(|| table.lock().unwrap().values().cloned().collect::<Vec<_>>())
}

fn ours(processes: usize) -> f64 {
    seconds(|| {
        let tree = ifrit::tree();
        assert!(
            tree.roots
                .iter()
                .any(|node| node.children.len() == processes)
        );
        tree
    })
}

/// One life in a millisecond, on both sides. Returns how many there were in a second.
fn come_and_go(done: &AtomicBool, table: &Table) -> f64 {
    let begun = Instant::now();
    let mut lives = 0;
    while !done.load(Relaxed) {
        let entry = ("life".to_owned(), Status::Starting);
        table.lock().unwrap().insert(u64::MAX, entry);
        let life = Process::builder().name("life");
        let life = life.background(ifrit::run_fn(|_, _| Ok(())));
        life.join().expect("it ends well");
        table.lock().unwrap().remove(&u64::MAX);
        lives += 1;
        let next = begun + Duration::from_millis(lives);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    lives as f64 / begun.elapsed().as_secs_f64()
}
