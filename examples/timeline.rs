//! Where the time goes: a trace of a start, a crash, a restart and a stop, and who made the start slow.
//!
//!     cargo run --example timeline [file]
//!
//! You see who made the start slow, and where the trace was written: open it at <https://ui.perfetto.dev> or in
//! `chrome://tracing`. It ends by itself after about two seconds.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use ifrit::{
    observe,
    prelude::*,
    process,
    restart::{Backoff, Restart},
};

/// Takes so long to become ready, and works until it is told to stop.
fn part(takes: u64) -> impl Runner {
    ifrit::run_fn(move |signals, ready| {
        thread::sleep(Duration::from_millis(takes));
        ready.notify();
        ifrit::until_stop(&signals);
        thread::sleep(Duration::from_millis(100)); // it has something to finish
        Ok(())
    })
}

/// Fails in its first two runs: once before it is ready, and once after.
fn flaky() -> impl Runner {
    let mut runs = 0;
    ifrit::run_fn(move |signals, ready| {
        runs += 1;
        process::note(format_args!("this is run {runs}"));
        if runs == 1 {
            return Err("connection refused".into());
        }
        ready.notify();
        if runs == 2 {
            thread::sleep(Duration::from_millis(300));
            return Err("connection lost".into());
        }
        ifrit::until_stop(&signals);
        Ok(())
    })
}

fn main() -> ExitCode {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let file = file.unwrap_or_else(|| std::env::temp_dir().join("ifrit-timeline.json"));
    match run(&file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(file: &Path) -> ifrit::Result {
    let mut recording = observe::record(10_000);

    let delay = Backoff::constant(Duration::from_millis(200));
    let again = Restart::permanent().backoff(delay).from_the_start();
    let web = Parallel::new([
        Member::new("cache", part(50)),
        Member::new("upstream", flaky()).restart(again),
    ]);
    let app = Ordered::new(Members::new().add("db", part(400)).add("web", web));

    let app = Process::builder().name("app").invoke(app).started()?;
    let start = app.critical_chain().ok_or("its start is not known")?;
    thread::sleep(Duration::from_secs(1)); // upstream fails once more meanwhile
    app.stop(Signal::TERMINATE, Duration::from_secs(5))?;

    let trace = recording.take();
    let written = File::create(file).and_then(|file| trace.write_to(file));
    written.map_err(|error| format!("{}: {error}", file.display()))?;
    let _ = writeln!(io::stdout(), "{start}\n\nwrote {}", file.display());
    Ok(())
}
