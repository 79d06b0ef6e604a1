//! The one engine that runs every fixed group.
//!
//! It runs on the group's own thread and waits for one thing at a time: a report of a member, a signal, or the
//! earliest of its deadlines. Start order and stop order are values.
//!
//! Invariants:
//! 1. Every member that was started reports its exit exactly once, whatever became of its thread, and the run ends only
//!    when all have. Ready comes before the exit. So the only report of an earlier run that can still come is that of a
//!    runner coming home from a thread that was given up.
//! 2. A member's exit is its own doing unless a stop signal of ours was delivered before it (`told`), which the
//!    member's process decides under its lock.
//! 3. Once a stop has begun nothing starts.
//! 4. Each member told to stop hears every further stop signal; one whose turn is still to come gets the latest. KILL
//!    goes to all at once.
//! 5. Each report and each signal to one member costs O(log n) at most; only what goes to every member costs O(n).
//! 6. A group's own time limit is cut by what it needs itself to report, before it is handed down (`time::hand_down`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::member::{Member, Options, check_names, zero_of};
use super::time::{StopLimit, hand_down};
use crate::clock::Clock;
use crate::error::{Cause, Error, Exit, ExitTrace, MemberExit, Stuck};
use crate::plan::Plan;
use crate::process::{
    Core, DEFAULT_GRACE, Link, News, Parent, Report, Request, current_host, earlier, spawn_member,
};
use crate::ready::ReadySender;
use crate::runner::BoxRunner;
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::{Receiver, Select, Sender, TryRecvError, never, unbounded};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Each when the one before is ready.
    Sequential,
    Together,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Each when the one after it has exited.
    Reverse,
    /// Each when the one before it has exited.
    Forward,
    Together,
}

/// What a group was built with.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    start: Start,
    stop: Stop,
    kind: &'static str,
    pub(super) termination: Option<Signal>,
    pub(super) start_within: Option<Duration>,
    pub(super) stop_within: Option<Duration>,
    pub(super) kill_grace: Option<Duration>,
}

impl Settings {
    pub(super) fn new(start: Start, stop: Stop, kind: &'static str) -> Self {
        Settings {
            start,
            stop,
            kind,
            termination: Some(Signal::INTERRUPT),
            start_within: None,
            stop_within: None,
            kill_grace: None,
        }
    }

    /// The group's clock is that of the process it runs in.
    pub(super) fn clock(&self, host: Option<&Core>) -> Clock {
        host.map(|host| host.clock.clone()).unwrap_or_default()
    }

    pub(super) fn grace(&self, host: Option<&Core>) -> Duration {
        self.kill_grace
            .or(host.map(|host| host.limits.grace))
            .unwrap_or(DEFAULT_GRACE)
    }

    pub(super) fn stop_limit(&self, host: Option<&Core>) -> StopLimit {
        StopLimit::new(self.stop_within, self.grace(host))
    }

    /// Refuses limits that leave no time at all.
    pub(super) fn check(&self) -> Result<(), Error> {
        let limits = [
            ("start_within", self.start_within),
            ("stop_within", self.stop_within),
        ];
        check_zero(self.kind, zero_of(&limits))
    }

    pub(super) fn plan(&self) -> Plan {
        let mut plan = Plan::new(self.kind);
        for (what, limit) in [("start", self.start_within), ("stop", self.stop_within)] {
            if let Some(limit) = limit {
                plan = plan.note(format!("{what} {limit:?}"));
            }
        }
        plan
    }
}

/// A member's place in its group, which outlives the runs.
#[derive(Debug)]
pub(super) struct Slot {
    name: String,
    options: Options,
    /// Away while it runs.
    runner: Option<Guarded>,
    /// The process of the last run, as long as its runner is away.
    core: Option<Arc<Core>>,
    run: SlotRun,
}

/// What a slot knows of the current run.
#[derive(Debug, Default)]
struct SlotRun {
    live: bool,
    /// Ready or exited: others need not wait for it to start any more.
    settled: bool,
    told: Option<Instant>,
    /// Told KILL because its time was over; what remains is the grace.
    killed: bool,
    timer: Option<Instant>,
}

impl Slot {
    pub(super) fn new(member: Member) -> Self {
        Slot {
            name: member.name,
            options: member.options,
            runner: Some(Guarded(Some(member.runner))),
            core: None,
            run: SlotRun::default(),
        }
    }

