//! One claim to a lease, from the first try until it is let go: [`Claim`].

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::{Duration, Instant};

use super::term::Term;
use crate::process::{note, until::until_stop_or};
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::channel::Receiver;

/// What a [`Lease`](super::Lease) is given while it is acquired and kept: how it hears of a stop, reads the time, and says
/// what it knows.
///
/// ```
/// use ifrit::runners::{Claim, Gate, Lease};
/// use ifrit::prelude::*;
/// use std::{io, net::UdpSocket, time::Duration};
///
/// /// A port that one program on this machine has at a time.
/// struct Port(u16, Option<UdpSocket>);
///
/// impl Lease for Port {
///     type Token = ();
///
///     fn acquire(&mut self, claim: &Claim<'_>) -> ifrit::Result<Option<()>> {
///         loop {
///             match UdpSocket::bind(("127.0.0.1", self.0)) {
///                 Ok(socket) => self.1 = Some(socket),
///                 Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
///                     claim.waits_for(format_args!("port {}", self.0));
///                     match claim.pause(Duration::from_secs(1)) {
///                         true => continue,
///                         false => return Ok(None), // a stop
///                     }
///                 }
///                 Err(error) => return Err(error.into()),
///             }
///             return Ok(Some(()));
///         }
///     }
///
///     fn release(&mut self, (): ()) -> ifrit::Result<()> {
///         self.1 = None;
///         Ok(())
///     }
/// }
///
/// let gate = ifrit::invoke(Gate::new(Port(0, None))).started()?;
/// gate.signal(Signal::TERMINATE);
/// gate.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
pub struct Claim<'r> {
    signals: &'r Receiver<Signal>,
    term: Arc<Term>,
    /// It ends when the lease does; otherwise something else sees to that.
    ends_with_term: bool,
    /// The stop signal that was heard: KILL, or else the first.
    told: Cell<Option<Signal>>,
    waits_for: RefCell<String>,
}

impl<'r> Claim<'r> {
    pub(super) fn new(
        signals: &'r Receiver<Signal>,
        term: &Arc<Term>,
        ends_with_term: bool,
    ) -> Self {
        Claim {
            signals,
            term: Arc::clone(term),
            ends_with_term,
            told: Cell::default(),
            waits_for: RefCell::default(),
        }
    }

    /// Waits until `limit` has passed on the clock of the process, and says whether to go on: not after a stop signal, nor
    /// once a lease that lasts only for a time is [over](Claim::lasts_until) for its gate. Notifications pass.
    ///
    /// Once it has said no it says so at once.
    pub fn pause(&self, limit: Duration) -> bool {
        if self.told.get().is_some() || self.is_over() {
            return false;
        }
        let clock = &self.term.clock;
        let due = self.term.due_at().filter(|_| self.ends_with_term);
        let end = clock.deadline(limit).into_iter().chain(due).min();
        let alarm = clock.at_or_never(end);
        self.told.set(until_stop_or(self.signals, &alarm));
        self.told.get().is_none() && !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.ends_with_term && self.term.has_run_out()
    }

    /// The signals, for code that selects on channels of its own beside them. A stop signal that is taken out of it ends
    /// the claim: [`acquire`](super::Lease::acquire) returns `None` then, [`keep`](super::Lease::keep) Ok.
    pub fn signals(&self) -> &Receiver<Signal> {
        self.signals
    }

    /// The time on the clock of the process.
    pub fn now(&self) -> Instant {
        self.term.clock.now()
    }

    /// Says what, or whom, it waits for, as far as it knows: `the lock held by pid 123`. The process
    /// [notes](crate::process::note) it, once for each that is new. Never blocks.
    pub fn waits_for(&self, what: impl fmt::Display) {
        let text = what.to_string();
        if *self.waits_for.borrow() != text {
            note(format_args!("waits for {text}"));
            self.waits_for.replace(text);
        }
    }

    /// The lease ends then by itself, on the clock of the process, unless that is said again with a later time: said by
    /// what acquires and what renews. Default: it does not end by itself.
    ///
    /// Count from the [time](Claim::now) *before* the request was sent: the one that gives the lease began to count before
    /// its answer came. Once the lease counts as over for its gate, a later time does nothing any more. Never blocks.
    pub fn lasts_until(&self, end: Instant) {
        self.term.lasts_until(end);
    }

    /// The stop signal that was heard or is pending: KILL, or else the first.
    pub(super) fn told(&self) -> Option<Signal> {
        let clock = &self.term.clock;
        // No more than are there: a channel that is disconnected has one more each time.
        for _ in 0..=self.signals.len() {
            match until_stop_or(self.signals, &clock.at(clock.now())) {
                Some(signal) if signal == Signal::KILL || self.told.get().is_none() => {
                    self.told.set(Some(signal));
                }
                Some(_) => {}
                None => break,
            }
        }
        self.told.get()
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("told", &self.told)
            .field("waits_for", &self.waits_for)
            .finish_non_exhaustive()
    }
}
