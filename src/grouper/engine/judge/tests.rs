//! The table of judgements, arm by arm, and what holds for every combination of facts.

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
        let asked_for = facts.told || facts.is_leaving;
        if facts.is_essential && facts.is_ok && !(asked_for || facts.is_fatal || facts.given_up) {
            let no_success = matches!(verdict, Unasked(_) | Restart | InRound);
            assert!(no_success || facts.leaves_threads, "{facts:?}");
        }
    }
}
