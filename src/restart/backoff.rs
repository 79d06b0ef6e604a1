//! How long to wait before a restart: [`Backoff`] and its [`Delays`].

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::iter::FusedIterator;
use std::time::Duration;

use crate::error::Error;

/// How long to wait before each restart.
///
/// Delays that grow are reset when what is restarted has been ready for a while; see
/// [`Restarter::reset_after`](super::Restarter::reset_after).
///
/// ```
/// use ifrit::restart::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30)).jitter(0.1);
/// # let _ = backoff;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    grows: bool,
    jitter: f64,
    seed: Option<u64>,
}

impl Backoff {
    /// No delay at all. A budget is then used up in no time.
    pub const fn none() -> Self {
        Backoff::constant(Duration::ZERO)
    }

    /// Always the same delay.
    pub const fn constant(delay: Duration) -> Self {
        Backoff {
            first: delay,
            max: delay,
            grows: false,
            jitter: 0.0,
            seed: None,
        }
    }

    /// `first`, and twice as long each time, up to `max`.
    ///
    /// A `first` of zero could not grow: a runner built with it fails with [`Error::InvalidBackoff`].
    pub const fn exponential(first: Duration, max: Duration) -> Self {
        Backoff {
            first,
            max,
            grows: true,
            jitter: 0.0,
            seed: None,
        }
    }

    /// Makes each delay longer or shorter by a random part of it, up to this fraction, so that many runners that failed
    /// together do not come back together.
    ///
    /// It lies in 0..=1; a runner built with another one fails with [`Error::InvalidBackoff`].
    #[must_use]
    pub const fn jitter(mut self, fraction: f64) -> Self {
        self.jitter = fraction;
        self
    }

    /// Makes the jitter repeatable.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The first delay and the longest, without jitter.
    pub(super) fn bounds(&self) -> (Duration, Duration) {
        (self.first.min(self.max), self.max)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(Error::InvalidBackoff("its jitter lies outside of 0..=1"));
        }
        if self.grows && self.first.is_zero() {
            return Err(Error::InvalidBackoff(
                "its first delay is zero and cannot grow",
            ));
        }
        Ok(())
    }

    /// The delays themselves, one after the other and without end, jitter and seed included: for a loop of one's own that
    /// tries again.
    ///
    /// Of a backoff that is [invalid](Error::InvalidBackoff), the delays mean nothing.
    ///
    /// ```
    /// use ifrit::restart::Backoff;
    /// use std::time::Duration;
    ///
    /// let backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(5));
    /// let seconds: Vec<u64> = backoff.delays().take(5).map(|delay| delay.as_secs()).collect();
    /// assert_eq!(seconds, [1, 2, 4, 5, 5]);
    /// ```
    pub fn delays(&self) -> Delays {
        Delays {
            backoff: *self,
            next: self.first.min(self.max),
            random: self.seed.unwrap_or_else(|| RandomState::new().hash_one(0)),
        }
    }
}

/// 100 ms, growing to 30 s, with a jitter of 0.1.
impl Default for Backoff {
    fn default() -> Self {
        Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30)).jitter(0.1)
    }
}

/// The delays of a [`Backoff`], without end; made by [`Backoff::delays`].
#[derive(Clone, Debug)]
pub struct Delays {
    backoff: Backoff,
    next: Duration,
    random: u64,
}

impl Iterator for Delays {
    type Item = Duration;

    /// The next delay; never `None`.
    fn next(&mut self) -> Option<Duration> {
        Some(self.delay())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl FusedIterator for Delays {}

impl Delays {
    pub(super) fn delay(&mut self) -> Duration {
        let delay = self.next;
        if self.backoff.grows {
            self.next = delay.saturating_mul(2).min(self.backoff.max);
        }
        if self.backoff.jitter == 0.0 {
            return delay;
        }
        let part = self.backoff.jitter * (2.0 * self.fraction() - 1.0);
        let jittered = delay.as_secs_f64() * (1.0 + part);
        Duration::try_from_secs_f64(jittered).unwrap_or(Duration::MAX)
    }

    /// Whether the delays depend on how many there have been.
    pub(super) fn grow(&self) -> bool {
        self.backoff.grows
    }

    /// Begins with the first delay again.
    pub(super) fn reset(&mut self) {
        self.next = self.backoff.first.min(self.backoff.max);
    }

    /// A number in 0..1, by splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_what_splitmix64_gives() {
        // The first numbers that its authors' program gives for this seed.
        let published = [
            6_457_827_717_110_365_317_u64,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        const SECONDS: f64 = 1e6; // so long that a nanosecond is little of it
        let backoff = Backoff::constant(Duration::from_secs_f64(SECONDS)).jitter(1.0);
        let mut delays = backoff.seed(1_234_567).delays();
        for number in published {
            // From nothing to twice as long.
            let expected = 2.0 * number as f64 / 2_f64.powi(64);
            let delay = delays.delay().as_secs_f64() / SECONDS;
            assert!((delay - expected).abs() < 1e-12, "{delay} and {expected}");
        }
    }
}
