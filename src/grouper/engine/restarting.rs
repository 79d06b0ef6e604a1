//! Which members are down and are to be up again, what that has cost, and the round in which they are restarted together.
//!
//! Invariants:
//! 1. `down` is how many records have their mark of the same name. While it is not 0, the process in which the group runs
//!    counts as restarting, once.
//! 2. A round has a `live` of 0 exactly where its delay runs, or is over.

use std::time::Instant;

use super::slot::Record;
use crate::process::Core;
use crate::restart::{Account, Budget};
use crate::sync::Arc;

pub(super) struct Restarting {
    host: Option<Arc<Core>>,
    /// How many should be up again and are not.
    down: usize,
    pub(super) round: Option<Round>,
    pub(super) account: Account,
}

/// A round that has not come to its starts yet.
pub(super) struct Round {
    /// When the starts may begin; `None` if that is further off than time goes.
    pub(super) resume_at: Option<Instant>,
    /// How many of those concerned still live.
    pub(super) live: usize,
}

impl Restarting {
    pub(super) fn new(host: Option<Arc<Core>>, budget: Budget) -> Self {
        Restarting {
            host,
            down: 0,
            round: None,
            account: Account::new(Some(budget)),
        }
    }

    pub(super) fn any_down(&self) -> bool {
        self.down > 0
    }

    /// It should be up and is not.
    pub(super) fn is_down(&mut self, member: &mut Record) {
        if !std::mem::replace(&mut member.down, true) {
            self.down += 1;
            if let (Some(host), 1) = (&self.host, self.down) {
                host.begin_restarting();
            }
        }
    }

    /// It is up again, or need not be.
    pub(super) fn is_up_again(&mut self, member: &mut Record) {
        if std::mem::take(&mut member.down) {
            self.down -= 1;
            if let (Some(host), 0) = (&self.host, self.down) {
                host.end_restarting();
            }
        }
    }
}

impl Drop for Restarting {
    fn drop(&mut self) {
        if let (Some(host), true) = (&self.host, self.down > 0) {
            host.end_restarting(); // Invariant 1, also when the engine itself has panicked
        }
    }
}
