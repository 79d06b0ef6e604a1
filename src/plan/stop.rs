//! How long a stop may take.
//!
//! It goes through a stop as the engine does, with the same arithmetic, for members that return only when they are given
//! up. Each is a moment later at the most if the one before it is, so no other members take longer.

use std::time::Duration;

use super::mistake::{Found, Mistake};
use super::value::{OfMember, Plan, Runs, Steps};
use crate::limit::{DEFAULT_GRACE, earlier, hand_down_from};

/// What a process is told, counted from the beginning of the whole stop.
#[derive(Clone, Copy)]
struct Told {
    at: Duration,
    /// When all is over, KILL and grace included.
    end: Option<Duration>,
    kill: Option<Kill>,
    grace: Duration,
    /// The process itself sees to it that it ends after KILL, because of a limit of its start.
    sees_to_it: bool,
}

/// When KILL is told, and when all is over then.
#[derive(Clone, Copy)]
struct Kill {
    at: Duration,
    end: Option<Duration>,
}

/// From nothing around it that has a limit.
const FIRST: Told = Told {
    at: Duration::ZERO,
    end: None,
    kill: None,
    grace: DEFAULT_GRACE,
    sees_to_it: false,
};

/// What is done about members of which nothing bounds the stop.
enum Look<'f> {
    /// They do not return before they are given up.
    Worst,
    /// They return at once: whether the limits of the others have room.
    Limits(&'f mut Found),
}

impl Plan {
    /// How long a stop may take at the most, from a stop signal to the exit: if no runner returns before it is given up.
    /// `None` if nothing bounds it.
    ///
    /// It is told by the limits that are in the plan, those of [`Main`](crate::Main) included where it is the plan of
    /// that. What stands around it, such as [`Process::stop`](crate::Process::stop), may bound it further.
    pub fn worst_case_stop(&self) -> Option<Duration> {
        Turn::of(FIRST).stop(self, &mut Look::Worst)
    }
}

/// Looks for limits that have no room, and for members that leave others none.
pub(super) fn check(plan: &Plan, found: &mut Found) {
    Turn::of(FIRST).stop(plan, &mut Look::Limits(found));
}

/// The turn of a member to be stopped has come.
#[derive(Clone, Copy)]
struct Turn {
    at: Duration,
    /// When the stop of its group is over.
    end: Option<Duration>,
    /// When all are told KILL.
    kill: Option<Kill>,
    /// The grace of its group.
    grace: Duration,
    sees_to_it: bool,
    others_wait: bool,
}

impl Turn {
    /// The first of a group, or of no group, that is told this.
    fn of(told: Told) -> Self {
        Turn {
            at: told.at,
            end: told.end,
            kill: told.kill,
            grace: told.grace,
            sees_to_it: told.sees_to_it,
            others_wait: false,
        }
    }

    /// When the member has exited.
    fn stop(self, plan: &Plan, look: &mut Look<'_>) -> Option<Duration> {
        let none = OfMember::default();
        let set = plan.member.as_deref().unwrap_or(&none);
        let grace = set.kill_grace.unwrap_or(self.grace);
        let share = match self.others_wait {
            true => self.end.map(|end| hand_down_from(self.at, end, self.grace)),
            false => self.end,
        };
        let share_kill = share.map(|end| hand_down_from(self.at, end, grace));
        let at = self.told_at(plan, set, share_kill, look)?;
        let own = set.stop_within.and_then(|limit| at.checked_add(limit));
        let is_cut = set.stop_within.is_some()
            && share.is_some_and(|share| own.is_none_or(|own| own > share));
        if let (true, Some(set), Some(share)) = (is_cut, set.stop_within, share) {
            let left = share.saturating_sub(at);
            look.found(plan, |path| Mistake::StopCut { path, set, left });
        }
        let own_kill = own.map(|end| hand_down_from(at, end, grace));
        let end = earlier(share, own);
        // KILL to all also cuts the time of what has been told KILL before.
        let kill_at = earlier(earlier(share_kill, own_kill), self.kill.map(|kill| kill.at));
        let kill_end = earlier(end, self.kill.and_then(|kill| kill.end));
        let kill = kill_at.map(|kill_at| {
            let at = kill_at.max(at);
            let end = earlier(kill_end, at.checked_add(grace));
            Kill { at, end }
        });
        if self.others_wait
            && set.stop_within.is_none()
            && let (Some(share), Some(whole)) = (share, self.end)
            && takes_alone(plan, grace).is_none()
        {
            let (takes, left) = (share.saturating_sub(at), whole.saturating_sub(self.at));
            look.found(plan, |path| Mistake::UsesUpTheStop { path, takes, left });
        }
        let mut told = Told {
            at,
            end,
            kill,
            grace,
            sees_to_it: self.sees_to_it || set.start_within.is_some(),
        };
        if is_cut && matches!(look, Look::Limits(_)) {
            // What is inside is looked at as if it had what was set.
            (told.end, told.kill) = (own, None);
        }
        let returns = look.within(plan, |look| run(plan, told, look));
        let given_up = kill.and_then(|kill| kill.end);
        match look {
            Look::Worst => earlier(returns, given_up),
            Look::Limits(_) => earlier(returns.max(own), given_up).or(Some(at)),
        }
    }

