//! The state of one run of a group, in parts; and the small steps of one member between them.
//!
//! What is done with it stands in the files above, each of which uses those below it only:
//!
//! ```text
//! drive      the loop: what is heard, in which order
//! commands   what a handle asks for
//! exits      what follows from a member's exit
//! restart    a member again, alone or with others
//! leave      a member that was asked to go has gone
//! end        a member's end for good, and the stop of the group
//! round      stopping some members, to start them again together
//! start      stop
//! show       what the tree shows of members without a process
//! ```

use std::time::{Duration, Instant};

use super::admin::Open;
use super::history::History;
use super::restarting::Restarting;
use super::settings::Settings;
use super::slots::Slots;
use super::starting::Starting;
use super::stopping::Stopping;
use super::tally::Tally;
use super::timers::{Owner, Timers};
use crate::clock::{Alarm, Clock};
use crate::limit::Limit;
use crate::process::{Core, Parent, Report, current_host};
use crate::ready::ReadySender;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Weak};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Running,
    Stopping,
}

/// Where a run hears from: members, the process it runs in, and the handle.
pub(super) struct Ears<'g> {
    pub(super) reports: &'g Receiver<Report>,
    pub(super) signals: Receiver<Signal>,
    pub(super) door: Open,
}

pub(super) struct Run<'g> {
    pub(super) settings: &'g Settings,
    pub(super) slots: &'g mut Slots,
    pub(super) ears: Ears<'g>,
    /// Where members report.
    pub(super) inbox: Weak<dyn Parent>,
    /// What the group runs in, which hands down time; none when a group is driven by hand.
    pub(super) host: Option<Arc<Core>>,
    pub(super) clock: Clock,
    pub(super) grace: Duration,
    pub(super) phase: Phase,
    pub(super) starting: Starting,
    pub(super) restarting: Restarting,
    pub(super) stopping: Stopping,
    pub(super) timers: Timers,
    /// Wakes the group when something is due, at that time.
    pub(super) alarm: Option<(Instant, Alarm)>,
    pub(super) tally: Tally,
    pub(super) history: History,
}

impl<'g> Run<'g> {
    pub(super) fn new(
        settings: &'g Settings,
        slots: &'g mut Slots,
        ears: Ears<'g>,
        inbox: Weak<dyn Parent>,
        ready: Option<ReadySender>,
    ) -> Self {
        let host = current_host();
        settings.name_kind(host.as_deref());
        let clock = settings.clock(host.as_deref());
        let grace = settings.grace(host.as_deref());
        let now = clock.now();
        let own = settings.start_within;
        let own = own.and_then(|set| Limit::new(now, set));
        let handed = host.as_ref().and_then(|host| host.start_limit());
        let handed = handed.map(|limit| limit.hand_down(now, grace));
        let start_limit = Limit::earlier(own, handed);
        Run {
            starting: Starting::new(settings.start, ready, start_limit),
            restarting: Restarting::new(host.clone(), settings.budget),
            stopping: Stopping::new(settings.stop_limit(host.as_deref())),
            timers: Timers::default(),
            alarm: None,
            tally: Tally::default(),
            history: History::default(),
            phase: Phase::Starting,
            settings,
            slots,
            ears,
            inbox,
            host,
            clock,
            grace,
        }
    }

    pub(super) fn is_starting(&self) -> bool {
        self.phase == Phase::Starting
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.phase == Phase::Stopping
    }

    /// How long after KILL the member is given up.
    pub(super) fn grace_of(&self, index: usize) -> Duration {
        let own = self.slots.all[index].options.kill_grace();
        own.unwrap_or(self.grace)
    }

    pub(super) fn clear_timer(&mut self, index: usize) {
        self.timers.clear(Owner::Member(index));
    }

    pub(super) fn wait_for(&mut self, index: usize) {
        self.starting.wait_for(&mut self.slots.all[index].run);
    }

    pub(super) fn settle(&mut self, index: usize) {
        self.starting.settle(&mut self.slots.all[index].run);
    }

    pub(super) fn is_down(&mut self, index: usize) {
        self.restarting.is_down(&mut self.slots.all[index].run);
    }

    pub(super) fn is_up_again(&mut self, index: usize) {
        self.restarting.is_up_again(&mut self.slots.all[index].run);
    }

    pub(super) fn counts(&mut self, index: usize) {
        self.tally.counts(&mut self.slots.all[index]);
    }

    /// Returns how many significant members are left to be waited for.
    pub(super) fn counts_no_more(&mut self, index: usize) -> usize {
        self.tally.counts_no_more(&mut self.slots.all[index])
    }

    /// It was its end for good, and is followed by another start or by its removal.
    pub(super) fn pass(&mut self, index: usize) {
        if let Some(entry) = self.slots.all[index].run.ended.take() {
            self.history.pass(entry);
        }
    }
}
