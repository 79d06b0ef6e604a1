//! Restarts that come fast: of one member, and in all.
//!
//! It is a value that is fed with restarts and asked what is due; the thread that prints does both.
//!
//! Invariants:
//! 1. Each restart is said by itself, or counted and said with others: none is lost.
//! 2. A member has so many lines of its own at once, and all together have so many a second. Then they are counted, and
//!    said after 1 s, and after twice as long each time, as long as there are any.
//! 3. Something is due only while something is counted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::lines::{Known, Line, Weight, restarted};
use crate::observe::Event;

/// So many restarts of one member are said by themselves, where they come within the shortest time for which they are
/// counted.
const EACH: usize = 5;
/// So many are in that time in all.
const ALL: usize = 50;
/// So many members have a line of their own where counts are said.
const LINES: usize = 5;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// So many members are kept in mind whose restarts come no more.
const KEPT: usize = 4_096;

#[derive(Default)]
pub(super) struct Bursts {
    /// By path: the number of a member is another after each restart.
    of: HashMap<String, Burst>,
    all: Option<(Instant, usize)>,
}

struct Burst {
    since: Instant,
    /// For how long it is counted before that is said.
    length: Duration,
    said: usize,
    counted: u64,
    /// The last one that was counted.
    last: Option<(Event, Known)>,
}

impl Burst {
    fn new(since: Instant) -> Self {
        Burst {
            since,
            length: SHORTEST,
            said: 0,
            counted: 0,
            last: None,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= self.length
    }

    /// What is counted from now on.
    fn goes_on(&mut self, now: Instant) {
        self.since = now;
        self.length = LONGEST.min(self.length * 2);
        self.counted = 0;
        self.last = None;
    }
}

impl Bursts {
    /// A member restarts. Whether it is to be said now; it is counted otherwise.
    pub(super) fn hear(&mut self, event: &Event, known: Known, now: Instant) -> bool {
        let path = event.path.to_string();
        if self.of.len() >= KEPT && !self.of.contains_key(&path) {
            self.of
                .retain(|_, burst| burst.counted > 0 || !burst.is_over(now));
        }
        let may_say = self.any_may_say(now);
        let burst = self.of.entry(path).or_insert_with(|| Burst::new(now));
        if burst.counted == 0 && burst.is_over(now) {
            *burst = Burst::new(now); // it has calmed down
        }
        let is_said = burst.said < EACH && burst.counted == 0 && may_say;
        match is_said {
            true => {
                burst.said += 1;
                if let Some((_, said)) = &mut self.all {
                    *said += 1;
                }
            }
            false => {
                burst.said = EACH;
                burst.counted += 1;
                burst.last = Some((event.clone(), known));
            }
        }
        is_said
    }

    /// Whether there is room for one more line of any member.
    fn any_may_say(&mut self, now: Instant) -> bool {
        let (since, said) = self.all.get_or_insert((now, 0));
        if now.saturating_duration_since(*since) >= SHORTEST {
            (*since, *said) = (now, 0);
        }
        *said < ALL
    }

    /// When there is something to say.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let counting = self.of.values().filter(|burst| burst.counted > 0); // invariant 3
        let dues = counting.filter_map(|burst| burst.since.checked_add(burst.length));
        dues.min()
    }

