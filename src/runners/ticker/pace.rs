//! When a run ticks: at an interval, or at the times of a table.

use std::time::{Duration, Instant};

use super::grid::{self, Missed};
#[cfg(feature = "cron")]
use super::table::{InvalidCron, Slot, Table};
use crate::clock::Clock;
#[cfg(feature = "cron")]
use crate::sync::Arc;

/// For one run.
pub(super) enum Pace {
    Every {
        interval: Duration,
        /// When a tick was due last, or the start.
        last: Instant,
        /// When the next one is; `None`: never.
        due: Option<Instant>,
    },
    #[cfg(feature = "cron")]
    Times { table: Arc<Table>, slot: Slot },
}

/// What is done when the time has come.
pub(super) enum Wakes {
    Tick,
    /// Nothing: its time has long passed.
    #[cfg(feature = "cron")]
    Misses,
    /// Nothing yet: it is due later.
    #[cfg(feature = "cron")]
    TooEarly,
}

impl Pace {
    pub(super) fn every(interval: Duration, now: Instant, at_once: bool) -> Self {
        let due = match at_once {
            true => Some(now),
            false => now.checked_add(interval),
        };
        Pace::Every {
            interval,
            last: now,
            due,
        }
    }

    #[cfg(feature = "cron")]
    pub(super) fn times(
        table: &Arc<Table>,
        clock: &Clock,
        at_once: bool,
    ) -> Result<Self, InvalidCron> {
        let slot = match at_once {
            true => Table::now(clock),
            false => table.first(clock)?,
        };
        let table = Arc::clone(table);
        Ok(Pace::Times { table, slot })
    }

    /// When the next tick is due; `None`: never.
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Pace::Every { due, .. } => *due,
            #[cfg(feature = "cron")]
            Pace::Times { slot, .. } => slot.at,
        }
    }

    #[cfg_attr(not(feature = "cron"), allow(unused_variables))]
    pub(super) fn wakes(&mut self, clock: &Clock, policy: Missed) -> Wakes {
        match self {
            Pace::Every { .. } => Wakes::Tick,
            #[cfg(feature = "cron")]
            Pace::Times { table, slot } => table.wakes(slot, clock, policy),
        }
    }

    /// The tick that was due has ended now. Says how many have been missed.
    pub(super) fn goes_on(&mut self, clock: &Clock, policy: Missed) -> u64 {
        match self {
            Pace::Every {
                interval,
                last,
                due,
            } => {
                let was_due = due.unwrap_or(*last);
                let next = grid::after(was_due, clock.now(), *interval, policy);
                (*last, *due) = (was_due, next.due);
                next.missed
            }
            #[cfg(feature = "cron")]
            Pace::Times { table, slot } => table.goes_on(slot, clock, policy),
        }
    }

    /// The interval may have been changed.
    pub(super) fn changes(&mut self, to: Duration) {
        match self {
            Pace::Every {
                interval,
                last,
                due,
            } => {
                if *interval != to {
                    *interval = to;
                    *due = last.checked_add(to);
                }
            }
            #[cfg(feature = "cron")]
            Pace::Times { .. } => {}
        }
    }
}
