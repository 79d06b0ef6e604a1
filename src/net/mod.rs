//! Servers on plain sockets, a thread for each connection.
//!
//! [`Acceptor`] is a runner that listens on a TCP address or a Unix socket and calls a handler for each connection. The
//! handler reads and writes a [`Stream`], and says by its [`Connection`] whether it is in a request.
//!
//! # Limits
//!
//! - **A connection is a thread**, and a file descriptor. Some thousands are fine; for a hundred thousand connections, most
//!   of them idle, another design is. The [capacity](Acceptor::capacity) is 1,000 unless set.
//! - **A handler cannot be ended.** A stop ends its reads and writes, and the channels [`stopping`](Connection::stopping) and
//!   [`killed`](Connection::killed) tell it. One that waits for something else, or computes, is named in
//!   [`NotDrained`], and its thread runs on.
//! - **What is a request, the handler says.** A connection whose handler never calls
//!   [`next_request`](Connection::next_request) or [`idle`](Connection::idle) counts as being in a request from beginning to
//!   end: a stop waits for it until it is over or the limit is.
//! - **A silent client keeps its place** until the handler gives it up: [`Stream::set_read_timeout`] is the means. There is
//!   no limit unless the handler sets one. Only that the peer is gone altogether is found out, by
//!   [keep-alive](Acceptor::keep_alive).
//! - **A stop takes connections that the operating system has queued** and that were not accepted yet with it: the clients
//!   see a reset. Where that must not be, the listener is one that is [handed over](Acceptor::handed_over): it stays open.
//! - **While file descriptors, memory or threads are lacking**, no connection is taken until one of its own has ended. Since
//!   others may give some back unseen, it tries again as well, on the clock, after 50 ms at first, and at most 1 s. Nothing
//!   else here looks again and again.
//! - **Threads stay until the run ends**, as many as connections were open at the same time. They are used again.
//! - Clients that are refused ([`WhenFull::Refuse`]) may see a reset instead of the bytes they are sent, if they have sent
//!   something themselves.
//! - No TLS, and no protocol.
//!
//! For an accept loop of one's own there is an accept that can be interrupted: [`InterruptibleListener`].
//!
//! # How a stop goes
//!
//! 1. No more connections are accepted; the listener is closed, and the file of a Unix socket removed, unless the listener is
//!    one that [existed](Acceptor::on) or was [handed over](Acceptor::handed_over).
//! 2. Connections that are idle are woken: their read returns that the client has closed, and
//!    [`next_request`](Connection::next_request) returns `false`. The others find that out when they ask for their next
//!    request. Nothing more is read of what a client sends after that.
//! 3. Those that are in a request go on. At the [limit](Acceptor::stop_within), or when KILL comes, which groups, sigmons and
//!    [`main`](crate::main()) send before their own limits, they are cut: reads and writes end. Further stop signals do
//!    nothing.
//! 4. The run ends when all handlers have returned: Ok if none was cut, otherwise [`NotDrained`], which counts them. Handlers
//!    that do not return within the grace are named.
//!
//! # What it costs
//!
//! The thread of the runner, which waits for connections and for signals at once, and one thread for each open connection;
//! no other. (Driven by hand, or by a wrapper that passes other signals, one more.) The threads of handlers are used again,
//! so a short connection costs no thread start.
//!
//! The tree shows how many connections there are, beside the note; [`AcceptorHandle::counts`] says it to the program. The
//! connections themselves are no processes: a thousand in the tree would hide the rest.
//!
//! ```
//! use ifrit::net::{Acceptor, Connection, Stream};
//! use ifrit::prelude::*;
//! use std::io::{BufRead, BufReader, Write};
//!
//! fn shout(stream: Stream, connection: &Connection) -> ifrit::Result {
//!     let mut reader = BufReader::new(&stream);
//!     let mut line = String::new();
//!     while connection.next_request(&mut reader)? { // idle until then
//!         line.clear();
//!         reader.read_line(&mut line)?;
//!         (&stream).write_all(line.to_uppercase().as_bytes())?;
//!     }
//!     Ok(())
//! }
//!
//! let web = Acceptor::tcp("127.0.0.1:0", shout);
//! let handle = web.handle();
//! let app = ifrit::invoke(Ordered::new(Members::new().add("web", web))).started()?;
//!
//! let address = handle.address().unwrap().tcp().unwrap();
//! let mut client = BufReader::new(std::net::TcpStream::connect(address)?);
//! client.get_mut().write_all(b"hello\n")?;
//! let mut answer = String::new();
//! client.read_line(&mut answer)?;
//! assert_eq!(answer, "HELLO\n");
//!
//! app.signal(Signal::TERMINATE);
//! app.join()?; // at once: the connection is idle
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// The files import downward only: `acceptor` and `interruptible` stand highest, then `draining`, `serving`, `handling`,
// `tally`, `table`, `connection`, `options`, `source`, `handover`, `socket_file`, and lowest `error`, `listener`, `stream`,
// `wake`, `address`.

mod acceptor;
mod address;
mod connection;
mod draining;
mod error;
mod handling;
mod handover;
mod interruptible;
mod listener;
mod options;
mod serving;
mod socket_file;
mod source;
mod stream;
mod table;
mod tally;
mod wake;

pub use acceptor::Acceptor;
pub use address::Address;
pub use connection::Connection;
pub use error::{AcceptError, ListenError, NotDrained, StuckConnection};
pub use handover::HandedOver;
pub use interruptible::{Interrupter, InterruptibleListener};
pub use listener::Listener;
pub use options::WhenFull;
pub use stream::Stream;
pub use tally::{AcceptorHandle, Counts};