    /// What there is to say now; all that is counted, without a time.
    pub(super) fn due(&mut self, at: Instant, only_if_over: bool) -> Vec<Line> {
        let is_due = |burst: &Burst| burst.counted > 0 && (!only_if_over || burst.is_over(at));
        let mut due: Vec<_> = self.of.values_mut().filter(|burst| is_due(burst)).collect();
        due.sort_by_key(|burst| std::cmp::Reverse(burst.counted));
        let mut lines = Vec::new();
        let (mut others, mut restarts) = (0, 0);
        for burst in due {
            let took = at.saturating_duration_since(burst.since);
            match burst.last.take() {
                Some((event, known)) if lines.len() < LINES => {
                    lines.extend(restarted(&event, burst.counted, took, known));
                }
                _ => {
                    others += 1;
                    restarts += burst.counted;
                }
            }
            burst.goes_on(at);
        }
        if others > 0 {
            lines.push(Line {
                weight: Weight::Warning,
                text: format!("and {restarts} more restarts of {others} others"),
            });
        }
        lines
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;
    use crate::id::ProcessId;
    use crate::observe::{Outcome, Path, What};
    use crate::sync::Arc;

    /// Restarts at so many milliseconds after the beginning.
    struct Story {
        start: Instant,
        bursts: Bursts,
    }

    impl Story {
        fn new() -> Self {
            Story {
                start: crate::sync::now(),
                bursts: Bursts::default(),
            }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        /// Whether it has a line of its own.
        fn restarts(&mut self, ms: u64, name: &str, attempt: usize) -> bool {
            let at = self.at(ms);
            let event = Event {
                at,
                id: ProcessId(7),
                path: Path::new(&Arc::from(name), None),
                what: What::Restarting {
                    attempt,
                    of: Some(1_000),
                    delay: Duration::ZERO,
                    why: Outcome::new(Some(Arc::from("refused"))),
                },
            };
            self.bursts.hear(&event, Known::default(), at)
        }

        fn due(&mut self, ms: u64) -> Vec<String> {
            let at = self.at(ms);
            let due = self.bursts.due(at, true);
            due.into_iter().map(|line| line.text).collect()
        }
    }

    #[test]
    fn restarts_that_come_now_and_then_are_all_said() {
        let mut story = Story::new();
        for attempt in 1..=100 {
            assert!(story.restarts(250 * attempt, "web", attempt as usize));
            assert_eq!(story.bursts.next_due(), None);
        }
    }

    #[test]
    fn those_that_come_fast_are_counted_and_said_at_doubling_intervals() {
        let mut story = Story::new();
        let mut said = Vec::new();
        let mut alone = 0;
        for ms in 0..10_000 {
            alone += usize::from(story.restarts(ms, "web", ms as usize + 1));
            said.extend(story.due(ms));
        }
        assert_eq!(alone, EACH);
        assert_eq!(
            said,
            [
                "web restarted 996 more times in 1 s (attempt 1001 of 1000): refused",
                "web restarted 2000 more times in 2 s (attempt 3001 of 1000): refused",
                "web restarted 4000 more times in 4 s (attempt 7001 of 1000): refused",
            ]
        );
        let rest = story.bursts.due(story.at(10_000), false);
        let expected = "web restarted 2999 more times in 3 s (attempt 10000 of 1000): refused";
        assert_eq!(rest[0].text, expected, "none is lost");
        assert_eq!(story.bursts.next_due(), None);
    }

    #[test]
    fn a_member_that_has_calmed_down_has_lines_of_its_own_again() {
        let mut story = Story::new();
        for attempt in 1..=6 {
            story.restarts(0, "web", attempt);
        }
        assert_eq!(story.bursts.next_due(), Some(story.at(1_000)));
        assert_eq!(
            story.due(1_000),
            ["web restarted once more in 1 s (attempt 6 of 1000): refused"]
        );
        assert!(!story.restarts(2_999, "web", 7), "it is watched for 2 s");
        assert_eq!(story.due(3_000).len(), 1);
        assert!(story.restarts(7_001, "web", 8));
    }

    #[test]
    fn many_members_that_restart_have_so_many_lines_in_all_and_the_rest_is_counted() {
        let mut story = Story::new();
        let mut alone = 0;
        for member in 0..1_000 {
            for attempt in 1..=3 {
                alone += usize::from(story.restarts(0, &format!("m{member}"), attempt));
            }
        }
        assert_eq!(alone, ALL);
        let due = story.due(1_000);
        assert_eq!(due.len(), LINES + 1);
        let others = 1_000 - ALL / 3 - LINES;
        let counted = 3_000 - ALL - 3 * LINES;
        assert_eq!(
            due[LINES],
            format!("and {counted} more restarts of {others} others")
        );
    }

    #[test]
    fn no_more_members_are_kept_in_mind_than_there_is_room_for() {
        let mut story = Story::new();
        for member in 0..3 * KEPT as u64 {
            story.restarts(100 * member, &format!("m{member}"), 1);
        }
        assert!(story.bursts.of.len() <= KEPT);
    }
}
