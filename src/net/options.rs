//! What is set for an acceptor.

use std::time::Duration;

use super::listener::TcpOptions;
use crate::error::Error;
use crate::grouper::Capacity;

#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) capacity: Capacity,
    pub(super) when_full: WhenFull,
    pub(super) tcp: TcpOptions,
    pub(super) mode: Option<u32>,
    pub(super) stop_within: Option<Duration>,
    pub(super) kill_grace: Option<Duration>,
    pub(super) stack_size: Option<usize>,
}

/// What an acceptor does with a connection for which there is no room.
///
/// ```
/// use ifrit::net::WhenFull;
///
/// let polite = WhenFull::Refuse(b"HTTP/1.0 503 Service Unavailable\r\n\r\n".to_vec());
/// # let _ = polite;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is not accepted, and waits in the queue of the operating system until another one ends. To the client it looks like
    /// a server that is slow to answer.
    Wait,
    /// It is accepted, sent these bytes, and closed.
    ///
    /// They are sent as far as they fit in the buffer of the new connection, without waiting. Where the client has sent
    /// something already, the operating system may reset the connection, and the client may not read them.
    Refuse(Vec<u8>),
}

impl Options {
    pub(super) fn new() -> Self {
        Options {
            capacity: Capacity::at_most(1_000),
            when_full: WhenFull::Wait,
            tcp: TcpOptions {
                keep_alive: Some(Duration::from_secs(180)),
                nodelay: true,
            },
            mode: None,
            stop_within: None,
            kill_grace: None,
            stack_size: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.capacity.is_zero() {
            return Err(Error::ZeroCapacity);
        }
        if self.stop_within.is_some_and(|limit| limit.is_zero()) {
            return Err(Error::ZeroDeadline {
                who: "acceptor".to_owned(),
                option: "stop_within",
            });
        }
        Ok(())
    }
}
