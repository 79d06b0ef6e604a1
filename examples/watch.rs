//! Follows what happens in a program whose worker crashes, until its group gives up.
//!
//!     cargo run --example watch
//!
//! You see each event as it comes, a line each, with the time since the start: how the members start, each crash, the delay
//! before each restart, why the group stops in the end, and how its members are told. It ends by itself after about a second.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use ifrit::observe::What;
use ifrit::{
    prelude::*,
    restart::{Backoff, Budget, Restart},
};

fn steady() -> impl Runner {
    ifrit::run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}

/// Crashes after a moment, each time.
fn crashes() -> impl Runner {
    let mut runs = 0;
    ifrit::run_fn(move |_signals, ready| {
        runs += 1;
        ready.notify();
        ifrit::process::note(format_args!("working on batch {runs}"));
        thread::sleep(Duration::from_millis(50));
        Err("connection lost".into())
    })
}

fn main() {
    let delays = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(1));
    let worker = Member::new("worker", crashes()).restart(Restart::permanent().backoff(delays));
    let app = Ordered::new([Member::new("db", steady()), worker])
        .budget(Budget::new(3, Duration::from_secs(60)));

    let began = Instant::now();
    let app = Process::builder().name("app").background(app);
    // From its start on: what has happened already comes first.
    for event in app.events() {
        let since = event.at.saturating_duration_since(began).as_secs_f64();
        if writeln!(io::stdout(), "+{since:.3}s {event}").is_err() {
            break; // nothing sees it any more
        }
        let is_over = matches!(event.what, What::Exited { .. });
        if is_over && event.id == app.id() {
            break; // the stream itself goes on, as processes may be left that were started below
        }
    }
}