    /// The place of a member that lives already and whose runner does not come home.
    pub(super) fn living(core: Arc<Core>, options: Options) -> Self {
        Slot {
            name: core.name.to_string(),
            options,
            runner: None,
            core: Some(core),
            run: SlotRun {
                live: true,
                settled: true,
                ..SlotRun::default()
            },
        }
    }

    pub(super) fn plan(&self) -> Plan {
        let of_runner = match &self.runner {
            Some(Guarded(Some(runner))) => runner.plan(),
            _ => Plan::new("away"),
        };
        self.options.plan(&self.name, of_runner)
    }
}

/// A runner at home; a destructor that panics is caught here, so that it harms no other member.
struct Guarded(Option<BoxRunner>);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = crate::error::drop_caught(self.0.take());
    }
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runner")
    }
}

/// The channel on which members report, kept between runs: a thread given up may come home late.
pub(super) struct Engine {
    inbox: Arc<Inbox>,
    reports: Receiver<Report>,
}

/// Why a stop begins that begins at once.
pub(super) enum Begin {
    /// A member's exit, which has been recorded already.
    ByMember,
    BySignal(Signal),
}

struct Inbox(Sender<Report>);

impl Parent for Inbox {
    fn hear(&self, report: Report) {
        // Nobody there: the group itself is gone. The runner comes back in the error and dies here.
        if let Err(unheard) = self.0.send(report) {
            let _ = crate::error::drop_caught(unheard);
        }
    }
}

impl Engine {
    pub(super) fn new() -> Self {
        let (sender, reports) = unbounded();
        let inbox = Arc::new(Inbox(sender));
        Engine { inbox, reports }
    }

    pub(super) fn run(
        &self,
        settings: &Settings,
        slots: &mut [Slot],
        signals: Receiver<Signal>,
        ready: ReadySender,
    ) -> Result<(), Error> {
        check_names(slots.iter().map(|slot| slot.name.as_str()))?;
        settings.check()?;
        for slot in slots.iter() {
            check_zero(&slot.name, slot.options.zero())?;
        }
        self.bring_home(slots)?;
        let trace = Run::new(self, settings, slots, signals, Some(ready)).run();
        if trace.iter().all(|member| member.exit.is_ok()) {
            Ok(())
        } else {
            Err(Error::Group(ExitTrace::new(trace)))
        }
    }

    /// Stops members that were started elsewhere and report here from now on; returns their exits.
    pub(super) fn stop(
        &self,
        settings: &Settings,
        slots: &mut [Slot],
        signals: Receiver<Signal>,
        begin: Begin,
    ) -> Vec<MemberExit> {
        let mut run = Run::new(self, settings, slots, signals, None);
        run.started = run.slots.len();
        run.live = run.started;
        match begin {
            Begin::ByMember => {
                run.initiated = true;
                run.begin_stop(settings.termination);
            }
            Begin::BySignal(signal) => run.obey(signal),
        }
        run.run()
    }

    pub(super) fn inbox(&self) -> Arc<dyn Parent> {
        Arc::clone(&self.inbox) as _
    }

    /// Takes in the runners that have come home since the last run.
    fn bring_home(&self, slots: &mut [Slot]) -> Result<(), Error> {
        for report in self.reports.try_iter() {
            if let News::EndedLate { runner } = report.news {
                slots[report.index].come_home(runner);
            }
        }
        let away = slots.iter().filter(|slot| slot.runner.is_none());
        let stuck: Vec<Stuck> = away
            .filter_map(|slot| slot.core.as_ref().map(|core| core.stuck()))
            .collect();
        if stuck.is_empty() {
            Ok(())
        } else {
            Err(Error::Abandoned(stuck))
        }
    }
}

impl Slot {
    /// Its thread has ended.
    fn come_home(&mut self, runner: Option<BoxRunner>) {
        self.runner = runner.map(|runner| Guarded(Some(runner)));
        self.core = None;
    }
}

