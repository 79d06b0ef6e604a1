//! Many jobs, a few at a time: the checksums of all files below a directory, four at a time, with a progress bar.
//!
//!     cargo run --example batch              # the files below src
//!     cargo run --example batch -- /usr/lib  # enough to press ctrl-c in the middle
//!
//! You see a bar while it works (none where standard error is no terminal), then a line for each file, in order. ctrl-c
//! stops it cleanly: what is under way is cut short, nothing more is started, and what is done is printed.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ifrit::{
    Error,
    grouper::{Batch, Capacity, Job, Progress},
    prelude::*,
};

const AT_A_TIME: Capacity = Capacity::at_most(4);

/// The files below `folder`, in order. Symbolic links are not followed.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = folder.read_dir()?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// The 64-bit FNV-1a checksum of a file.
fn checksum(path: &Path, signals: &Receiver<Signal>) -> ifrit::Result<u64> {
    let mut file = File::open(path)?;
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut block = vec![0; 1 << 16];
    loop {
        if signals.try_iter().any(|signal| signal.is_stop()) {
            return Err(Error::NotStarted.into()); // a half-read file has no checksum
        }
        match file.read(&mut block)? {
            0 => return Ok(sum),
            n => {
                for byte in &block[..n] {
                    sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
    }
}

/// Shows on standard error how far the batch is, where that is a terminal.
struct Bar {
    jobs: usize,
    terminal: Option<io::Stderr>,
}

impl Bar {
    const WIDTH: usize = 40;

    fn new(jobs: usize) -> Self {
        let terminal = Some(io::stderr()).filter(IsTerminal::is_terminal);
        Bar { jobs, terminal }
    }

    fn show(&mut self, progress: Progress<'_>) {
        let cells = Self::WIDTH * progress.done / self.jobs;
        let cells = format!("{:-<1$}", "#".repeat(cells), Self::WIDTH);
        let (done, failed) = (progress.done, progress.failed);
        self.draw(&format!("[{cells}] {done}/{}, {failed} failed", self.jobs));
    }

    fn clear(&mut self) {
        self.draw("");
    }

    /// Replaces the line. A terminal that is gone is no reason to stop.
    fn draw(&mut self, line: &str) {
        if let Some(terminal) = &mut self.terminal {
            let _ = write!(terminal, "\r\x1b[K{line}");
        }
    }
}

fn print_checksums(folder: &Path, signals: &Receiver<Signal>) -> ifrit::Result<()> {
    let mut paths = Vec::new();
    files(folder, &mut paths)?;

    let mut bar = Bar::new(paths.len());
    let jobs = paths.iter().cloned().map(|path| {
        let name = path.display().to_string();
        Job::once(name, move |signals| checksum(&path, &signals))
    });
    let results = Batch::new(AT_A_TIME)
        .stop_on(signals)
        .on_progress(|progress| bar.show(progress))
        .run_jobs(jobs);
    bar.clear();

    let mut out = BufWriter::new(io::stdout().lock());
    let mut skipped = paths.len() - results.len(); // no job is made after a stop
    for (path, result) in paths.iter().zip(results) {
        match result {
            Ok(sum) => writeln!(out, "{sum:016x}  {}", path.display())?,
            Err(Error::NotStarted) => skipped += 1,
            Err(error) => writeln!(out, "{:16}  {}: {error}", "-", path.display())?,
        }
    }
    if skipped > 0 {
        writeln!(out, "stopped: {skipped} of {} files skipped", paths.len())?;
    }
    Ok(out.flush()?)
}

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "src".into());
    ifrit::main(ifrit::run_fn(move |signals, ready| {
        ready.notify();
        print_checksums(folder.as_ref(), &signals)
    }))
}
