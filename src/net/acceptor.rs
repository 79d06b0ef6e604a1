//! A server on a plain socket: [`Acceptor`].

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::connection::Connection;
use super::draining::Draining;
use super::handling::{Handler, Shared};
use super::handover::{self, HandedOver};
use super::listener::Listener;
use super::options::{Options, WhenFull};
use super::serving::{Ended, Serving};
use super::source::Source;
use super::stream::Stream;
use super::table::Table;
use super::tally::{AcceptorHandle, Tally};
use super::wake::Wake;
use crate::error::Result;
use crate::grouper::Capacity;
use crate::on_drop::OnDrop;
use crate::plan::{Plan, Runs};
use crate::process::{Core, Hearing, Pool, current_core, note, with_host};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Weak};

/// A runner that listens, and runs a handler for each connection, on a thread of its own.
///
/// It is ready when it listens. A stop signal closes the listener, wakes the connections that are idle, and waits for those
/// that are in a [request](Connection); KILL cuts them all. See the [module](super) for how a stop goes, what it costs and
/// what it does not do.
///
/// - Its run ends with [`ListenError`](super::ListenError) if it cannot listen, before it was ready; with
///   [`AcceptError`](super::AcceptError) if the listener fails, once its connections have ended as in a stop; with [`NotDrained`](super::NotDrained) if the stop had to cut
///   connections in a request.
/// - It can be run again, by a restarter or a group: each run listens anew, on the same address.
/// - A handler that fails or panics ends its own connection and no other. It is counted, and
///   [noted](crate::process::note): the first, the second, the fourth and so on.
/// - In a handler, the [current](crate::current) process is that of the acceptor.
///
/// ```
/// use ifrit::net::Acceptor;
/// use std::io::{Read, Write};
///
/// let server = Acceptor::tcp("127.0.0.1:0", |mut stream, _connection| {
///     stream.write_all(b"hello\n")?;
///     Ok(())
/// });
/// let handle = server.handle();
/// let server = ifrit::invoke(server).started()?;
///
/// let address = handle.address().unwrap().tcp().unwrap();
/// let mut heard = String::new();
/// std::net::TcpStream::connect(address)?.read_to_string(&mut heard)?;
/// assert_eq!(heard, "hello\n");
///
/// server.signal(ifrit::Signal::TERMINATE);
/// server.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("server", "listener", "accept loop"))]
#[must_use = "it listens to nothing until it runs"]
pub struct Acceptor {
    source: Source,
    handler: Arc<Handler>,
    options: Options,
    tally: Arc<Tally>,
}

impl Acceptor {
    /// Listens on a TCP address, such as `"0.0.0.0:80"` or `"localhost:8080"`. With port 0 the operating system chooses one;
    /// [`handle`](Acceptor::handle) says which.
    ///
    /// The address is looked up when it runs, which blocks for a name. Of several addresses the first that can be had is taken.
    pub fn tcp<H>(address: impl fmt::Display, handler: H) -> Self
    where
        H: Fn(Stream, &Connection) -> Result + Send + Sync + 'static,
    {
        Acceptor::new(Source::Tcp(address.to_string()), handler)
    }

    /// Listens on a Unix socket.
    ///
    /// A socket that a dead program has left at `path` is replaced; anything else that stands there, and a socket that
    /// something listens on, is left alone, and is a [`ListenError`](super::ListenError). While it listens, a locked file of
    /// the same name with `.lock` behind it stands beside it, so that two programs that start at once do not take the path
    /// from each other. Both files are removed at the end of the run, unless something else has taken their place.
    ///
    /// ```
    /// use ifrit::net::Acceptor;
    /// use std::io::{Read, Write};
    ///
    /// # let path = std::env::temp_dir().join(format!("ifrit-doc-{}.sock", std::process::id()));
    /// let server = Acceptor::unix(&path, |mut stream, _| Ok(stream.write_all(b"hello\n")?)).permissions(0o600);
    /// let server = ifrit::invoke(server).started()?;
    /// let mut heard = String::new();
    /// std::os::unix::net::UnixStream::connect(&path)?.read_to_string(&mut heard)?;
    /// assert_eq!(heard, "hello\n");
    /// server.signal(ifrit::Signal::TERMINATE);
    /// server.join()?;
    /// assert!(!path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unix<H>(path: impl Into<PathBuf>, handler: H) -> Self
    where
        H: Fn(Stream, &Connection) -> Result + Send + Sync + 'static,
    {
        Acceptor::new(Source::Unix(path.into()), handler)
    }

