//! What a restart costs over a loop, and a round over threads stopped and started by hand.
//!
//! `cargo bench --bench restart` prints a table: see `vs_by_hand` for what its columns are. The first figure is meant
//! absolutely: at most 0.5 microseconds over the floor for each incarnation, of which the floor says nothing and keeps
//! nothing. Its bound is what that came to where it was set.
//!
//! Nothing here fails: a bound that is missed on a busy machine is a line to look at.

#[path = "vs_by_hand/compare.rs"]
#[allow(dead_code)] // what only the other bench needs
mod compare;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use compare::{Cost, Figure, Stopwatch};
use ifrit::crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};
use ifrit::{
    Process, Signal,
    grouper::{Member, Parallel, Strategy},
    restart::{Backoff, Budget, Next, Restart, Restarter},
};

fn main() {
    // `cargo test` runs benches too, without this flag; there is nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    compare::print_header();
    let figures = [Figure {
        name: "restart without delay".to_owned(),
        times: INCARNATIONS,
        bound: 6.3,
    }];
    compare::compare(31, &figures, || [loop_by_hand()], || [restarter()]);
    let figures = [Figure {
        name: format!("one-for-all round of {MEMBERS}"),
        times: ROUNDS,
        bound: 1.2,
    }];
    compare::compare(15, &figures, || [rounds_by_hand()], || [rounds()]);
}

const INCARNATIONS: u32 = 20_000;

/// Each incarnation looks at its signals once and fails.
fn incarnation(signals: &Receiver<Signal>) -> ifrit::Result {
    match signals.try_recv() {
        Ok(signal) => Err(signal.to_string().into()),
        Err(_) => Err(std::fmt::Error.into()),
    }
}

fn loop_by_hand() -> Cost {
    let mut watch = Stopwatch::start();
    let thread = thread::spawn(|| {
        let mut left = INCARNATIONS;
        loop {
            let (_sender, signals) = unbounded();
            let exit = catch_unwind(AssertUnwindSafe(|| incarnation(&signals)));
            left -= 1;
            if left == 0 || matches!(exit, Ok(Ok(()))) {
                return;
            }
        }
    });
    thread.join().expect("it does not panic");
    watch.lap()
}

fn restarter() -> Cost {
    let mut watch = Stopwatch::start();
    let mut left = INCARNATIONS;
    let runner = ifrit::run_fn(|signals, _| incarnation(&signals));
    let restarter = Restarter::new(runner, move |_, exit| {
        left -= 1;
        if left == 0 || exit.is_ok() {
            Next::End
        } else {
            Next::Again
        }
    });
    let _ = ifrit::background(restarter).join();
    watch.lap()
}

const MEMBERS: usize = 1_000;
const ROUNDS: u32 = 3;

/// Lives until it is told to stop, or to fail.
fn member(up: &Sender<()>, signals: &Receiver<Signal>, fail: &Receiver<()>) -> ifrit::Result {
    let _ = up.send(());
    select! {
        recv(signals) -> _ => Ok(()),
        recv(fail) -> _ => Err(std::fmt::Error.into()),
    }
}

fn all_up(up: &Receiver<()>) {
    up.iter().take(MEMBERS).for_each(drop);
}

fn rounds_by_hand() -> Cost {
    let (up, ups) = unbounded();
    let (exit, exits) = unbounded();
    let (fail, failing) = unbounded();
    let start = || -> Vec<Sender<Signal>> {
        let threads = (0..MEMBERS).map(|n| {
            let (sender, signals) = unbounded();
            let (up, failing, exit) = (up.clone(), failing.clone(), exit.clone());
            thread::spawn(move || {
                let end = catch_unwind(AssertUnwindSafe(|| member(&up, &signals, &failing)));
                let _ = exit.send((n, end.is_ok()));
            });
            sender
        });
        threads.collect()
    };
    let stop = |threads: &[Sender<Signal>], gone: usize| {
        for thread in threads {
            let _ = thread.send(Signal::INTERRUPT);
        }
        exits.iter().take(MEMBERS - gone).for_each(|_| {});
    };
    let mut threads = start();
    all_up(&ups);

    let mut watch = Stopwatch::start();
    for _ in 0..ROUNDS {
        let _ = fail.send(());
        let _ = exits.recv();
        stop(&threads, 1);
        threads = start();
        all_up(&ups);
    }
    let cost = watch.lap();
    stop(&threads, 0);
    cost
}

fn rounds() -> Cost {
    let (up, ups) = unbounded();
    let (fail, failing) = bounded(1);
    let restart = Restart::permanent().backoff(Backoff::none());
    let members = (0..MEMBERS).map(|n| {
        let (up, failing) = (up.clone(), failing.clone());
        let runner = ifrit::run_fn(move |signals, ready| {
            ready.notify();
            member(&up, &signals, &failing)
        });
        Member::new(n.to_string(), runner).restart(restart)
    });
    let group = Parallel::new(members)
        .strategy(Strategy::OneForAll)
        .budget(Budget::new(usize::MAX, Duration::from_secs(1)));
    let group: Process = ifrit::invoke(group);
    all_up(&ups);

    let mut watch = Stopwatch::start();
    for _ in 0..ROUNDS {
        let _ = fail.send(());
        all_up(&ups);
    }
    let cost = watch.lap();
    let _ = group.stop(Signal::TERMINATE, Duration::from_secs(60));
    cost
}
