//! The example `service`, run for real: started as a program, talked to over TCP, stopped with signals.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use rustix::pipe::fcntl_getpipe_size;
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{PATIENCE, program};

/// What it says when it is up, after its tree.
const UP: &str = "ready";

/// A running service, in a folder of its own. It is killed when dropped.
struct Service {
    child: Child,
    folder: PathBuf,
    lines: Receiver<String>,
    /// Its standard error, line by line.
    errors: Receiver<String>,
    port: u16,
}

/// How a service has ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    /// What it has said that was not read before.
    said: Vec<String>,
    /// What its `main` has said while it ran, without the times.
    spoken: Vec<String>,
    /// What it has said at the end.
    report: String,
}

impl Service {
    /// Starts it on a free port and waits until it is up.
    fn start() -> Service {
        let mut service = Service::begin("0");
        let port = service.line_after("listener: on 127.0.0.1:");
        service.port = port.parse().expect("a port");
        service.line_after(UP);
        service
    }

    fn begin(port: &str) -> Service {
        let (stdout, writer) = io::pipe().expect("a pipe");
        Service::spawn(port, writer, lines_of(stdout))
    }

    fn spawn(port: &str, stdout: PipeWriter, lines: Receiver<String>) -> Service {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ifrit-service-test-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        let mut child = Command::new(program("service"))
            .arg(port)
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service");
        Service {
            errors: lines_of(child.stderr.take().expect("piped")),
            child,
            folder,
            lines,
            port: 0,
        }
    }

    /// Starts it on a free port, waits until it is up, and hands over both ends of its standard output, which is empty.
    fn start_unread() -> (Service, PipeReader, PipeWriter) {
        let (stdout, writer) = io::pipe().expect("a pipe");
        let both = writer.try_clone().expect("a pipe");
        let mut service = Service::spawn("0", both, unbounded().1);
        let mut stdout = BufReader::new(stdout);
        loop {
            let mut line = String::new();
            let read = stdout.read_line(&mut line).expect("it says more");
            assert!(read > 0, "it has ended: {}", service.report());
            if let Some(port) = line.strip_prefix("listener: on 127.0.0.1:") {
                service.port = port.trim().parse().expect("a port");
            }
            if line.trim() == UP {
                break;
            }
        }
        assert!(stdout.buffer().is_empty(), "it has said everything");
        (service, stdout.into_inner(), writer)
    }

    /// Reads on until a line begins so, and returns the rest of that line.
    #[track_caller]
    fn line_after(&mut self, beginning: &str) -> String {
        let lines = self.lines.clone();
        self.find(&lines, beginning)
    }

    /// The same of its standard error.
    #[track_caller]
    fn error_after(&mut self, beginning: &str) -> String {
        let errors = self.errors.clone();
        self.find(&errors, beginning)
    }

    #[track_caller]
    fn find(&mut self, lines: &Receiver<String>, beginning: &str) -> String {
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(beginning) {
                        return rest.to_owned();
                    }
                }
                Err(error) => {
                    let _ = self.child.kill();
                    panic!("no {beginning:?}: {error}; {}", self.report());
                }
            }
        }
    }

    #[track_caller]
    fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Client(BufReader::new(stream))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is not reaped before `end`");
    }

    /// A second ctrl-c, after the service has said what the first one made it do. One that comes sooner than the least
    /// interval of an escalation counts for nothing.
    fn insist(&self) {
        thread::sleep(Duration::from_millis(200));
        self.signal(Signal::INT);
    }

    /// The rest of its standard error, to its end.
    fn report(&mut self) -> String {
        self.errors.iter().map(|line| line + "\n").collect()
    }

    /// Waits for its end.
    #[track_caller]
    fn end(mut self) -> Ended {
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still running; it has said {said:?}"),
            }
        }
        let stderr = self.report();
        let (spoken, report): (Vec<_>, Vec<_>) = stderr
            .split_inclusive('\n')
            .partition(|line| line.starts_with("service: +"));
        let without_time = |line: &str| {
            line.split_once("s ")
                .map(|(_, rest)| rest.trim_end().to_owned())
        };
        Ended {
            spoken: spoken.into_iter().filter_map(without_time).collect(),
            report: report.concat(),
            code: self.child.wait().expect("a status").code(),
            said,
        }
    }
}

