//! The one engine that runs every group.
//!
//! It runs on the group's own thread and waits for one thing at a time: a report of a member, a signal, a question to
//! its handle, or the earliest of its deadlines. Start order, stop order and strategy are values. How its files stand to
//! each other is drawn in `run.rs`.
//!
//! Invariants:
//! 1. Every process that was started reports its exit exactly once, whatever became of its thread, and the run ends only
//!    when all have. Ready comes before the exit. So the only report of an earlier run that can still come is that of a
//!    thread that was given up and has ended late.
//! 2. A member's exit is its own doing unless a stop signal of ours was delivered before it (`told`), which the
//!    member's process decides under its lock.
//! 3. Once a stop has begun nothing starts.
//! 4. Each member told to stop hears every further stop signal; one whose turn is still to come gets the latest. KILL
//!    goes to all at once.
//! 5. Each report and each signal to one member costs O(log n) at most; only what goes to every member costs O(n).
//! 6. A group's own time limit is cut by what it needs itself to report, before it is handed down (`hand_down`).
//! 7. Never two incarnations of a member at once: it is started only from the stage in which its runner is at home. A
//!    member given up while it was to be restarted ends the group.

mod admin;
mod commands;
mod drive;
mod end;
mod exits;
mod history;
mod judge;
mod leave;
mod restart;
mod restarting;
mod round;
mod run;
mod settings;
mod show;
mod slot;
mod slots;
mod stage;
mod start;
mod starting;
mod stop;
mod stopping;
mod tally;
mod time;
mod timers;

pub use admin::{Admin, Counts, MemberState, MemberStatus};
pub(super) use drive::Begin;
pub(super) use settings::Settings;
pub use settings::{AutoShutdown, Strategy};
pub(super) use settings::{StartOrder, StopOrder};
pub(super) use slots::Slots;

use super::members::check_names;
use crate::disposal::defer;
use crate::error::{Error, MemberExit};
use crate::process::{Leftover, News, Parent, Report};
use crate::ready::ReadySender;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, unbounded};
use crate::sync::{Arc, Weak};
use admin::Door;
use run::{Ears, Run};

/// What a group keeps between runs: the channel on which members report, since a thread given up may end late, and the
/// door at which its handle knocks.
pub(super) struct Engine {
    inbox: Arc<Inbox>,
    reports: Receiver<Report>,
    door: Arc<Door>,
}

struct Inbox(Sender<Report>);

impl Parent for Inbox {
    fn hear(&self, report: Report) -> Leftover {
        // Its other end lives as long as this one, unless the group is just being dropped.
        self.0
            .send(report)
            .map_or_else(Leftover::new, |()| Leftover::default())
    }
}

impl Engine {
    pub(super) fn new() -> Self {
        let (sender, reports) = unbounded();
        Engine {
            inbox: Arc::new(Inbox(sender)),
            reports,
            door: Arc::default(),
        }
    }

    pub(super) fn run(
        &self,
        settings: &Settings,
        slots: &mut Slots,
        signals: Receiver<Signal>,
        ready: ReadySender,
    ) -> Result<(), Error> {
        check_names(slots.names())?;
        settings.check()?;
        for slot in slots.members() {
            slot.options.check(&slot.name)?;
        }
        self.bring_home(slots)?;
        let _deferring = defer(); // members and callers wait for this thread
        self.begin(settings, slots, signals, Some(ready))
            .run()
            .into_exit()
    }

    /// Stops members that were started elsewhere and report here from now on; returns their exits.
    pub(super) fn stop(
        &self,
        settings: &Settings,
        slots: &mut Slots,
        signals: Receiver<Signal>,
        begin: Begin,
    ) -> Vec<MemberExit> {
        let _deferring = defer();
        self.begin(settings, slots, signals, None)
            .take_over(begin)
            .into_ends()
    }

    fn begin<'g>(
        &'g self,
        settings: &'g Settings,
        slots: &'g mut Slots,
        signals: Receiver<Signal>,
        ready: Option<ReadySender>,
    ) -> Run<'g> {
        let ears = Ears {
            reports: &self.reports,
            signals,
            door: self.door.open(),
        };
        Run::new(settings, slots, ears, self.inbox(), ready)
    }

    pub(super) fn inbox(&self) -> Weak<dyn Parent> {
        Arc::downgrade(&self.inbox) as _
    }

    pub(super) fn admin(&self) -> Admin {
        Admin::knocks_at(&self.door)
    }

    pub(super) fn heed(&mut self, admin: &Admin) {
        self.door = admin.door();
    }

    /// Takes in the runners of threads that have ended since the last run.
    fn bring_home(&self, slots: &mut Slots) -> Result<(), Error> {
        for report in self.reports.try_iter() {
            if let News::EndedLate { runner } = report.news {
                slots.all[report.index].ended_late(runner);
            }
        }
        slots.stuck()
    }
}
