//! What takes long: starts that others wait for, and stops.
//!
//! It is a value that is fed with events and asked what is due; the thread that prints does both.
//!
//! Invariants:
//! 1. Of each process one thing at most is pending: its start, or, once it was told to stop, its stop.
//! 2. `due` has one entry for each that is pending. A step costs O(log n).
//! 3. A reminder comes [`PATIENCE`] after the beginning, and then after twice as long each time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::observe::{Event, Path, What};
use crate::process::ProcessId;
use crate::signal::Signal;

/// After so long a wait is worth a line.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is due within so long is said together: a step of many that are slow is then one step and not as many.
const TOGETHER: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Slow {
    pending: BTreeMap<ProcessId, Pending>,
    due: BTreeSet<(Instant, ProcessId)>,
}

/// What has not come to its end yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) path: Path,
    /// Since the start, or since it was first told to stop.
    pub(super) since: Instant,
    /// `None` if it is starting.
    pub(super) stop: Option<Told>,
    due: Instant,
    step: Duration,
}

/// What a process was told last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) signal: Signal,
    pub(super) at: Instant,
    pub(super) kill_at: Option<Instant>,
    pub(super) give_up_at: Option<Instant>,
}

impl Slow {
    pub(super) fn hear(&mut self, event: &Event) {
        match event.what {
            What::Started => self.begin(event, None),
            What::Ready { .. } if self.is_starting(event.id) => self.forget(event.id),
            What::Signalled {
                signal,
                kill_at,
                give_up_at,
                ..
            } if signal.is_stop() => self.told(
                event,
                Told {
                    signal,
                    at: event.at,
                    kill_at,
                    give_up_at,
                },
            ),
            What::Exited { .. } | What::Abandoned { .. } => self.forget(event.id),
            _ => {}
        }
    }

    fn is_starting(&self, id: ProcessId) -> bool {
        let pending = self.pending.get(&id);
        pending.is_some_and(|pending| pending.stop.is_none())
    }

    fn told(&mut self, event: &Event, told: Told) {
        match self.pending.get_mut(&event.id).map(|one| &mut one.stop) {
            Some(Some(before)) => {
                *before = Told {
                    // What is known already holds, unless it was said anew.
                    kill_at: told.kill_at.or(before.kill_at),
                    give_up_at: told.give_up_at.or(before.give_up_at),
                    ..told
                };
            }
            _ => self.begin(event, Some(told)),
        }
    }

    fn begin(&mut self, event: &Event, stop: Option<Told>) {
        self.forget(event.id);
        let Some(due) = event.at.checked_add(PATIENCE) else {
            return;
        };
        self.due.insert((due, event.id));
        let pending = Pending {
            path: event.path.clone(),
            since: event.at,
            stop,
            due,
            step: PATIENCE,
        };
        self.pending.insert(event.id, pending);
    }

    pub(super) fn forget(&mut self, id: ProcessId) {
        if let Some(pending) = self.pending.remove(&id) {
            self.due.remove(&(pending.due, id));
        }
    }

