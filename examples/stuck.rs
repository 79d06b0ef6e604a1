//! Who is stuck? A member that ignores its signals is given up and named; the others stop all the same.
//!
//!     cargo run --example stuck
//!
//! You see the report of a stop that was given 200 ms, and the tree, in which the thread that is stuck still stands.

use std::thread;
use std::time::Duration;

use ifrit::prelude::*;

fn main() {
    let polite = ifrit::run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    });
    let deaf = ifrit::run_fn(|_signals, ready| {
        ready.notify();
        loop {
            thread::park(); // a thread cannot be killed, so nothing ends this but the end of the program
        }
    });
    let group = Parallel::new(Members::new().add("polite", polite).add("deaf", deaf));
    let group = group.kill_grace(Duration::from_millis(50));

    // It is the group that shall say who: its grace ends long before that of its process.
    let process = Process::builder()
        .kill_grace(Duration::from_secs(30))
        .invoke(group);
    let exit = process.stop(Signal::TERMINATE, Duration::from_millis(200));
    if let Err(error) = exit {
        println!("{}\n", error.report());
        assert_eq!(error.stuck()[0].name, "deaf");
    }
    println!("{}", ifrit::tree());
}
