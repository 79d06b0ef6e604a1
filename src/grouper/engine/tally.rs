//! How many members are live, have ended, and are waited for.

use super::slot::Slot;

#[derive(Default)]
pub(super) struct Tally {
    pub(super) live: usize,
    /// How many have ended for good.
    done: usize,
    /// Every member has ended for good, and the last of them did so just now.
    all_done: bool,
    /// Significant members that have not completed and are to be up.
    significant: usize,
}

impl Tally {
    /// A member starts, or is to start.
    pub(super) fn comes(&mut self) {
        self.all_done = false;
    }

    /// It has ended and stays so in this run.
    pub(super) fn is_done(&mut self, members: usize) {
        self.done += 1;
        // Said here, where a member has ended: a list that gets shorter ends no group.
        self.all_done = self.done == members;
    }

    /// It had ended, and is started again or taken out.
    pub(super) fn is_done_no_more(&mut self) {
        self.done -= 1;
    }

    /// All of the `members` have completed. A group without members has not.
    pub(super) fn are_all_done(&self, members: usize) -> bool {
        self.all_done && self.done == members
    }

    /// It is to be up: if it is significant, its completion is waited for.
    pub(super) fn counts(&mut self, slot: &mut Slot) {
        let is_new = slot.options.significant && !slot.run.counts;
        slot.run.counts |= is_new;
        self.significant += usize::from(is_new);
    }

    /// It has completed, or is not to be up any more. Returns how many significant ones are left.
    pub(super) fn counts_no_more(&mut self, slot: &mut Slot) -> usize {
        self.significant -= usize::from(std::mem::take(&mut slot.run.counts));
        self.significant
    }
}
