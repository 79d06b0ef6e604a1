//! The loop of a run: what is heard, in which order it is acted on, and when the run is over.

use std::time::Instant;

use super::admin::Command;
use super::commands::refuse;
use super::history::History;
use super::run::{Phase, Run};
use super::timers::Due;
use crate::observe::Why;
use crate::process::{News, Report};
use crate::signal::{self, Signal};
use crate::sync::channel::Select;

/// Why a stop begins that begins at once.
pub(in crate::grouper) enum Begin {
    /// A member's exit, which has been recorded already.
    ByMember(Option<Why>),
    BySignal(Signal),
}

impl Run<'_> {
    /// Starts the members, and looks after them until the last of them has ended.
    pub(super) fn run(mut self) -> History {
        for slot in &mut self.slots.all {
            slot.begin_run();
        }
        self.starting.queue(self.slots.order.iter().copied());
        for index in 0..self.slots.all.len() {
            self.counts(index);
        }
        self.show_all();
        self.go_on()
    }

    /// Looks after members that live already, by stopping them.
    pub(super) fn take_over(mut self, begin: Begin) -> History {
        self.tally.live = self.slots.order.len();
        match begin {
            Begin::ByMember(why) => self.stop_for_member(why),
            Begin::BySignal(signal) => self.obey(signal),
        }
        self.go_on()
    }

    fn go_on(mut self) -> History {
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
            Phase::Running => self.tally.are_all_done(self.slots.order.len()),
            Phase::Stopping => self.tally.live == 0,
        }
    }

    /// Takes the reports and the signals that are there, what is due, and one command, without waiting; says whether
    /// there was anything.
    ///
    /// It looks in the opposite order of that in which it acts, so that whatever came before a thing is heard before it:
    /// exits before the signal or the command of a caller that has seen them, a stop before what is due later.
    fn take_news(&mut self) -> bool {
        let command = self.ears.door.commands.try_recv().ok();
        let now = (!self.timers.is_empty()).then(|| self.clock.now());
        let signal = signal::try_next(&mut self.ears.signals);
        let more_signals = self.ears.signals.len();
        // No more than there are now, or a hot crash loop would leave no time for anything else.
        let reports = self.ears.reports.len();
        // Whatever is acted on counts, or the group would sleep before it has looked what follows.
        let mut news = command.is_some() || signal.is_some() || more_signals + reports > 0;
        for report in self.ears.reports.try_iter().take(reports) {
            self.hear(report);
            self.look_whether_up(); // ready counts, also if the next report is an exit
        }
        if let Some(signal) = signal {
            self.alarm = None;
            self.obey(signal);
        }
        for _ in 0..more_signals {
            if let Some(signal) = signal::try_next(&mut self.ears.signals) {
                self.obey(signal);
            }
        }
        if let Some(now) = now
            && self.take_due(now)
        {
            self.look_whether_up(); // the end of a round of which no member is left
            news = true;
        }
        if let Some(command) = command {
            match command {
                // A caller that moves the clock once it was answered finds the time set.
                Command::List(_) => self.set_alarm(),
                _ => self.alarm = None,
            }
            self.carry_out(command);
        }
        news
    }

    /// Sets the alarm to what is due first. It is taken off before anything is acted on that may change what that is, so
    /// that a clock moved by hand has no alarm that is out of date; and by nothing else, so that it misses none.
    fn set_alarm(&mut self) {
        let next = self.timers.earliest();
        if self.alarm.as_ref().map(|(at, _)| *at) != next {
            self.alarm = next.map(|at| (at, self.clock.at(at)));
        }
    }

    fn sleep(&mut self) {
        self.set_alarm();
        let mut select = Select::new();
        select.recv(self.ears.reports);
        select.recv(&self.ears.signals);
        select.recv(&self.ears.door.commands);
        if let Some((_, alarm)) = &self.alarm {
            select.recv(alarm);
        }
        select.ready();
    }

    fn hear(&mut self, report: Report) {
        let Report { index, id, news } = report;
        if !matches!(news, News::EndedLate { .. }) {
            self.alarm = None; // nothing is due because of a thread that was given up
        }
        match news {
            News::Ready => self.is_ready(index),
            News::Exited(exited) => self.exited(index, id, exited),
            News::EndedLate { runner } => self.slots.all[index].ended_late(runner),
        }
    }

    /// Does what was due at `now`, all at once: KILL for one and KILL for all come together. Says whether anything was.
    fn take_due(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(due) = self.timers.pop(now) {
            any = true;
            self.alarm = None;
            match due {
                Due::Tell(index) => self.tell_in_turn(index),
                Due::Kill(index) => self.kill(index),
                Due::GiveUp(index) => {
                    if let Some(live) = self.slots.all[index].stage.live() {
                        live.core.give_up(); // its report follows
                    }
                }
                Due::Restart(index) => self.start(index),
                Due::Resume => self.resume(),
                Due::StartOver => self.start_is_over(),
            }
        }
        any
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // A caller that still waits for an answer, or at the door, gets one, also when the engine itself has panicked.
        self.turn_away();
        self.show_nothing();
        for slot in &mut self.slots.all {
            if let Some(live) = slot.stage.live_mut() {
                live.leaving = None;
            }
        }
        self.ears.door.close();
        self.ears.door.commands.try_iter().for_each(refuse);
    }
}
