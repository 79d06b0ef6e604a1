//! A test that runs twice: in a child, and from outside of it.

use std::any::type_name;
use std::env;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, ChildStderr, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Once;
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use ifrit::sigmon::{Escalation, Sigmon};
use ifrit::{Runner, Signal};
use rustix::process as os;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

/// Far longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Set in the child.
const IN_CHILD: &str = "IFRIT_TEST_CHILD";

/// In the parent: starts a child that runs `body` and ends with its exit code. In the child it does not return.
///
/// The child runs the test from which this is called, found by the name of the closure.
pub(crate) fn child<F: FnOnce() -> ExitCode>(body: F) -> Child {
    start(body, Command::new, Stdio::piped())
}

/// As [`child`], but its standard error is closed at the other end: writing there is an error.
pub(crate) fn child_unread<F: FnOnce() -> ExitCode>(body: F) -> Child {
    let mut child = start(body, Command::new, Stdio::piped());
    child.report = None;
    child
}

/// As [`child`], but started by a shell that ignores `signal`, such as `TERM`: a program inherits that.
pub(crate) fn child_ignoring<F: FnOnce() -> ExitCode>(signal: &str, body: F) -> Child {
    start(
        body,
        |exe| {
            let mut shell = Command::new("sh");
            shell.arg("-c");
            shell.arg(format!("trap '' {signal}; exec \"$0\" \"$@\""));
            shell.arg(exe);
            shell
        },
        Stdio::piped(),
    )
}

/// As [`child`], but its standard error is a terminal, and these variables are set; also returns the other end of the
/// terminal.
pub(crate) fn child_on_a_terminal<F: FnOnce() -> ExitCode>(
    variables: &[(&str, &str)],
    body: F,
) -> (Child, Terminal) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let ours = openpt(flags).expect("a terminal");
    grantpt(&ours).expect("it is ours");
    unlockpt(&ours).expect("it is ours");
    let theirs = ioctl_tiocgptpeer(&ours, flags).expect("its other end");
    let command = |exe| {
        let mut command = Command::new(exe);
        command.env_remove("NO_COLOR").env("TERM", "xterm");
        command.envs(variables.iter().copied());
        command
    };
    (start(body, command, theirs.into()), Terminal(ours.into()))
}

/// The end of a terminal at which its user sits.
pub(crate) struct Terminal(File);

impl Terminal {
    /// All that was written, once the program that had it has ended.
    pub(crate) fn read(mut self) -> String {
        let mut text = Vec::new();
        let _ = self.0.read_to_end(&mut text); // that its other end is closed is an error, too
        String::from_utf8(text).expect("text")
    }
}

fn start<F: FnOnce() -> ExitCode>(
    body: F,
    command: impl FnOnce(std::path::PathBuf) -> Command,
    stderr: Stdio,
) -> Child {
    if env::var_os(IN_CHILD).is_some() {
        // If the parent dies, nothing else ends this.
        let _ = os::set_parent_process_death_signal(Some(os::Signal::KILL));
        process::exit(number(body()));
    }
    inherit_no_ignored_signal();
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let test = path.split_once("::").expect("crate::module::test").1;
    let exe = env::current_exe().expect("the path of this binary");
    let mut process = command(exe)
        .args(["--exact", test, "--nocapture"])
        .env(IN_CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .expect("a child");
    let stdout = process.stdout.take().expect("piped");
    let report = process.stderr.take();
    let (heard, lines) = unbounded();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // What does not begin so is the test harness talking.
            if let Some(line) = line.strip_prefix(MARK) {
                let _ = heard.send(line.to_owned());
            }
        }
    });
    Child {
        input: process.stdin.take(),
        process,
        lines,
        report,
        printed: Vec::new(),
    }
}

