//! Groups of idle members: from the start until the group is ready, and from the stop signal until its exit is received.
//! What the members' threads do after their own exits (they destroy their thread-locals, and their stacks go back to the
//! system) is not counted, on neither side: most of a large group's threads still do that when its exit comes.
//!
//! The floor is a supervisor written by hand (`by_hand::group`), on a thread of its own as ours is. What goes before,
//! names and runners and lists of them, is made before the clock runs. Times are shown for one member, so a cost that is
//! linear stays the same down the column.

use ifrit::grouper::{Group, Order as Orders};
use ifrit::{
    Process, Runner, Signal,
    grouper::{Member, Ordered, Parallel},
};

use crate::by_hand::{self, Order, Worker};
use crate::compare::{Figure, Stopwatch, compare};
use crate::life::idle;

const SIZES: [u32; 5] = [100, 500, 1_000, 2_000, 4_000];

pub(crate) fn measure() {
    for size in SIZES {
        measure_one("parallel", size, Order::Parallel, Parallel::new);
    }
    for size in SIZES {
        measure_one("ordered", size, Order::Ordered, Ordered::new);
    }
}

fn measure_one<O: Orders>(kind: &str, size: u32, order: Order, group: fn(Vec<Member>) -> Group<O>)
where
    Group<O>: Runner + 'static,
{
    let figure = |phase: &str, bound| Figure {
        name: format!("{kind} group of {size}: {phase}, a member"),
        times: size,
        bound,
    };
    let figures = [figure("start", 1.10), figure("stop", 1.25)];
    let floor = || {
        let work = by_hand::group(order, names(size));
        let mut watch = Stopwatch::start();
        let group = Worker::start("group".to_owned(), work);
        let start = watch.lap();
        group.stop();
        group.wait().expect("it ends well");
        [start, watch.lap()]
    };
    let ours = || {
        let members = names(size)
            .into_iter()
            .map(|name| Member::new(name, idle()));
        let group = group(members.collect());
        let mut watch = Stopwatch::start();
        let group = Process::builder().name("group").invoke(group);
        let start = watch.lap();
        group.signal(Signal::INTERRUPT);
        let exit = group.wait().recv().expect("an exit");
        exit.expect("it ends well");
        [start, watch.lap()]
    };
    let turns = (40_000 / size as usize).clamp(15, 401);
    compare(turns, &figures, floor, ours);
}

pub(crate) fn names(count: u32) -> Vec<String> {
    (0..count).map(|n| format!("worker-{n}")).collect()
}
