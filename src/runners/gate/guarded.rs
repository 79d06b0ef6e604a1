//! A gate with a runner behind it, which is stopped before the lease can end: [`Guarded`].
//!
//! Invariants:
//! 1. The lease is kept from before the runner is made until it was dropped, also through a stop. It is released after
//!    that, unless the runner has left threads that may work still.
//! 2. The second thread has ended when the run returns, also by a panic.
//! 3. An end of the runner that comes before a loss is its own; one that comes later is because of the loss.

use std::fmt;
use std::time::{Duration, Instant};

use super::alone::{Gate, acquire, note_loss, release};
use super::claim::Claim;
use super::lease::Lease;
use super::lost::Lost;
use super::term::{Alarm, Over, Term};
use crate::error::{Error, Exit, Result, drop_caught, exit_of, leaves_threads};
use crate::plan::{Plan, Runs};
use crate::process::threads::start_scoped;
use crate::process::{
    Core, Hook, Inside, Layer, Process, StopLimits, as_current, current_core, note, with_host,
};
use crate::ready::ReadySender;
use crate::runner::Runner;
use crate::runners::on_ready::OnReady;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, bounded};
use crate::sync::{Arc, thread};

/// A [`Gate`] with a runner behind it, which is started once the lease is held, and **is over before the lease can end**.
///
/// - **It costs a second thread while the lease is held**: something has to renew it while the runner works, and that is the
///   code of a user, which no thread of others may run. While it waits for the lease it has one.
/// - The runner is made anew each time, with the token of the lease, and runs on the gate's own thread. The gate is ready
///   when the runner is. A group behind the gate is one runner.
/// - **A lease that is not renewed in time**: so long before its end as a [stop takes](Guarded::stop_within) the runner is
///   told INT, then KILL, and at the end it has returned or its process was given up. The renewals go on meanwhile, though
///   they come too late to change that.
/// - **A lease that is lost for certain**: the same from then on, by the end of the lease, if that is still to come.
/// - A stop reaches the runner; the lease is renewed until it has returned and was dropped, and released after that, after KILL
///   as well. A group that had to give up a member leaves a thread that may work still: then it is not released.
/// - **What cannot be had**: a thread cannot be killed. A runner that ignores KILL works on after it was given up, and so
///   does one whose machine was asleep meanwhile. As long as it can be, the lease is renewed for it, so that no other
///   takes it; where it cannot be, only the fencing token keeps that runner out.
/// - A stop while it waits for the lease is an Ok exit, without ever having been ready.
/// - After a loss it ends with [`Lost`]. A [`Restarter`](crate::restart::Restarter) around it lets it wait for the lease
///   again, and makes a new runner.
/// - Driven by hand, with signals that are not those of the current process, it needs a helper thread, as a
///   [`Sigmon`](crate::sigmon::Sigmon) does.
///
/// # Errors
///
/// Before the lease was asked for: [`Error::ZeroDeadline`], for a limit of zero; [`Error::Spawn`], if the thread for time
/// limits, which all share, does not start. Once it is held, and it is released then:
/// [`LeaseTooShort`](super::LeaseTooShort), and [`Error::Spawn`], if the second thread does not start. After a loss:
/// [`Lost`], unless the runner returned a [fatal](crate::fatal) error, or one that names threads which still run: that is
/// the exit then. A panic of the lease or of what makes the runner is the exit.
///
/// ```
/// use ifrit::runners::{Claim, Gate, Lease};
/// use ifrit::prelude::*;
///
/// struct Always; // held by the one who asks
///
/// impl Lease for Always {
///     type Token = u64;
///
///     fn acquire(&mut self, _claim: &Claim<'_>) -> ifrit::Result<Option<u64>> {
///         Ok(Some(1))
///     }
///
///     fn release(&mut self, _token: u64) -> ifrit::Result<()> {
///         Ok(())
///     }
/// }
///
/// let writer = |token| ifrit::run_fn(move |signals, ready| {
///     println!("writes with token {token}");
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let writer = ifrit::invoke(Gate::new(Always).guard(writer)).started()?;
/// writer.signal(Signal::TERMINATE);
/// writer.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[doc(alias("lock", "leader", "election", "leadership"))]
#[must_use = "a runner does nothing until it is started or run"]
pub struct Guarded<L, F> {
    gate: Gate<L>,
    make: F,
    stop_within: Option<Duration>,
    kill_grace: Option<Duration>,
}