/// What comes out of a pipe, line by line.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (said, lines) = unbounded();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    lines
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn say(&mut self, lines: &str) {
        self.0
            .get_mut()
            .write_all(lines.as_bytes())
            .expect("it listens");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("it answers");
        line
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\n"));
        self.answer()
    }
}

#[test]
fn it_shows_its_plan_then_starts_in_order_then_shows_its_tree() {
    let mut service = Service::begin("0");
    let mut said = Vec::new();
    while said.last().is_none_or(|line| line != UP) {
        said.push(service.line_after(""));
    }
    let text = said.join("\n");
    let plan = "\
main (SIGINT SIGUSR1 SIGTERM, stop 25s)
└─ ordered group (3 restarts in 60s)
   ├─ log: Log (stop 1s)
   ├─ folder: RunFn (one-shot, stop 1s)
   ├─ worker: Worker (transient, after 200ms, stop 10s)
   ├─ connections: dynamic group (at most 100, stop 8s)
   └─ listener: actor (stop 2s)
listener: on ";
    assert!(text.starts_with(plan), "{text}");
    let tree: Vec<_> = text[plan.len()..]
        .lines()
        .skip_while(|line| !line.starts_with("main #"))
        .collect();
    assert!(tree[0].ends_with("ordered group"), "{text}");
    let names = ["├─ log", "├─ worker", "├─ connections", "└─ listener"];
    for (line, name) in tree[1..].iter().zip(names) {
        assert!(line.starts_with(&format!("{name} #")), "{text}");
        assert!(line.contains(" ready"), "{text}");
    }
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
}

#[test]
fn int_and_term_stop_it_in_reverse_order_with_code_0() {
    for signal in [Signal::INT, Signal::TERM] {
        let service = Service::start();
        service.signal(signal);
        let ended = service.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.said, ["listener: stopped", "worker: stopped, 0 done"]);
        assert_eq!(ended.report, "");
        let [stops] = ended.spoken.as_slice() else {
            panic!("{ended:?}");
        };
        assert!(stops.starts_with("stopping, "), "{ended:?}");
    }
}

#[test]
fn it_works_and_answers() {
    let mut service = Service::start();
    let mut client = service.connect();
    assert_eq!(client.ask("work 1"), "queued\n");
    for nonsense in ["work x", "nonsense"] {
        let answer = client.ask(nonsense);
        assert_eq!(answer, "say `work <milliseconds>` or `fail`\n");
    }
    service.line_after("worker: works for 1ms");
    service.signal(Signal::TERM);
    let ended = service.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let last = ended.said.last().expect("a line");
    assert_eq!(last, "worker: stopped, 1 done");
}

#[test]
fn usr1_shows_the_tree_with_its_connections_and_stops_nothing() {
    let mut service = Service::start();
    let mut client = service.connect();
    assert_eq!(client.ask("?"), "say `work <milliseconds>` or `fail`\n");
    for _ in 0..3 {
        service.signal(Signal::USR1);
        service.error_after("├─ connections #");
        service.error_after("│  └─ 127.0.0.1:");
        service.error_after("the newest events:");
    }
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
}

#[test]
fn a_stop_drains_the_connections_and_the_queue() {
    let mut service = Service::start();
    let (mut busy, mut idle) = (service.connect(), service.connect());
    assert_eq!(idle.ask("work 0"), "queued\n");
    busy.say(&"work 0\n".repeat(500));
    assert_eq!(busy.answer(), "queued\n");

    service.signal(Signal::TERM);
    service.line_after("listener: stopped");
    // Everything that had been sent is answered; then both connections end.
    let answers = busy.0.lines().collect::<io::Result<Vec<_>>>();
    assert_eq!(answers.expect("answers").len(), 499);
    assert_eq!(idle.answer(), "");
    let ended = service.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let last = ended.said.last().expect("a line");
    assert_eq!(last, "worker: stopped, 501 done");
}

