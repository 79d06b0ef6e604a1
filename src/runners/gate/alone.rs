//! A runner that holds something, and ends when that is lost: [`Gate`].

use std::fmt;
use std::time::Duration;

use super::claim::Claim;
use super::lease::Lease;
use super::lost::{LeaseTooShort, Lost};
use super::term::{Over, Term};
use crate::error::{Error, Exit, Result, catch, exit_of};
use crate::plan::Plan;
use crate::process::{current_host, inherited, note};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// A runner that is ready once it holds a [`Lease`], and ends when that is lost.
///
/// It is the first member of an [`Ordered`](crate::grouper::Ordered) group: the others start once it is held, and are
/// stopped when it is lost. Where they must be over *before* a lease can end, they stand behind it: see [`Gate::guard`].
///
/// - **The others work on for a moment after a loss that comes without warning**, until the group has stopped them. Of a
///   lease with an end the gate ends [so much earlier](Gate::ends_ahead) that they have time to stop. What must not work for that
///   moment shows its fencing token to what it writes to.
/// - **A call of the lease that blocks holds up the gate**: it is called on the gate's own thread, and there is no other. So a
///   renewal that hangs beyond the end of the lease is found out when it returns.
/// - A stop while it waits for the lease is an Ok exit, without ever having been ready. A lease that comes at the same time
///   is released.
/// - The lease is released after a stop, when its turn has come: in an ordered group that is when the others have exited. It
///   is **not released by the gate after KILL, a loss, or a panic of the lease**, since the others may work still: it lasts
///   until its end, or until the gate is dropped, which a group does when all of it has exited. The same gate may hold it
///   still when it is run again.
/// - Run again, by a [`Restarter`](crate::restart::Restarter) or its group, it acquires the lease anew.
///
/// It [notes](crate::process::note) what it waits for, that it holds the lease, and that it is lost.
///
/// # Errors
///
/// [`Lost`], and [`LeaseTooShort`], as sources that [`Error::downcast_ref`] finds; what the lease returns from
/// [`acquire`](Lease::acquire) and [`release`](Lease::release). A panic of the lease is the exit.
///
/// ```
/// use ifrit::runners::{Claim, Gate, Lease, Lost, Noop};
/// use ifrit::{crossbeam_channel as channel, prelude::*};
///
/// /// A session that says by its channel that it is there, and by the end of it that it is not.
/// struct Session(channel::Receiver<u64>);
///
/// impl Lease for Session {
///     type Token = u64;
///
///     fn acquire(&mut self, claim: &Claim<'_>) -> ifrit::Result<Option<u64>> {
///         channel::select! {
///             recv(self.0) -> number => Ok(Some(number?)),
///             recv(claim.signals()) -> _signal => Ok(None),
///         }
///     }
///
///     fn keep(&mut self, _number: &u64, claim: &Claim<'_>) -> ifrit::Result<()> {
///         channel::select! {
///             recv(self.0) -> _ => Err("the session was closed".into()),
///             recv(claim.signals()) -> _signal => Ok(()),
///         }
///     }
///
///     fn release(&mut self, _number: u64) -> ifrit::Result<()> {
///         Ok(())
///     }
/// }
///
/// let (session, receiver) = channel::bounded(1);
/// session.send(7)?;
/// let app = Members::new().add("session", Gate::new(Session(receiver))).add("worker", Noop);
/// let app = ifrit::invoke(Ordered::new(app)).started()?;
/// drop(session);
/// let error = app.join().unwrap_err(); // the worker was stopped, too
/// assert!(error.downcast_ref::<Lost>().is_some());
/// # Ok::<(), ifrit::BoxError>(())
/// ```
#[doc(alias("lock", "leader", "election", "leadership"))]
#[must_use = "a runner does nothing until it is started or run"]
pub struct Gate<L> {
    pub(super) lease: L,
    pub(super) ahead: Duration,
}

impl<L: Lease> Gate<L> {
    /// Holds `lease`.
    pub fn new(lease: L) -> Self {
        Gate {
            lease,
            ahead: Duration::ZERO,
        }
    }

    /// A lease that ends by itself counts as over so much earlier, if it was not renewed until then: what relies on it has
    /// that much time to stop, and clocks that differ are allowed for. Default: zero.
    ///
    /// A lease that lasts for no longer than that when it is acquired is refused: [`LeaseTooShort`].
    pub fn ends_ahead(mut self, of_the_end: Duration) -> Self {
        self.ahead = of_the_end;
        self
    }
}

/// Acquires it, unless a stop comes.
pub(super) fn acquire<L: Lease>(
    lease: &mut L,
    name: &str,
    claim: &Claim<'_>,
    term: &Term,
) -> std::result::Result<Option<L::Token>, Error> {
    let acquired = catch(|| lease.acquire(claim))?.map_err(Error::from_runner)?;
    let Some(token) = acquired else {
        return Ok(None);
    };
    if claim.told().is_some() {
        release(lease, token)?; // nothing relies on it yet, so after KILL as well
        return Ok(None);
    }
    if let Some((lasts, needed)) = term.too_short() {
        let error = LeaseTooShort {
            lease: name.to_owned(),
            lasts,
            needed,
        };
        if let Err(error) = release(lease, token) {
            note(format_args!("{name} could not be released: {error}"));
        }
        return Err(Error::from_runner(error.into()));
    }
    note(format_args!("holds {name}"));
    Ok(Some(token))
}

pub(super) fn release<L: Lease>(lease: &mut L, token: L::Token) -> Exit {
    exit_of(|| lease.release(token))
}

pub(super) fn note_loss(name: &str, over: &Over, note: impl FnOnce(fmt::Arguments<'_>)) {
    match over {
        Over::RanOut => note(format_args!("lost {name}: not renewed in time")),
        Over::Lost(why) => note(format_args!("lost {name}: {why}")),
    }
}

impl<L: Lease> Runner for Gate<L> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        let host = current_host();
        let (clock, _) = inherited(host.as_deref());
        let name = self.lease.name();
        let term = Term::new(clock, self.ahead);
        let claim = Claim::new(&signals, &term, true);
        let lease = &mut self.lease;
        let Some(token) = acquire(lease, &name, &claim, &term)? else {
            return Ok(());
        };
        ready.notify();
        if let Err(why) = catch(|| lease.keep(&token, &claim))? {
            term.lose(Error::from_runner(why));
        } else {
            term.has_run_out();
        }
        if let Some(over) = term.end() {
            note_loss(&name, &over, |text| note(text));
            return Err(Lost::new(&name, over, None).into());
        }
        // The lease may have taken KILL out of the channel itself.
        let killed =
            claim.told() == Some(Signal::KILL) || host.is_some_and(|host| host.was_killed());
        match killed {
            true => Ok(()),
            false => Ok(release(lease, token)?),
        }
    }

    fn plan(&self) -> Plan {
        let plan = Plan::new("gate").note(self.lease.name());
        match self.ahead {
            Duration::ZERO => plan,
            ahead => plan.note(format!("ends {ahead:?} before it does")),
        }
    }
}

impl<L: fmt::Debug> fmt::Debug for Gate<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("lease", &self.lease)
            .field("ends_ahead", &self.ahead)
            .finish()
    }
}
