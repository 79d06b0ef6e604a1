//! Restarts, and what happens when they do not help: backoff, a budget, and escalation to the group above.
//!
//!     cargo run --example supervisor
//!
//! You see a worker that crashes on purpose. Its delays double: 100, 200, 400 ms. The fourth crash is one too many for
//! the group "workers", which gives up; the group above restarts it whole, once, with a fresh budget. When that does not
//! help either, the program stops "db" and reports what happened. It ends by itself after about three seconds.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use ifrit::{
    prelude::*,
    restart::{Backoff, Budget, Restart},
};

/// Prints with the time since the start. A closed standard output harms no runner, as it would with `println`.
#[derive(Clone, Copy)]
struct Log(Instant);

impl Log {
    fn say(self, what: &str) {
        let _ = writeln!(
            io::stdout(),
            "{:>5} ms  {what}",
            self.0.elapsed().as_millis()
        );
    }
}

/// Works until it is told to stop.
fn steady(name: &'static str, log: Log) -> impl Runner {
    ifrit::run_fn(move |signals, ready| {
        log.say(&format!("{name} is up"));
        ready.notify();
        let signal = ifrit::until_stop(&signals);
        log.say(&format!("{name} is told {signal}"));
        Ok(())
    })
}

/// Crashes after a moment: by turns with an error and with a panic.
fn flaky(log: Log) -> impl Runner {
    let mut runs = 0;
    ifrit::run_fn(move |_signals, ready| {
        runs += 1;
        log.say(&format!("flaky is up, run {runs}"));
        ready.notify();
        std::thread::sleep(Duration::from_millis(100));
        if runs % 2 == 0 {
            panic!("a bug");
        }
        Err("connection lost".into())
    })
}

fn main() {
    let log = Log(Instant::now());
    let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(1));
    let window = Duration::from_secs(60);

    let workers = Ordered::new([
        Member::new("steady", steady("steady", log)),
        Member::new("flaky", flaky(log)).restart(Restart::permanent().backoff(backoff)),
    ])
    .budget(Budget::new(3, window)); // of all its members together

    let program = Ordered::new([
        Member::new("db", steady("db", log)),
        Member::new("workers", workers).restart(Restart::transient().backoff(backoff)),
    ])
    .budget(Budget::new(1, window));

    println!("{}\n", program.plan());
    let exit = ifrit::background(program).join();

    match exit {
        Ok(()) => log.say("ended well, which it was not meant to"),
        Err(error) => {
            log.say("gave up:");
            println!("\n{}", error.report());
        }
    }
}