#[test]
fn a_connection_that_breaks_harms_no_other() {
    let service = Service::start();
    let mut broken = service.connect();
    // It is reset when it is closed with answers unread.
    broken.say(&"?\n".repeat(500));
    assert!(broken.answer().starts_with("say"));
    drop(broken);
    let mut client = service.connect();
    assert_eq!(client.ask("work 0"), "queued\n");
    service.signal(Signal::TERM);
    let ended = service.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_worker_that_fails_again_and_again_stops_the_service_with_a_report() {
    let mut service = Service::start();
    let mut client = service.connect();
    for _ in 0..4 {
        assert_eq!(client.ask("fail"), "queued\n");
    }
    service.line_after("listener: stopped");
    assert_eq!(client.answer(), ""); // drained, and closed
    let ended = service.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = &ended.report;
    assert!(
        report.starts_with("service: worker: told to fail\n"),
        "{report}"
    );
    assert!(
        report.contains("more than 3 restarts within 60s"),
        "{report}"
    );
    assert!(report.contains("─ listener: stopped"), "{report}");
    let restarts = ended.spoken.iter();
    let restarts = restarts.filter(|line| line.starts_with("worker restarts in 200 ms"));
    assert_eq!(restarts.count(), 3, "{ended:?}");
}

#[test]
fn a_second_signal_forces_the_stop() {
    let mut service = Service::start();
    let mut client = service.connect();
    assert_eq!(client.ask("work 86400000"), "queued\n");
    service.line_after("worker: works for 86400s");
    service.signal(Signal::INT);
    service.line_after("listener: stopped"); // soon it waits for the worker
    assert_eq!(client.answer(), "");
    service.insist();
    let ended = service.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let report = &ended.report;
    assert!(
        report.contains("the stop begun by SIGINT was forced"),
        "{report}"
    );
    assert!(
        report.contains("worker: cut short in the middle of a job"),
        "{report}"
    );
}

#[test]
fn a_second_signal_cuts_a_connection_that_does_not_read() {
    let mut service = Service::start();
    let mut client = service.connect();
    // A worker that does not end, so that the service still runs at the second signal even if the system finds room for
    // all the answers.
    assert_eq!(client.ask("work 86400000"), "queued\n");
    service.line_after("worker: works for 86400s");
    client.0.get_ref().set_nonblocking(true).expect("a setting");
    // Until neither side can take any more: the service is then blocked writing an answer.
    let line = b"?\n".repeat(1 << 16);
    let mut full = false;
    while !full {
        full = match client.0.get_mut().write(&line) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                true
            }
        };
    }
    service.signal(Signal::INT);
    service.line_after("listener: stopped");
    service.insist();
    let ended = service.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    // The connection has not been given up: it has returned.
    assert!(!ended.report.contains("connections: told"), "{ended:?}");
}

#[test]
fn a_closed_standard_output_harms_nothing() {
    let (service, reader, writer) = Service::start_unread();
    drop((reader, writer));
    let mut client = service.connect();
    assert_eq!(client.ask("work 1"), "queued\n");
    service.signal(Signal::TERM);
    assert_eq!(client.answer(), "");
    let ended = service.end();
    assert_eq!((ended.code, &*ended.report), (Some(0), ""), "{ended:?}");
}

#[test]
fn a_full_standard_output_delays_the_stop_by_a_second_and_the_log_is_named() {
    let (service, _reader, mut writer) = Service::start_unread();
    let size = fcntl_getpipe_size(&writer).expect("a size");
    writer.write_all(&vec![b'\n'; size]).expect("room");
    let mut client = service.connect();
    assert_eq!(client.ask("work 1"), "queued\n");
    service.signal(Signal::TERM);
    assert_eq!(client.answer(), "");
    let ended = service.end();
    assert_eq!(ended.code, Some(128 + 15), "{ended:?}");
    let report = &ended.report;
    assert!(
        report.starts_with("service: log: told TERM, then KILL"),
        "{report}"
    );
    assert!(report.contains("worker: stopped"), "{report}");
}

#[test]
fn a_busy_port_is_an_error_and_those_already_up_stop() {
    let first = Service::start();
    let second = Service::begin(&first.port.to_string());
    let ended = second.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let address = format!("127.0.0.1:{}: Address already in use", first.port);
    assert!(ended.report.contains(&address), "{ended:?}");
    assert!(ended.report.starts_with("service: listener: "), "{ended:?}");
    let last = ended.said.last().expect("a line");
    assert_eq!(last, "worker: stopped, 0 done");
    first.signal(Signal::TERM);
    assert_eq!(first.end().code, Some(0));
}

#[test]
fn a_port_that_is_none_is_an_error_and_named() {
    let ended = Service::begin("http").end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .report
            .starts_with("service: listener: 127.0.0.1:http: "),
        "{ended:?}"
    );
}
