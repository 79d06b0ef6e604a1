//! What repeated stop signals do: [`Escalation`].

/// What one stop signal of the operating system does; the steps of an [`Escalation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// It is handed to the runner as it is.
    Forward,
    /// The runner is told KILL: return now, no draining.
    Kill,
    /// Waiting ends: the process is published as [`Abandoned`](crate::Error::Abandoned) while its thread still runs.
    GiveUp,
}

/// What the first, second, … stop signal of the operating system does.
///
/// The default is to forward the first, to send KILL on the second, and to give up on the third.
///
/// ```
/// use ifrit::sigmon::{Escalation, Step};
///
/// // Whoever sends TERM three times means it; ctrl-c twice is an accident.
/// let patient = Escalation::new([Step::Forward, Step::Forward, Step::Kill]);
/// let never_forced = Escalation::forward_only();
/// # let _ = (patient, never_forced);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation(Vec<Step>);

impl Escalation {
    /// These steps, one for each stop signal; further signals repeat the last. Without any, all are forwarded.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Escalation(steps.into_iter().collect())
    }

    /// Every stop signal is forwarded as it is; none forces anything.
    pub fn forward_only() -> Self {
        Escalation::new([Step::Forward])
    }

    /// The step for the stop signal that comes after `earlier` others.
    pub(super) fn step(&self, earlier: usize) -> Step {
        let step = self.0.get(earlier).or(self.0.last());
        step.copied().unwrap_or(Step::Forward)
    }
}

impl Default for Escalation {
    fn default() -> Self {
        Escalation::new([Step::Forward, Step::Kill, Step::GiveUp])
    }
}