impl<L: Lease> Gate<L> {
    /// A gate with a runner behind it: `make` is called each time the lease is held, with its token.
    ///
    /// What this gate [ends ahead](Gate::ends_ahead) comes on top of the time that a stop takes: by then, before the end of
    /// the lease, the runner is over. It allows for clocks that differ.
    pub fn guard<F, R>(self, make: F) -> Guarded<L, F>
    where
        F: FnMut(L::Token) -> R + Send,
        R: Runner,
    {
        Guarded {
            gate: self,
            make,
            stop_within: None,
            kill_grace: None,
        }
    }
}

impl<L, F> Guarded<L, F> {
    /// How long a stop of the runner may take, whatever asks for it, KILL and grace included: so long before the end of
    /// the lease it begins. Default: no limit, but twice the grace for a stop because of a loss.
    ///
    /// A lease that lasts for no longer than that when it is acquired is refused.
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.stop_within = Some(limit);
        self
    }

    /// How long the runner may take to return after KILL, before it is given up. Default: that of the process this runs in,
    /// which is 1 s at the top.
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = Some(grace);
        self
    }
}

impl<L, F, R> Guarded<L, F>
where
    L: Lease,
    F: FnMut(L::Token) -> R + Send,
    R: Runner,
{
    fn run_on(&mut self, host: &Arc<Core>, signals: &Receiver<Signal>, ready: ReadySender) -> Exit {
        host.clock
            .start_timer()
            .map_err(|source| Error::spawn("ifrit-timer", source))?;
        let _limits = StopLimits::set(host, self.stop_within, self.kill_grace)?;
        let twice = || host.grace().saturating_mul(2);
        let stop_within = self.stop_within.unwrap_or_else(twice);
        let margin = self.gate.ahead;
        let lease = &mut self.gate.lease;
        let name = lease.name();
        let term = Term::new(host.clock.clone(), margin.saturating_add(stop_within));
        let claim = Claim::new(signals, &term, false);
        let Some(token) = acquire(lease, &name, &claim, &term)? else {
            return Ok(());
        };
        if host.was_told() {
            return release(lease, token); // the lease has taken the stop out of the channel itself
        }
        let layer = Layer::enter(host, Hook::Pass);
        term.watch(Arc::new(Behind {
            name: name.clone(),
            inside: layer.inside(),
            process: current_core().map(Process::from_core),
            margin,
            stop_within,
        }));
        let exit = {
            let term = &term;
            let (kept, held) = (token.clone(), token.clone());
            let (name, make) = (&name, &mut self.make);
            let lease = &mut *lease;
            let (run, over) = thread::scope(|scope| {
                let (tell, told) = bounded(1); // Invariant 2: it hears also that this is dropped
                let keeper = Keeper {
                    lease,
                    name,
                    token: kept,
                    signals: told,
                    term,
                    process: current_core(),
                };
                let thread = "ifrit-gate";
                if let Err((source, _)) = start_scoped(scope, thread, None, keeper, Keeper::run) {
                    let _ = term.end();
                    return (Err(Error::spawn(thread, source)), None);
                }
                let may_begin = Arc::clone(term);
                let ready = OnReady::sender(ready, move |outer: ReadySender| {
                    if may_begin.is_held() {
                        outer.notify();
                    }
                });
                let run = match term.is_held() {
                    true => run_behind(make, held, layer.signals.clone(), ready),
                    false => Ok(()),
                };
                let over = term.end(); // Invariant 3
                let _ = tell.send(match host.was_killed() {
                    true => Signal::KILL,
                    false => Signal::INTERRUPT,
                });
                (run, over)
            });
            exit_after(name, run, over)
        };
        drop(layer);
        if leaves_threads(&exit) {
            note(format_args!(
                "does not release {name}: threads are left that may work still"
            ));
            return exit;
        }
        match (release(lease, token), exit) {
            (released, Ok(())) => released, // Invariant 1
            (released, Err(error)) => {
                if let Err(error) = released {
                    note(format_args!("{name} could not be released: {error}"));
                }
                Err(error)
            }
        }
    }
}

