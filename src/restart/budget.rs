//! How many restarts are too many: [`Budget`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::{Error, Exit};
use crate::observe::{Outcome, What};
use crate::sync::Arc;

/// So many restarts within a time; at one more, the restarter or the group gives up with [`Error::RestartBudget`].
///
/// The time is a window that moves on: a restart counts for `within` from its moment on.
///
/// ```
/// use ifrit::restart::Budget;
/// use std::time::Duration;
///
/// let otp = Budget::new(1, Duration::from_secs(5));
/// # let _ = otp;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("intensity", "max_restarts"))]
pub struct Budget {
    restarts: usize,
    within: Duration,
}

impl Budget {
    /// At most `restarts` within this time. None at all means to give up at the first end that asks for one.
    ///
    /// A time of zero would forget every restart at once; a runner built with it fails with [`Error::ZeroDeadline`].
    pub const fn new(restarts: usize, within: Duration) -> Self {
        Budget { restarts, within }
    }

    /// How many restarts, and within which time.
    pub(crate) fn parts(self) -> (usize, Duration) {
        (self.restarts, self.within)
    }

    pub(crate) fn check(&self, who: &str) -> Result<(), Error> {
        if self.within.is_zero() {
            return Err(Error::ZeroDeadline {
                who: who.to_owned(),
                option: "budget",
            });
        }
        Ok(())
    }
}

/// 5 in 60 s.
impl Default for Budget {
    fn default() -> Self {
        Budget::new(5, Duration::from_secs(60))
    }
}

/// What is left of a budget in one run.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Option<Budget>,
    spent: VecDeque<(Instant, Exit)>,
    /// How many restarts there were in all.
    total: usize,
    /// How many runs there are at most, where it is these that are counted.
    runs: Option<usize>,
}

impl Account {
    /// Without a budget there is no limit.
    pub(crate) fn new(budget: Option<Budget>) -> Self {
        Account {
            budget,
            spent: VecDeque::new(),
            total: 0,
            runs: None,
        }
    }

    /// Where there is no budget, and a last run: this is how many there are.
    pub(crate) fn of_runs(self, runs: Option<usize>) -> Self {
        Account { runs, ..self }
    }

    /// Pays for a restart because of `exit`.
    ///
    /// # Errors
    ///
    /// [`Error::RestartBudget`] if that is one too many.
    pub(crate) fn spend(&mut self, now: Instant, name: &str, exit: &Exit) -> Result<(), Error> {
        self.total += 1;
        let Some(budget) = self.budget else {
            return Ok(());
        };
        let over = |at: Instant| now.saturating_duration_since(at) >= budget.within;
        while self.spent.front().is_some_and(|(at, _)| over(*at)) {
            self.spent.pop_front();
        }
        self.spent.push_back((now, exit.clone()));
        if self.spent.len() <= budget.restarts {
            return Ok(());
        }
        let history: Vec<Exit> = self.spent.drain(..).map(|(_, exit)| exit).collect();
        Err(Error::RestartBudget {
            name: name.to_owned(),
            restarts: budget.restarts,
            within: budget.within,
            source: exit.clone().err().map(Box::new),
            history: Arc::from(history),
        })
    }

    /// What is said of a restart that has been paid for and comes after `delay`, because of an end of which `line` is the
    /// error.
    pub(crate) fn restarting(&self, delay: Duration, line: Option<Arc<str>>) -> What {
        let (attempt, of) = match (self.budget, self.runs) {
            (Some(budget), _) => (self.spent.len(), Some(budget.restarts)),
            (None, Some(runs)) => (self.total + 1, Some(runs)), // the first run was one, too
            (None, None) => (self.total, None),
        };
        What::Restarting {
            attempt,
            of,
            delay,
            why: Outcome::new(line),
        }
    }
}
