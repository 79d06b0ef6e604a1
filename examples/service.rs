//! A small service on `std` alone: a log, a folder, a worker, connections, and a listener.
//!
//!     cargo run --example service              # listens on 127.0.0.1:7878
//!     cargo run --example service -- 0 data    # on a free port, with its journal in the folder `data`
//!
//! You see its plan, and once all is up the tree of its processes. Talk to it from another terminal
//! (`nc 127.0.0.1 7878`): `work 500` gives the worker a job of 500 ms; `fail` makes the worker fail. It is restarted, and
//! the service says so; the fourth time within a minute it is given up, and with it the service, which reports what began
//! it; exit code 1. SIGUSR1 shows the tree again, and what has happened.
//!
//! ctrl-c or SIGTERM stops it in reverse order: the connections answer what they have received, the worker finishes what
//! is in its queue; exit code 0. A second ctrl-c cuts that short; exit code 130. A standard output that is closed harms
//! nothing. One that is full costs the lines that do not fit, and at the end the log is given up and named.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, path::PathBuf, time::Duration};

use ifrit::crossbeam_channel::{self as channel, RecvError, Sender, select};
use ifrit::grouper::{Capacity, Dynamic, DynamicClient};
use ifrit::process::note;
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::runners::Actor;
use ifrit::{Main, prelude::*, run_fn};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let address = format!("127.0.0.1:{}", arguments.next().unwrap_or("7878".into()));
    let folder = arguments.next().map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| env::temp_dir().join("ifrit-service"));
    let journal = folder.join("journal");
    let (queue, jobs) = channel::unbounded();
    let connections = Dynamic::new(Capacity::at_most(100));
    let clients = connections.client();

    // Each starts when the one before is ready, and stops when the one after has stopped. All together have 25 s for that.
    let seconds = Duration::from_secs;
    let app = Ordered::new([
        Member::new("log", Log).stop_within(seconds(1)),
        Member::new(
            "folder",
            run_fn(move |_, _| {
                let made = fs::create_dir_all(&folder);
                Ok(made.map_err(|error| format!("{}: {error}", folder.display()))?)
            }),
        )
        .one_shot()
        .stop_within(seconds(1)),
        Member::new("worker", Worker { jobs, journal })
            .stop_within(seconds(10))
            .restart(Restart::transient().backoff(Backoff::constant(Duration::from_millis(200)))),
        Member::new("connections", connections).stop_within(seconds(8)),
        Member::new("listener", listener(address, clients, queue)).stop_within(seconds(2)),
    ])
    .budget(Budget::new(3, seconds(60)));
    let service = Main::new(app).dump_on(Signal::USER1).on_ready(|| {
        let tree = ifrit::tree();
        say(format!("{}\nready", tree.for_terminal(&io::stdout())));
    });
    say(service.plan());
    service.run()
}

static LINES: LazyLock<(Sender<String>, Receiver<String>)> =
    LazyLock::new(|| channel::bounded(1000));

/// Gives a line to the log. No member waits for standard output; while that takes nothing, lines are lost.
fn say(line: impl ToString) {
    let _ = LINES.0.try_send(line.to_string());
}

/// Writes what the others say. The first to start and the last to stop, it hears everything.
struct Log;

impl Runner for Log {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        // Not `println`, which panics where standard output is closed.
        let write = |line| drop(writeln!(io::stdout(), "{line}"));
        ready.notify();
        loop {
            select! {
                recv(LINES.1) -> line => write(line?),
                recv(signals) -> signal => if stop(signal).is_some() { break }
            }
        }
        LINES.1.try_iter().for_each(write);
        Ok(())
    }
}

/// The signal, if it is a stop signal. A closed channel counts as one.
fn stop(signal: Result<Signal, RecvError>) -> Option<Signal> {
    Some(signal.unwrap_or(Signal::INTERRUPT)).filter(|signal| signal.is_stop())
}

enum Job {
    Work(Duration),
    Fail,
}

