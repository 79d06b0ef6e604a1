//! Listeners that the environment hands over, as systemd and systemfd do: [`HandedOver`].
//!
//! Invariant: what was handed over once stays open for as long as the program, so that connections that come between two
//! runs wait for the next.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::io;

use listenfd::ListenFd;

use super::listener::Listener;
use crate::sync::{Arc, Mutex, statics};

/// Which of the listeners that the environment hands over.
///
/// ```
/// use ifrit::net::HandedOver;
///
/// assert_eq!(HandedOver::from(0), HandedOver::Index(0));
/// assert_eq!(HandedOver::from("http"), HandedOver::Name("http".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandedOver {
    /// The one at this place, from 0.
    Index(usize),
    /// The one of this name: `FileDescriptorName=` of a systemd socket.
    Name(String),
}

impl From<usize> for HandedOver {
    fn from(index: usize) -> Self {
        HandedOver::Index(index)
    }
}

impl From<&str> for HandedOver {
    fn from(name: &str) -> Self {
        HandedOver::Name(name.to_owned())
    }
}

impl fmt::Display for HandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandedOver::Index(index) => write!(f, "listener {index} of the environment"),
            HandedOver::Name(name) => write!(f, "listener {name:?} of the environment"),
        }
    }
}

struct Table {
    handed: ListenFd,
    names: Vec<String>,
    kept: BTreeMap<usize, Arc<Listener>>,
}

statics! {
    static TABLE: Mutex<Option<Table>> = Mutex::new(None);
}

/// Reads the environment, the first time it is called. It takes `LISTEN_FDS` out of it, so that no child of the program
/// takes the listeners for its own.
pub(super) fn read_environment() {
    TABLE.lock().get_or_insert_with(|| {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        Table {
            handed: ListenFd::from_env(),
            names: names.split(':').map(str::to_owned).collect(),
            kept: BTreeMap::new(),
        }
    });
}

/// Whether the environment has handed over any.
pub(super) fn is_any() -> bool {
    let table = TABLE.lock();
    table.as_ref().is_some_and(|table| table.handed.len() > 0)
}

pub(super) fn listener(which: &HandedOver) -> io::Result<Arc<Listener>> {
    read_environment();
    let mut table = TABLE.lock();
    let missing = |why: String| io::Error::new(io::ErrorKind::NotFound, why);
    let Some(table) = table.as_mut().filter(|table| table.handed.len() > 0) else {
        let why = "none was handed over to this process (LISTEN_FDS, LISTEN_PID)";
        return Err(missing(why.to_owned()));
    };
    let index = match which {
        HandedOver::Index(index) => *index,
        HandedOver::Name(name) => {
            let place = table.names.iter().position(|one| one == name);
            place.ok_or_else(|| {
                let names = table.names.join(", ");
                missing(format!("those that were handed over are called: {names}"))
            })?
        }
    };
    if let Some(listener) = table.kept.get(&index) {
        return Ok(Arc::clone(listener));
    }
    let tcp = table.handed.take_tcp_listener(index);
    let listener = match tcp {
        Ok(tcp) => tcp.map(Listener::from),
        Err(_) => table.handed.take_unix_listener(index)?.map(Listener::from),
    };
    let Some(listener) = listener else {
        let many = table.handed.len();
        return Err(missing(format!("only {many} were handed over")));
    };
    let listener = Arc::new(listener);
    table.kept.insert(index, Arc::clone(&listener));
    Ok(listener)
}
