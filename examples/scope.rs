//! Threads that borrow: runners that work on data of the function that starts them.
//!
//!     cargo run --example scope
//!
//! You see how many words each of two workers has counted, and their sum. No `Arc`, no `'static`: the end of the scope
//! waits for them.

use std::sync::atomic::{AtomicUsize, Ordering};

fn main() -> Result<(), ifrit::Error> {
    let text =
        String::from("a process is a runner on its thread\na group is a runner made of runners");
    let total = AtomicUsize::new(0);

    ifrit::scope(|scope| {
        let total = &total;
        let mut workers = Vec::new();
        for line in text.lines() {
            workers.push(scope.background(ifrit::run_fn(move |_, _| {
                let words = line.split_whitespace().count();
                println!("{words} words in {line:?}");
                total.fetch_add(words, Ordering::Relaxed);
                Ok(())
            })));
        }
        // What still runs at the end of a scope is told to stop, so wait for what must be finished.
        workers.iter().try_for_each(|worker| worker.join())
    })?;

    println!("{} words in all", total.into_inner());
    Ok(())
}
