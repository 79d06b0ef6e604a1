//! A signal that is coalesced with an equal one still pending, against a lock without contention.
//!
//! The process does not read its signals; a notification is one like any other here, since all are delivered under the
//! same lock. The second figure has all 64 numbers pending.

use std::hint::black_box;

use ifrit::crossbeam_channel::bounded;
use ifrit::{Process, Signal};
use parking_lot::Mutex;

use crate::compare::{Cost, Figure, Stopwatch, compare};

const TIMES: u32 = 20_000;

pub(crate) fn measure() {
    for pending in [1, 64] {
        let figure = Figure {
            name: format!("a coalesced signal, {pending} pending"),
            times: TIMES,
            bound: 4.0,
        };
        let lock = Mutex::new(0_u64);
        let floor = || time(|| *black_box(&lock).lock() += 1);
        let ours = || {
            let (release, released) = bounded::<()>(0);
            let deaf = ifrit::run_fn(move |_signals, ready| {
                ready.notify();
                let _ = released.recv();
                Ok(())
            });
            let process = Process::builder().name("deaf").invoke(deaf);
            let numbers = (1..=64).rev().filter_map(Signal::from_raw);
            numbers
                .take(pending)
                .for_each(|signal| process.signal(signal));
            let last = Signal::from_raw(65 - pending as i32).expect("it is one of them");
            let taken = time(|| black_box(&process).signal(last));
            drop(release);
            process.join().expect("it ends well");
            taken
        };
        compare(101, &[figure], floor, ours);
    }
}

fn time(mut work: impl FnMut()) -> [Cost; 1] {
    let mut watch = Stopwatch::start();
    for _ in 0..TIMES {
        work();
    }
    [watch.lap()]
}
