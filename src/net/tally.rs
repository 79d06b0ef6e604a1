//! What is known of a server from outside: [`AcceptorHandle`], [`Counts`].

use std::fmt;

use super::address::Address;
use super::table::Table;
use crate::process::Gauge;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex};

/// An acceptor, seen from outside: where it listens, and how many connections it has. Taken before it starts; see
/// [`Acceptor::handle`](super::Acceptor::handle). Clones are the same. It may outlive the acceptor.
#[derive(Clone)]
pub struct AcceptorHandle(pub(super) Arc<Tally>);

/// How many connections an acceptor has, and has had in all its runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Being served now.
    pub open: usize,
    /// Taken in so far, those that are open included.
    pub accepted: u64,
    /// Turned away so far, because there was no room.
    pub refused: u64,
    /// Whose handler has returned an error or has panicked, so far.
    pub failed: u64,
}

/// What the runs of an acceptor and its handles share.
#[derive(Default)]
pub(super) struct Tally {
    run: Mutex<Run>,
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) failed: AtomicU64,
}

#[derive(Default)]
struct Run {
    address: Option<Address>,
    table: Option<Arc<Table>>,
}

impl Tally {
    /// A run listens there.
    pub(super) fn listens(&self, address: Address, table: &Arc<Table>) {
        let run = Run {
            address: Some(address),
            table: Some(Arc::clone(table)),
        };
        *self.run.lock() = run;
    }

    /// It does not listen any more.
    pub(super) fn listens_no_more(&self) {
        self.run.lock().address = None;
    }

    pub(super) fn counts(&self) -> Counts {
        let table = self.run.lock().table.clone();
        Counts {
            open: table.map_or(0, |table| table.look().open),
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

/// Counts one more; says how many there are if that is worth a line: of many, ever fewer are.
pub(super) fn one_more(counter: &AtomicU64) -> Option<u64> {
    let many = counter.fetch_add(1, Ordering::Relaxed) + 1;
    many.is_power_of_two().then_some(many)
}

impl AcceptorHandle {
    /// Where the acceptor listens: with the port that the operating system has chosen, where it was asked for port 0.
    ///
    /// It is there from before the acceptor is ready until it is told to stop, for each run anew; `None` at other times.
    /// Never blocks.
    pub fn address(&self) -> Option<Address> {
        self.0.run.lock().address.clone()
    }

    /// How many connections there are, and were. Never blocks.
    pub fn counts(&self) -> Counts {
        self.0.counts()
    }
}

impl fmt::Debug for AcceptorHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptorHandle")
            .field("address", &self.address())
            .field("counts", &self.counts())
            .finish()
    }
}

/// Shown in the tree, as it is when that is asked for.
impl Gauge for Tally {
    fn read(&self) -> String {
        self.counts().to_string()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = match self.open {
            1 => "connection",
            _ => "connections",
        };
        write!(f, "{} {noun}, {} so far", self.open, self.accepted)?;
        for (many, what) in [(self.refused, "refused"), (self.failed, "failed")] {
            if many > 0 {
                write!(f, ", {many} {what}")?;
            }
        }
        Ok(())
    }
}
