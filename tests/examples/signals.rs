//! The example `signals`, run for real.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{PATIENCE, program};

/// The program at work, which listens. It is killed when dropped.
struct Signals {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Signals {
    fn start() -> Self {
        let mut child = Command::new(program("signals"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let stdout = child.stdout.take().map(BufReader::new);
        let mut program = Signals { child, stdout };
        let number = format!("this is process {};", program.child.id());
        assert!(program.line().starts_with(&number));
        program
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().expect("open");
        stdout.read_line(&mut line).expect("it speaks");
        line
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is not reaped before `end`");
    }

    /// Blocks until it has done all that it was told. The system delivers two signals in any order, and one that comes when
    /// the other has ended the sigmon does what it does to any program.
    fn until_at_rest(&self) {
        let begun = Instant::now();
        let id = self.child.id();
        // A thread that is woken runs from that moment on, and so does one that a signal comes to. So where two looks see all
        // asleep, and none that was awake in between, there is nothing left to do.
        while asleep(id).is_none_or(|switches| asleep(id) != Some(switches)) {
            assert!(begun.elapsed() < PATIENCE, "it does not come to rest");
            thread::yield_now();
        }
    }

    fn end(mut self) -> Option<i32> {
        self.child.wait().expect("a status").code()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often its threads have gone to sleep until now, if all of them are asleep.
fn asleep(id: u32) -> Option<u64> {
    let mut switches = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task")).expect("it runs") {
        let status = thread.expect("a thread").path().join("status");
        let status = fs::read_to_string(status).ok()?; // it has ended just now
        let field = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key));
            value.expect("the kernel says it").trim()
        };
        if !field("State:").starts_with('S') {
            return None;
        }
        let own: u64 = field("voluntary_ctxt_switches:").parse().expect("a number");
        switches += own;
    }
    Some(switches)
}

#[test]
fn it_hears_hup_and_ctrl_c() {
    let mut program = Signals::start();
    for _ in 0..2 {
        program.send(Signal::HUP);
        assert_eq!(program.line(), "SIGHUP: reads its settings again\n");
    }
    program.send(Signal::INT);
    assert_eq!(program.line(), "SIGINT: stops\n");
    assert_eq!(program.end(), Some(3));
}

#[test]
fn a_closed_standard_output_harms_nothing() {
    let mut program = Signals::start();
    drop(program.stdout.take());
    program.send(Signal::HUP);
    program.until_at_rest();
    program.send(Signal::TERM);
    assert_eq!(program.end(), Some(3));
}
