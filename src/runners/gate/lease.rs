//! What one holds and no other: [`Lease`].

use super::claim::Claim;
use crate::error::Result;
use crate::runner::until_stop;

/// Something that one holder has at a time: a lock, a lease with an end, the leadership of a cluster. A user implements it
/// for a [`Gate`](super::Gate).
///
/// **No lease keeps a second holder out by itself.** A holder that is paused (by its machine, a debugger, a slow disk) works
/// on after its lease has ended, and finds out later. So a lease has a **fencing token**: a number that is greater each time
/// it is held. What the holder writes to says no to a number that is less than one it has seen.
///
/// The calls come one after the other, each on one thread at a time: [`acquire`](Lease::acquire),
/// [`keep`](Lease::keep) for as long as it is held, and [`release`](Lease::release). They may come on different threads.
/// **A call that blocks holds up a stop**: what cannot look at the [`Claim`] meanwhile must have a time limit of its own,
/// such as the time-out of a connection.
///
/// To drop the lease lets go of what it holds, if it does.
///
/// A lease that is a row of a table, with an end and an epoch:
///
/// ```
/// use ifrit::runners::{Claim, Gate, Lease};
/// use ifrit::{prelude::*, testing::ManualClock};
/// use std::sync::{Arc, Mutex};
/// use std::time::{Duration, Instant};
///
/// #[derive(Default)]
/// struct Row { holder: Option<(&'static str, Instant)>, epoch: u64 }
///
/// /// Who asks, and the table.
/// struct Leader(&'static str, Arc<Mutex<Row>>);
///
/// const LASTS: Duration = Duration::from_secs(15);
/// const RENEWED_EVERY: Duration = Duration::from_secs(5);
///
/// impl Lease for Leader {
///     type Token = u64;
///
///     fn acquire(&mut self, claim: &Claim<'_>) -> ifrit::Result<Option<u64>> {
///         loop {
///             let before = claim.now(); // the time of the answer would be too late
///             {
///                 let mut row = self.1.lock().unwrap();
///                 match row.holder {
///                     Some((other, end)) if end > before => claim.waits_for(other),
///                     _ => {
///                         row.holder = Some((self.0, before + LASTS));
///                         row.epoch += 1;
///                         claim.lasts_until(before + LASTS);
///                         return Ok(Some(row.epoch));
///                     }
///                 }
///             }
///             if !claim.pause(RENEWED_EVERY) {
///                 return Ok(None);
///             }
///         }
///     }
///
///     fn keep(&mut self, epoch: &u64, claim: &Claim<'_>) -> ifrit::Result<()> {
///         while claim.pause(RENEWED_EVERY) {
///             let before = claim.now();
///             let mut row = self.1.lock().unwrap();
///             if row.epoch != *epoch {
///                 return Err(format!("epoch {} has begun", row.epoch).into());
///             }
///             row.holder = Some((self.0, before + LASTS));
///             claim.lasts_until(before + LASTS);
///         }
///         Ok(())
///     }
///
///     fn release(&mut self, _epoch: u64) -> ifrit::Result<()> {
///         self.1.lock().unwrap().holder = None;
///         Ok(())
///     }
/// }
///
/// let (clock, table) = (ManualClock::new(), Arc::default());
/// let on = |who| {
///     let gate = Gate::new(Leader(who, Arc::clone(&table)));
///     Process::builder().name(who).clock(clock.clock()).background(gate)
/// };
/// let one = on("one");
/// one.wait_ready()?;
/// let other = on("other");
/// clock.wait_for_timers(2); // it waits for its next try
/// assert!(!other.is_ready());
/// one.stop(Signal::TERMINATE, Duration::from_secs(1))?;
/// clock.advance(RENEWED_EVERY);
/// other.wait_ready()?;
/// assert_eq!(table.lock().unwrap().epoch, 2);
/// # other.stop(Signal::TERMINATE, Duration::from_secs(1))?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[doc(alias("lock", "leadership", "election", "mutex"))]
pub trait Lease: Send {
    /// What the holder shows: the fencing token, a number that is greater each time. `()` for a lease without one.
    type Token: Clone + Send;

    /// What it is, for operators and errors. Default: `the lease`.
    fn name(&self) -> String {
        "the lease".to_owned()
    }

    /// Blocks until it is held, or until a stop: `None`. It may take for ever.
    ///
    /// Says meanwhile what it [waits for](Claim::waits_for), if it knows, and in the end until when the lease
    /// [lasts](Claim::lasts_until), if it ends by itself.
    ///
    /// # Errors
    ///
    /// It cannot be had. Nothing is held.
    fn acquire(&mut self, claim: &Claim<'_>) -> Result<Option<Self::Token>>;

    /// Blocks for as long as it is held, and renews it, if it has to be; returns Ok after a stop signal. Default: only a
    /// stop ends it.
    ///
    /// A renewal that fails is not yet a loss, as long as the lease [lasts](Claim::lasts_until) and another one may
    /// succeed. When none does, the gate sees to the end itself.
    ///
    /// # Errors
    ///
    /// It is lost for certain, and why.
    fn keep(&mut self, token: &Self::Token, claim: &Claim<'_>) -> Result<()> {
        let _ = token;
        until_stop(claim.signals());
        Ok(())
    }

    /// Lets go of it, so that another one need not wait for its end. Called once at most each time it was held, when
    /// nothing that relies on it works any more as far as the gate knows. It may be lost by then, and another holder's.
    ///
    /// # Errors
    ///
    /// It could not be done. It is the exit, if there is no other error; otherwise it is [noted](crate::process::note).
    fn release(&mut self, token: Self::Token) -> Result<()>;
}
