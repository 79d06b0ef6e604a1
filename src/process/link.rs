//! How a member's process reports to the group that started it.

use std::time::Instant;

use crate::error::{Exit, ProcessId};
use crate::runner::BoxRunner;
use crate::sync::channel::Sender;

/// The way home: one channel for all members of a group, and which of them this is.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) reports: Sender<Report>,
    pub(crate) index: usize,
}

pub(crate) struct Report {
    pub(crate) index: usize,
    pub(crate) id: ProcessId,
    pub(crate) news: News,
}

pub(crate) enum News {
    Ready,
    /// The exit, once for each process. The runner is missing if its thread still runs.
    Exited {
        exit: Exit,
        at: Instant,
        runner: Option<BoxRunner>,
    },
    /// The thread of a process that had been given up has ended after all.
    CameHome(BoxRunner),
}

impl Link {
    pub(crate) fn report(&self, id: ProcessId, news: News) {
        let index = self.index;
        // Nobody there: the group itself is gone. The runner comes back in the error and dies here.
        if let Err(unheard) = self.reports.send(Report { index, id, news }) {
            let _ = crate::error::drop_caught(unheard);
        }
    }
}
