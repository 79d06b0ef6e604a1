//! What happens after an end, as far as that is the same for a member of a group and for a runner in a restarter: what
//! the policy asks for, and what a restart costs.

use std::time::{Duration, Instant};

use super::backoff::Delays;
use super::budget::Account;
use super::policy::{Policy, Restart};
use crate::error::{Error, Exit};

/// What an end asks for, as far as the policy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// To be run again.
    Restart,
    /// For nothing: the policy allows it.
    Nothing,
    /// For nothing either, and the policy does not allow it.
    Failure,
}

/// An incarnation that has ended and is to be followed by another.
pub(crate) struct Ended<'e> {
    pub(crate) name: &'e str,
    pub(crate) exit: &'e Exit,
    /// `None` if it was never ready, or if that is not known because no delay depends on it.
    pub(crate) ready_since: Option<Instant>,
}

impl Restart {
    /// What the policy asks for after an end. `worth_it` is what [`only_if`](Restart::only_if) says of the error.
    ///
    /// What holds for every policy (fatal errors, threads left behind) is judged before by the one that asks.
    pub(crate) fn asks(&self, exit: &Exit, worth_it: bool) -> Asks {
        match self.policy {
            Policy::Temporary => Asks::Nothing,
            Policy::Transient if exit.is_ok() => Asks::Nothing,
            Policy::Permanent if exit.is_ok() => Asks::Restart, // a predicate is asked about errors only
            Policy::Transient | Policy::Permanent if worth_it => Asks::Restart,
            Policy::Transient | Policy::Permanent => Asks::Failure,
        }
    }

    /// Pays for a restart, and says after which delay it comes.
    ///
    /// Delays begin anew before the restart is paid for, not after: one that cannot be paid for has no delay.
    ///
    /// # Errors
    ///
    /// [`Error::RestartBudget`] if that is one too many.
    pub(crate) fn pay(
        &self,
        ended: &Ended<'_>,
        delays: &mut Delays,
        account: &mut Account,
        now: Instant,
    ) -> Result<Duration, Error> {
        if delays.grow()
            && let Some(since) = ended.ready_since
            && now.saturating_duration_since(since) >= self.reset_after
        {
            delays.reset();
        }
        account.spend(now, ended.name, ended.exit)?;
        Ok(delays.delay())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Exit = Ok(());
    const ERR: Exit = Err(Error::NotStarted);

    #[test]
    fn every_policy_and_every_end_ask_for_this() {
        use Asks::{Failure, Nothing, Restart as Again};
        // The policy, and what it asks for after Ok, after an error, and after one that is not worth it.
        let table = [
            (Restart::permanent(), [Again, Again, Failure]),
            (Restart::transient(), [Nothing, Again, Failure]),
            (Restart::temporary(), [Nothing, Nothing, Nothing]),
        ];
        for (restart, asks) in table {
            assert_eq!(restart.asks(&OK, true), asks[0], "{restart:?}");
            assert_eq!(restart.asks(&ERR, true), asks[1], "{restart:?}");
            assert_eq!(restart.asks(&ERR, false), asks[2], "{restart:?}");
        }
    }
}
