//! The time of one execution.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

std::thread_local! {
    static ELAPSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// An execution begins.
pub(super) fn begin() {
    ELAPSED.set(Duration::ZERO);
}

/// Since the beginning of the execution.
pub(crate) fn elapsed() -> Duration {
    ELAPSED.get()
}

pub(crate) fn now() -> Instant {
    *START + ELAPSED.get()
}

/// It is this late at least.
pub(super) fn reach(instant: Instant) {
    ELAPSED.set(ELAPSED.get().max(instant.saturating_duration_since(*START)));
}
