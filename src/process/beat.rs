//! Saying that a runner makes progress.

use std::time::Duration;

use super::current::current_core;

/// Says that the process on whose thread it is called makes progress, and will say so again within `limit`.
///
/// Each call is one beat. Where the next one does not come in time, the process has stalled: that is an
/// [event](crate::observe::What::Stalled), which [`main`](crate::main()) prints, and the [tree](crate::tree()) shows it. The
/// next beat ends that, which is an [event](crate::observe::What::Recovered) as well. A promise ends with the run;
/// [`Duration::MAX`] takes it back before.
///
/// **A process that has stalled is not stopped or killed**: a thread cannot be. What to do about it is for others to
/// decide.
///
/// The time is that of the process's clock. It never blocks; the first call may start the timer's thread, which all share.
/// A beat costs about as much as a look at the clock, so it may stand in an inner loop. On a thread that belongs to no
/// process it does nothing.
///
/// ```
/// use ifrit::{observe::What, prelude::*, process::beat_within, testing::ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let busy = ifrit::run_fn(|signals, ready| {
///     beat_within(Duration::from_secs(10)); // once a round, in a runner that works in rounds
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let process = Process::builder().clock(clock.clock()).invoke(busy);
/// let mut events = process.events();
///
/// clock.advance(Duration::from_secs(11));
/// assert!(events.any(|event| matches!(event.what, What::Stalled { .. })));
/// # process.signal(Signal::INTERRUPT);
/// # process.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[doc(alias("watchdog", "heartbeat"))]
pub fn beat_within(limit: Duration) {
    if let Some(core) = current_core() {
        core.beat(limit);
    }
}
