//! The operating system's signals without `ifrit::main`: a sigmon around a runner, and an exit code of your own.
//!
//!     cargo run --example signals
//!
//! You see its number. Send it HUP (`kill -HUP <number>`) and it says that it reads its settings again; ctrl-c ends it,
//! with exit code 3. Did it not end at once, a second ctrl-c would tell it KILL, and a third would give it up.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use ifrit::{prelude::*, sigmon::Sigmon};

/// Prints a line. `println` would panic where standard output is closed, and a service must not end for that.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn main() -> ExitCode {
    let app = ifrit::run_fn(|signals, ready| {
        let number = std::process::id();
        say(format_args!(
            "this is process {number}; try kill -HUP {number}, then ctrl-c"
        ));
        ready.notify();
        for signal in signals {
            if signal.is_stop() {
                say(format_args!("{signal}: stops"));
                break;
            }
            say(format_args!("{signal}: reads its settings again"));
        }
        Ok(())
    });
    let app = ifrit::invoke(Sigmon::new(app).also([Signal::HANGUP]));
    match app.join() {
        Ok(()) => ExitCode::from(3),
        Err(error) => {
            say(error.report());
            ExitCode::FAILURE
        }
    }
}
