//! Where an acceptor has its listener from, anew for each run.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;

use super::address::Address;
use super::error::ListenError;
use super::handover::{self, HandedOver};
use super::listener::{Listener, TcpOptions};
use super::socket_file::{self, SocketFile};
use crate::sync::Arc;

#[derive(Debug)]
pub(super) enum Source {
    Tcp(String),
    Unix(PathBuf),
    /// It stays open between runs.
    Existing(Arc<Listener>),
    /// It stays open for as long as the program.
    HandedOver(HandedOver, Option<Box<Source>>),
}

/// A listener for one run. The file of a Unix socket goes before the socket is closed.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) address: Address,
    _file: Option<SocketFile>,
    pub(super) listener: Arc<Listener>,
}

impl Source {
    /// Begins to listen. Blocks for as long as the address is looked up.
    pub(super) fn open(&self, tcp: TcpOptions, mode: Option<u32>) -> Result<Open, ListenError> {
        let opened = self.listener(mode).and_then(|(listener, file)| {
            listener.set_nonblocking()?;
            listener.set_tcp(tcp)?;
            Ok(Open {
                address: listener.address()?,
                _file: file,
                listener,
            })
        });
        opened.map_err(|source| ListenError {
            address: self.to_string(),
            source,
        })
    }

    fn listener(&self, mode: Option<u32>) -> io::Result<(Arc<Listener>, Option<SocketFile>)> {
        match self {
            Source::Tcp(address) => {
                let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
                let listener = TcpListener::bind(&addresses[..])?;
                Ok((Arc::new(listener.into()), None))
            }
            Source::Unix(path) => {
                let (listener, file) = socket_file::listen_on(path, mode)?;
                Ok((Arc::new(listener.into()), Some(file)))
            }
            Source::Existing(listener) => Ok((Arc::clone(listener), None)),
            Source::HandedOver(_, Some(otherwise)) if !handover::is_any() => {
                otherwise.listener(mode)
            }
            Source::HandedOver(which, _) => Ok((handover::listener(which)?, None)),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Tcp(address) => f.write_str(address),
            Source::Unix(path) => write!(f, "{}", path.display()),
            Source::Existing(listener) => match listener.address() {
                Ok(address) => write!(f, "{address}"),
                Err(_) => f.write_str("a listener that exists"),
            },
            Source::HandedOver(_, Some(otherwise)) if !handover::is_any() => {
                write!(f, "{otherwise}")
            }
            Source::HandedOver(which, _) => write!(f, "{which}"),
        }
    }
}
