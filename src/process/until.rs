//! Waiting for a stop, for so long at most: [`until_stop_for`].

use std::time::Duration;

use super::core::inherited;
use super::current::current_host;
use crate::clock::Alarm;
use crate::signal::{self, Signal};
use crate::sync::channel::{Receiver, Select};

/// Waits for a stop signal for so long at most, lets notifications pass, and returns the stop signal: "sleep or stop".
///
/// Blocks until there is one, or until `limit` has passed on the clock of the process that it is called in, the system's
/// outside of any: `None`. A disconnected channel counts as [`Signal::INTERRUPT`]. A stop signal that is pending when the
/// time is over counts, also where `limit` is zero.
///
/// ```
/// use ifrit::{prelude::*, testing::ManualClock};
/// use std::time::Duration;
///
/// let hourly = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     while ifrit::until_stop_for(&signals, Duration::from_secs(3600)).is_none() {
///         println!("an hour has passed");
///     }
///     Ok(())
/// });
/// let clock = ManualClock::new();
/// let process = Process::builder().clock(clock.clock()).invoke(hourly);
/// clock.advance_to_next();
/// process.signal(Signal::TERMINATE);
/// assert!(process.join().is_ok());
/// ```
#[doc(alias = "sleep")]
pub fn until_stop_for(signals: &Receiver<Signal>, limit: Duration) -> Option<Signal> {
    let (clock, _) = inherited(current_host().as_deref());
    until_stop_or(signals, &clock.after(limit))
}

/// The same until `alarm` fires.
pub(crate) fn until_stop_or(signals: &Receiver<Signal>, alarm: &Alarm) -> Option<Signal> {
    let mut pending = signals.clone();
    let mut select = Select::new();
    select.recv(signals);
    select.recv(alarm);
    loop {
        select.ready();
        let is_over = alarm.try_recv().is_ok();
        // No more than are there, or a sender that never rests would keep it beyond its time.
        for _ in 0..signals.len().max(1) {
            match signal::try_next(&mut pending) {
                Some(signal) if signal.is_stop() => return Some(signal),
                Some(_) => {}
                None => break,
            }
        }
        if is_over {
            return None;
        }
    }
}
