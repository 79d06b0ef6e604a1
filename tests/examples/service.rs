//! The example `service`, run for real: started as a program, talked to over TCP, stopped with signals.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{PATIENCE, program};

/// A running service, in a folder of its own. It is killed when dropped.
struct Service {
    child: Child,
    folder: PathBuf,
    lines: Receiver<String>,
    port: u16,
}

/// How a service has ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    /// What it has said that was not read before.
    said: Vec<String>,
    report: String,
}

impl Service {
    /// Starts it on a free port and waits until it is ready.
    fn start(settings: &str) -> Service {
        let mut service = Service::begin("0", settings);
        let listens = service.line_after("server: listens on 127.0.0.1:");
        service.port = listens.parse().expect("a port");
        // The tree is printed last, and its last line is the one who prints it.
        service.line_after("└─ banner ");
        service
    }

    fn begin(port: &str, settings: &str) -> Service {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ifrit-service-test-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("service.conf");
        let data = folder.join("data");
        let settings = format!("data_dir = {}\n{settings}", data.display());
        fs::write(&file, settings).expect("a file");

        let mut child = Command::new(program("service"))
            .arg(port)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (said, lines) = unbounded();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        Service {
            child,
            folder,
            lines,
            port: 0,
        }
    }

    /// Reads on until a line begins so, and returns the rest of that line.
    #[track_caller]
    fn line_after(&mut self, beginning: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
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

    fn report(&mut self) -> String {
        let mut report = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut report);
        }
        report
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
        Ended {
            code: self.child.wait().expect("a status").code(),
            said,
            report: self.report(),
        }
    }
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
fn it_says_its_plan_then_starts_in_order_then_says_its_tree() {
    let mut service = Service::begin("0", "stop_within_ms = 7000\n");
    let mut said = Vec::new();
    while !said
        .last()
        .is_some_and(|line: &String| line.starts_with("└─ banner #"))
    {
        said.push(service.line_after(""));
    }
    let text = said.join("\n");
    let plan = "ordered group\n├─ data: RunFn (one-shot)\n├─ worker: Worker\n├─ reporter: Reporter\n├─ server: \
                Server\n└─ banner: RunFn (one-shot)\ndata: in ";
    assert!(text.starts_with(plan), "{text}");
    let tree: Vec<_> = text[plan.len()..]
        .lines()
        .skip_while(|line| !line.starts_with("main #"))
        .collect();
    assert!(tree[0].ends_with("ordered group"), "{text}");
    for (line, name) in tree[1..]
        .iter()
        .zip(["├─ worker #", "├─ reporter #", "├─ server #"])
    {
        assert!(line.starts_with(name) && line.ends_with(" ready"), "{text}");
    }
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
}

#[test]
fn int_and_term_stop_it_in_reverse_order_with_code_0() {
    for signal in [Signal::INT, Signal::TERM] {
        let service = Service::start("report_every_ms = 86400000\n");
        service.signal(signal);
        let ended = service.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(
            ended.said,
            [
                "server: stops",
                "server: stopped",
                "reporter: stopped",
                "worker: stopped, 0 done"
            ]
        );
        assert_eq!(ended.report, "");
    }
}

#[test]
fn it_works_and_answers() {
    let mut service = Service::start("report_every_ms = 20\n");
    let mut client = service.connect();
    assert_eq!(client.ask("work 1"), "queued\n");
    assert_eq!(
        client.ask("work x"),
        "say `work <milliseconds>` or `fail`\n"
    );
    assert_eq!(
        client.ask("nonsense"),
        "say `work <milliseconds>` or `fail`\n"
    );
    // The reporter speaks of its own accord.
    service.line_after("reporter: 1 done");
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
}

#[test]
fn usr1_makes_the_reporter_speak_and_stops_nothing() {
    let mut service = Service::start("");
    for _ in 0..3 {
        service.signal(Signal::USR1);
        service.line_after("reporter: 0 done");
    }
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
}