    /// Takes its connections from a listener that exists. It stays open between runs and is closed with the acceptor.
    ///
    /// It is made non-blocking, which holds for all that share the socket. The file of a Unix socket is not removed.
    ///
    /// ```
    /// use ifrit::net::Acceptor;
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let server = Acceptor::on(listener, |_stream, _connection| Ok(()));
    /// # let _ = server;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on<H>(listener: impl Into<Listener>, handler: H) -> Self
    where
        H: Fn(Stream, &Connection) -> Result + Send + Sync + 'static,
    {
        Acceptor::new(Source::Existing(Arc::new(listener.into())), handler)
    }

    /// Takes its connections from a listener that the environment hands over, as systemd does for a socket unit: the one at
    /// this place, from 0, or the one of this name (`FileDescriptorName=`).
    ///
    /// It stays open for as long as the program. `LISTEN_FDS` and `LISTEN_PID` are read here, the first time, and taken out
    /// of the environment; so this is best called before the program has started other threads. Where none was handed over,
    /// it is a [`ListenError`](super::ListenError), unless there is an [`otherwise`](Acceptor::otherwise).
    ///
    /// ```
    /// use ifrit::net::Acceptor;
    ///
    /// // Under systemd its socket; by hand an address.
    /// let server = Acceptor::handed_over("http", |_stream, _connection| Ok(()))
    ///     .otherwise("127.0.0.1:8080");
    /// # let _ = server;
    /// ```
    #[doc(alias("systemd", "socket activation", "listenfd"))]
    pub fn handed_over<H>(which: impl Into<HandedOver>, handler: H) -> Self
    where
        H: Fn(Stream, &Connection) -> Result + Send + Sync + 'static,
    {
        handover::read_environment();
        Acceptor::new(Source::HandedOver(which.into(), None), handler)
    }

    fn new<H>(source: Source, handler: H) -> Self
    where
        H: Fn(Stream, &Connection) -> Result + Send + Sync + 'static,
    {
        Acceptor {
            source,
            handler: Arc::new(handler),
            options: Options::new(),
            tally: Arc::default(),
        }
    }

    /// The TCP address to listen on where the environment has handed over nothing at all. Of no meaning but for
    /// [`handed_over`](Acceptor::handed_over).
    pub fn otherwise(mut self, address: impl fmt::Display) -> Self {
        if let Source::HandedOver(_, otherwise) = &mut self.source {
            *otherwise = Some(Box::new(Source::Tcp(address.to_string())));
        }
        self
    }

