//! The example `batch`, run for real: on real files, with a terminal for its bar, stopped with real signals.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ifrit::crossbeam_channel::{Receiver, unbounded};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::program::{PATIENCE, program};

/// How many files it reads at a time.
const AT_A_TIME: usize = 4;

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ifrit-batch-test-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn file(&self, name: &str, content: &str) {
        fs::write(self.0.join(name), content).expect("a file");
    }

    /// A file that is too long to be read to its end. It takes up no space.
    fn endless(&self, name: &str) {
        let file = File::create(self.0.join(name)).expect("a file");
        file.set_len(1 << 40).expect("a file with a hole");
    }

    fn line(&self, sum: &str, name: &str) -> String {
        format!("{sum}  {}\n", self.0.join(name).display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program at work. It is killed when dropped.
struct Batch {
    child: Child,
    terminal: Receiver<Vec<u8>>,
    shown: String,
}

impl Batch {
    /// Starts it with a terminal as its standard error.
    fn start(folder: &Folder) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).expect("a terminal");
        grantpt(&ours).expect("granted");
        unlockpt(&ours).expect("unlocked");
        let theirs = ioctl_tiocgptpeer(&ours, flags).expect("its other side");
        let child = Command::new(program("batch"))
            .arg(&folder.0)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(theirs)
            .spawn()
            .expect("the program");
        let (shown, terminal) = unbounded();
        thread::spawn(move || {
            let mut ours = File::from(ours);
            let mut block = [0; 4096];
            // A terminal whose other side is closed is an error, not an end.
            while let Ok(n @ 1..) = ours.read(&mut block) {
                let _ = shown.send(block[..n].to_vec());
            }
        });
        Batch {
            child,
            terminal,
            shown: String::new(),
        }
    }

    /// Waits until the bar has shown this.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        while !self.shown.contains(text) {
            match self.terminal.recv_timeout(PATIENCE) {
                Ok(bytes) => self.shown += &String::from_utf8_lossy(&bytes),
                Err(error) => panic!("no {text:?}: {error}; shown: {:?}", self.shown),
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is not reaped yet");
    }

    /// Waits for its end; returns its code and what it has printed.
    fn end(mut self) -> (Option<i32>, String) {
        let mut printed = String::new();
        let mut out = self.child.stdout.take().expect("piped");
        out.read_to_string(&mut printed).expect("text");
        (self.child.wait().expect("a status").code(), printed)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_the_checksum_of_each_file_in_order_and_shows_how_far_it_is() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("c")).expect("a folder");
    // Values that the makers of the algorithm have published.
    folder.file("a", "");
    folder.file("b", "a");
    folder.file("c/d", "foobar");
    let mut batch = Batch::start(&folder);
    batch.shows("3/3, 0 failed");
    let (code, printed) = batch.end();
    let expected = [
        folder.line("cbf29ce484222325", "a"),
        folder.line("af63dc4c8601ec8c", "b"),
        folder.line("85944171f73967e8", "c/d"),
    ];
    assert_eq!((code, printed), (Some(0), expected.concat()));
}

#[test]
fn ctrl_c_in_the_middle_cuts_short_what_is_under_way_and_keeps_what_is_done() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = Folder::new();
        folder.file("a", "a");
        folder.file("b", "foobar");
        for n in 0..AT_A_TIME {
            folder.endless(&format!("c{n}"));
        }
        folder.file("d", "never begun");
        let mut batch = Batch::start(&folder);
        batch.shows("2/7, 0 failed");
        batch.signal(signal);
        let (code, printed) = batch.end();
        let expected = [
            folder.line("af63dc4c8601ec8c", "a"),
            folder.line("85944171f73967e8", "b"),
            "stopped: 5 of 7 files skipped\n".to_owned(),
        ];
        assert_eq!((code, printed), (Some(0), expected.concat()));
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = Folder(env::temp_dir().join("ifrit-batch-test-not-there"));
    let mut batch = Batch::start(&folder);
    batch.shows("No such file");
    assert_eq!(batch.end(), (Some(1), String::new()));
}
