//! The example `signals`, run for real.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::program;

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
    program.send(Signal::TERM);
    assert_eq!(program.end(), Some(3));
}
