//! Servers and clients that the tests share.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use ifrit::crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ifrit::net::{Acceptor, AcceptorHandle, Connection, Stream};
use ifrit::testing::PATIENCE;
use ifrit::{Exit, Process, Signal};

/// An acceptor that runs.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) handle: AcceptorHandle,
}

impl Server {
    #[track_caller]
    pub(crate) fn start(acceptor: Acceptor) -> Self {
        Server::start_as(Process::builder(), acceptor)
    }

    #[track_caller]
    pub(crate) fn start_as(builder: ifrit::process::Builder, acceptor: Acceptor) -> Self {
        let handle = acceptor.handle();
        let process = builder.invoke(acceptor).started().expect("it listens");
        Server { process, handle }
    }

    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.address().unwrap().tcp().unwrap()
    }

    pub(crate) fn connect(&self) -> Client<TcpStream> {
        let socket = TcpStream::connect(self.address()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Client::new(socket)
    }

    #[track_caller]
    pub(crate) fn exit(&self) -> Exit {
        let exit = self.process.join_timeout(PATIENCE);
        exit.expect("it has not exited")
    }

    #[track_caller]
    pub(crate) fn stop(&self) -> Exit {
        self.process.signal(Signal::TERMINATE);
        self.exit()
    }

    /// Blocks until so many connections are open.
    #[track_caller]
    pub(crate) fn until_open(&self, many: usize) {
        crate::kit::until("so many open", || self.handle.counts().open == many);
    }
}

/// One that speaks in lines.
pub(crate) struct Client<S> {
    pub(crate) reader: BufReader<S>,
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn new(socket: S) -> Self {
        Client {
            reader: BufReader::new(socket),
        }
    }

    pub(crate) fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.reader.get_mut().write_all(line.as_bytes()).unwrap();
    }

    #[track_caller]
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    /// Whether the server has ended the connection, without a word.
    #[track_caller]
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.reader.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                true
            }
        }
    }
}

/// Blocks until nothing listens there. A child that another test has just started has the listener for a moment, until it
/// runs its own program.
#[track_caller]
pub(crate) fn until_refused(address: SocketAddr) {
    crate::kit::until("refused", || TcpStream::connect(address).is_err());
}

pub(crate) fn connect_unix(path: &Path) -> Client<UnixStream> {
    let socket = UnixStream::connect(path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    Client::new(socket)
}

/// Answers each line with itself.
pub(crate) fn echo(stream: Stream, connection: &Connection) -> ifrit::Result {
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    while connection.next_request(&mut reader)? {
        line.clear();
        reader.read_line(&mut line)?;
        (&stream).write_all(line.as_bytes())?;
    }
    Ok(())
}

pub(crate) fn local<H>(handler: H) -> Acceptor
where
    H: Fn(Stream, &Connection) -> ifrit::Result + Send + Sync + 'static,
{
    Acceptor::tcp("127.0.0.1:0", handler)
}

/// Answers each line when it is let: it is in a request meanwhile.
pub(crate) fn slow_echo() -> (Acceptor, Slowness) {
    let (began, begun) = unbounded();
    let (let_go, go) = bounded::<()>(0);
    let handler = move |stream: Stream, connection: &Connection| {
        let mut reader = BufReader::new(&stream);
        let mut line = String::new();
        while connection.next_request(&mut reader)? {
            line.clear();
            reader.read_line(&mut line)?;
            let _ = began.send(());
            let _ = go.recv();
            (&stream).write_all(line.as_bytes())?;
        }
        Ok(())
    };
    (local(handler), Slowness { begun, let_go })
}

pub(crate) struct Slowness {
    /// A request has begun.
    pub(crate) begun: Receiver<()>,
    /// One for each, or dropped for all.
    pub(crate) let_go: Sender<()>,
}

impl Slowness {
    #[track_caller]
    pub(crate) fn until_begun(&self) {
        self.begun.recv_timeout(PATIENCE).expect("a request");
    }
}

/// How many times as long what is repeated goes on; with 25 a flood is one of 100,000.
pub(crate) fn stress() -> u32 {
    let factor = std::env::var("IFRIT_STRESS").ok();
    factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}
