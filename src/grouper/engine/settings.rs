//! What a group was built with.

use std::time::Duration;

use super::time::StopLimit;
use crate::clock::Clock;
use crate::error::Error;
use crate::grouper::member::check_zero;
use crate::plan::{Plan, Runs, Steps};
use crate::process::{Core, inherited};
use crate::restart::Budget;
use crate::signal::Signal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOrder {
    /// Each when the one before is ready.
    Sequential,
    Together,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOrder {
    /// Each when the one after it has exited.
    Reverse,
    /// Each when the one before it has exited.
    Forward,
    Together,
}

/// Who is restarted along with a member of a group.
///
/// ```
/// use ifrit::grouper::{Ordered, Strategy};
/// use ifrit::restart::Restart;
/// use ifrit::prelude::*;
///
/// let idle = || ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let app = Ordered::new([
///     Member::new("db", idle()).restart(Restart::permanent()),
///     Member::new("web", idle()).restart(Restart::permanent()), // restarted when db is
/// ])
/// .strategy(Strategy::RestForOne);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// No other member.
    #[default]
    OneForOne,
    /// Every other member: all are stopped, in stop order, and started again, in start order.
    OneForAll,
    /// The members that stand after it: they are stopped, in stop order, and started again with it, in start order.
    RestForOne,
}

/// When the ends of [significant](super::super::Member::significant) members end their group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AutoShutdown {
    /// Never.
    #[default]
    Never,
    /// When the first of them has completed.
    Any,
    /// When all of them have completed.
    All,
}

impl AutoShutdown {
    /// Whether a significant member's completion begins a stop when so many are left.
    pub(super) fn begins(self, left: usize) -> bool {
        match self {
            AutoShutdown::Never => false,
            AutoShutdown::Any => true,
            AutoShutdown::All => left == 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(in crate::grouper) struct Settings {
    pub(super) start: StartOrder,
    pub(super) stop: StopOrder,
    pub(super) kind: &'static str,
    pub(in crate::grouper) termination: Option<Signal>,
    pub(in crate::grouper) start_within: Option<Duration>,
    pub(in crate::grouper) stop_within: Option<Duration>,
    pub(in crate::grouper) kill_grace: Option<Duration>,
    pub(in crate::grouper) strategy: Strategy,
    pub(in crate::grouper) budget: Budget,
    pub(in crate::grouper) auto_shutdown: AutoShutdown,
}

impl Settings {
    pub(in crate::grouper) fn new(start: StartOrder, stop: StopOrder, kind: &'static str) -> Self {
        Settings {
            start,
            stop,
            kind,
            termination: Some(Signal::INTERRUPT),
            start_within: None,
            stop_within: None,
            kill_grace: None,
            strategy: Strategy::default(),
            budget: Budget::default(),
            auto_shutdown: AutoShutdown::default(),
        }
    }

    /// The tree shows what runs in the process.
    pub(in crate::grouper) fn name_kind(&self, host: Option<&Core>) {
        if let Some(host) = host {
            host.set_kind(self.kind);
        }
    }

    /// The group's clock is that of the process it runs in.
    pub(in crate::grouper) fn clock(&self, host: Option<&Core>) -> Clock {
        inherited(host).0
    }

    pub(in crate::grouper) fn grace(&self, host: Option<&Core>) -> Duration {
        self.kill_grace.unwrap_or_else(|| inherited(host).1)
    }

    pub(in crate::grouper) fn stop_limit(&self, host: Option<&Core>) -> StopLimit {
        StopLimit::new(self.stop_within, self.grace(host))
    }

    /// Refuses limits that leave no time at all.
    pub(in crate::grouper) fn check(&self) -> Result<(), Error> {
        let limits = [
            ("start_within", self.start_within),
            ("stop_within", self.stop_within),
        ];
        check_zero(self.kind, &limits)?;
        self.budget.check(self.kind)
    }

    pub(in crate::grouper) fn plan(&self) -> Plan {
        let is_budget_set = self.budget != Budget::default();
        let mut plan = Plan::new(self.kind)
            .limits(&[("start", self.start_within), ("stop", self.stop_within)])
            .limits(&[("kill grace", self.kill_grace)])
            .budgeted(self.budget.parts(), is_budget_set);
        plan = match self.strategy {
            Strategy::OneForOne => plan,
            Strategy::OneForAll => plan.note("one for all"),
            Strategy::RestForOne => plan.note("rest for one"),
        };
        plan = match self.auto_shutdown {
            AutoShutdown::Never => plan,
            AutoShutdown::Any => plan.note("ends with any significant member"),
            AutoShutdown::All => plan.note("ends with all significant members"),
        };
        plan.runner.start_within = self.start_within;
        plan.runner.stop_within = self.stop_within;
        plan.runner.kill_grace = self.kill_grace;
        plan.runner.runs = Runs::Group {
            start: match self.start {
                StartOrder::Sequential => Steps::Forward,
                StartOrder::Together => Steps::Together,
            },
            stop: match self.stop {
                StopOrder::Reverse => Steps::Reverse,
                StopOrder::Forward => Steps::Forward,
                StopOrder::Together => Steps::Together,
            },
        };
        plan
    }
}