/// Lets the programs that are started from here ignore nothing. They would inherit what this one ignores, which is INT when
/// a shell has started it in the background. A signal that has a handler is not inherited so, and that of a sigmon stays
/// when the sigmon has returned.
fn inherit_no_ignored_signal() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let signals = [
            Signal::HANGUP,
            Signal::INTERRUPT,
            Signal::QUIT,
            Signal::TERMINATE,
        ];
        let nothing = Sigmon::new(ifrit::run_fn(|_, _| Ok(()))).only(signals);
        ifrit::background(nothing).join().expect("handlers");
    });
}

/// The number in an exit code, which the standard library does not give away.
fn number(code: ExitCode) -> i32 {
    let number = (0..=u8::MAX).find(|number| ExitCode::from(*number) == code);
    number.expect("a number").into()
}

/// What a report of the child begins with: the name of this binary, which the child runs again.
pub(crate) fn program() -> String {
    let exe = env::current_exe().expect("the path of this binary");
    let name = exe.file_name().expect("a file");
    name.to_str().expect("a plain name").to_owned()
}

/// A child as the parent sees it. It is killed when dropped.
pub(crate) struct Child {
    process: process::Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    report: Option<ChildStderr>,
    /// What was read of it.
    printed: Vec<u8>,
}

/// How a child has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it has said that was not expected before.
    pub(crate) rest: Vec<String>,
    /// Its standard error.
    pub(crate) report: String,
}

impl Child {
    /// Waits for the next line the child says.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(error) => {
                let _ = self.process.kill();
                panic!("the child said nothing: {error}; {}", self.read_report());
            }
        }
    }

    /// Waits for the next line and checks it.
    #[track_caller]
    pub(crate) fn expect(&mut self, line: impl Display) {
        assert_eq!(self.line(), line.to_string());
    }

    /// Waits for as many lines and checks them, in whatever order they come.
    #[track_caller]
    pub(crate) fn expect_all<const N: usize>(&mut self, mut lines: [&str; N]) {
        let mut said: Vec<_> = lines.iter().map(|_| self.line()).collect();
        said.sort_unstable();
        lines.sort_unstable();
        assert_eq!(said, lines);
    }

    /// Sends a signal, as the operating system does.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        match os::Signal::from_named_raw(signal.as_raw()) {
            Some(signal) => {
                let pid = os::Pid::from_child(&self.process);
                os::kill_process(pid, signal).expect("it is not reaped before `end`");
            }
            // A real-time signal has no name.
            None => {
                let kill = format!("kill -{} {}", signal.as_raw(), self.process.id());
                let status = Command::new("sh").args(["-c", &kill]).status();
                assert!(status.expect("a shell").success());
            }
        }
    }

    /// Once it is ready, sends TERM three times to a child with [`prompt_steps`]; before each further one it must have said what it heard of the last:
    /// SIGTERM, then SIGKILL.
    #[track_caller]
    pub(crate) fn escalate(&mut self) {
        self.escalate_with(Signal::TERMINATE);
    }

    /// The same with another signal.
    #[track_caller]
    pub(crate) fn escalate_with(&mut self, signal: Signal) {
        self.expect("ready");
        self.signal(signal);
        self.expect(signal.to_string());
        self.signal(signal);
        self.expect("SIGKILL");
        self.signal(signal);
    }

    /// Lets a child go on that waits in [`wait_for_parent`].
    #[track_caller]
    pub(crate) fn go_on(&mut self) {
        let input = self.input.as_mut().expect("piped");
        input.write_all(b"go on\n").expect("it reads");
    }

    /// Waits until the child has written this to its standard error.
    #[track_caller]
    pub(crate) fn expect_printed(&mut self, expected: &'static str) {
        let mut report = self.report.take().expect("piped, and not read yet");
        let mut printed = std::mem::take(&mut self.printed);
        let (tell, told) = unbounded();
        thread::spawn(move || {
            let mut byte = [0];
            while !String::from_utf8_lossy(&printed).contains(expected) {
                match report.read(&mut byte) {
                    Ok(1) => printed.extend(byte),
                    _ => break,
                }
            }
            let _ = tell.send((report, printed));
        });
        let (report, printed) = told.recv_timeout(PATIENCE).expect("it is printed");
        self.report = Some(report);
        self.printed = printed;
    }

    /// The child's standard error, to its end. What fits into a pipe is all that a child here writes.
    fn read_report(&mut self) -> String {
        let mut text = std::mem::take(&mut self.printed);
        if let Some(mut report) = self.report.take() {
            let _ = report.read_to_end(&mut text);
        }
        String::from_utf8(text).expect("text")
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => break, // its standard output is closed
                Err(RecvTimeoutError::Timeout) => panic!("still running; it has said {rest:?}"),
            }
        }
        Ended {
            status: self.process.wait().expect("a status"),
            rest,
            report: self.read_report(),
        }
    }

    /// Waits for the end, whatever is said until then, and checks the exit code. Returns the standard error.
    #[track_caller]
    pub(crate) fn expect_end(self, code: i32) -> String {
        let ended = self.end();
        assert_eq!(ended.status.code(), Some(code), "{}", ended.report);
        ended.report
    }

    /// As [`expect_end`](Child::expect_end), and checks that nothing was said any more.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> String {
        let ended = self.end();
        assert_eq!(ended.status.code(), Some(code), "{}", ended.report);
        assert_eq!(ended.rest, Vec::<String>::new());
        ended.report
    }

    /// Waits for the end and checks that a signal of the operating system brought it about.
    #[track_caller]
    pub(crate) fn expect_death_by(self, signal: Signal) {
        let ended = self.end();
        let raw = ended.status.signal();
        assert_eq!(raw, Some(signal.as_raw()), "{}", ended.report);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

// What a child is made of.

const MARK: char = '@';

/// Says a line to the parent.
pub(crate) fn say(line: impl Display) {
    // The harness leaves a line open; and this is one write, so that lines of two threads do not mix.
    let line = format!("\n{MARK}{line}\n");
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes()).expect("the parent reads");
    stdout.flush().expect("the parent reads");
}

