//! Inserting unless a stop is pending: what [`DynamicClient::insert_unless`](super::DynamicClient::insert_unless) does.

use super::admission::Wait;
use super::shared::Shared;
use super::vacancy::Vacancy;
use crate::grouper::{Member, Reason, Refusal};
use crate::process::{Core, Process, StopWatch, current_core, current_host};
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select};

/// What keeps a caller from inserting.
enum Stop<'s> {
    /// A stop of the process that reads these signals: it is seen without reading any.
    OfProcess(Arc<Core>),
    /// Anything that can be read from a channel, its end included.
    Readable(&'s Receiver<Signal>),
}

impl<'s> Stop<'s> {
    fn on(signals: &'s Receiver<Signal>) -> Self {
        let mut processes = [current_host(), current_core()].into_iter().flatten();
        match processes.find(|process| process.reads(signals)) {
            Some(process) => Stop::OfProcess(process),
            None => Stop::Readable(signals),
        }
    }

    fn is_pending(&self) -> bool {
        match self {
            Stop::OfProcess(process) => process.was_told(),
            Stop::Readable(signals) => {
                let mut select = Select::new();
                select.recv(signals);
                select.try_ready().is_ok()
            }
        }
    }

    /// Blocks until either may have come.
    fn wait_beside(&self, vacancy: &Receiver<()>) {
        let mut select = Select::new();
        select.recv(vacancy);
        match self {
            Stop::OfProcess(process) => {
                let watch = StopWatch::new(Arc::clone(process));
                select.recv(watch.receiver());
                select.ready();
            }
            Stop::Readable(signals) => {
                select.recv(signals);
                select.ready();
            }
        }
    }
}

impl Shared {
    pub(super) fn insert_unless(
        self: &Arc<Self>,
        signals: &Receiver<Signal>,
        member: Member,
    ) -> Result<Process, Refusal> {
        let stop = Stop::on(signals);
        let mut was_told = false;
        let reason = loop {
            if stop.is_pending() {
                break Reason::StopPending;
            }
            match self.admit(&member, Wait::Briefly, None) {
                Ok(admitted) => return Ok(admitted.start(member)),
                Err(Reason::Full | Reason::NotRunning) => {}
                Err(reason) => break reason,
            }
            let vacancy = Vacancy::inserting(self);
            stop.wait_beside(&vacancy);
            was_told = vacancy.has_fired();
        };
        if was_told {
            self.pass_on_a_place();
        }
        Err(Refusal::of_member(reason, member))
    }
}
