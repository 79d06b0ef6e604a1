//! Memory stays flat, however many members have lived: what the resident memory has grown by, in a fresh program, from
//! the first members to the last.

use std::env;
use std::fs;

use crate::child;
use crate::compare::{number, print_count};
use crate::{Load, ours};

const MEMBERS: &str = "IFRIT_MEMBERS";

fn members() -> u32 {
    let members = env::var(MEMBERS).ok();
    members
        .and_then(|members| members.parse().ok())
        .unwrap_or(2_000_000)
}

pub(crate) fn measure() {
    let name = format!("bytes that {} members leave", members());
    print_count(&name, "0", child::ask("memory"), 1_048_576.0);
}

/// Prints by how much it has grown.
pub(crate) fn in_child() {
    let rounds = members().div_ceil(100_000);
    let round = || ours::group(&Load::alone(100_000), true);
    round();
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
