//! What a member's exit means for its group: one pure function, arm by arm.

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
        } => Final(Cause::Initiator),
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

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;
    use Verdict::{Final, InRound, Left, Restart, Retired, Unasked};

    /// A member without a policy ends Ok, by itself, in a group that is up.
    const PLAIN: Facts = Facts {
        is_ok: true,
        is_fatal: false,
        leaves_threads: false,
        given_up: false,
        told: false,
        asks: Asks::Failure,
        is_temporary: false,
        is_essential: false,
        from_the_start: false,
        is_leaving: false,
        in_round: false,
        is_first_start: false,
        is_stopping: false,
        initiated: false,
    };
    const FAILS: Facts = Facts {
        is_ok: false,
        ..PLAIN
    };
    /// Its policy asks for a restart after its failure.
    const AGAIN: Facts = Facts {
        asks: Asks::Restart,
        ..FAILS
    };
    /// Its policy allows the end.
    const ALLOWED: Facts = Facts {
        asks: Asks::Nothing,
        ..PLAIN
    };
    const TEMPORARY: Facts = Facts {
        asks: Asks::Nothing,
        is_temporary: true,
        ..FAILS
    };
    const STOPPING: Facts = Facts {
        is_stopping: true,
        ..PLAIN
    };

    #[test]
    fn every_arm_decides_as_the_table_says() {
        let table: &[(&str, Facts, Verdict)] = &[
            ("no policy, Ok", PLAIN, Final(Cause::Initiator)),
            ("no policy, error", FAILS, Final(Cause::Initiator)),
            ("asks for a restart", AGAIN, Restart),
            ("allowed", ALLOWED, Final(Cause::Completed)),
            ("temporary fails", TEMPORARY, Final(Cause::Completed)),
            (
                "fatal",
                Facts {
                    is_fatal: true,
                    ..AGAIN
                },
                Final(Cause::Initiator),
            ),
            (
                "fatal, temporary",
                Facts {
                    is_fatal: true,
                    ..TEMPORARY
                },
                Final(Cause::Initiator),
            ),
            (
                "fatal, as an answer to a round",
                Facts {
                    is_fatal: true,
                    told: true,
                    in_round: true,
                    ..AGAIN
                },
                Final(Cause::Initiator),
            ),
            (
                "fatal, as an answer to terminate",
                Facts {
                    is_fatal: true,
                    told: true,
                    is_leaving: true,
                    ..AGAIN
                },
                Final(Cause::Initiator),
            ),
            (
                "asked to go",
                Facts {
                    told: true,
                    is_leaving: true,
                    ..FAILS
                },
                Left,
            ),
            (
                "asked to go in vain",
                Facts {
                    told: true,
                    is_leaving: true,
                    given_up: true,
                    ..FAILS
                },
                Left,
            ),
            (
                "given up in a round",
                Facts {
                    told: true,
                    in_round: true,
                    given_up: true,
                    leaves_threads: true,
                    ..AGAIN
                },
                Final(Cause::Initiator),
            ),
            (
                "a thread below was left behind",
                Facts {
                    leaves_threads: true,
                    ..AGAIN
                },
                Final(Cause::Initiator),
            ),
            (
                "the same, temporary",
                Facts {
                    leaves_threads: true,
                    ..TEMPORARY
                },
                Final(Cause::Completed),
            ),
            (
                "told by a round",
                Facts {
                    told: true,
                    in_round: true,
                    ..FAILS
                },
                InRound,
            ),
            (
                "told by a round, temporary",
                Facts {
                    told: true,
                    in_round: true,
                    ..TEMPORARY
                },
                Retired,
            ),
            (
                "ends by itself in a round",
                Facts {
                    in_round: true,
                    ..AGAIN
                },
                InRound,
            ),
            (
                "completes by itself in a round",
                Facts {
                    in_round: true,
                    ..ALLOWED
                },
                Final(Cause::Completed),
            ),
            (
                "a first start fails",
                Facts {
                    is_first_start: true,
                    ..AGAIN
                },
                Final(Cause::Initiator),
            ),
            (
                "the same, from the start",
                Facts {
                    is_first_start: true,
                    from_the_start: true,
                    ..AGAIN
                },
                Restart,
            ),
            (
                "a temporary member's first start fails",
                Facts {
                    is_first_start: true,
                    ..TEMPORARY
                },
                Final(Cause::Initiator),
            ),
            (
                "a first start completes",
                Facts {
                    is_first_start: true,
                    ..ALLOWED
                },
                Final(Cause::Completed),
            ),
            (
                "essential, Ok",
                Facts {
                    is_essential: true,
                    ..PLAIN
                },
                Unasked(Cause::Initiator),
            ),
            (
                "essential, allowed",
                Facts {
                    is_essential: true,
                    ..ALLOWED
                },
                Unasked(Cause::Initiator),
            ),
            (
                "essential, temporary, fails",
                Facts {
                    is_essential: true,
                    ..TEMPORARY
                },
                Final(Cause::Initiator),
            ),
            (
                "essential, restarts come first",
                Facts {
                    is_essential: true,
                    ..AGAIN
                },
                Restart,
            ),
            (
                "essential, told by a round",
                Facts {
                    is_essential: true,
                    told: true,
                    in_round: true,
                    ..PLAIN
                },
                InRound,
            ),
            (
                "stopped",
                Facts {
                    told: true,
                    ..STOPPING
                },
                Final(Cause::Stopped),
            ),
            (
                "stopped because of another",
                Facts {
                    told: true,
                    initiated: true,
                    ..STOPPING
                },
                Final(Cause::Consequence),
            ),
            (
                "given up in the stop",
                Facts {
                    told: true,
                    given_up: true,
                    is_ok: false,
                    ..STOPPING
                },
                Final(Cause::Abandoned),
            ),
            ("not its turn yet", STOPPING, Final(Cause::Independent)),
            (
                "not its turn yet, and allowed",
                Facts {
                    is_stopping: true,
                    ..TEMPORARY
                },
                Final(Cause::Completed),
            ),
            (
                "essential, not its turn yet",
                Facts {
                    is_essential: true,
                    ..STOPPING
                },
                Unasked(Cause::Independent),
            ),
            (
                "essential, stopped",
                Facts {
                    is_essential: true,
                    told: true,
                    ..STOPPING
                },
                Final(Cause::Stopped),
            ),
        ];
        for (what, facts, verdict) in table {
            assert_eq!(judge(facts), *verdict, "{what}: {facts:?}");
        }
    }

    /// All facts there may be.
    fn all() -> impl Iterator<Item = Facts> {
        let asks = [Asks::Restart, Asks::Nothing, Asks::Failure];
        let each = asks
            .into_iter()
            .flat_map(|asks| (0..1u32 << 13).map(move |bits| (asks, bits)));
        each.map(|(asks, bits)| {
            let bit = |n: u32| bits & (1 << n) != 0;
            Facts {
                is_ok: bit(0),
                is_fatal: bit(1),
                leaves_threads: bit(2),
                given_up: bit(3),
                told: bit(4),
                asks,
                is_temporary: bit(5),
                is_essential: bit(6),
                from_the_start: bit(7),
                is_leaving: bit(8),
                in_round: bit(9),
                is_first_start: bit(10),
                is_stopping: bit(11),
                initiated: bit(12),
            }
        })
    }

    #[test]
    fn whatever_the_facts_some_things_never_happen() {
        for facts in all() {
            let verdict = judge(&facts);
            let comes_back = matches!(verdict, Restart | InRound);
            if facts.is_stopping || facts.is_fatal || facts.given_up {
                assert!(!comes_back, "{facts:?}");
            }
            if facts.leaves_threads && !facts.is_temporary {
                assert!(!comes_back, "{facts:?}");
            }
            if facts.is_fatal && !facts.is_stopping {
                assert_eq!(verdict, Final(Cause::Initiator), "{facts:?}");
            }
            if matches!(verdict, Unasked(_)) {
                assert!(
                    facts.is_essential && facts.is_ok && !facts.told,
                    "{facts:?}"
                );
            }
            if facts.is_essential && !facts.told {
                assert_ne!(verdict, Final(Cause::Completed), "{facts:?}");
            }
        }
    }
}
