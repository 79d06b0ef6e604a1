//! What this crate costs over threads and channels put together by hand.
//!
//! `cargo bench` measures everything, `cargo bench --bench vs_by_hand -- life groups` only what is named: `life`,
//! `signal`, `groups`, `memory`, `threads`, `wakeups`.
//!
//! Times are ratios to a floor (`by_hand`) that does the same observable job in the same run: the two take turns, and
//! each turn gives one ratio, so that whatever disturbs the machine disturbs both. The table shows the medians of both
//! sides, and of the ratios the least, the median and the greatest. The median is what the bound is for; next to it
//! stands that of the time all threads had a core, which says more where other programs are busy. Everything is done
//! twice: pinned to one core, where the work counts, and free, where the time it takes one core to wake another
//! counts for more than the work does and comes in two sizes.
//!
//! Nothing here fails: a bound that is missed on a busy machine is a line to look at.

mod by_hand;
mod child;
#[allow(dead_code)] // what only the other benches need
mod compare;
mod groups;
mod life;
mod memory;
mod signal;
mod threads;
mod wakeups;

use std::env;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [flag, what] = args.as_slice()
        && flag == child::FLAG
    {
        return match what.as_str() {
            memory::BY_HAND | memory::OURS => memory::in_child(what),
            threads::TREE => threads::in_child(),
            wakeups::TREE => wakeups::in_child(),
            wakeups::MAIN => wakeups::main_in_child(),
            wakeups::CRASHED => wakeups::crashed_in_child(),
            other => panic!("no such child: {other}"),
        };
    }
    // `cargo test` runs benches too, without this flag; there is nothing to test here.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    let subjects: [(&str, fn()); 6] = [
        ("life", life::measure),
        ("signal", signal::measure),
        ("groups", groups::measure),
        ("memory", memory::measure),
        ("threads", threads::measure),
        ("wakeups", wakeups::measure),
    ];
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    compare::print_header();
    for (name, measure) in subjects {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            measure();
        }
    }
}