fn check_zero(who: &str, zero: Option<&'static str>) -> Result<(), Error> {
    match zero {
        Some(option) => Err(Error::ZeroDeadline {
            who: who.to_owned(),
            option,
        }),
        None => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Stopping,
}

/// What is due when a timer of ours runs out.
#[derive(Clone, Copy)]
enum Due {
    /// The stop delay of a member is over.
    Tell,
    Kill,
    GiveUp,
    /// The time of the whole group is over.
    KillAll,
}

/// The place of the group's own timer among those of its members.
const WHOLE_GROUP: usize = usize::MAX;

struct Run<'g> {
    engine: &'g Engine,
    settings: &'g Settings,
    slots: &'g mut [Slot],
    signals: Receiver<Signal>,
    ready: Option<ReadySender>,
    /// The process the group runs in, which hands down time; none when a group is driven by hand.
    host: Option<Arc<Core>>,
    clock: Clock,
    grace: Duration,
    start_by: Option<Instant>,
    phase: Phase,
    started: usize,
    /// Started, and neither ready nor exited.
    unsettled: usize,
    live: usize,
    /// What members are told when their turn comes.
    signal: Option<Signal>,
    stop_limit: StopLimit,
    /// How far a stop in order has come: the next place to look at.
    turn: usize,
    /// Whose exit a stop in order waits for.
    awaited: Option<usize>,
    timers: BTreeMap<(Instant, usize), Due>,
    trace: Vec<MemberExit>,
    /// The stop was begun by a member's exit.
    initiated: bool,
}

impl<'g> Run<'g> {
    fn new(
        engine: &'g Engine,
        settings: &'g Settings,
        slots: &'g mut [Slot],
        signals: Receiver<Signal>,
        ready: Option<ReadySender>,
    ) -> Self {
        let host = current_host();
        if let Some(host) = &host {
            let _ = host.kind.set(settings.kind);
        }
        let clock = settings.clock(host.as_deref());
        let grace = settings.grace(host.as_deref());
        let now = clock.now();
        let own = settings
            .start_within
            .and_then(|limit| now.checked_add(limit));
        let handed = host.as_ref().and_then(|host| host.limits.start);
        let start_by = earlier(own, handed.map(|(_, by)| by)).map(|by| hand_down(now, by, grace));
        Run {
            engine,
            settings,
            slots,
            signals,
            ready,
            clock,
            grace,
            start_by,
            phase: Phase::Starting,
            started: 0,
            unsettled: 0,
            live: 0,
            signal: None,
            stop_limit: settings.stop_limit(host.as_deref()),
            turn: 0,
            awaited: None,
            timers: BTreeMap::new(),
            trace: Vec::new(),
            initiated: false,
            host,
        }
    }

    fn run(mut self) -> Vec<MemberExit> {
        loop {
            if self.phase == Phase::Starting {
                if self.may_start() {
                    self.start_next();
                    while self.take_news() {}
                    continue;
                }
                if self.started == self.slots.len() && self.unsettled == 0 {
                    self.become_ready();
                }
            }
            if self.is_over() {
                break;
            }
            if !self.take_news() {
                self.sleep();
            }
        }
        self.trace
    }

    fn is_over(&self) -> bool {
        let nobody_left = self.live == 0;
        match self.phase {
            Phase::Starting => false,
            // Without members it waits for its stop; with one-shot members only, it is done when they are.
            Phase::Running => nobody_left && !self.slots.is_empty(),
            Phase::Stopping => nobody_left,
        }
    }

    // Starting.

    fn may_start(&self) -> bool {
        let in_time = match self.settings.start {
            Start::Sequential => self.unsettled == 0,
            Start::Together => true,
        };
        in_time && self.started < self.slots.len()
    }

    fn start_next(&mut self) {
        let index = self.started;
        let slot = &mut self.slots[index];
        let Some(runner) = slot.runner.take().and_then(|mut guarded| guarded.0.take()) else {
            // `bring_home` has seen to it that every runner is there.
            self.started += 1;
            return;
        };
        let request = Request {
            name: Some(slot.name.as_str().into()),
            clock: Some(self.clock.clone()),
            kill_grace: Some(self.grace),
            start_timeout: slot.options.start_timeout,
            start_by: self.start_by,
            stop_within: earlier(
                slot.options.stop_timeout,
                self.stop_limit.for_stops_inside(self.host.as_deref()),
            ),
            ..Request::default()
        };
        let link = Link {
            parent: Arc::clone(&self.engine.inbox) as _,
            index,
        };
        self.started += 1;
        self.unsettled += 1;
        self.live += 1;
        slot.run = SlotRun {
            live: true,
            ..SlotRun::default()
        };
        slot.core = Some(spawn_member(&request, runner, link));
    }

