//! When the next tick is due.

use std::time::{Duration, Instant};

/// What becomes of ticks whose time came while an earlier one was still going on.
///
/// An example: every 10 s, and the tick of 0 s takes 25 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missed {
    /// They are left out; the next one comes when it would have come anyway. In the example at 30 s, 40 s, …
    #[default]
    Skip,
    /// They are made up for, one right after the other. In the example at 25 s, twice, and at 30 s, 40 s, …
    Burst,
    /// They are left out, and the interval begins anew. In the example at 35 s, 45 s, …
    Delay,
}

/// What follows a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// `None`: further off than time goes.
    pub(super) due: Option<Instant>,
    pub(super) missed: u64,
}

/// What follows the tick that was due at `due` and has ended at `now`.
pub(super) fn after(due: Instant, now: Instant, interval: Duration, policy: Missed) -> Next {
    let next = due.checked_add(interval);
    let late = next.and_then(|next| now.checked_duration_since(next));
    let late = late.unwrap_or_default();
    if late.is_zero() || policy == Missed::Burst {
        return Next {
            due: next,
            missed: 0,
        };
    }
    // That many were due before now; the last of them `over` ago.
    let (late, step) = (late.as_nanos(), interval.as_nanos());
    let (whole, over) = (late / step, late % step);
    let over = Duration::from_nanos(u64::try_from(over).unwrap_or(u64::MAX));
    let missed = u64::try_from(whole).unwrap_or(u64::MAX);
    match policy {
        // One that is due right now is not missed.
        Missed::Skip if over.is_zero() => Next {
            due: Some(now),
            missed,
        },
        Missed::Skip => Next {
            due: now.checked_add(interval.saturating_sub(over)),
            missed: missed.saturating_add(1),
        },
        Missed::Delay | Missed::Burst => Next {
            due: now.checked_add(interval),
            missed: missed.saturating_add(1),
        },
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;
    use crate::sync::now;

    const SECOND: Duration = Duration::from_secs(1);

    /// Of a tick every 10 s that was due at 0: when the next one is due, and how many were missed.
    fn next(ended: f64, policy: Missed) -> (f64, u64) {
        let begin = now();
        let ended = begin + Duration::from_secs_f64(ended);
        let next = after(begin, ended, SECOND * 10, policy);
        let due = next.due.unwrap().duration_since(begin);
        (due.as_secs_f64(), next.missed)
    }

    #[test]
    fn one_that_was_quick_is_followed_in_time_with_every_policy() {
        for policy in [Missed::Skip, Missed::Burst, Missed::Delay] {
            for ended in [0.0, 0.5, 9.5, 10.0] {
                assert_eq!(next(ended, policy), (10.0, 0), "{policy:?} {ended}");
            }
        }
    }

    #[test]
    fn skip_keeps_to_the_grid() {
        assert_eq!(next(10.5, Missed::Skip), (20.0, 1));
        assert_eq!(next(25.0, Missed::Skip), (30.0, 2));
        assert_eq!(next(20.0, Missed::Skip), (20.0, 1));
        assert_eq!(next(30.0, Missed::Skip), (30.0, 2));
    }

    #[test]
    fn burst_is_due_in_the_past() {
        assert_eq!(next(25.0, Missed::Burst), (10.0, 0));
    }

    #[test]
    fn delay_begins_anew() {
        assert_eq!(next(10.5, Missed::Delay), (20.5, 1));
        assert_eq!(next(25.0, Missed::Delay), (35.0, 2));
    }

    #[test]
    fn an_interval_beyond_time_is_never_due_again() {
        for policy in [Missed::Skip, Missed::Burst, Missed::Delay] {
            let next = after(now(), now() + SECOND, Duration::MAX, policy);
            assert_eq!((next.due, next.missed), (None, 0));
        }
    }
}
