//! Members that were asked to go through the handle, and have gone.

use super::admin::{How, Leaving};
use super::run::Run;
use super::stage::Rest;
use crate::error::{Cause, Error, MemberExit};
use crate::grouper::refusal::{Reason, Refusal};

impl Run<'_> {
    /// It has gone, or was given up.
    pub(super) fn leave(&mut self, index: usize, leaving: Leaving) {
        self.hide(index);
        self.is_up_again(index);
        self.counts_no_more(index);
        let slot = &mut self.slots.all[index];
        if let Some(stuck) = slot.stuck() {
            return leaving.abandoned(vec![stuck]);
        }
        slot.rests(Rest::Terminated);
        self.starting.withdraw(index); // its place may be taken by another
        match leaving.how {
            How::Terminate(reply) => drop(reply.send(Ok(()))),
            How::Remove(reply) => {
                self.pass(index);
                let removed = self.slots.remove(index);
                let refusal = || Refusal::new(&leaving.name, Reason::NotRunning);
                let _ = reply.send(removed.ok_or_else(refusal));
            }
        }
    }

    /// It has gone, and a thread below it was given up and still runs. The caller hears that, and so does the exit of the
    /// group: nothing else names that thread.
    pub(super) fn leave_threads(&mut self, index: usize, leaving: Leaving, mut record: MemberExit) {
        record.cause = Cause::Stopped; // however it ended, that was asked for
        self.hide(index);
        self.is_up_again(index);
        self.counts_no_more(index);
        self.starting.withdraw(index);
        let stuck = record.exit.as_ref().err().map(Error::stuck);
        let stuck = stuck.into_iter().flatten().cloned().collect();
        leaving.abandoned(stuck);
        let entry = self.history.ended(record);
        let slot = &mut self.slots.all[index];
        slot.rests(Rest::Terminated);
        slot.run.ended = Some(entry);
    }
}
