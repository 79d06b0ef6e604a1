//! Runners without a process: at home in their group, or on their way there.

use crate::disposal::dispose;
use crate::plan::Plan;
use crate::runner::BoxRunner;

/// A runner at home or on its way there; see [`disposal`](crate::disposal) for where its destructor runs.
pub(crate) struct Guarded(Option<BoxRunner>);

impl Guarded {
    pub(crate) fn new(runner: BoxRunner) -> Self {
        Guarded(Some(runner))
    }

    pub(crate) fn into_inner(mut self) -> Option<BoxRunner> {
        self.0.take()
    }

    pub(crate) fn plan(&self) -> Option<Plan> {
        self.0.as_ref().map(|runner| runner.plan())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(runner) = self.0.take() {
            dispose(runner);
        }
    }
}
