//! Where a socket is, or its other end: [`Address`].

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::net;
use std::path::{Path, PathBuf};

/// Where a socket is, or its other end.
///
/// ```
/// use ifrit::net::Address;
///
/// let address = Address::from(std::net::SocketAddr::from(([127, 0, 0, 1], 80)));
/// assert_eq!(address.to_string(), "127.0.0.1:80");
/// assert_eq!(address.tcp().unwrap().port(), 80);
/// assert!(address.unix().is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// Of a TCP socket.
    Tcp(SocketAddr),
    /// Of a Unix socket that has a path.
    Unix(PathBuf),
    /// Of a Unix socket that has none, as most clients have.
    Unnamed,
}

impl Address {
    /// The address, if it is that of a TCP socket.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Address::Tcp(address) => Some(*address),
            _ => None,
        }
    }

    /// The path, if it is that of a Unix socket.
    pub fn unix(&self) -> Option<&Path> {
        match self {
            Address::Unix(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
            Address::Unnamed => f.write_str("a Unix socket"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Address::Tcp(address)
    }
}

impl From<net::SocketAddr> for Address {
    fn from(address: net::SocketAddr) -> Self {
        match address.as_pathname() {
            Some(path) => Address::Unix(path.to_owned()),
            None => Address::Unnamed,
        }
    }
}
