//! What a dynamic group costs over a thread pool put together by hand.
//!
//! `cargo bench --bench dynamic` measures everything, `cargo bench --bench dynamic -- reused memory` only what is named:
//! `reused`, `lean`, `busy`, `fresh`, `inserters`, `batch`, `memory`. `IFRIT_MEMBERS` sets how many members live in `memory`.
//!
//! Each figure is the time of one member from insert to exit, of many that do nothing, 64 at a time. The floor (`by_hand`)
//! does the same observable job: it is bounded to 64 in flight, each job has a name, which its thread bears while it
//! runs and which no other living one has, it can be told to stop and be waited for, a panic is caught, and each exit
//! comes over a channel with the name, where it is counted. `lean` compares with a pool whose jobs cannot be reached: no
//! signals, no handle, no names that are checked; its bound is only there to show when that grows. `fresh` compares with
//! bare threads, one for each such job. The two sides take turns, as in `vs_by_hand`, whose table this is.
//!
//! Nothing here fails: a bound that is missed on a busy machine is a line to look at.

mod by_hand;
#[path = "../vs_by_hand/child.rs"]
mod child;
#[allow(dead_code)] // the other bench uses all of it
#[path = "../vs_by_hand/compare.rs"]
mod compare;
mod memory;
mod ours;

use std::env;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use compare::{Cost, Figure, Placement, Stopwatch, compare_at};

/// How many live at a time.
const AT_A_TIME: usize = 64;
const REUSED: u32 = 50_000;
const FRESH: u32 = 10_000;
const IN_TURN: u32 = 1_000;
const TURNS: usize = 9;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [flag, what] = args.as_slice()
        && flag == child::FLAG
    {
        return memory::in_child(what);
    }
    // `cargo test` runs benches too, without this flag; there is nothing to test here.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    let subjects: [(&str, fn()); 7] = [
        ("reused", reused),
        ("lean", lean),
        ("busy", busy),
        ("fresh", fresh),
        ("inserters", inserters),
        ("batch", batch),
        ("memory", memory::measure),
    ];
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    compare::print_header();
    for (name, measure) in subjects {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            measure();
        }
    }
}

fn reused() {
    let measure = |placement, bound| {
        let floor = || by_hand::pool(&Load::alone(REUSED));
        let ours = || ours::group(&Load::alone(REUSED), true);
        compare_two(
            placement,
            "a member on a reused thread",
            REUSED,
            bound,
            floor,
            ours,
        );
    };
    measure(Placement::Pinned, 1.0);
    measure(Placement::Free, 2.0);
}

/// What is left to gain, were a member only a closure.
fn lean() {
    for placement in [Placement::Pinned, Placement::Free] {
        let floor = || by_hand::lean_pool(&Load::alone(REUSED));
        let ours = || ours::group(&Load::alone(REUSED), true);
        let name = "the same, against a lean pool";
        compare_two(placement, name, REUSED, 3.0, floor, ours);
    }
}

/// One after the other, where every core is busy with something else: who then waits for its turn instead of being woken
/// waits for long.
fn busy() {
    let floor = || on_busy_cores(|| by_hand::in_turn(&Load::alone(IN_TURN)));
    let ours = || on_busy_cores(|| ours::in_turn(&Load::alone(IN_TURN)));
    let name = "in turn, on busy cores";
    compare_two(Placement::Free, name, IN_TURN, 2.0, floor, ours);
}

fn on_busy_cores(work: impl FnOnce()) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        work();
        over.store(true, Ordering::Relaxed);
    });
}

fn fresh() {
    let measure = |placement, bound| {
        let floor = || by_hand::spawns(&Load::alone(FRESH));
        let ours = || ours::group(&Load::alone(FRESH), false);
        compare_two(
            placement,
            "a member on a fresh thread",
            FRESH,
            bound,
            floor,
            ours,
        );
    };
    measure(Placement::Pinned, 1.1);
    measure(Placement::Free, 2.0);
}

fn inserters() {
    for placement in [Placement::Pinned, Placement::Free] {
        let floor = || by_hand::pool(&Load::shared(REUSED));
        let ours = || ours::group(&Load::shared(REUSED), true);
        let name = "the same, of four inserters";
        compare_two(placement, name, REUSED, 1.5, floor, ours);
    }
}

/// A job of a batch against a member on a reused thread, as many at a time.
fn batch() {
    for placement in [Placement::Pinned, Placement::Free] {
        for at_a_time in [1, 2, 64] {
            let floor = || ours::members(REUSED, at_a_time);
            let ours = || ours::batch(REUSED, at_a_time);
            let name = format!("a job of a batch, {at_a_time} at a time");
            compare_two(placement, &name, REUSED, 1.0, floor, ours);
        }
    }
}

fn compare_two(
    placement: Placement,
    name: &str,
    times: u32,
    bound: f64,
    mut floor: impl FnMut(),
    mut ours: impl FnMut(),
) {
    let figure = Figure {
        name: name.to_owned(),
        times,
        bound,
    };
    compare_at(
        placement,
        TURNS,
        &[figure],
        || [time(&mut floor)],
        || [time(&mut ours)],
    );
}

fn time(work: impl FnOnce()) -> Cost {
    let mut watch = Stopwatch::start();
    work();
    watch.lap()
}

/// Who inserts how many.
struct Load {
    inserters: u32,
    each: u32,
}

impl Load {
    fn alone(members: u32) -> Self {
        Load {
            inserters: 1,
            each: members,
        }
    }

    fn shared(members: u32) -> Self {
        Load {
            inserters: 4,
            each: members / 4,
        }
    }

    fn members(&self) -> u64 {
        u64::from(self.inserters * self.each)
    }

    /// Calls `insert` with one name after the other, and `count` now and then, on the threads of the inserters; returns
    /// what `count` has counted.
    fn insert(&self, insert: impl Fn(String) + Sync, count: impl Fn() -> u64 + Sync) -> u64 {
        let one = |inserter: u32| {
            let mut counted = 0;
            for n in 0..self.each {
                insert(format!("{inserter}-{n}"));
                if n % 32 == 0 {
                    counted += count();
                }
            }
            counted
        };
        if self.inserters == 1 {
            return one(0);
        }
        thread::scope(|scope| {
            let one = &one;
            let inserters: Vec<_> = (0..self.inserters)
                .map(|inserter| scope.spawn(move || one(inserter)))
                .collect();
            let counted = inserters
                .into_iter()
                .map(|inserter| inserter.join().expect("it counts"));
            counted.sum()
        })
    }
}