    fn become_ready(&mut self) {
        self.phase = Phase::Running;
        if let Some(ready) = self.ready.take() {
            ready.notify();
        }
    }

    // Hearing.

    /// Takes one report and one signal, and what is due, without waiting; says whether there was anything.
    fn take_news(&mut self) -> bool {
        let due = self.take_due();
        let report = self.engine.reports.try_recv();
        let heard = report.is_ok();
        if let Ok(report) = report {
            self.hear(report);
        }
        let told = match self.signals.try_recv() {
            Ok(signal) => {
                self.obey(signal);
                true
            }
            Err(TryRecvError::Empty) => false,
            Err(TryRecvError::Disconnected) => {
                self.signals = never();
                self.obey(Signal::INTERRUPT);
                true
            }
        };
        due || heard || told
    }

    fn sleep(&self) {
        let alarm = self
            .timers
            .first_key_value()
            .map(|((at, _), _)| self.clock.at(*at));
        let mut select = Select::new();
        select.recv(&self.engine.reports);
        select.recv(&self.signals);
        if let Some(alarm) = &alarm {
            select.recv(alarm);
        }
        select.ready();
    }

    fn hear(&mut self, report: Report) {
        let Report { index, id, news } = report;
        match news {
            News::Ready => self.settle(index),
            News::EndedLate { runner } => self.slots[index].come_home(runner),
            News::Exited {
                exit,
                at,
                runner,
                given_up,
            } => {
                let cause = self.cause(index, &exit, given_up);
                let slot = &mut self.slots[index];
                let told = slot.run.told;
                let record = MemberExit {
                    name: slot.name.clone(),
                    id,
                    exit,
                    cause,
                    time_to_stop: told.map(|told| at.saturating_duration_since(told)),
                };
                if !given_up {
                    slot.come_home(runner);
                }
                self.exited(index, record);
            }
        }
    }

    fn settle(&mut self, index: usize) {
        let run = &mut self.slots[index].run;
        if !run.settled {
            run.settled = true;
            self.unsettled -= 1;
        }
    }

    fn cause(&self, index: usize, exit: &Exit, given_up: bool) -> Cause {
        let slot = &self.slots[index];
        if slot.run.told.is_some() {
            match self.initiated {
                _ if given_up => Cause::Abandoned,
                true => Cause::Consequence,
                false => Cause::Stopped,
            }
        } else if slot.options.one_shot && exit.is_ok() {
            Cause::Completed
        } else if self.phase != Phase::Stopping {
            Cause::Initiator
        } else {
            Cause::Independent
        }
    }

    fn exited(&mut self, index: usize, record: MemberExit) {
        self.settle(index);
        self.clear_timer(index);
        self.slots[index].run.live = false;
        self.live -= 1;
        let initiates = record.cause == Cause::Initiator;
        self.trace.push(record);
        if initiates {
            self.initiated = true;
            self.begin_stop(self.settings.termination);
        } else if self.awaited == Some(index) {
            self.next_turn();
        }
    }

    // Stopping.

    fn obey(&mut self, signal: Signal) {
        if !signal.is_stop() {
            for slot in &self.slots[..self.started] {
                if let (true, Some(core)) = (slot.run.live, &slot.core) {
                    core.signal(signal);
                }
            }
        } else if self.phase != Phase::Stopping || self.signal.is_none() {
            self.begin_stop(Some(signal));
        } else {
            self.signal = Some(signal); // 4
            self.limit_stop();
            self.tell_those_told(signal);
        }
        if signal == Signal::KILL {
            self.tell_all(Signal::KILL);
        }
    }

    /// Begins a stop, or, where one has begun in which nobody is told anything, begins to tell.
    fn begin_stop(&mut self, signal: Option<Signal>) {
        self.phase = Phase::Stopping; // 3
        self.ready = None;
        self.signal = signal;
        if signal.is_none() {
            return;
        }
        self.limit_stop();
        match self.settings.stop {
            Stop::Together => self.turn_of_all(),
            Stop::Reverse | Stop::Forward => self.next_turn(),
        }
    }

