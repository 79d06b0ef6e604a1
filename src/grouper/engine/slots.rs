//! The members of a group, by their places.

use std::fmt;

use super::slot::{Record, Slot};
use crate::error::Error;
use crate::grouper::member::{Member, Options};
use crate::id::Stuck;
use crate::plan::Plan;
use crate::process::Core;
use crate::sync::Arc;

/// All places of a group. One that is left can be taken again, so a place's index stays what it is.
#[derive(Default)]
pub(in crate::grouper) struct Slots {
    pub(super) all: Vec<Slot>,
    /// The places with a member, in start order.
    pub(super) order: Vec<usize>,
    vacant: Vec<usize>,
    /// The rank of the next one.
    next: u64,
}

impl Slots {
    pub(in crate::grouper) fn new(members: impl IntoIterator<Item = Member>) -> Self {
        let members = members.into_iter().zip(0..);
        Slots::of(members.map(|(member, rank)| Slot::new(member, rank)))
    }

    /// Of members that live already and whose runners do not come home.
    pub(in crate::grouper) fn living(members: Vec<(Arc<Core>, Options)>) -> Self {
        let members = members.into_iter().zip(0..);
        Slots::of(members.map(|((core, options), rank)| Slot::living(core, options, rank)))
    }

    fn of(slots: impl Iterator<Item = Slot>) -> Self {
        let all: Vec<_> = slots.collect();
        Slots {
            order: (0..all.len()).collect(),
            next: all.len() as u64,
            all,
            vacant: Vec::new(),
        }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Slot> + Clone {
        self.order.iter().map(|index| &self.all[*index])
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let mut order = self.order.iter().copied();
        order.find(|index| *self.all[*index].name == *name)
    }

    /// The last in start order. A place that was left is taken again if `reuse`.
    pub(super) fn push(&mut self, member: Member, reuse: bool) -> usize {
        let slot = Slot::new(member, self.next);
        self.next += 1;
        let vacant = if reuse { self.vacant.pop() } else { None };
        let index = match vacant {
            Some(index) => {
                self.all[index] = slot;
                index
            }
            None => {
                self.all.push(slot);
                self.all.len() - 1
            }
        };
        self.order.push(index);
        index
    }

    /// Takes the member out, if its runner is at home.
    pub(super) fn remove(&mut self, index: usize) -> Option<Member> {
        let slot = &mut self.all[index];
        let member = Member {
            name: Arc::clone(&slot.name),
            runner: slot.take_runner()?,
            options: std::mem::take(&mut slot.options),
            last_exit: slot.run.last_exit.take(),
        };
        slot.run = Record::default();
        self.order.retain(|other| *other != index);
        self.vacant.push(index);
        Some(member)
    }

    /// The threads of an earlier run that have not ended since: no other run may begin beside them.
    pub(super) fn stuck(&self) -> Result<(), Error> {
        let stuck: Vec<Stuck> = self.members().filter_map(Slot::stuck).collect();
        if stuck.is_empty() {
            Ok(())
        } else {
            Err(Error::Abandoned(stuck))
        }
    }

    pub(in crate::grouper) fn plans(&self) -> impl Iterator<Item = Plan> {
        self.members().map(Slot::plan)
    }

    pub(in crate::grouper) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.members().map(|slot| &*slot.name)
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_still_lives_holds_up_another_run_as_one_that_was_given_up_does() {
        let (core, _signals) = Core::by_hand(None);
        let mut slots = Slots::living(vec![(core, Options::default())]);
        let is_named = |slots: &Slots| match slots.stuck() {
            Err(Error::Abandoned(stuck)) => stuck.len() == 1 && stuck[0].name == "by hand",
            _ => false,
        };
        assert!(is_named(&slots));
        slots.all[0].ended(true, None);
        assert!(is_named(&slots));
        slots.all[0].ended_late(None);
        assert!(slots.stuck().is_ok());
    }
}
