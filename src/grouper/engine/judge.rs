//! What a member's exit means for its group: one pure function, arm by arm.

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests;

use crate::error::Cause;
use crate::restart::Asks;

/// All that the judgement of an exit depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    // Of the exit.
    pub(super) is_ok: bool,
    /// It was marked as fatal.
    pub(super) is_fatal: bool,
    /// A thread was given up somewhere below the member and still runs.
    pub(super) leaves_threads: bool,
    /// The member itself was given up; its thread still runs.
    pub(super) given_up: bool,
    /// It was told to stop by the group before it ended.
    pub(super) told: bool,

    // Of the member.
    /// What its policy asks for after this exit. Without a policy that is a failure, whatever the exit; only a one-shot
    /// member that ends Ok asks for nothing.
    pub(super) asks: Asks,
    pub(super) is_temporary: bool,
    pub(super) is_essential: bool,
    pub(super) from_the_start: bool,

    // Of its place in the run.
    /// A caller has asked for it to go.
    pub(super) is_leaving: bool,
    /// It is being restarted together with others.
    pub(super) in_round: bool,
    /// The group is still starting, and this member has never been ready.
    pub(super) is_first_start: bool,

    // Of the group.
    pub(super) is_stopping: bool,
    /// The stop was begun by a member's exit.
    pub(super) initiated: bool,
}

/// What becomes of the member and its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has ended for good. As `Initiator` that stops the group.
    Final(Cause),
    /// The same, and although it ended Ok that is a failure, since it was not told to.
    Unasked(Cause),
    /// It is started again, as its policy says.
    Restart,
    /// It is started again together with others.
    InRound,
    /// It was stopped together with others, and does not come back.
    Retired,
    /// A caller has asked for it to go, and it has gone.
    Left,
}

/// The first arm that applies decides. The order: a stop of the group, what no policy can heal, what was asked for through
/// the handle, what others have to do with it, and then its own policy; last, if it is essential.
pub(super) fn judge(facts: &Facts) -> Verdict {
    use Verdict::{Final, InRound, Left, Restart, Retired};
    if facts.is_stopping {
        return judge_in_stop(facts);
    }
    let allowed = facts.asks == Asks::Nothing && (facts.is_ok || !facts.is_first_start);
    match facts {
        // Never restarted, and it ends the group: whatever the policy is, and also as an answer to being told to stop.
        Facts { is_fatal: true, .. } => Final(Cause::Initiator),
        // Terminated or removed: any end is the one that was asked for. If it was given up, the caller hears that.
        Facts {
            is_leaving: true, ..
        } => Left,
        // Its runner is away, so it cannot come back; the group would run on with a part of it missing.
        Facts { given_up: true, .. } => Final(Cause::Initiator),
        // A group may end and leave a thread behind. To run it again would be a second incarnation of that thread's member.
        Facts {
            leaves_threads: true,
            is_temporary: false,
            ..
        } => Final(Cause::Initiator),
        // A temporary member does not come back after a round.
        Facts {
            told: true,
            is_temporary: true,
            ..
        } => Retired,
        // Told by a round: how it answers does not matter, it comes back with the others.
        Facts { told: true, .. } => InRound,
        // An end that its policy allows. A temporary member's first start may not fail while the group is starting.
        _ if allowed => essential(facts, Cause::Completed),
        // It ended by itself while it was held back for a round, or before its turn to be told had come.
        Facts { in_round: true, .. } => InRound,
        // A first start that fails is a start of the group that fails, unless the policy holds from the start on.
        Facts {
            asks: Asks::Restart,
            is_first_start: true,
            from_the_start: false,
            ..
        } => essential(facts, Cause::Initiator),
        Facts {
            asks: Asks::Restart,
            ..
        } => Restart,
        // No policy, or one that does not hold this error to be worth a restart.
        _ => essential(facts, Cause::Initiator),
    }
}

/// While the group stops, nothing is started again; what is left is to name the cause.
fn judge_in_stop(facts: &Facts) -> Verdict {
    let cause = match facts {
        Facts { given_up: true, .. } => Cause::Abandoned,
        Facts {
            told: true,
            initiated: true,
            ..
        } => Cause::Consequence,
        Facts { told: true, .. } => Cause::Stopped,
        // The policy allows the end, whenever it comes.
        Facts {
            asks: Asks::Nothing,
            is_essential: false,
            ..
        } => Cause::Completed,
        // It did not wait for its turn.
        _ => Cause::Independent,
    };
    match facts {
        Facts {
            is_essential: true,
            is_ok: true,
            told: false,
            ..
        } => Verdict::Unasked(cause),
        _ => Verdict::Final(cause),
    }
}

/// The end of a member that was not told to end: of an essential one it is a failure and ends the group.
fn essential(facts: &Facts, cause: Cause) -> Verdict {
    match (facts.is_essential, facts.is_ok) {
        (true, true) => Verdict::Unasked(Cause::Initiator),
        (true, false) => Verdict::Final(Cause::Initiator),
        (false, _) => Verdict::Final(cause),
    }
}