static DONE: AtomicU64 = AtomicU64::new(0);

struct Worker {
    jobs: Receiver<Job>,
    journal: PathBuf,
}

impl Runner for Worker {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        let mut journal = fs::File::options()
            .create(true)
            .append(true)
            .open(&self.journal)?;
        ready.notify();
        let mut told = None;
        while told != Some(Signal::KILL) {
            let job = match told {
                None => select! {
                    recv(self.jobs) -> job => job.ok(),
                    recv(signals) -> signal => {
                        told = stop(signal);
                        continue;
                    }
                },
                // The connections have ended before: what is in the queue is all there will be.
                Some(_) => self.jobs.try_recv().ok(),
            };
            match job {
                Some(Job::Work(time)) => work(time, &signals, &mut told)?,
                Some(Job::Fail) => return Err("told to fail".into()),
                None => break,
            }
            let done = DONE.fetch_add(1, Ordering::Relaxed) + 1;
            writeln!(journal, "job {done}")?;
            note(format_args!("jobs done: {done}"));
        }
        say(format!("worker: stopped, {DONE:?} done"));
        Ok(())
    }
}

/// Stands for work that looks at its signals now and then: KILL ends it, a stop can wait until it is done.
fn work(
    time: Duration,
    signals: &Receiver<Signal>,
    told: &mut Option<Signal>,
) -> ifrit::Result<()> {
    say(format!("worker: works for {time:?}"));
    let over = channel::after(time);
    loop {
        select! {
            recv(over) -> _ => return Ok(()),
            recv(signals) -> signal => *told = stop(signal).or(*told),
        }
        if *told == Some(Signal::KILL) {
            return Err("cut short in the middle of a job".into());
        }
    }
}

/// Takes clients in. `accept` cannot wait for a signal too, so a stop interrupts it.
fn listener(address: String, clients: DynamicClient, queue: Sender<Job>) -> impl Runner {
    Actor::with(move |stopping, ready| {
        let listener = TcpListener::bind(&address);
        let listener = listener.map_err(|error| format!("{address}: {error}"))?;
        let bound = listener.local_addr()?;
        say(format!("listener: on {bound}"));
        note(format_args!("on {bound}"));
        // Nothing in `std` makes `accept` return but a connection.
        let _interrupting = stopping.interrupt(move |_| {
            TcpStream::connect(bound)?;
            Ok(())
        });
        ready.notify();
        while !stopping.has_begun() {
            let (stream, peer) = listener.accept()?;
            if !stopping.has_begun() {
                let member = Member::new(peer.to_string(), connection(stream, queue.clone()));
                let _ = clients.try_insert(member); // one too many is dropped, which closes it
            }
        }
        say("listener: stopped");
        Ok(())
    })
}

/// Answers what a client says, until one of the two has had enough. The service goes on when it fails.
fn connection(stream: TcpStream, queue: Sender<Job>) -> impl Runner {
    Actor::with(move |stopping, ready| {
        let interrupted = stream.try_clone()?;
        // What has been received is still answered; after KILL, not even that.
        let _interrupting = stopping.interrupt(move |signal| {
            Ok(interrupted.shutdown(match signal {
                Signal::KILL => Shutdown::Both,
                _ => Shutdown::Read,
            })?)
        });
        ready.notify();
        if let Err(error) = converse(&stream, &queue) {
            note(error);
        }
        Ok(())
    })
}

fn converse(mut stream: &TcpStream, queue: &Sender<Job>) -> ifrit::Result<()> {
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let job = match line.split_once(' ').unwrap_or((&line, "")) {
            ("work", ms) => ms.parse().ok().map(Duration::from_millis).map(Job::Work),
            ("fail", _) => Some(Job::Fail),
            _ => None,
        };
        match job {
            Some(job) => {
                queue.send(job)?;
                stream.write_all(b"queued\n")?;
            }
            None => stream.write_all(b"say `work <milliseconds>` or `fail`\n")?,
        }
    }
    Ok(())
}
