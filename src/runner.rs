//! The one contract: [`Runner`], and the ways to make one of a closure.

use std::fmt;

use crate::error::{Error, Result};
use crate::nesting::{self, Work};
use crate::plan::{self, Plan};
use crate::ready::ReadySender;
use crate::signal::{self, Signal};
use crate::sync::channel::Receiver;
use crate::unwind::attempt;

/// A piece of work that starts, says that it is ready, works until it is told to stop, and returns.
///
/// The contract, both ways:
///
/// - `run` is called on a thread that is its own while it runs. It sets up, calls [`ReadySender::notify`] when others
///   may rely on it, and works.
/// - It reads `signals`. A [stop signal](Signal::is_stop) asks it to finish and return; [`Signal::KILL`] asks it to
///   return at once, without draining. A disconnected channel counts as a stop. Every other signal is a notification.
/// - Until it has said ready, what starts after it in its group waits, without a limit unless one is set
///   ([`start_within`](crate::grouper::Member::start_within)). One that returns Ok before has ended like any other: in a group
///   that is the end of the group, an Ok one, unless the member is [one-shot](crate::grouper::Member::one_shot) or
///   [essential](crate::grouper::Member::essential).
/// - What it returns is its exit. A panic is an exit too ([`Error::Panicked`]); it harms nothing else.
/// - It may be run again after it has returned, so a run keeps its state in `run`, not in `self`.
///
/// ```
/// use ifrit::crossbeam_channel::select;
/// use ifrit::prelude::*;
///
/// struct Counter { step: u64 }
///
/// impl Runner for Counter {
///     fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
///         let ticks = ifrit::crossbeam_channel::tick(std::time::Duration::from_millis(1));
///         let mut count = 0;
///         ready.notify();
///         loop {
///             select! {
///                 recv(ticks) -> _ => count += self.step,
///                 recv(signals) -> signal => match signal {
///                     Ok(signal) if !signal.is_stop() => println!("{signal}: {count}"),
///                     _ => return Ok(()),
///                 },
///             }
///         }
///     }
/// }
///
/// let counter = ifrit::invoke(Counter { step: 2 });
/// counter.signal(Signal::TERMINATE);
/// assert!(counter.join().is_ok());
/// ```
///
/// A closure alone is no runner:
///
/// ```compile_fail,E0277
/// use ifrit::prelude::*;
///
/// let _ = Member::new("a", |_, _| Ok(()));
/// ```
///
/// It is made one, with [`run_once`] or [`run_fn`]:
///
/// ```
/// use ifrit::prelude::*;
///
/// let _ = Member::new("a", ifrit::run_once(|_, _| Ok(())));
/// ```
///
/// A runner that is built and dropped does nothing, of which the compiler warns:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// use ifrit::prelude::*;
///
/// Ordered::new(Members::new());
/// ```
///
/// ```
/// #![deny(unused_must_use)]
/// use ifrit::prelude::*;
///
/// let group = ifrit::background(Ordered::new(Members::new()));
/// # group.signal(Signal::INTERRUPT);
/// # group.join().unwrap();
/// ```
#[doc(alias("service", "worker"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a runner",
    label = "this is not a runner",
    note = "a closure becomes one with `ifrit::run_once`, or with `ifrit::run_fn` if it can be called again, as a restart does",
    note = "its arguments are its signals and its readiness: `|signals, ready| Ok(())`"
)]
pub trait Runner: Send {
    /// Does the work; see the contract above.
    ///
    /// # Errors
    ///
    /// Any error; it becomes the exit of the process, as [`Error::Runner`].
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()>;

    /// What this runner is made of. Provided: a leaf, named after the type.
    fn plan(&self) -> Plan {
        Plan::of_type::<Self>()
    }
}

/// A runner of any type.
///
/// ```
/// use ifrit::{BoxRunner, prelude::*};
///
/// let runners: Vec<BoxRunner> = vec![
///     Box::new(ifrit::run_fn(|_, _| Ok(()))),
///     Box::new(ifrit::run_once(|_, _| Ok(()))),
/// ];
/// for runner in runners {
///     assert!(ifrit::background(runner).join().is_ok());
/// }
/// ```
pub type BoxRunner = Box<dyn Runner>;

/// What a process is called that was given no name: its runner's type, without path and parameters. A box, which may
/// hold any runner, is called what that is in its plan.
pub(crate) fn name_of<R: Runner + ?Sized>(runner: &R) -> String {
    let name = plan::short_type_name::<R>();
    let full = std::any::type_name::<R>();
    let is_dyn = full
        .split('<')
        .next()
        .is_some_and(|outer| outer.contains("dyn "));
    if name != "Box" && !is_dyn {
        return name.to_owned();
    }
    let inner = attempt(|| runner.plan().kind().to_owned());
    inner
        .filter(|kind| !kind.is_empty())
        .unwrap_or_else(|| name.to_owned())
}

