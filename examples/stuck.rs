//! Who is stuck? A member that ignores its signals is given up and named; the others stop all the same.
//!
//!     cargo run --example stuck
//!
//! You see the report of a stop that was given a second, and the tree, in which the thread that is stuck still stands.

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

    // The group is over a tenth of the time before its process, so that it can say who is stuck.
    let process = ifrit::invoke(group);
    let exit = process.stop(Signal::TERMINATE, Duration::from_secs(1));
    if let Err(error) = exit {
        println!("{}\n", error.report());
        assert_eq!(error.stuck()[0].name, "deaf");
    }
    println!("{}", ifrit::tree());
}
