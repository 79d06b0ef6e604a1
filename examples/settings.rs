//! Settings that all parts read again on SIGHUP, without a stop.
//!
//!     cargo run --example settings
//!
//! You see two parts read a file, a change that both take up, a broken file that both refuse while the old settings stay,
//! and the mended one. It changes the file by itself and ends after a moment. A real program gets its SIGHUP from the
//! outside: `Main::new(app).also([Signal::HANGUP]).run()`, and `kill -HUP`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ifrit::crossbeam_channel::select;
use ifrit::prelude::*;
use ifrit::process::reloads;

/// The level of the logs, from a file that has nothing but `level = <number>`.
fn read(file: &Path) -> ifrit::Result<u8> {
    let text = fs::read_to_string(file)?;
    let level = text.trim().strip_prefix("level = ");
    let level = level.ok_or_else(|| format!("expected `level = ..`, found {text:?}"))?;
    Ok(level.parse()?)
}

fn say(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{text}"); // a closed standard output harms no part
}

/// A part of the service, with the settings of its own.
fn part(name: &'static str, file: PathBuf) -> impl Runner {
    ifrit::run_fn(move |signals, ready| {
        let mut reloads = reloads(); // before the file is read: no change in between is missed
        let mut level = read(&file)?;
        say(format_args!("{name}: level {level}"));
        ready.notify();
        loop {
            select! {
                recv(signals) -> signal => match signal {
                    Ok(signal) if !signal.is_stop() => {}
                    _ => return Ok(()),
                },
                recv(reloads) -> _ => {
                    let reloading = reloads.begin();
                    match read(&file) {
                        Ok(new) => {
                            say(format_args!("{name}: level {level}, from now on {new}"));
                            level = new;
                        }
                        Err(error) => {
                            say(format_args!("{name}: level {level} stays: {error}"));
                            reloading.fail(error);
                        }
                    }
                }
            }
        }
    })
}

fn main() -> ifrit::Result {
    let file = std::env::temp_dir().join(format!("ifrit-settings-{}", std::process::id()));
    fs::write(&file, "level = 1\n")?;
    let parts = Members::new()
        .add("store", part("store", file.clone()))
        .add("web", part("web", file.clone()));
    let app = Process::builder().name("app").invoke(Ordered::new(parts));
    let app = app.started()?;
    for text in ["level = 2\n", "level = high\n", "level = 3\n"] {
        // Written beside it and moved, so that no part reads half of it.
        let new = file.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, &file)?;
        match app.reload(Duration::from_secs(10)) {
            Ok(number) => say(format_args!("{number} parts have the new settings")),
            Err(error) => say(format_args!("{error}")),
        }
    }
    fs::remove_file(&file)?;
    app.stop(Signal::TERMINATE, Duration::from_secs(10))?;
    Ok(())
}
