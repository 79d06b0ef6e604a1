//! Two ways to do one thing, in turns, on one core or on all of them; and the table.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// A figure that is measured in every turn.
pub(crate) struct Figure {
    pub(crate) name: String,
    /// How many times the thing is done in one turn: the table shows the time of one.
    pub(crate) times: u32,
    pub(crate) bound: f64,
}

/// What a piece of work took.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    time: Duration,
    /// Of all threads of this program, on whatever core: what other programs do is not in it.
    cpu: Duration,
}

impl Cost {
    /// What was measured elsewhere, of a program that had a core to itself.
    pub(crate) fn of(time: Duration) -> Self {
        Cost { time, cpu: time }
    }

    pub(crate) fn cpu(&self) -> Duration {
        self.cpu
    }
}

pub(crate) struct Stopwatch {
    time: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let cpu = cpu_time();
        Stopwatch {
            time: Instant::now(),
            cpu,
        }
    }

    /// The cost since the start or the last lap.
    pub(crate) fn lap(&mut self) -> Cost {
        let time = self.time.elapsed();
        let cpu = cpu_time().saturating_sub(self.cpu);
        *self = Stopwatch::start();
        Cost { time, cpu }
    }
}

fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// Measures `floor` and `ours` in turns, pinned and then free, and prints a line for each figure.
///
/// A turn gives the cost of every figure. Who goes first alternates.
pub(crate) fn compare<const N: usize>(
    turns: usize,
    figures: &[Figure; N],
    mut floor: impl FnMut() -> [Cost; N],
    mut ours: impl FnMut() -> [Cost; N],
) {
    for placement in [Placement::Pinned, Placement::Free] {
        compare_at(placement, turns, figures, &mut floor, &mut ours);
    }
}

/// As `compare`, in one placement.
pub(crate) fn compare_at<const N: usize>(
    placement: Placement,
    turns: usize,
    figures: &[Figure; N],
    mut floor: impl FnMut() -> [Cost; N],
    mut ours: impl FnMut() -> [Cost; N],
) {
    placement.hold(|| {
        let mut rows: [Vec<(Cost, Cost)>; N] = std::array::from_fn(|_| Vec::new());
        quietly(&mut floor); // the first turn pays for what is made once
        quietly(&mut ours);
        for turn in 0..turns {
            let (by_hand, by_us) = if turn % 2 == 0 {
                let by_hand = quietly(&mut floor);
                (by_hand, quietly(&mut ours))
            } else {
                let by_us = quietly(&mut ours);
                (quietly(&mut floor), by_us)
            };
            for (row, (by_hand, by_us)) in rows.iter_mut().zip(by_hand.iter().zip(by_us)) {
                row.push((*by_hand, by_us));
            }
        }
        for (figure, row) in figures.iter().zip(&rows) {
            print_times(figure, placement, row);
        }
    });
}

/// One turn, begun when the threads of the one before are gone: an exit is published a moment before its thread is.
pub(crate) fn quietly<T>(turn: impl FnOnce() -> T) -> T {
    while threads() > 1 {
        thread::yield_now();
    }
    turn()
}

/// How many threads there are, but for those of the crate that stay as long as the program.
fn threads() -> usize {
    let all = fs::read_dir("/proc/self/task").expect("the kernel's word");
    let paths = all.filter_map(|thread| Some(thread.ok()?.path().join("comm")));
    let names = paths.filter_map(|path| fs::read_to_string(path).ok());
    names.filter(|name| !name.starts_with("ifrit-")).count()
}

/// A number in the status of this program, as the kernel keeps it.
pub(crate) fn status(key: &str) -> u64 {
    number(
        &fs::read_to_string("/proc/self/status").expect("the kernel's word"),
        key,
    )
}

/// The number after `key` in one of the kernel's tables.
pub(crate) fn number(table: &str, key: &str) -> u64 {
    let line = table.lines().find_map(|line| line.strip_prefix(key));
    let first = line.and_then(|line| line.split_whitespace().next());
    first
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

#[derive(Clone, Copy)]
pub(crate) enum Placement {
    Pinned,
    Free,
}

impl Placement {
    /// Runs `work` on one core, with every thread it starts, or where the kernel likes.
    pub(crate) fn hold(self, work: impl FnOnce()) {
        let all = sched_getaffinity(None).expect("the cores we may use");
        let first = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu));
        if let (Placement::Pinned, Some(first)) = (self, first) {
            let mut one = CpuSet::new();
            one.set(first);
            sched_setaffinity(None, &one).expect("one of them");
        }
        work();
        sched_setaffinity(None, &all).expect("those we had");
    }

    fn name(self) -> &'static str {
        match self {
            Placement::Pinned => "pinned",
            Placement::Free => "free",
        }
    }
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn print_header() {
    let [figure, cores, floor, ours, ratio, cpu, bound] = [
        "figure",
        "cores",
        "floor",
        "ours",
        "ratio: min/median/max",
        "cpu",
        "bound",
    ];
    println!("{figure:<40} {cores:<6} {floor:>10} {ours:>10}  {ratio:<22} {cpu:<5} {bound}");
}

fn print_times(figure: &Figure, placement: Placement, row: &[(Cost, Cost)]) {
    let seconds = |cost: &Cost| cost.time.as_secs_f64();
    let of_one = |turn: f64| {
        let time = Duration::from_secs_f64(turn / f64::from(figure.times));
        format!("{time:.2?}")
    };
    let floor = of_one(median(row.iter().map(|(floor, _)| seconds(floor))));
    let ours = of_one(median(row.iter().map(|(_, ours)| seconds(ours))));
    let ratios = || {
        row.iter()
            .map(|(floor, ours)| seconds(ours) / seconds(floor))
    };
    let least = ratios().fold(f64::INFINITY, f64::min);
    let middle = median(ratios());
    let greatest = ratios().fold(0.0, f64::max);
    let cpu = median(
        row.iter()
            .map(|(floor, ours)| ours.cpu.div_duration_f64(floor.cpu)),
    );
    println!(
        "{:<40} {:<6} {floor:>10} {ours:>10}  {:<22} {cpu:<5.2} {:.2} {}",
        figure.name,
        placement.name(),
        format!("{least:.2}/{middle:.2}/{greatest:.2}"),
        figure.bound,
        verdict(middle <= figure.bound),
    );
}

/// A line of the table without times: a count, of which there may be so many.
pub(crate) fn print_count(name: &str, floor: &str, ours: f64, bound: f64) {
    println!(
        "{name:<40} {:<6} {floor:>10} {ours:>10.0}  {:<22} {:<5} {bound:.0} {}",
        "",
        "",
        "",
        verdict(ours <= bound),
    );
}

fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}
