//! A handler at work on one connection, on a thread of the pool.

use super::connection::Connection;
use super::connection::Line;
use super::stream::Stream;
use super::table::Table;
use super::tally::{Tally, one_more};
use crate::error::{Result, exit_of};
use crate::process::{Core, Job, as_current, note};
use crate::sync::Arc;

pub(super) type Handler = dyn Fn(Stream, &Connection) -> Result + Send + Sync;

/// What all connections of a run have in common.
pub(super) struct Shared {
    pub(super) handler: Arc<Handler>,
    pub(super) table: Arc<Table>,
    pub(super) tally: Arc<Tally>,
    /// In which the acceptor runs, if in any.
    pub(super) process: Option<Arc<Core>>,
    /// What the threads are called.
    pub(super) name: Arc<str>,
}

/// One connection to be served.
pub(super) struct Handling {
    pub(super) line: Arc<Line>,
    pub(super) shared: Arc<Shared>,
}

impl Job for Handling {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.shared.name)
    }

    fn work(self) {
        let Handling { line, shared } = self;
        match &shared.process {
            Some(process) => as_current(process, || shared.handle(&line)),
            None => shared.handle(&line),
        }
        shared.table.leave(line);
    }
}

impl Shared {
    fn handle(&self, line: &Arc<Line>) {
        let exit = {
            let connection = line.is_served_here();
            let stream = line.stream.clone();
            exit_of(|| (self.handler)(stream, &connection))
        };
        if let Err(error) = exit
            && let Some(many) = one_more(&self.tally.failed)
        {
            let (number, peer) = (line.number, &line.peer);
            note(format_args!(
                "connection {number} from {peer}: {error} ({many} failed so far)"
            ));
        }
    }
}