    /// When it is told anything: after its delay, or KILL where that comes first.
    fn told_at(
        &self,
        plan: &Plan,
        set: &OfMember,
        share_kill: Option<Duration>,
        look: &mut Look<'_>,
    ) -> Option<Duration> {
        let all_killed = self.kill.map(|kill| kill.at.max(self.at));
        let Some(delay) = set.stop_delay else {
            return Some(self.at);
        };
        let tell_at = self.at.checked_add(delay);
        let is_first = |kill: &Duration| tell_at.is_none_or(|at| *kill <= at);
        let kill_first = share_kill.filter(is_first);
        if let Some(kill) = kill_first {
            let left = kill.saturating_sub(self.at);
            look.found(plan, |path| Mistake::DelayCut { path, delay, left });
        }
        earlier(earlier(tell_at, kill_first), all_killed)
    }
}

/// How long a stop takes where nothing around it bounds it.
fn takes_alone(plan: &Plan, grace: Duration) -> Option<Duration> {
    run(plan, Told { grace, ..FIRST }, &mut Look::Worst)
}

/// When the runner returns by itself.
fn run(plan: &Plan, told: Told, look: &mut Look<'_>) -> Option<Duration> {
    let set = &plan.runner;
    let grace = set.kill_grace.unwrap_or(told.grace);
    match set.runs {
        Runs::ItsOwnWay => {
            for part in &plan.parts {
                look.within(part, |look| run(part, FIRST, look));
            }
            look.unbounded(told)
        }
        Runs::Inline => inline(plan, told, look),
        Runs::Group { stop, .. } => group(plan, told, grace, Some(stop), look),
        Runs::Dynamic => group(plan, told, grace, None, look),
    }
}

/// Wrappers around one runner, in each other on the same thread. Their process holds them all to the least of their limits,
/// with the grace of the innermost that has one.
fn inline(plan: &Plan, mut told: Told, look: &mut Look<'_>) -> Option<Duration> {
    let mut own: Option<Duration> = None;
    let mut inner = Some(plan);
    while let Some(wrapper) = inner.filter(|inner| inner.runner.runs == Runs::Inline) {
        let set = &wrapper.runner;
        if let Some(limit) = set.stop_within {
            let around = told.end.map(|end| end.saturating_sub(told.at));
            if let Some(left) = earlier(around, own).filter(|left| limit > *left)
                && look.cut(limit, left)
            {
                (told.end, told.kill, own) = (None, None, None);
            }
            own = earlier(own, Some(limit));
        }
        told.grace = set.kill_grace.unwrap_or(told.grace);
        inner = wrapper.parts.first();
    }
    let end = own.and_then(|limit| told.at.checked_add(limit));
    let own_kill = end.map(|end| hand_down_from(told.at, end, told.grace));
    told.end = earlier(told.end, end);
    let kill_at = earlier(told.kill.map(|kill| kill.at), own_kill);
    told.sees_to_it |= own.is_some();
    told.kill = kill_at.map(|at| {
        let grace_over = at.checked_add(told.grace).filter(|_| told.sees_to_it);
        let told_with_it = told.kill.and_then(|kill| kill.end);
        let end = earlier(earlier(told.end, told_with_it), grace_over);
        Kill { at, end }
    });
    let returns = match inner {
        Some(inner) => look.within(inner, |look| run(inner, told, look)),
        None => look.unbounded(told),
    };
    let given_up = told.kill.and_then(|kill| kill.end);
    match look {
        Look::Worst => earlier(returns, given_up.filter(|_| told.sees_to_it)),
        Look::Limits(_) => returns.or(Some(told.at)),
    }
}

