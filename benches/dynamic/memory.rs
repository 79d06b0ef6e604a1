//! Memory stays flat, however many members have lived: what the resident memory has grown by, in a fresh program, from
//! the first million to the last.

use std::env;
use std::fs;

use crate::child;
use crate::compare::{number, print_count, quietly};
use crate::{Load, by_hand, ours};

const BY_HAND: &str = "memory-by-hand";
const OURS: &str = "memory-ours";
const MEMBERS: &str = "IFRIT_MEMBERS";

fn members() -> u32 {
    let members = env::var(MEMBERS).ok();
    members
        .and_then(|members| members.parse().ok())
        .unwrap_or(2_000_000)
}

/// Neither side frees its threads' arenas in between, so neither is quite flat: a leak would be 10 to 100 times this.
const BOUND: f64 = 4_194_304.0;

pub(crate) fn measure() {
    let name = format!("bytes that {} members leave", members());
    let floor = child::ask(BY_HAND).to_string();
    print_count(&name, &floor, child::ask(OURS), BOUND);
}

/// Prints by how much it has grown.
pub(crate) fn in_child(what: &str) {
    let rounds = members().div_ceil(100_000);
    let load = Load::alone(100_000);
    let round = || match what {
        BY_HAND => quietly(|| by_hand::pool(&load)),
        _ => quietly(|| ours::group(&load, true)),
    };
    for _ in 0..10 {
        round(); // until the allocator has what it needs, in all its arenas
    }
    let before = resident();
    for _ in 0..rounds {
        round();
    }
    println!("{}", resident().saturating_sub(before));
}

/// In bytes, counted page by page.
fn resident() -> u64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").expect("the kernel's word");
    number(&rollup, "Rss:") * 1_024
}
