//! One run of a group: its state, its loop, and what it hears.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::admin::Open;
use super::commands::refuse;
use super::end::Ended;
use super::history::History;
use super::restart::Round;
use super::settings::Settings;
use super::slot::{Place, SlotRun, Slots};
use super::time::StopLimit;
use super::{Begin, Engine};
use crate::clock::Clock;
use crate::error::{Cause, MemberExit};
use crate::process::{Core, Limit, News, Report, current_host};
use crate::ready::ReadySender;
use crate::restart::Account;
use crate::signal::{self, Signal};
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Running,
    Stopping,
}

/// What is due when a timer of ours runs out.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// The stop delay of a member is over.
    Tell,
    Kill,
    GiveUp,
    /// The delay before a member's restart is over.
    Restart,
    /// The delay before the restarts of a round is over.
    Resume,
    /// The limit of the group's start is over.
    StartOver,
}

/// The places of the timers that are not one member's: that of the delay of a round, and that of the start limit.
pub(super) const ROUND: usize = usize::MAX;
pub(super) const START: usize = usize::MAX - 1;

pub(super) struct Run<'g> {
    pub(super) engine: &'g Engine,
    pub(super) settings: &'g Settings,
    pub(super) slots: &'g mut Slots,
    signals: Receiver<Signal>,
    pub(super) door: Open,
    pub(super) ready: Option<ReadySender>,
    /// What the group runs in, which hands down time; none when a group is driven by hand.
    pub(super) host: Option<Arc<Core>>,
    pub(super) clock: Clock,
    pub(super) grace: Duration,
    pub(super) start_limit: Option<Limit>,
    /// The failures of members that wait for their restart while the group is still starting.
    pub(super) failed: BTreeMap<usize, MemberExit>,
    pub(super) phase: Phase,
    /// Who is to be started when it is their turn, in order.
    pub(super) to_start: VecDeque<usize>,
    /// How many the next one to be started waits for.
    pub(super) awaited: usize,
    pub(super) live: usize,
    /// How many have ended for good.
    pub(super) done: usize,
    /// How many should be up again and are not.
    pub(super) down: usize,
    /// Significant members that have not completed and are to be up.
    pub(super) significant: usize,
    pub(super) round: Option<Round>,
    pub(super) account: Account,
    /// What members are told when their turn comes.
    pub(super) signal: Option<Signal>,
    pub(super) stop_limit: StopLimit,
    /// Whose turn to be told is still to come, in order.
    pub(super) to_stop: VecDeque<usize>,
    /// Whose exit a stop in order waits for.
    pub(super) stopping: Option<usize>,
    pub(super) timers: BTreeMap<(Instant, usize), Due>,
    /// Every member has ended for good, and the last of them did so just now.
    pub(super) all_done: bool,
    /// How many that were added wait for their start.
    pub(super) joining: usize,
    pub(super) history: History,
    /// Members are told because of a member's exit. Not so where an exit tells no member anything: then whatever they are
    /// told comes from outside.
    pub(super) initiated: bool,
}

impl<'g> Run<'g> {
    pub(super) fn new(
        engine: &'g Engine,
        settings: &'g Settings,
        slots: &'g mut Slots,
        signals: Receiver<Signal>,
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
        Run {
            signals,
            door: engine.door.open(),
            ready,
            stop_limit: settings.stop_limit(host.as_deref()),
            host,
            clock,
            grace,
            start_limit: Limit::earlier(own, handed),
            failed: BTreeMap::new(),
            phase: Phase::Starting,
            to_start: VecDeque::new(),
            awaited: 0,
            live: 0,
            done: 0,
            down: 0,
            significant: 0,
            round: None,
            account: Account::new(Some(settings.budget)),
            signal: None,
            to_stop: VecDeque::new(),
            stopping: None,
            timers: BTreeMap::new(),
            all_done: false,
            joining: 0,
            history: History::default(),
            initiated: false,
            engine,
            settings,
            slots,
        }
    }

    /// Begins with members that live already, by stopping them.
    pub(super) fn take_over(&mut self, begin: Begin) {
        self.live = self.slots.order.len();
        match begin {
            Begin::ByMember => {
                self.initiated = self.settings.termination.is_some();
                self.begin_stop(self.settings.termination);
            }
            Begin::BySignal(signal) => self.obey(signal),
        }
    }