/// A group, whose members are not known if it has no order.
fn group(
    plan: &Plan,
    mut told: Told,
    grace: Duration,
    order: Option<Steps>,
    look: &mut Look<'_>,
) -> Option<Duration> {
    let mut handed = told.end.map(|end| hand_down_from(told.at, end, grace));
    if let (Some(set), Some(over)) = (plan.runner.stop_within, handed) {
        let left = over.saturating_sub(told.at);
        if set > left && look.cut(set, left) {
            (handed, told.kill) = (None, None);
        }
    }
    let own = plan.runner.stop_within;
    let own = own.and_then(|limit| told.at.checked_add(limit));
    let end = earlier(own, handed);
    let kill = told.kill.map(|kill| Kill {
        end: earlier(end, kill.end.map(|end| hand_down_from(kill.at, end, grace))),
        ..kill
    });
    let mut members: Vec<&Plan> = plan.parts.iter().collect();
    match order {
        Some(Steps::Reverse) => members.reverse(),
        Some(Steps::Forward | Steps::Together) => {}
        None => {
            return match look {
                Look::Worst => {
                    let given_up = kill.map(|kill| earlier(kill.end, kill.at.checked_add(grace)));
                    earlier(end, given_up.flatten())
                }
                Look::Limits(_) => Some(told.at),
            };
        }
    }
    let mut turn = Turn::of(Told {
        end,
        kill,
        grace,
        sees_to_it: told.sees_to_it || plan.runner.start_within.is_some(),
        ..told
    });
    let mut last = told.at;
    let count = members.len();
    let mut in_order = order != Some(Steps::Together);
    for (place, member) in members.into_iter().enumerate() {
        // After KILL to all none waits any more.
        if in_order && let Some(kill) = turn.kill.filter(|kill| kill.at <= turn.at) {
            in_order = false;
            turn.at = kill.at;
            turn.end = kill.end;
        }
        turn.others_wait = in_order && place + 1 < count;
        let exit = turn.stop(member, look)?;
        last = last.max(exit);
        if in_order {
            turn.at = exit;
        }
    }
    Some(last)
}

impl Look<'_> {
    /// When a runner returns of which nothing is known.
    fn unbounded(&self, told: Told) -> Option<Duration> {
        match self {
            Look::Worst => None,
            Look::Limits(_) => Some(told.at),
        }
    }

    fn within<T>(&mut self, plan: &Plan, look: impl FnOnce(&mut Look<'_>) -> T) -> T {
        match self {
            Look::Worst => look(&mut Look::Worst),
            Look::Limits(found) => found.within(plan, |found| look(&mut Look::Limits(found))),
        }
    }

    /// A mistake of a member.
    fn found(&mut self, plan: &Plan, mistake: impl FnOnce(String) -> Mistake) {
        if let Look::Limits(found) = self {
            found.within(plan, |found| found.push(mistake));
        }
    }

    /// The limit of the runner that is being looked at is cut. Says whether what is inside is to be looked at as if it
    /// were not, so that it is told once.
    fn cut(&mut self, set: Duration, left: Duration) -> bool {
        match self {
            Look::Worst => false,
            Look::Limits(found) => {
                found.push(|path| Mistake::StopCut { path, set, left });
                true
            }
        }
    }
}