/// One run of the runner, from its making until it was dropped.
fn run_behind<T, R: Runner>(
    make: &mut impl FnMut(T) -> R,
    token: T,
    signals: Receiver<Signal>,
    ready: ReadySender,
) -> Exit {
    let mut made = None;
    let exit = exit_of(|| made.insert(make(token)).run(signals, ready));
    exit.and(drop_caught(made))
}

/// What becomes of the exit of the runner, if the lease was over before.
fn exit_after(name: &str, run: Exit, over: Option<Over>) -> Exit {
    let Some(over) = over else { return run };
    match (over, run) {
        (_, Err(error)) if error.is_fatal() => Err(error),
        (_, run) if leaves_threads(&run) => run,
        (Over::Lost(panic @ Error::Panicked(_)), run) => {
            if let Err(error) = run {
                note(format_args!("what was behind {name} ended with: {error}"));
            }
            Err(panic)
        }
        (over, run) => Err(Error::from_runner(Lost::new(name, over, run.err()).into())),
    }
}

/// Keeps the lease while the runner works.
struct Keeper<'r, L: Lease> {
    lease: &'r mut L,
    name: &'r str,
    token: L::Token,
    signals: Receiver<Signal>,
    term: &'r Arc<Term>,
    process: Option<Arc<Core>>,
}

impl<L: Lease> Keeper<'_, L> {
    fn run(self) {
        match self.process.clone() {
            Some(process) => as_current(&process, || self.keep()),
            None => self.keep(),
        }
    }

    fn keep(self) {
        let claim = Claim::new(&self.signals, self.term, false);
        let error = match exit_of(|| self.lease.keep(&self.token, &claim)) {
            Err(error) => error,
            Ok(()) if self.term.is_held() => Error::from_runner(
                "nothing keeps it any more, although it was not let go of".into(),
            ),
            Ok(()) => return,
        };
        if !self.term.lose(error.clone()) {
            note(format_args!("{} was no longer kept: {error}", self.name));
        }
    }
}

/// What runs behind the gate, as one that finds out about the loss sees it.
struct Behind {
    name: String,
    inside: Inside,
    process: Option<Process>,
    margin: Duration,
    stop_within: Duration,
}

impl Alarm for Behind {
    fn is_over(&self, now: Instant, over: &Over, end: Option<Instant>) {
        if let Some(process) = &self.process {
            note_loss(&self.name, over, |text| process.note(text));
        }
        let latest = now.checked_add(self.stop_within);
        let end = end.and_then(|end| end.checked_sub(self.margin));
        let end = end.filter(|end| *end > now);
        let by = latest.into_iter().chain(end).min();
        self.inside.stop_by(self.stop_within, by);
    }
}

impl<L, F, R> Runner for Guarded<L, F>
where
    L: Lease,
    F: FnMut(L::Token) -> R + Send,
    R: Runner,
{
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        if self.stop_within == Some(Duration::ZERO) {
            return Err(Error::ZeroDeadline {
                who: "gate".to_owned(),
                option: "stop_within",
            }
            .into());
        }
        let exit = with_host(signals, |host, signals| self.run_on(host, &signals, ready))?;
        Ok(exit?)
    }

    fn plan(&self) -> Plan {
        let mut plan = self
            .gate
            .plan()
            .limits(&[("stop", self.stop_within), ("kill grace", self.kill_grace)]);
        plan.runner.stop_within = self.stop_within;
        plan.runner.kill_grace = self.kill_grace;
        plan.runner.runs = Runs::Inline;
        plan.part(Plan::of_type::<R>().note("made once it is held"))
    }
}

impl<L: fmt::Debug, F> fmt::Debug for Guarded<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("gate", &self.gate)
            .field("stop_within", &self.stop_within)
            .field("kill_grace", &self.kill_grace)
            .finish_non_exhaustive()
    }
}
