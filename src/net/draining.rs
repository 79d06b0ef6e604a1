//! The end of a run: what is idle is woken, what is in a request may finish, and is cut in the end.

use std::time::{Duration, Instant};

use super::error::{NotDrained, StuckConnection};
use super::table::{Awaited, Table};
use crate::clock::Clock;
use crate::limit::{Deadline, Limit, earlier, hand_down};
use crate::process::Core;
use crate::signal::{self, Signal};
use crate::sync::channel::{Receiver, Select};

pub(super) struct Draining<'a> {
    pub(super) host: &'a Core,
    pub(super) table: &'a Table,
    pub(super) signals: Receiver<Signal>,
    pub(super) nudges: &'a Receiver<()>,
    pub(super) clock: &'a Clock,
    pub(super) grace: Duration,
    pub(super) limit: Option<Limit>,
    /// When those that are left are cut.
    pub(super) cut_at: Option<Instant>,
    /// When those that are left after that are given up.
    pub(super) end: Option<Instant>,
    pub(super) cut: Option<usize>,
    pub(super) by_limit: bool,
}

impl<'a> Draining<'a> {
    /// It has begun because of `stop`, if it was told to.
    pub(super) fn new(
        host: &'a Core,
        table: &'a Table,
        signals: Receiver<Signal>,
        nudges: &'a Receiver<()>,
        clock: &'a Clock,
        grace: Duration,
        within: Option<Duration>,
    ) -> Self {
        let now = clock.now();
        let limit = within.and_then(|set| Limit::new(now, set));
        let deadline = limit.map(|limit| Deadline::new(now, limit, grace));
        Draining {
            host,
            table,
            signals,
            nudges,
            clock,
            grace,
            limit,
            cut_at: deadline.map(|deadline| deadline.kill_at),
            end: limit.map(|limit| limit.end),
            cut: None,
            by_limit: false,
        }
    }

    /// Blocks until all handlers have returned, or are given up.
    pub(super) fn run(mut self, stop: Option<Signal>) -> Result<(), NotDrained> {
        let connections = self.table.close();
        if stop == Some(Signal::KILL) {
            self.cut();
        }
        let stuck = loop {
            if self.table.wait_for(Awaited::TheLast).open == 0 {
                break Vec::new();
            }
            if self.cut.is_some() && self.is_over(self.end) {
                break self.stuck();
            }
            if self.cut.is_none() && self.is_over(self.cut_at) {
                self.by_limit = true;
                self.cut();
                continue;
            }
            self.sleep();
            while let Some(signal) = signal::try_next(&mut self.signals) {
                if signal == Signal::KILL && self.cut.is_none() {
                    self.cut();
                }
            }
        };
        let cut = self.cut.unwrap_or(0);
        if cut == 0 && stuck.is_empty() {
            return Ok(());
        }
        Err(NotDrained {
            connections,
            cut,
            stuck,
            limit: self.limit.filter(|_| self.by_limit).map(|limit| limit.set),
        })
    }

    /// Cuts what is left; the handlers have the grace to return, or what is left until this process is given up. A little of
    /// that is kept back to say which of them did not.
    fn cut(&mut self) {
        let now = self.clock.now();
        let killed = Deadline::killed(now, self.grace);
        let told = self.host.stop_end();
        let around = earlier(
            killed.map(|killed| killed.end.end),
            told.map(|limit| limit.end),
        );
        let own = around.map(|end| hand_down(now, end, self.grace));
        self.end = earlier(self.end, own);
        self.cut = Some(self.table.cut());
    }

    fn is_over(&self, instant: Option<Instant>) -> bool {
        instant.is_some_and(|instant| self.clock.now() >= instant)
    }

    fn sleep(&self) {
        let next = match self.cut {
            None => self.cut_at,
            Some(_) => self.end,
        };
        let alarm = self.clock.at_or_never(next);
        let mut select = Select::new();
        select.recv(&self.signals);
        select.recv(&alarm);
        let nudged = select.recv(self.nudges);
        if select.ready() == nudged {
            let _ = self.nudges.try_recv();
        }
    }

    fn stuck(&self) -> Vec<StuckConnection> {
        let lines = self.table.lines();
        let stuck = lines.iter().map(|line| StuckConnection {
            number: line.number,
            peer: line.peer.clone(),
            os_thread_id: line.os_thread_id.get().copied().flatten(),
        });
        stuck.collect()
    }
}
