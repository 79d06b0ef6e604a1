//! The resident memory of 4,000 idle members of a parallel group, each time in a fresh program.
//!
//! The floor is the supervisor written by hand, with as many workers. Most of it is the stacks, and the pages of the
//! threads' own storage.

use std::fs;

use ifrit::{
    Process,
    grouper::{Member, Parallel},
};

use crate::by_hand::{self, Order, Worker};
use crate::child;
use crate::compare::{median, number, print_count};
use crate::groups::names;
use crate::life::idle;

pub(crate) const BY_HAND: &str = "memory-by-hand";
pub(crate) const OURS: &str = "memory-ours";

const MEMBERS: u32 = 4_000;
const TURNS: usize = 5;

pub(crate) fn measure() {
    let turns: Vec<[f64; 2]> = (0..TURNS)
        .map(|_| [BY_HAND, OURS].map(child::ask))
        .collect();
    let floor = median(turns.iter().map(|[floor, _]| *floor));
    let over = median(turns.iter().map(|[floor, ours]| ours - floor));
    print_count(
        "an idle member: bytes over the floor",
        &format!("{floor:.0}"),
        over,
        1_100.0,
    );
}

/// Prints the bytes of one member.
pub(crate) fn in_child(what: &str) {
    let before = resident();
    if what == BY_HAND {
        let group = by_hand::group(Order::Parallel, names(MEMBERS));
        let _group = Worker::start("group".to_owned(), group);
        print(before);
    } else {
        let members = names(MEMBERS)
            .into_iter()
            .map(|name| Member::new(name, idle()));
        let _group = Process::builder()
            .name("group")
            .invoke(Parallel::new(members));
        print(before);
    }
}

fn print(before: u64) {
    println!("{}", (resident() - before) / u64::from(MEMBERS));
}

/// In bytes, counted page by page: `/proc/self/status` is behind by some pages for each core.
fn resident() -> u64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").expect("the kernel's word");
    number(&rollup, "Rss:") * 1_024
}
