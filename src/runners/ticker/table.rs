//! Ticks at times of the day: a cron expression, and what becomes of it when the time of day is set.
//!
//! Times of day are counted from 1970-01-01 00:00 UTC.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeZone, Utc};
use croner::Cron;

use super::Missed;
use super::pace::Wakes;
use crate::clock::Clock;

/// How far the time of day may be set without what was due counting as another day's.
const STEP: Duration = Duration::from_secs(3 * 3600);

/// So many times that were passed over are counted at once.
const COUNTED: u64 = 1_000;

/// A cron expression that makes no sense; see [`Ticker::cron`](super::Ticker::cron).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidCron {
    /// The expression.
    pub expression: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for InvalidCron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cron expression {:?}: {}", self.expression, self.why)
    }
}

impl Error for InvalidCron {}

/// The times of an expression in a time zone.
pub(super) struct Table {
    pub(super) expression: String,
    /// The first time after this one.
    next: Box<dyn Fn(Duration) -> Option<Duration> + Send + Sync>,
}

/// A time of the table, and when it comes on the clock that ticks wait on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) time: Duration,
    pub(super) at: Option<Instant>,
}

/// The moment before this one.
fn before(time: Duration) -> Duration {
    time.saturating_sub(Duration::from_nanos(1))
}

impl Table {
    pub(super) fn new<Z>(expression: &str, zone: Z) -> Result<Self, InvalidCron>
    where
        Z: TimeZone + Send + Sync + 'static,
    {
        let cron = Cron::from_str(expression).map_err(|error| InvalidCron {
            expression: expression.to_owned(),
            why: error.to_string(),
        })?;
        let next = move |after: Duration| {
            let seconds = i64::try_from(after.as_secs()).ok()?;
            let after = DateTime::from_timestamp(seconds, after.subsec_nanos())?;
            let after = after.with_timezone(&zone);
            let next = cron.find_next_occurrence(&after, false).ok()?;
            let next = next.with_timezone(&Utc);
            let seconds = u64::try_from(next.timestamp()).ok()?;
            Some(Duration::new(seconds, next.timestamp_subsec_nanos()))
        };
        Ok(Table {
            expression: expression.to_owned(),
            next: Box::new(next),
        })
    }

    /// The slot that comes right now, whatever the table says.
    pub(super) fn now(clock: &Clock) -> Slot {
        Slot {
            time: clock.time_of_day(),
            at: Some(clock.now()),
        }
    }

    /// The first slot, which may be now.
    pub(super) fn first(&self, clock: &Clock) -> Result<Slot, InvalidCron> {
        let first = self.after(before(clock.time_of_day()), clock);
        first.ok_or_else(|| InvalidCron {
            expression: self.expression.clone(),
            why: "no time to come matches it".to_owned(),
        })
    }

    /// The first slot after this time.
    fn after(&self, time: Duration, clock: &Clock) -> Option<Slot> {
        let time = (self.next)(time)?;
        let wait = time.saturating_sub(clock.time_of_day());
        let at = clock.deadline(wait);
        Some(Slot { time, at })
    }

    /// What is done when the time of a slot should have come.
    pub(super) fn wakes(&self, slot: &mut Slot, clock: &Clock, policy: Missed) -> Wakes {
        let now = clock.time_of_day();
        let (early, late) = (slot.time.saturating_sub(now), now.saturating_sub(slot.time));
        if early.is_zero() {
            return match late > STEP && policy != Missed::Burst {
                true => Wakes::Misses,
                false => Wakes::Tick,
            };
        }
        // The time of day was set back; by much, and the times come anew.
        let anew = (early > STEP).then(|| self.after(now, clock)).flatten();
        *slot = anew.unwrap_or(Slot {
            at: clock.deadline(early),
            ..*slot
        });
        Wakes::TooEarly
    }

    /// The slot has been dealt with, and the next one takes its place. Says how many have been missed.
    pub(super) fn goes_on(&self, slot: &mut Slot, clock: &Clock, policy: Missed) -> u64 {
        // One that is due right now has not been missed.
        let (dealt_with, now) = (slot.time, before(clock.time_of_day()));
        let was_set_back = dealt_with.saturating_sub(now) > STEP;
        let (after, missed) = match policy {
            _ if was_set_back => (now, 0), // those times come anew
            Missed::Burst => (dealt_with, 0),
            // Of a step back that is small no time comes twice.
            Missed::Skip | Missed::Delay => (now.max(dealt_with), self.between(dealt_with, now)),
        };
        let never = Slot { at: None, ..*slot };
        *slot = self.after(after, clock).unwrap_or(never);
        missed
    }

    /// How many times lie between these two.
    fn between(&self, mut time: Duration, end: Duration) -> u64 {
        let mut count = 0;
        while count < COUNTED
            && let Some(next) = (self.next)(time).filter(|next| *next <= end)
        {
            (time, count) = (next, count + 1);
        }
        count
    }
}