    /// Takes in how long the stop may take, from here and from above, as known now.
    fn limit_stop(&mut self) {
        let now = self.clock.now();
        if let Some(old) = self.stop_limit.kill_at {
            self.timers.remove(&(old, WHOLE_GROUP));
        }
        self.stop_limit.tighten(now, self.host.as_deref());
        if let Some(kill_at) = self.stop_limit.kill_at {
            self.timers.insert((kill_at, WHOLE_GROUP), Due::KillAll);
        }
    }

    fn turn_of_all(&mut self) {
        for index in 0..self.started {
            self.turn_of(index);
        }
    }

    /// Goes on to the next member that still lives.
    fn next_turn(&mut self) {
        self.awaited = None;
        while self.turn < self.started {
            let index = match self.settings.stop {
                Stop::Reverse => self.started - 1 - self.turn,
                Stop::Forward | Stop::Together => self.turn,
            };
            self.turn += 1;
            if self.slots[index].run.live {
                self.awaited = Some(index);
                self.turn_of(index);
                return;
            }
        }
    }

    /// The turn of a member has come: it is told, after its delay.
    fn turn_of(&mut self, index: usize) {
        let run = &self.slots[index].run;
        if !run.live || run.told.is_some() {
            return;
        }
        match self.slots[index].options.stop_delay {
            Some(delay) if self.signal != Some(Signal::KILL) => {
                if let Some(at) = self.clock.deadline(delay) {
                    self.set_timer(index, at, Due::Tell);
                }
            }
            _ => self.tell(index, self.signal),
        }
    }

    fn tell_those_told(&mut self, signal: Signal) {
        for index in 0..self.started {
            if self.slots[index].run.told.is_some() {
                self.tell(index, Some(signal));
            }
        }
    }

    fn tell_all(&mut self, signal: Signal) {
        for index in 0..self.started {
            self.tell(index, Some(signal));
        }
    }

    fn tell(&mut self, index: usize, signal: Option<Signal>) {
        let slot = &mut self.slots[index];
        let (Some(signal), true, Some(core)) = (signal, slot.run.live, &slot.core) else {
            return;
        };
        let now = self.clock.now();
        let first_told = slot.run.told.unwrap_or(now);
        let own = slot
            .options
            .stop_timeout
            .and_then(|limit| first_told.checked_add(limit));
        let kill_at = earlier(own, self.stop_limit.kill_at);
        if !core.tell(signal, kill_at) {
            return; // 2: it has exited; its report is on its way
        }
        slot.run.told = Some(first_told);
        match kill_at {
            _ if slot.run.killed => {}
            Some(kill_at) => self.set_timer(index, kill_at, Due::Kill),
            None => self.clear_timer(index), // of its stop delay
        }
    }

    // Deadlines.

    fn clear_timer(&mut self, index: usize) {
        if let Some(old) = self.slots[index].run.timer.take() {
            self.timers.remove(&(old, index));
        }
    }

    fn set_timer(&mut self, index: usize, at: Instant, due: Due) {
        self.clear_timer(index);
        self.slots[index].run.timer = Some(at);
        self.timers.insert((at, index), due);
    }

    fn take_due(&mut self) -> bool {
        let Some(entry) = self.timers.first_entry() else {
            return false;
        };
        let (at, index) = *entry.key();
        if at > self.clock.now() {
            return false;
        }
        let due = entry.remove();
        if index != WHOLE_GROUP {
            self.slots[index].run.timer = None;
        }
        match due {
            Due::Tell => self.tell(index, self.signal),
            Due::Kill => self.kill(index),
            Due::GiveUp => {
                if let Some(core) = &self.slots[index].core {
                    core.give_up(); // its report follows
                }
            }
            Due::KillAll => {
                for index in 0..self.started {
                    self.kill(index);
                }
            }
        }
        true
    }

    fn kill(&mut self, index: usize) {
        let run = &mut self.slots[index].run;
        if !run.live || run.killed {
            return;
        }
        run.killed = true;
        self.clear_timer(index);
        self.tell(index, Some(Signal::KILL));
        if let Some(give_up_at) = self.clock.deadline(self.grace) {
            self.set_timer(index, give_up_at, Due::GiveUp);
        }
    }
}
