//! One end of a connection: [`Stream`].

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::address::Address;
use crate::sync::Arc;

/// One end of a connection, of TCP or of a Unix socket.
///
/// It reads and writes as [`TcpStream`] does, also through a reference. Clones are the same end, and cost no further file
/// descriptor. The connection is closed when the last clone is dropped, after the handler has returned.
///
/// ```
/// use ifrit::net::Stream;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// let (one, mut other) = UnixStream::pair()?;
/// let mut stream = Stream::from(one);
/// stream.write_all(b"hello")?;
/// let mut heard = [0; 5];
/// other.read_exact(&mut heard)?;
/// assert_eq!(&heard, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Stream(Arc<Socket>);

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The same call on whichever it is.
macro_rules! on {
    ($stream:expr, $socket:ident => $call:expr) => {
        match &*$stream.0 {
            Socket::Tcp($socket) => $call,
            Socket::Unix($socket) => $call,
        }
    };
}

impl Stream {
    /// The socket, if it is one of TCP.
    pub fn tcp(&self) -> Option<&TcpStream> {
        match &*self.0 {
            Socket::Tcp(socket) => Some(socket),
            Socket::Unix(_) => None,
        }
    }

    /// The socket, if it is a Unix socket.
    pub fn unix(&self) -> Option<&UnixStream> {
        match &*self.0 {
            Socket::Tcp(_) => None,
            Socket::Unix(socket) => Some(socket),
        }
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn local(&self) -> io::Result<Address> {
        on!(self, socket => socket.local_addr().map(Address::from))
    }

    /// How long a read may block. Default: `None`, without a limit. A read that takes longer is an error of the kind
    /// [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// It is the answer to a client that sends nothing, or a byte a minute. Real time, whatever the clock of the process.
    ///
    /// # Errors
    ///
    /// Where the limit is zero; those of the operating system.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        on!(self, socket => socket.set_read_timeout(limit))
    }

    /// How long a write may block, in the same way.
    ///
    /// # Errors
    ///
    /// Where the limit is zero; those of the operating system.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        on!(self, socket => socket.set_write_timeout(limit))
    }

    /// Ends one direction of the connection, or both. What blocks in it on another thread returns.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        on!(self, socket => socket.shutdown(how))
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        on!(self, socket => socket.set_nonblocking(nonblocking))
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Stream(Arc::new(Socket::Tcp(socket)))
    }
}

impl From<UnixStream> for Stream {
    fn from(socket: UnixStream) -> Self {
        Stream(Arc::new(Socket::Unix(socket)))
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        on!(self, socket => (&mut &*socket).read(buffer))
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        on!(self, socket => (&mut &*socket).read_vectored(buffers))
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        on!(self, socket => (&mut &*socket).write(bytes))
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        on!(self, socket => (&mut &*socket).write_vectored(buffers))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // nothing is kept back
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        on!(self, socket => socket.as_fd())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        on!(self, socket => socket.fmt(f))
    }
}