#[test]
fn a_stop_drains_the_connections_and_the_queue() {
    let mut service = Service::start("");
    let (mut busy, mut idle) = (service.connect(), service.connect());
    assert_eq!(idle.ask("work 0"), "queued\n");
    busy.say(&"work 0\n".repeat(500));
    assert_eq!(busy.answer(), "queued\n");

    service.signal(Signal::TERM);
    service.line_after("server: stops");
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
fn a_failing_worker_stops_the_service_with_a_report() {
    let mut service = Service::start("");
    let mut client = service.connect();
    assert_eq!(client.ask("fail"), "queued\n");
    service.line_after("server: stopped");
    assert_eq!(client.answer(), ""); // drained, and closed
    let ended = service.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.report.starts_with("service: told to fail\n"),
        "{ended:?}"
    );
    assert!(
        ended.report.contains("began it: worker: told to fail"),
        "{ended:?}"
    );
    assert!(ended.report.contains("followed: server: ok"), "{ended:?}");
}

#[test]
fn a_second_signal_forces_the_stop() {
    let mut service = Service::start("");
    let mut client = service.connect();
    assert_eq!(client.ask("work 86400000"), "queued\n");
    service.line_after("worker: works for 86400s");
    service.signal(Signal::INT);
    service.line_after("reporter: stopped"); // now it waits for the worker
    service.insist();
    let ended = service.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(
        ended.report.contains("the stop begun by SIGINT was forced"),
        "{ended:?}"
    );
    assert!(
        ended
            .report
            .contains("worker: cut short in the middle of a job"),
        "{ended:?}"
    );
}

#[test]
fn a_second_signal_cuts_a_connection_that_does_not_read() {
    let mut service = Service::start("");
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
    service.line_after("server: stops");
    service.insist();
    let ended = service.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(
        ended.said.contains(&"server: stopped".to_owned()),
        "{ended:?}"
    );
}

#[test]
fn the_deadline_ends_a_stop_that_takes_too_long() {
    let mut service = Service::start("stop_within_ms = 100\nkill_grace_ms = 60000\n");
    let mut client = service.connect();
    assert_eq!(client.ask("work 86400000"), "queued\n");
    service.line_after("worker: works for 86400s");
    service.signal(Signal::TERM);
    let ended = service.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .report
            .contains("worker: cut short in the middle of a job"),
        "{ended:?}"
    );
}

#[test]
fn a_busy_port_is_an_error_and_those_already_up_stop() {
    let first = Service::start("");
    let second = Service::begin(&first.port.to_string(), "");
    let ended = second.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let address = format!("127.0.0.1:{}: Address already in use", first.port);
    assert!(ended.report.contains(&address), "{ended:?}");
    assert!(ended.report.contains("began it: server: "), "{ended:?}");
    let last = ended.said.last().expect("a line");
    assert_eq!(last, "worker: stopped, 0 done");
    first.signal(Signal::TERM);
    assert_eq!(first.end().code, Some(0));
}

#[test]
fn a_bad_settings_file_is_refused_before_anything_starts() {
    for (settings, complaint) in [
        (
            "colour = red\n",
            "service.conf:2: colour: no such setting\n",
        ),
        (
            "stop_within_ms = soon\n",
            "service.conf:2: stop_within_ms: invalid digit",
        ),
        ("\n\nhello\n", "service.conf:4: hello: no such setting\n"),
    ] {
        let ended = Service::begin("0", settings).end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.report.starts_with("service: "), "{ended:?}");
        assert!(ended.report.contains(complaint), "{ended:?}");
        assert!(ended.said.is_empty(), "{ended:?}");
    }
}

#[test]
fn a_deadline_of_no_length_is_refused_before_anything_starts() {
    let ended = Service::begin("0", "stop_within_ms = 0\n").end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.report.contains("stop_within is zero"), "{ended:?}");
    assert!(!ended.said.iter().any(|line| line.starts_with("data: ")));
}

#[test]
fn bad_arguments_are_refused() {
    for (arguments, complaint) in [
        (["http", "x"], "service: port \"http\": invalid digit"),
        (["70000", "x"], "service: port \"70000\": number too large"),
        (
            ["0", "/no/such/file"],
            "service: /no/such/file: No such file",
        ),
    ] {
        let output = Command::new(program("service")).args(arguments).output();
        let output = output.expect("the service");
        let report = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{report}");
        assert!(report.starts_with(complaint), "{report}");
    }
}