/// The default steps, where each stop signal is one, however soon it comes.
pub(crate) fn prompt_steps() -> Escalation {
    Escalation::default().least_interval(Duration::ZERO)
}

/// Blocks until the parent calls [`Child::go_on`].
pub(crate) fn wait_for_parent() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).expect("the parent writes");
}

/// Is ready at once and says so (before it is: after that another member may speak), says every signal it hears, and
/// returns on a stop signal.
pub(crate) fn listener() -> impl Runner {
    named_listener("")
}

/// As [`listener`], with a word before everything it says.
pub(crate) fn named_listener(prefix: &'static str) -> impl Runner {
    ifrit::run_fn(move |signals, ready| {
        say(format_args!("{prefix}ready"));
        ready.notify();
        for signal in signals {
            say(format_args!("{prefix}{signal}"));
            if signal.is_stop() {
                break;
            }
        }
        Ok(())
    })
}

/// Is ready at once, says so and every signal it hears, and stops when the parent calls [`Child::go_on`], with QUIT.
pub(crate) fn patient() -> impl Runner {
    ifrit::run_fn(|signals, ready| {
        say("ready");
        ready.notify();
        let me = ifrit::current().expect("a process");
        ifrit::scope(|scope| {
            scope.background(ifrit::run_fn(|_, _| {
                wait_for_parent();
                me.signal(Signal::QUIT);
                Ok(())
            }));
            for signal in &signals {
                say(signal);
                if signal == Signal::QUIT {
                    break;
                }
            }
        });
        Ok(())
    })
}

/// Is ready at once, says so and every signal it hears, and never returns.
pub(crate) fn deaf() -> impl Runner {
    ifrit::run_fn(|signals, ready| {
        say("ready");
        ready.notify();
        for signal in signals {
            say(signal);
        }
        loop {
            thread::park(); // its channel is gone: nothing can tell it anything any more
        }
    })
}
