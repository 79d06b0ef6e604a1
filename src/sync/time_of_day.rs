//! The time of day: the one place where it is asked for. It is for time tables only, and no limit is kept with it.

use std::time::{Duration, SystemTime};

/// The time since 1970-01-01 00:00 UTC, as the system has it now; none, if that is set to before.
pub(crate) fn time_of_day() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default()
}
