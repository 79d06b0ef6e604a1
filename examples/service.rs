//! A small service on `std` alone: settings, a set-up step, a worker, a reporter and a TCP server.
//!
//!     cargo run --example service                 # listens on 127.0.0.1:7878
//!     cargo run --example service -- 0 my.conf    # on a free port, with settings
//!
//! You see its plan, its members as they start, then the tree of its processes. Talk to it from another terminal
//! (`nc 127.0.0.1 7878`): `work 500` gives the worker a job of 500 ms; `fail` makes the worker fail, and with it the
//! service, which reports who began it; exit code 1. SIGUSR1 makes the reporter speak.
//!
//! ctrl-c or SIGTERM stops it in reverse order: the server answers what it has received, the worker finishes what is in
//! its queue; exit code 0. A second ctrl-c cuts that short; exit code 130.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::{env, fs, path::PathBuf, time::Duration};

use ifrit::crossbeam_channel::{self as channel, Sender, select};
use ifrit::{Main, prelude::*, run_fn};

static DONE: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let settings = match Settings::read(env::args().skip(1)) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("service: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (queue, jobs) = channel::unbounded();
    let journal = settings.data_dir.join("journal");
    let (port, every) = (settings.port, settings.report_every);
    let banner = run_fn(|_, _| {
        println!("{}", ifrit::tree());
        Ok(())
    });

    // Each starts when the one before is ready, and stops when the one after has stopped.
    let app = Ordered::new([
        Member::new("data", prepare(settings.data_dir)).one_shot(),
        Member::new("worker", Worker { jobs, journal }),
        Member::new("reporter", Reporter { every }),
        Member::new("server", Server { port, queue }),
        // The last to start, so the tree that it prints is that of a service that is ready.
        Member::new("banner", banner).one_shot(),
    ]);
    println!("{}", app.plan());
    Main::new(app)
        .also([Signal::USER1])
        .stop_within(settings.stop_within)
        .kill_grace(settings.kill_grace)
        .run()
}

struct Settings {
    port: u16,
    report_every: Duration,
    stop_within: Duration,
    kill_grace: Duration,
    data_dir: PathBuf,
}

impl Settings {
    /// From the arguments: a port, and a file with lines of `name = value`.
    fn read(mut arguments: impl Iterator<Item = String>) -> ifrit::Result<Self> {
        let port = arguments.next().unwrap_or("7878".into());
        let mut settings = Settings {
            port: port
                .parse()
                .map_err(|error| format!("port {port:?}: {error}"))?,
            report_every: Duration::from_secs(10),
            stop_within: Duration::from_secs(20),
            kill_grace: Duration::from_secs(1),
            data_dir: env::temp_dir().join("ifrit-service"),
        };
        let Some(file) = arguments.next() else {
            return Ok(settings);
        };
        let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        for (number, line) in (1..).zip(text.lines()) {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            let set = settings.set(name.trim(), value.trim());
            set.map_err(|error| format!("{file}:{number}: {}: {error}", name.trim()))?;
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> ifrit::Result<()> {
        match name {
            "report_every_ms" => self.report_every = Duration::from_millis(value.parse()?),
            "stop_within_ms" => self.stop_within = Duration::from_millis(value.parse()?),
            "kill_grace_ms" => self.kill_grace = Duration::from_millis(value.parse()?),
            "data_dir" => self.data_dir = value.into(),
            "" => {}
            _ => return Err("no such setting".into()),
        }
        Ok(())
    }
}

/// Runs once. When it has ended well, the next member starts.
fn prepare(directory: PathBuf) -> impl Runner {
    run_fn(move |_, _| {
        println!("data: in {}", directory.display());
        Ok(fs::create_dir_all(&directory)?)
    })
}

enum Job {
    Work(Duration),
    Fail,
}

struct Worker {
    jobs: Receiver<Job>,
    journal: PathBuf,
}

impl Runner for Worker {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        let mut journal = fs::File::create(&self.journal)?;
        ready.notify();
        let mut stopping = false;
        while let Some(job) = self.next(&signals, &mut stopping) {
            match job {
                Job::Work(time) => work(time, &signals, &mut stopping)?,
                Job::Fail => return Err("told to fail".into()),
            }
            let done = DONE.fetch_add(1, Ordering::Relaxed) + 1;
            writeln!(journal, "job {done}")?;
        }
        println!("worker: stopped, {} done", DONE.load(Ordering::Relaxed));
        Ok(())
    }
}

impl Worker {
    fn next(&self, signals: &Receiver<Signal>, stopping: &mut bool) -> Option<Job> {
        while !*stopping {
            select! {
                recv(self.jobs) -> job => return job.ok(),
                recv(signals) -> signal => match signal {
                    Ok(Signal::KILL) => return None,
                    signal => *stopping = is_stop(signal),
                }
            }
        }
        // The server has stopped before: what is in the queue is all there will be.
        self.jobs.try_recv().ok()
    }
}

/// Stands for work that looks at its signals now and then: KILL ends it, a stop can wait until it is done.
fn work(time: Duration, signals: &Receiver<Signal>, stopping: &mut bool) -> ifrit::Result<()> {
    println!("worker: works for {time:?}");
    let over = channel::after(time);
    loop {
        select! {
            recv(over) -> _ => return Ok(()),
            recv(signals) -> signal => match signal {
                Ok(Signal::KILL) | Err(_) => return Err("cut short in the middle of a job".into()),
                signal => *stopping |= is_stop(signal),
            }
        }
    }
}

/// A closed channel counts as a stop.
fn is_stop(signal: Result<Signal, channel::RecvError>) -> bool {
    signal.map_or(true, Signal::is_stop)
}

struct Reporter {
    every: Duration,
}

impl Runner for Reporter {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        let ticks = channel::tick(self.every);
        ready.notify();
        loop {
            select! {
                recv(ticks) -> _ => {}
                recv(signals) -> signal => if is_stop(signal) { break }
            }
            println!("reporter: {} done", DONE.load(Ordering::Relaxed));
        }
        println!("reporter: stopped");
        Ok(())
    }
}

