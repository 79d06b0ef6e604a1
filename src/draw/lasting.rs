//! Lengths of time.

use std::fmt;
use std::time::Duration;

/// A length of time in as many digits as an operator reads, in its two largest units: `250 ms`, `1.5 s`, `12 s`,
/// `3 min 20 s`, `1 h 30 min`, `12 d 7 h`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lasting {
    time: Duration,
    is_coarse: bool,
}

impl Lasting {
    pub(crate) fn new(time: Duration) -> Self {
        Lasting {
            time,
            is_coarse: false,
        }
    }

    /// In whole seconds that are over: `<1 s`, `1 s`, `12 s`.
    pub(crate) fn coarse(time: Duration) -> Self {
        Lasting {
            time,
            is_coarse: true,
        }
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = match self.is_coarse {
            true => self.time.as_secs() as f64,
            false => self.time.as_secs_f64(),
        };
        // Where it would be rounded up to the next unit it is written in that one.
        match seconds {
            s if self.is_coarse && s < 1.0 => f.write_str("<1 s"),
            s if s < 0.0005 => f.write_str("0 ms"),
            s if s < 0.9995 => write!(f, "{:.0} ms", s * 1e3),
            s if s < 9.95 && (s * 10.0).round() % 10.0 != 0.0 => write!(f, "{s:.1} s"),
            s if s < 59.5 => write!(f, "{s:.0} s"),
            s => two_units(f, s.round() as u64),
        }
    }
}

fn two_units(f: &mut fmt::Formatter<'_>, seconds: u64) -> fmt::Result {
    let ((large, one), (small, other)) = match seconds {
        0..3_600 => ((seconds / 60, "min"), (seconds % 60, "s")),
        3_600..86_400 => ((seconds / 3_600, "h"), (seconds / 60 % 60, "min")),
        _ => ((seconds / 86_400, "d"), (seconds / 3_600 % 24, "h")),
    };
    match small {
        0 => write!(f, "{large} {one}"),
        _ => write!(f, "{large} {one} {small} {other}"),
    }
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_short_as_an_operator_reads_it() {
        let table = [
            (0.0, "0 ms"),
            (0.25, "250 ms"),
            (0.9996, "1 s"),
            (5.02, "5 s"),
            (1.5, "1.5 s"),
            (9.96, "10 s"),
            (12.3, "12 s"),
            (59.6, "1 min"),
            (119.6, "2 min"),
            (200.0, "3 min 20 s"),
            (3_599.0, "59 min 59 s"),
            (3_600.0, "1 h"),
            (5_400.0, "1 h 30 min"),
            (86_399.0, "23 h 59 min"),
            (86_400.0, "1 d"),
            (9_999_999.0, "115 d 17 h"),
        ];
        for (seconds, expected) in table {
            let time = Duration::from_secs_f64(seconds);
            assert_eq!(Lasting::new(time).to_string(), expected);
        }
    }

    #[test]
    fn a_coarse_time_is_in_whole_seconds_that_are_over() {
        let table = [
            (0.0, "<1 s"),
            (0.999, "<1 s"),
            (1.0, "1 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (86_399.9, "23 h 59 min"),
        ];
        for (seconds, expected) in table {
            let time = Duration::from_secs_f64(seconds);
            assert_eq!(Lasting::coarse(time).to_string(), expected);
        }
        assert!(
            Lasting::coarse(Duration::MAX)
                .to_string()
                .ends_with(['h', 'd'])
        );
    }
}