    /// When it is to be asked again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What is due, where it is not only because of what stands below it and is pending as well.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(ProcessId, Pending)> {
        let mut due = Vec::new();
        let soon = now.checked_add(TOGETHER).unwrap_or(now); // or the end of time
        while let Some((at, id)) = self.due.first().copied().filter(|(at, _)| *at <= soon) {
            self.due.remove(&(at, id));
            if let Some(pending) = self.pending.get_mut(&id) {
                pending.step = pending.step.saturating_mul(2);
                due.push((id, pending.clone()));
                // From now on, so that a thread that was held up does not say the same at once again.
                if let Some(next) = now.checked_add(pending.step) {
                    pending.due = next;
                    self.due.insert((next, id));
                }
            }
        }
        if !due.is_empty() {
            let above = self.above();
            due.retain(|(id, one)| !above.contains(&(*id, one.stop.is_some())));
        }
        due
    }

    /// Those that stand above one that waits for the same: for a start, or for a stop.
    fn above(&self) -> BTreeSet<(ProcessId, bool)> {
        let pending = self.pending.values();
        pending
            .flat_map(|one| one.path.above().map(|id| (id, one.stop.is_some())))
            .collect()
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;
    use crate::sync::Arc;

    /// Events at so many seconds after the beginning.
    struct Story {
        start: Instant,
        slow: Slow,
    }

    impl Story {
        fn new() -> Self {
            Story {
                start: crate::sync::now(),
                slow: Slow::default(),
            }
        }

        fn at(&self, seconds: f64) -> Instant {
            self.start + Duration::from_secs_f64(seconds)
        }

        fn says(&mut self, seconds: f64, id: u64, what: What) {
            self.slow.hear(&Event {
                at: self.at(seconds),
                id: ProcessId(id),
                path: Path::new(&Arc::from(format!("p{id}")), None),
                what,
            });
        }

        fn due(&mut self, seconds: f64) -> Vec<u64> {
            let due = self.slow.due(self.at(seconds));
            due.into_iter().map(|(id, _)| id.0).collect()
        }
    }

    fn told(signal: Signal, kill_at: Option<Instant>) -> What {
        What::Signalled {
            signal,
            kill_at,
            give_up_at: None,
        }
    }

    fn ready() -> What {
        What::Ready {
            after: Duration::ZERO,
        }
    }

    #[test]
    fn a_start_is_due_after_five_seconds_and_then_after_twice_as_long_each_time() {
        let mut story = Story::new();
        story.says(0.0, 1, What::Started);
        let mut at = Vec::new();
        for second in 0..=80 {
            if !story.due(second.into()).is_empty() {
                at.push(second);
            }
        }
        assert_eq!(at, [5, 15, 35, 75]);
    }

    #[test]
    fn what_is_ready_or_has_ended_is_not_due() {
        let mut story = Story::new();
        for id in 1..=3 {
            story.says(0.0, id, What::Started);
        }
        story.says(1.0, 1, ready());
        story.says(
            1.0,
            2,
            What::Abandoned {
                exit: crate::observe::Outcome::new(None),
                told: None,
                start_within: None,
                took: Duration::ZERO,
            },
        );
        assert_eq!(story.due(5.0), [3]);
        story.says(6.0, 3, ready());
        assert_eq!(story.due(100.0), [0; 0]);
        assert_eq!(story.slow.next_due(), None);
        assert!(story.slow.pending.is_empty());
    }

    #[test]
    fn a_stop_takes_the_place_of_a_start_and_is_counted_from_the_first_signal() {
        let mut story = Story::new();
        story.says(0.0, 1, What::Started);
        let kill_at = story.at(20.0);
        story.says(4.0, 1, told(Signal::TERMINATE, Some(kill_at)));
        story.says(4.5, 1, ready()); // that it is ready after all ends no stop
        assert_eq!(story.due(8.0), [0; 0]);
        story.says(8.5, 1, told(Signal::USER1, None)); // which stops nothing
        story.says(8.6, 1, told(Signal::INTERRUPT, None));
        let due = story.slow.due(story.at(9.0));
        let [(_, pending)] = due.as_slice() else {
            panic!("{due:?}");
        };
        let told = pending.stop.unwrap();
        assert_eq!(pending.since, story.at(4.0));
        assert_eq!((told.signal, told.at), (Signal::INTERRUPT, story.at(8.6)));
        assert_eq!(told.kill_at, Some(kill_at), "it holds still");
    }

    #[test]
    fn what_only_waits_for_one_below_it_is_not_named() {
        let mut story = Story::new();
        let group = Arc::new(crate::ancestor::Ancestor::new(
            ProcessId(1),
            &Arc::from("group"),
            None,
        ));
        story.says(0.0, 1, What::Started);
        story.slow.hear(&Event {
            at: story.at(0.1),
            id: ProcessId(2),
            path: Path::new(&Arc::from("member"), Some(&group)),
            what: What::Started,
        });
        assert_eq!(story.due(5.2), [2]);
        story.says(6.0, 2, ready());
        assert_eq!(story.due(15.2), [1]);
    }
}