    pub(super) fn run(mut self) -> History {
        if self.phase == Phase::Starting {
            for slot in &mut self.slots.all {
                slot.run = SlotRun::default();
            }
            self.to_start = self.slots.order.iter().copied().collect();
            for index in 0..self.slots.all.len() {
                self.counts(index);
            }
        }
        loop {
            if self.may_start() {
                self.take_news(); // Invariant 3: what has come by now counts first
                if let Some(index) = self.next_to_start() {
                    self.wait_for(index);
                    self.start(index);
                }
                continue;
            }
            self.look_whether_up();
            if self.is_over() {
                break;
            }
            if !self.take_news() {
                self.sleep();
            }
        }
        self.record_abandoned();
        std::mem::take(&mut self.history)
    }

    fn is_over(&self) -> bool {
        match self.phase {
            Phase::Starting => false,
            // Without members it waits for its stop; when all have completed, nothing is left to wait for.
            Phase::Running => self.all_done && self.done == self.slots.order.len(),
            Phase::Stopping => self.live == 0,
        }
    }

    /// Takes the reports and the signals that are there, what is due, and one command, without waiting; says whether
    /// there was anything.
    ///
    /// It looks in the opposite order of that in which it acts, so that whatever came before a thing is heard before it:
    /// exits before the signal or the command of a caller that has seen them, a stop before what is due later.
    fn take_news(&mut self) -> bool {
        let command = self.door.commands.try_recv().ok();
        let now = (!self.timers.is_empty()).then(|| self.clock.now());
        let signal = signal::try_next(&mut self.signals);
        let more_signals = self.signals.len();
        // No more than there are now, or a hot crash loop would leave no time for anything else.
        let reports = self.engine.reports.len();
        // Whatever is acted on counts, or the group would sleep before it has looked what follows.
        let mut news = command.is_some() || signal.is_some() || more_signals + reports > 0;
        let engine = self.engine;
        for report in engine.reports.try_iter().take(reports) {
            self.hear(report);
            self.look_whether_up(); // ready counts, also if the next report is an exit
        }
        if let Some(signal) = signal {
            self.obey(signal);
        }
        for _ in 0..more_signals {
            if let Some(signal) = signal::try_next(&mut self.signals) {
                self.obey(signal);
            }
        }
        if let Some(now) = now
            && self.take_due(now)
        {
            while self.take_due(now) {} // all at once: KILL for one and KILL for all come together
            self.look_whether_up(); // the end of a round of which no member is left
            news = true;
        }
        if let Some(command) = command {
            self.carry_out(command);
        }
        news
    }

    fn sleep(&self) {
        let earliest = self.timers.first_key_value();
        let alarm = earliest.map(|((at, _), _)| self.clock.at(*at));
        let mut select = Select::new();
        select.recv(&self.engine.reports);
        select.recv(&self.signals);
        select.recv(&self.door.commands);
        if let Some(alarm) = &alarm {
            select.recv(alarm);
        }
        select.ready();
    }

    fn hear(&mut self, report: Report) {
        let Report { index, id, news } = report;
        match news {
            News::Ready => self.is_ready(index),
            News::EndedLate { runner } => {
                let slot = &mut self.slots.all[index];
                slot.come_home(runner);
                slot.run.place = Place::Terminated;
            }
            News::Exited(mut end) => {
                let slot = &mut self.slots.all[index];
                if !end.given_up {
                    slot.come_home(end.runner.take());
                }
                let told = slot.run.told.take();
                slot.run.deadline = None;
                slot.run.tell_at = None;
                let record = MemberExit {
                    name: String::from(&*slot.name),
                    id,
                    exit: end.exit,
                    cause: Cause::Independent,
                    time_to_stop: told.map(|told| end.at.saturating_duration_since(told)),
                };
                let ended = Ended {
                    record,
                    at: end.at,
                    given_up: end.given_up,
                    findings: end.findings,
                };
                self.exited(index, ended);
            }
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // A caller that still waits for an answer, or at the door, gets one, also when the engine itself has panicked.
        self.turn_away();
        for slot in &mut self.slots.all {
            slot.run.leaving = None;
        }
        if self.down > 0
            && let Some(host) = &self.host
        {
            host.end_restarting();
        }
        self.door.close();
        self.door.commands.try_iter().for_each(refuse);
    }
}