struct Server {
    port: u16,
    queue: Sender<Job>,
}

impl Runner for Server {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
        let address = listener.local_addr()?;
        println!("server: listens on {address}");
        let open = Mutex::new(Open::default());
        ifrit::scope(|scope| {
            let acceptor = scope.invoke(run_fn(|_, ready| {
                ready.notify();
                accept(&listener, &open, &self.queue)
            }));
            ready.notify();
            loop {
                let signal = select! {
                    recv(acceptor.exited()) -> _ => break,
                    recv(signals) -> signal => signal.unwrap_or(Signal::KILL),
                };
                if signal == Signal::KILL {
                    open.lock().unwrap().close(Shutdown::Both);
                } else if signal.is_stop() {
                    println!("server: stops");
                    open.lock().unwrap().close(Shutdown::Read);
                }
                if signal.is_stop() {
                    // `accept` cannot wait for a signal too, and nothing in `std` ends it. A connection wakes it.
                    let _ = TcpStream::connect(address);
                }
            }
            println!("server: stopped");
            Ok(acceptor.join()?)
        })
    }
}

/// Gives each connection a thread. Ends when they are closed and all have answered.
fn accept(listener: &TcpListener, open: &Mutex<Open>, queue: &Sender<Job>) -> ifrit::Result<()> {
    ifrit::scope(|connections| {
        loop {
            let accepted = listener.accept();
            let mut state = open.lock().unwrap();
            let (stream, peer) = match accepted {
                _ if state.closed => return Ok(()),
                Ok((stream, peer)) => (Arc::new(stream), peer),
                Err(error) => {
                    state.close(Shutdown::Read); // the end of the scope waits for them
                    return Err(error.into());
                }
            };
            state.streams.insert(peer, Arc::clone(&stream));
            drop(state);
            connections.background(run_fn(move |_, ready| {
                ready.notify();
                let result = converse(&stream, queue);
                open.lock().unwrap().streams.remove(&peer);
                result
            }));
        }
    })
}

/// The open connections. Shutting a socket down wakes the thread that is blocked on it.
#[derive(Default)]
struct Open {
    closed: bool,
    streams: HashMap<SocketAddr, Arc<TcpStream>>,
}

impl Open {
    /// `Read`: they come to the end of what has been received, and still answer it. `Both`: they are cut.
    fn close(&mut self, how: Shutdown) {
        self.closed = true;
        for stream in self.streams.values() {
            let _ = stream.shutdown(how); // unless the other side has gone
        }
    }
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
