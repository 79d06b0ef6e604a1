//! What repeated stop signals do: [`Escalation`].

use std::time::{Duration, Instant};

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
/// Default: the first is forwarded, the second sends KILL, the third gives up; at least 200 ms lie between two steps.
///
/// The least interval is there because one key press is often heard twice: the terminal sends INT to every program of
/// its foreground group, and one of them (npm, a shell script) sends INT or TERM to the others as well. A stop signal,
/// of whatever number, that comes within the least interval of the last step counted is no step: it does nothing. The
/// time is that of the process's [clock](crate::Process::clock).
///
/// ```
/// use ifrit::sigmon::{Escalation, Step};
/// use std::time::Duration;
///
/// // The third ctrl-c means it; a second one that comes soon after the first is an accident.
/// let patient = Escalation::new([Step::Forward, Step::Forward, Step::Kill])
///     .least_interval(Duration::from_secs(1));
/// let never_forced = Escalation::forward_only();
/// # let _ = (patient, never_forced);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    steps: Vec<Step>,
    least_interval: Duration,
}

const LEAST_INTERVAL: Duration = Duration::from_millis(200);

impl Escalation {
    /// These steps, one for each stop signal; further signals repeat the last. Without any, all are forwarded.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Escalation {
            steps: steps.into_iter().collect(),
            least_interval: LEAST_INTERVAL,
        }
    }

    /// Every stop signal is forwarded as it is; none forces anything. There is nothing a least interval could prevent,
    /// so each is forwarded, however soon after another it comes.
    pub fn forward_only() -> Self {
        Escalation::new([Step::Forward])
    }

    /// The least time from one step to the next; a stop signal that comes sooner is no step. Zero: every one is.
    ///
    /// Default: 200 ms.
    #[must_use]
    pub fn least_interval(mut self, interval: Duration) -> Self {
        self.least_interval = interval;
        self
    }

    /// What a stop signal does that comes `now`; `None` if it is no step.
    pub(super) fn next(&self, counted: &mut Counted, now: Instant) -> Option<Step> {
        let too_soon = |last| now.saturating_duration_since(last) < self.least_interval;
        if self.forces() && counted.last.is_some_and(too_soon) {
            return None;
        }
        let step = self.steps.get(counted.steps).or(self.steps.last());
        counted.steps += 1;
        counted.last = Some(now);
        Some(step.copied().unwrap_or(Step::Forward))
    }

    /// Whether the second one forces.
    pub(super) fn second_forces(&self) -> bool {
        let second = self.steps.get(1).or(self.steps.last());
        second.is_some_and(|step| *step != Step::Forward)
    }

    /// Whether the second one sends KILL, and the third gives up.
    pub(super) fn third_gives_up(&self) -> bool {
        let step = |place| self.steps.get(place).or(self.steps.last());
        step(1) == Some(&Step::Kill) && step(2) == Some(&Step::GiveUp)
    }

    fn forces(&self) -> bool {
        self.steps.iter().any(|step| *step != Step::Forward)
    }
}

impl Default for Escalation {
    fn default() -> Self {
        Escalation::new([Step::Forward, Step::Kill, Step::GiveUp])
    }
}

/// How many steps have been counted in one run, and when the last was.
#[derive(Debug, Default)]
pub(super) struct Counted {
    steps: usize,
    last: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::Step::{Forward, GiveUp, Kill};
    use super::*;
    use crate::sync::now;

    /// What stop signals do that come so many milliseconds after the first.
    fn steps<const N: usize>(escalation: &Escalation, at: [u64; N]) -> [Option<Step>; N] {
        let (start, mut counted) = (now(), Counted::default());
        at.map(|ms| escalation.next(&mut counted, start + Duration::from_millis(ms)))
    }

    #[test]
    fn one_that_comes_within_the_least_interval_of_the_last_step_is_no_step() {
        let escalation = Escalation::default();
        assert_eq!(
            steps(&escalation, [0, 1, 199, 200, 399, 400, 401, 600]),
            [
                Some(Forward),
                None,
                None, // counted from the step, not from the last signal
                Some(Kill),
                None,
                Some(GiveUp),
                None,
                Some(GiveUp),
            ]
        );
    }

    #[test]
    fn the_least_interval_can_be_set_and_zero_counts_every_one() {
        let escalation = Escalation::default().least_interval(Duration::from_secs(1));
        assert_eq!(
            steps(&escalation, [0, 999, 1_000]),
            [Some(Forward), None, Some(Kill)]
        );
        let escalation = Escalation::default().least_interval(Duration::ZERO);
        assert_eq!(
            steps(&escalation, [0, 0, 0]),
            [Some(Forward), Some(Kill), Some(GiveUp)]
        );
    }

    #[test]
    fn where_no_step_forces_anything_every_one_is_forwarded() {
        for escalation in [Escalation::forward_only(), Escalation::new([])] {
            assert_eq!(steps(&escalation, [0, 0, 1]), [Some(Forward); 3]);
        }
    }

    #[test]
    fn the_last_step_is_repeated() {
        let escalation = Escalation::new([Forward, Kill]);
        assert_eq!(
            steps(&escalation, [0, 200, 400, 600]),
            [Some(Forward), Some(Kill), Some(Kill), Some(Kill)]
        );
    }
}
