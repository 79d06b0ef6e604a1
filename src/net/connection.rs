//! What a handler knows of its connection, and says of it: [`Connection`].
//!
//! Invariants:
//! 1. Of a stop and a connection that goes idle one sees the other, whichever comes first: each writes its own word before
//!    it reads that of the other. So no idle connection sleeps through a stop.
//! 2. A request that has begun is not disturbed before it is cut: only what is idle is woken, in one step with leaving that
//!    state. What finds that it was woken begins no request.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, BufRead};
use std::net::Shutdown;

use super::address::Address;
use super::stream::Stream;
use crate::latch::Latch;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::channel::Receiver;
use crate::sync::{Arc, OnceLock, thread};

/// A connection that is being served: who it is, whether it is to end, and whether it is in a request.
///
/// A handler is given it beside the stream. A stop wakes the connections that are idle, and waits for those that are in a
/// request. A connection counts as being in a request from its beginning, but for the time that the handler spends in
/// [`next_request`](Connection::next_request) or [`idle`](Connection::idle).
///
/// ```
/// use ifrit::net::{Acceptor, Connection, Stream};
/// use std::io::{BufRead, BufReader, Write};
///
/// fn shout(stream: Stream, connection: &Connection) -> ifrit::Result {
///     let mut reader = BufReader::new(&stream);
///     let mut line = String::new();
///     while connection.next_request(&mut reader)? {
///         line.clear();
///         reader.read_line(&mut line)?;
///         (&stream).write_all(line.to_uppercase().as_bytes())?;
///     }
///     Ok(())
/// }
///
/// let server = ifrit::invoke(Acceptor::tcp("127.0.0.1:0", shout));
/// # server.signal(ifrit::Signal::TERMINATE);
/// # server.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
pub struct Connection(Arc<Line>);

/// What all that has to do with a connection shares.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) peer: Address,
    pub(super) stream: Stream,
    pub(super) stop: Arc<Stop>,
    standing: AtomicUsize,
    /// The number of its thread at the operating system.
    pub(super) os_thread_id: OnceLock<Option<u32>>,
}

/// What all connections of a run are told.
#[derive(Default)]
pub(super) struct Stop {
    has_begun: AtomicBool,
    begun: Latch,
    killed: Latch,
}

const IN_A_REQUEST: usize = 0;
const IDLE: usize = 1;
const WOKEN: usize = 2;

impl Stop {
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    pub(super) fn begin(&self) {
        self.has_begun.store(true, Ordering::SeqCst); // invariant 1
        self.begun.open();
    }

    pub(super) fn kill(&self) {
        self.killed.open();
    }
}

impl Line {
    pub(super) fn new(number: u64, peer: Address, stream: Stream, stop: &Arc<Stop>) -> Arc<Self> {
        Arc::new(Line {
            number,
            peer,
            stream,
            stop: Arc::clone(stop),
            standing: AtomicUsize::new(IN_A_REQUEST),
            os_thread_id: OnceLock::new(),
        })
    }

    /// It is being served, on this thread.
    pub(super) fn is_served_here(self: &Arc<Self>) -> Connection {
        let _ = self.os_thread_id.set(thread::os_id());
        Connection(Arc::clone(self))
    }

    pub(super) fn is_in_a_request(&self) -> bool {
        self.standing.load(Ordering::SeqCst) == IN_A_REQUEST
    }

    /// Ends the read that it is idle in, if it is.
    pub(super) fn wake_if_idle(&self) {
        if self.change(IDLE, WOKEN) {
            let _ = self.stream.shutdown(Shutdown::Read); // the peer may have closed it
        }
    }

    /// Ends whatever it does with its stream.
    pub(super) fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn change(&self, from: usize, to: usize) -> bool {
        let change = self
            .standing
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        change.is_ok()
    }

    fn goes_idle(&self) {
        if self.change(IN_A_REQUEST, IDLE) && self.stop.has_begun() {
            self.wake_if_idle(); // invariant 1
        }
    }

    /// Whether a request may begin.
    fn leaves_idle(&self) -> bool {
        self.change(IDLE, IN_A_REQUEST) // invariant 2
    }
}

impl Connection {
    /// The number of the connection: so many has its acceptor taken, this one included.
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// The other end.
    pub fn peer(&self) -> &Address {
        &self.0.peer
    }

    /// The address of this end. It is asked for at the operating system.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn local(&self) -> io::Result<Address> {
        self.0.stream.local()
    }

    /// Whether the server has been told to stop. No new request is to be begun then.
    pub fn is_stopping(&self) -> bool {
        self.0.stop.has_begun()
    }

    /// A channel that fires, by being disconnected, when the server is told to stop: something to select on.
    pub fn stopping(&self) -> &Receiver<Infallible> {
        self.0.stop.begun.receiver()
    }

    /// A channel that fires, by being disconnected, when the connections of the server are cut: by KILL, or at the end of
    /// its limit. Reads and writes end by themselves then; this is for whatever else a handler waits for.
    pub fn killed(&self) -> &Receiver<Infallible> {
        self.0.stop.killed.receiver()
    }

    /// Waits for the first byte of the next request, and says whether there is one.
    ///
    /// Blocks in [`fill_buf`](BufRead::fill_buf) of the reader, which is to be one of the connection's stream, and takes
    /// nothing out of it. `false`: the peer has closed or reset the connection, or the server is told to stop. Once it has
    /// returned `true` a stop waits for the request, until this is called again.
    ///
    /// # Errors
    ///
    /// Those of the read, such as [`WouldBlock`](io::ErrorKind::WouldBlock) after the
    /// [time-out](Stream::set_read_timeout) of the stream.
    pub fn next_request(&self, reader: &mut impl BufRead) -> io::Result<bool> {
        loop {
            if self.is_stopping() {
                return Ok(false);
            }
            self.0.goes_idle();
            let first = reader.fill_buf().map(|bytes| !bytes.is_empty());
            if !self.0.leaves_idle() {
                return Ok(false);
            }
            match first {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_hanging_up(&error) => return Ok(false),
                first => return first,
            }
        }
    }

    /// Does `work`, during which the connection counts as idle: a stop ends what it reads.
    ///
    /// For protocols that do not wait for the first byte of a request as [`next_request`](Connection::next_request) does.
    /// Where a stop has come before or meanwhile, reads find what has arrived, and then the end of the stream, for ever.
    pub fn idle<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.goes_idle();
        let done = work();
        if !self.0.leaves_idle() {
            self.0.change(WOKEN, IN_A_REQUEST); // what it has read it may still work on
        }
        done
    }
}

/// Whether it is the peer that has ended the connection.
fn is_hanging_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
    )
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("number", &self.number())
            .field("peer", &self.peer())
            .finish_non_exhaustive()
    }
}
