//! How long a start may take.

use std::time::Duration;

use super::mistake::{Found, Mistake};
use super::value::{Plan, Runs, Steps};
use crate::limit::{DEFAULT_GRACE, earlier, hand_down_from};

/// When a runner starts, counted from the beginning of the whole start, and when it is to be ready.
#[derive(Clone, Copy)]
struct Begin {
    at: Duration,
    end: Option<Duration>,
    grace: Duration,
}

const FIRST: Begin = Begin {
    at: Duration::ZERO,
    end: None,
    grace: DEFAULT_GRACE,
};

impl Plan {
    /// How long it may take at the most to become ready: if each runner takes as long as it may, and none fails. `None`
    /// if nothing bounds it.
    ///
    /// A member that is restarted meanwhile takes longer, up to the limit of its group. At its limit, what is not ready
    /// is told to stop; it has the grace twice then, until KILL and after it.
    pub fn worst_case_start(&self) -> Option<Duration> {
        member(self, FIRST, None, &mut None)
    }
}

/// Looks for limits that have no room.
pub(super) fn check(plan: &Plan, found: &mut Found) {
    member(plan, FIRST, None, &mut Some(found));
}

/// When it is ready. `group_end`: when its group is to be. Whoever looks for limits takes those without for quick.
fn member(
    plan: &Plan,
    begin: Begin,
    group_end: Option<Duration>,
    found: &mut Option<&mut Found>,
) -> Option<Duration> {
    let set = plan.member.as_deref();
    let limit = set.and_then(|set| set.start_within);
    let own = limit.and_then(|limit| begin.at.checked_add(limit));
    if let (Some(set), Some(end)) = (limit, group_end) {
        let left = end.saturating_sub(begin.at);
        if set > left {
            say(plan, found, |path| Mistake::StartCut { path, set, left });
        }
    }
    let begin = Begin {
        end: earlier(own, group_end),
        grace: set.and_then(|set| set.kill_grace).unwrap_or(begin.grace),
        ..begin
    };
    let ready = run(plan, begin, found);
    match found {
        None => earlier(ready, begin.end),
        Some(_) => earlier(ready.or(own), begin.end).or(Some(begin.at)),
    }
}

fn run(plan: &Plan, begin: Begin, found: &mut Option<&mut Found>) -> Option<Duration> {
    let Some(found) = found else {
        return run_here(plan, begin, &mut None);
    };
    found.within(plan, |found| run_here(plan, begin, &mut Some(found)))
}

/// When the runner is ready, as far as it is bounded from inside.
fn run_here(plan: &Plan, begin: Begin, found: &mut Option<&mut Found>) -> Option<Duration> {
    let set = &plan.runner;
    let grace = set.kill_grace.unwrap_or(begin.grace);
    match set.runs {
        Runs::ItsOwnWay => {
            for part in &plan.parts {
                run(part, FIRST, found);
            }
            None
        }
        Runs::Inline => {
            let part = plan.parts.first()?;
            let ready = run(part, Begin { grace, ..begin }, found);
            let own = set.start_within;
            earlier(ready, own.and_then(|limit| begin.at.checked_add(limit)))
        }
        Runs::Dynamic => Some(begin.at),
        Runs::Group { start, .. } => {
            let handed = begin.end.map(|end| hand_down_from(begin.at, end, grace));
            if let (Some(set), Some(handed)) = (set.start_within, handed) {
                let left = handed.saturating_sub(begin.at);
                if set > left
                    && let Some(found) = found
                {
                    found.push(|path| Mistake::StartCut { path, set, left });
                }
            }
            let own = set.start_within;
            let own = own.and_then(|limit| begin.at.checked_add(limit));
            let end = earlier(own, handed);
            let mut last = begin.at;
            for part in &plan.parts {
                let at = match start {
                    Steps::Together => begin.at,
                    Steps::Forward | Steps::Reverse => last,
                };
                let begin = Begin {
                    at,
                    end: None,
                    grace,
                };
                // Where it is not bounded, nor is the group by what is inside.
                let ready = member(part, begin, end, found)?;
                last = last.max(ready);
            }
            Some(last)
        }
    }
}

/// A mistake of a member.
fn say(plan: &Plan, found: &mut Option<&mut Found>, mistake: impl FnOnce(String) -> Mistake) {
    if let Some(found) = found {
        found.within(plan, |found| found.push(mistake));
    }
}
