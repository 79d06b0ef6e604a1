//! What connections come in on: [`Listener`], and what its errors mean.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt;

use super::address::Address;
use super::stream::Stream;

/// A socket that listens, of TCP or of a Unix socket.
///
/// ```
/// use ifrit::net::Listener;
///
/// let listener = Listener::from(std::net::TcpListener::bind("127.0.0.1:0")?);
/// assert_ne!(listener.address()?.tcp().unwrap().port(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Listener {
    /// Of TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// What is set for the connections of a TCP listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpOptions {
    pub(super) keep_alive: Option<Duration>,
    pub(super) nodelay: bool,
}

/// How often a silent peer is asked, before the connection is given up.
const PROBES: u32 = 9;

impl Listener {
    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Address::from),
            Listener::Unix(listener) => listener.local_addr().map(Address::from),
        }
    }

    /// From now on `accept` does not block. That holds for all that share the socket.
    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => listener.set_nonblocking(true),
            Listener::Unix(listener) => listener.set_nonblocking(true),
        }
    }

    /// Sets it for the listener: what it accepts inherits it, which saves a few system calls for each connection.
    pub(super) fn set_tcp(&self, options: TcpOptions) -> io::Result<()> {
        let Listener::Tcp(listener) = self else {
            return Ok(());
        };
        sockopt::set_tcp_nodelay(listener, options.nodelay)?;
        sockopt::set_socket_keepalive(listener, options.keep_alive.is_some())?;
        if let Some(silence) = options.keep_alive {
            let silence = silence.max(Duration::from_secs(1));
            let between = (silence / PROBES).max(Duration::from_secs(1));
            #[cfg(not(target_os = "openbsd"))]
            {
                #[cfg(not(any(target_os = "macos", target_os = "ios")))]
                sockopt::set_tcp_keepidle(listener, silence)?;
                sockopt::set_tcp_keepintvl(listener, between)?;
                sockopt::set_tcp_keepcnt(listener, PROBES)?;
            }
        }
        Ok(())
    }

    /// The next connection, if one has come in. Never blocks.
    pub(super) fn accept(&self) -> io::Result<(Stream, Address)> {
        let (stream, peer): (Stream, Address) = match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                (stream.into(), peer.into())
            }
            Listener::Unix(listener) => {
                let (stream, peer) = listener.accept()?;
                (stream.into(), peer.into())
            }
        };
        if !cfg!(target_os = "linux") {
            stream.set_nonblocking(false)?; // elsewhere it is inherited
        }
        Ok((stream, peer))
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Listener::Tcp(listener)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Listener::Unix(listener)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Listener::Tcp(listener) => listener.as_fd(),
            Listener::Unix(listener) => listener.as_fd(),
        }
    }
}

/// What an error of `accept` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is no connection.
    NothingThere,
    /// One connection, which is gone; or nothing at all.
    OneConnection,
    /// File descriptors or memory, which may come back.
    Scarcity,
    /// The listener.
    TheListener,
}

impl Trouble {
    pub(super) fn of(error: &io::Error) -> Self {
        // Linux hands errors that are pending on the new connection to `accept`, and says so in accept(2).
        match Errno::from_io_error(error) {
            Some(Errno::AGAIN) => Trouble::NothingThere,
            Some(
                Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::INTR
                | Errno::PROTO
                | Errno::PERM
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::NOPROTOOPT
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::TIMEDOUT,
            ) => Trouble::OneConnection,
            #[cfg(target_os = "linux")]
            Some(Errno::NONET) => Trouble::OneConnection,
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Trouble::Scarcity,
            _ => Trouble::TheListener,
        }
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn what_ends_one_connection_or_may_pass_does_not_end_the_listener() {
        let of = |errno: Errno| Trouble::of(&errno.into());
        for errno in [Errno::CONNABORTED, Errno::INTR, Errno::PROTO, Errno::PERM] {
            assert_eq!(of(errno), Trouble::OneConnection);
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(of(errno), Trouble::Scarcity);
        }
        assert_eq!(of(Errno::AGAIN), Trouble::NothingThere);
        for errno in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::OPNOTSUPP] {
            assert_eq!(of(errno), Trouble::TheListener);
        }
        assert_eq!(
            Trouble::of(&io::Error::other("no number")),
            Trouble::TheListener
        );
    }
}