impl<R: Runner + ?Sized> Runner for Box<R> {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        (**self).run(signals, ready)
    }

    fn plan(&self) -> Plan {
        // Runners stand in each other at run time only where there is a box between them.
        match nesting::enter(Work::Plan) {
            Some(_level) => (**self).plan(),
            None => Plan::new("…"),
        }
    }
}

impl<R: Runner + ?Sized> Runner for &mut R {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        (**self).run(signals, ready)
    }

    fn plan(&self) -> Plan {
        (**self).plan()
    }
}

/// A runner made of a closure; see [`run_fn`].
#[derive(Clone)]
#[must_use = "a runner does nothing until it is started or run"]
pub struct RunFn<F>(F);

/// Makes a runner of a closure that can be called any number of times.
///
/// For a closure that gives away what it has captured, there is [`run_once`]. Whatever restarts its runner needs this one.
///
/// ```
/// use ifrit::prelude::*;
///
/// let mut runs = 0;
/// let process = ifrit::background(ifrit::run_fn(move |_signals, ready| {
///     runs += 1;
///     ready.notify();
///     Ok(())
/// }));
/// assert!(process.join().is_ok());
/// ```
///
/// A closure that gives away what it has captured could be called once only, and is refused:
///
/// ```compile_fail,E0507
/// let settings = String::from("verbose");
/// let _ = ifrit::run_fn(move |_signals, _ready| {
///     drop(settings);
///     Ok(())
/// });
/// ```
///
/// ```
/// let settings = String::from("verbose");
/// let _ = ifrit::run_once(move |_signals, _ready| {
///     drop(settings);
///     Ok(())
/// });
/// ```
#[doc(alias = "RunFunc")]
pub fn run_fn<F>(f: F) -> RunFn<F>
where
    F: FnMut(Receiver<Signal>, ReadySender) -> Result<()> + Send, // `run_once` takes a `FnOnce`
{
    RunFn(f)
}

impl<F> Runner for RunFn<F>
where
    F: FnMut(Receiver<Signal>, ReadySender) -> Result<()> + Send,
{
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        (self.0)(signals, ready)
    }
}

impl<F> fmt::Debug for RunFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunFn")
    }
}

/// A runner made of a closure that can be called once; see [`run_once`].
#[must_use = "a runner does nothing until it is started or run"]
pub struct RunOnce<F>(Option<F>);

/// Makes a runner of a closure that can be called once, such as one that gives away what it has captured.
///
/// A second run does nothing and returns [`Error::AlreadyRan`].
///
/// ```
/// use ifrit::{Error, prelude::*};
///
/// let settings = String::from("verbose");
/// let mut runner = ifrit::run_once(move |_signals, ready| {
///     ready.notify();
///     drop(settings);
///     Ok(())
/// });
/// let (_keep, signals) = ifrit::crossbeam_channel::unbounded();
/// assert!(runner.run(signals.clone(), ifrit::ready_channel().0).is_ok());
/// let second = runner.run(signals, ifrit::ready_channel().0).unwrap_err();
/// assert!(matches!(second.downcast_ref(), Some(Error::AlreadyRan)));
/// ```
pub fn run_once<F>(f: F) -> RunOnce<F>
where
    F: FnOnce(Receiver<Signal>, ReadySender) -> Result<()> + Send,
{
    RunOnce(Some(f))
}

impl<F> Runner for RunOnce<F>
where
    F: FnOnce(Receiver<Signal>, ReadySender) -> Result<()> + Send,
{
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        match self.0.take() {
            Some(f) => f(signals, ready),
            None => Err(Error::AlreadyRan.into()),
        }
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::of_type::<Self>();
        plan.runner.once = true;
        plan
    }
}

impl<F> fmt::Debug for RunOnce<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunOnce")
    }
}

/// Waits for a stop signal, lets notifications pass, and returns the stop signal.
///
/// Blocks until there is one. A disconnected channel counts as [`Signal::INTERRUPT`].
///
/// ```
/// use ifrit::prelude::*;
///
/// let (sender, signals) = ifrit::crossbeam_channel::unbounded();
/// sender.send(Signal::HANGUP).unwrap();
/// sender.send(Signal::QUIT).unwrap();
/// assert_eq!(ifrit::until_stop(&signals), Signal::QUIT);
/// drop(sender);
/// assert_eq!(ifrit::until_stop(&signals), Signal::INTERRUPT);
/// ```
pub fn until_stop(signals: &Receiver<Signal>) -> Signal {
    loop {
        let signal = signal::next(signals);
        if signal.is_stop() {
            return signal;
        }
    }
}