    /// How many connections there may be at a time. Default: 1,000.
    ///
    /// Each takes a thread and a file descriptor. Room for none is [`Error::ZeroCapacity`](crate::Error::ZeroCapacity), when
    /// it runs.
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.options.capacity = capacity;
        self
    }

    /// What is done with a connection for which there is no room. Default: [`WhenFull::Wait`].
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.options.when_full = when_full;
        self
    }

    /// After how much silence of a TCP peer the operating system asks whether it is still there; `None`: never. Default: 3
    /// minutes.
    ///
    /// One that does not answer for about as long again is gone: reads end with an error. At least a second.
    pub fn keep_alive(mut self, silence: Option<Duration>) -> Self {
        self.options.tcp.keep_alive = silence;
        self
    }

    /// Whether what is written to a TCP connection is sent at once, however little it is. Default: `true`.
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.options.tcp.nodelay = nodelay;
        self
    }

    /// The permissions of the file of a Unix socket, such as `0o660`. Default: those that the program's umask leaves.
    ///
    /// Nothing can connect before they are set.
    pub fn permissions(mut self, mode: u32) -> Self {
        self.options.mode = Some(mode);
        self
    }

    /// How long its stop may take, cutting and grace included. Default: no limit of its own; those around it hold in any
    /// case, by the KILL that they send.
    ///
    /// The connections that are left are cut the [grace](Acceptor::kill_grace), or a tenth of the limit where that is less,
    /// before the end; the handlers that do not return then are named in the error, and their threads run on. Zero is
    /// [`Error::ZeroDeadline`](crate::Error::ZeroDeadline), when it runs.
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.options.stop_within = Some(limit);
        self
    }

    /// How long handlers may take to return when their connections were cut. Default: the grace of the process it runs in,
    /// which is 1 s at the top. After KILL a tenth of it is kept back, to say which handlers do not return.
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.options.kill_grace = Some(grace);
        self
    }

    /// The size of the stacks of the handlers' threads, in bytes. Default: that of the standard library.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.stack_size = Some(bytes);
        self
    }

    /// Where it listens, and how many connections it has: to be asked while it runs.
    pub fn handle(&self) -> AcceptorHandle {
        AcceptorHandle(Arc::clone(&self.tally))
    }

    fn serve(&self, host: &Arc<Core>, signals: Receiver<Signal>, ready: ReadySender) -> Result {
        let open = self.source.open(self.options.tcp, self.options.mode)?;
        let wake = Arc::new(Wake::new()?);
        let (_hearing, _) = Hearing::begin(host, Arc::clone(&wake) as _);
        let (table, nudges) = Table::new();
        let process = current_core();
        if let Some(process) = &process {
            let gauge = Arc::downgrade(&self.tally);
            process.show(gauge as _);
        }
        let shown_by = process.clone();
        let _over = OnDrop(|| {
            if table.look().open > 0 {
                table.cut(); // a panic of ours leaves no connection behind
            }
            if let Some(process) = &shown_by {
                process.show(Weak::<Tally>::new() as _);
            }
        });
        self.tally.listens(open.address.clone(), &table);
        let clock = host.clock.clone();
        let mut serving = Serving {
            options: &self.options,
            open,
            wake,
            signals: signals.clone(),
            nudges,
            shared: Arc::new(Shared {
                handler: Arc::clone(&self.handler),
                table: Arc::clone(&table),
                tally: Arc::clone(&self.tally),
                name: name_of(process.as_deref()),
                process,
            }),
            pool: Pool::new(),
            clock: clock.clone(),
            unstarted: None,
            pause: None,
            ends_before: 0,
            fills: Default::default(),
            lacks: Default::default(),
        };
        ready.notify();
        let ended = serving.accept();
        self.tally.listens_no_more();
        let nudges = serving.close();
        let stop = match &ended {
            Ended::Told(stop) => Some(*stop),
            Ended::Failed(_) => None,
        };
        let open = table.look().open;
        if let Ended::Failed(error) = &ended
            && open > 0
        {
            // The run ends with it, which may take as long as a request does.
            let source = &error.source;
            note(format_args!(
                "{error}: {source}; it ends when what is open has ended ({open})"
            ));
        }
        let grace = self.options.kill_grace.unwrap_or_else(|| host.grace());
        let within = self.options.stop_within;
        let drained =
            Draining::new(host, &table, signals, &nudges, &clock, grace, within).run(stop);
        match (ended, drained) {
            (Ended::Told(_), drained) => Ok(drained?),
            (Ended::Failed(error), drained) => {
                if let Err(not_drained) = drained {
                    note(not_drained);
                }
                Err(error.into())
            }
        }
    }
}

/// What the threads of the handlers are called.
fn name_of(process: Option<&Core>) -> Arc<str> {
    match process {
        Some(process) => Arc::clone(&process.name),
        None => "connection".into(),
    }
}

impl Runner for Acceptor {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.options.check()?;
        with_host(signals, |host, signals| self.serve(host, signals, ready))?
    }

    fn plan(&self) -> Plan {
        let options = &self.options;
        let mut plan = Plan::new("acceptor").note(self.source.to_string());
        plan = plan.note(options.capacity.to_string());
        if matches!(options.when_full, WhenFull::Refuse(_)) {
            plan = plan.note("refuses others");
        }
        plan = plan.limits(&[
            ("stop", options.stop_within),
            ("kill grace", options.kill_grace),
        ]);
        plan.runner.stop_within = options.stop_within;
        plan.runner.kill_grace = options.kill_grace;
        plan.runner.has_no_room = options.capacity.is_zero();
        plan.runner.runs = Runs::Dynamic;
        plan
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("source", &self.source)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
