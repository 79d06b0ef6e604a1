//! The operating system's signals without `ifrit::main`: sigmon, a process, and your own idea of an exit code.
//!
//!     cargo run --example signals
//!
//! You see its number. Send it HUP (`kill -HUP <number>`) and it says so; ctrl-c ends it.

use ifrit::{prelude::*, sigmon::Sigmon};

fn main() -> Result<(), ifrit::Error> {
    println!(
        "this is process {}; try kill -HUP, then ctrl-c",
        std::process::id()
    );
    let app = ifrit::run_fn(|signals, ready| {
        ready.notify();
        for signal in signals {
            if signal.is_stop() {
                println!("{signal}: stops");
                break;
            }
            println!("{signal}: reads its settings again");
        }
        Ok(())
    });
    let app = Sigmon::new(app).also([Signal::HANGUP]);
    ifrit::invoke(app).started()?.join()
}
