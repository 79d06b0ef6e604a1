//! The threads of a tree: one for each leaf and one for each group, and none for what is wrapped around them.

use ifrit::{
    Process, Signal,
    grouper::{Member, Ordered, Parallel},
};

use crate::child;
use crate::compare::{print_count, status};
use crate::groups::names;
use crate::life::idle;

pub(crate) const TREE: &str = "threads";

const GROUPS: u32 = 10;
const LEAVES: u32 = 20;

pub(crate) fn measure() {
    let expected = f64::from(1 + GROUPS + GROUPS * LEAVES);
    print_count(
        &format!("threads of {GROUPS} groups of {LEAVES}, in one"),
        &expected.to_string(),
        child::ask(TREE),
        expected,
    );
}

/// Prints how many threads a tree has.
pub(crate) fn in_child() {
    let before = status("Threads:");
    let tree = Process::builder().name("tree").invoke(tree());
    println!("{}", status("Threads:") - before);
    tree.signal(Signal::INTERRUPT);
    tree.join().expect("it ends well");
}

fn tree() -> Ordered {
    let leaves = || {
        names(LEAVES)
            .into_iter()
            .map(|name| Member::new(name, idle()))
    };
    let group = |name| Member::new(name, Parallel::new(leaves()));
    Ordered::new(names(GROUPS).into_iter().map(group))
}
