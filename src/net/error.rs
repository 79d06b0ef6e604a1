//! How a server ends badly: [`ListenError`], [`AcceptError`], [`NotDrained`].

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use super::address::Address;

/// It could not begin to listen; of the run of an [`Acceptor`](super::Acceptor).
#[derive(Debug)]
#[non_exhaustive]
pub struct ListenError {
    /// Where.
    pub address: String,
    /// Why.
    pub source: io::Error,
}

/// The listener has failed, and takes no more connections; of the run of an [`Acceptor`](super::Acceptor).
#[derive(Debug)]
#[non_exhaustive]
pub struct AcceptError {
    /// Where it listened.
    pub address: String,
    /// What the operating system said.
    pub source: io::Error,
}

/// The stop has cut connections in the middle of a request; of the run of an [`Acceptor`](super::Acceptor).
///
/// Those that were idle, or finished in time, ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotDrained {
    /// How many connections there were when the stop began.
    pub connections: usize,
    /// How many of them were cut in a request.
    pub cut: usize,
    /// Those whose handlers have not returned, although their connections were cut. Their threads run on.
    pub stuck: Vec<StuckConnection>,
    /// The limit for the stop that was over, as the acceptor was given it; `None` after a KILL from outside.
    pub limit: Option<Duration>,
}

/// A connection whose handler does not return.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StuckConnection {
    /// Its number.
    pub number: u64,
    /// The other end.
    pub peer: Address,
    /// The number of its thread at the operating system: what `ps -L`, `top -H` and debuggers call it. On Linux.
    pub os_thread_id: Option<u32>,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}", self.address)
    }
}

impl StdError for ListenError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot accept connections on {} any more", self.address)
    }
}

impl StdError for AcceptError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

/// So many are named.
const NAMED: usize = 5;

impl fmt::Display for NotDrained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotDrained {
            connections,
            cut,
            stuck,
            limit,
        } = self;
        let noun = match connections {
            1 => "connection",
            _ => "connections",
        };
        write!(f, "{cut} of {connections} {noun} cut in a request, ")?;
        match limit {
            Some(limit) => write!(f, "not done within {limit:?}")?,
            None => f.write_str("told KILL")?,
        }
        let mut between = match stuck.len() {
            0 => return Ok(()),
            1 => "; 1 handler does not return: ".to_owned(),
            many => format!("; {many} handlers do not return: "),
        };
        for connection in stuck.iter().take(NAMED) {
            write!(f, "{between}{connection}")?;
            ", ".clone_into(&mut between);
        }
        match stuck.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for StuckConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {} from {}", self.number, self.peer)?;
        match self.os_thread_id {
            Some(id) => write!(f, " (thread {id})"),
            None => Ok(()),
        }
    }
}

impl StdError for NotDrained {}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_is_one_line() {
        let stuck = |number| StuckConnection {
            number,
            peer: Address::Unnamed,
            os_thread_id: Some(7),
        };
        let mut error = NotDrained {
            connections: 1,
            cut: 1,
            stuck: vec![],
            limit: Some(Duration::from_secs(10)),
        };
        assert_eq!(
            error.to_string(),
            "1 of 1 connection cut in a request, not done within 10s"
        );
        error.connections = 9;
        error.limit = None;
        error.stuck.push(stuck(4));
        assert_eq!(
            error.to_string(),
            "1 of 9 connections cut in a request, told KILL; 1 handler does not return: \
             connection 4 from a Unix socket (thread 7)"
        );
        error.stuck.extend((10..20).map(stuck));
        let text = error.to_string();
        assert!(text.contains("; 11 handlers do not return: connection 4 from"));
        assert!(text.ends_with("(thread 7) and 6 more"), "{text}");
    }
}
