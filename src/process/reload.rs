//! Reading the settings again: who takes part, and waiting until that is done.

use std::fmt::{self, Display};
use std::ops::Deref;
use std::time::{Duration, Instant};

use super::core::{Core, Outcome, Part, Round, registry};
use super::current::current_core;
use super::findings::line;
use super::handle::Process;
use crate::disposal::defer_quietly;
use crate::error::{Error, NotReloaded};
use crate::id::ProcessId;
use crate::signal::Signal;
use crate::sync::channel::{Receiver, never};
use crate::sync::{Arc, now};

/// Lets the process on whose thread it is called take part in reloads: from now on, each HUP that the process is told makes
/// the [`Reloads`] due, and [`Process::reload`] waits for it.
///
/// A program is told HUP only where it listens for it: under [`main`](crate::main()) with
/// [`Main::also`](crate::Main::also)`([Signal::HANGUP])`. **Without that, HUP ends the program**, as it does any other.
///
/// Call it before the settings are read for the first time, and so before the process is ready: what is asked for before
/// is not heard. HUP stays a notification, which the runner may read from its signals as well. On a thread that belongs to
/// no process the reloads are never due. Never blocks.
///
/// ```
/// use ifrit::crossbeam_channel::select;
/// use ifrit::prelude::*;
/// use ifrit::process::reloads;
/// use std::time::Duration;
///
/// fn read_settings() -> Result<u32, std::num::ParseIntError> {
///     "42".parse()
/// }
///
/// let server = ifrit::run_fn(|signals, ready| {
///     let mut reloads = reloads();
///     let mut settings = read_settings()?;
///     ready.notify();
///     loop {
///         select! {
///             recv(signals) -> signal => match signal {
///                 Ok(signal) if !signal.is_stop() => {}
///                 _ => return Ok(()),
///             },
///             recv(reloads) -> _ => {
///                 let reloading = reloads.begin();
///                 match read_settings() {
///                     Ok(new) => settings = new,
///                     Err(error) => reloading.fail(error), // the old ones stay
///                 }
///             }
///         }
///     }
/// });
/// let app = ifrit::invoke(Parallel::new(Members::new().add("server", server)));
/// assert_eq!(app.reload(Duration::from_secs(10))?, 1);
/// # app.signal(Signal::TERMINATE);
/// # app.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[doc(alias("SIGHUP", "config", "settings"))]
pub fn reloads() -> Reloads {
    let core = current_core();
    Reloads {
        of: core.map(|core| (core.take_part(), core)),
        failed: false,
        never: never(),
    }
}

/// The reloads of one part of a process; see [`reloads`].
///
/// It derefs to a channel that is readable while a reload is due and has not [begun](Reloads::begin). The part takes no
/// longer part when this is dropped, when its run has ended, or once its process was told to stop.
#[must_use = "it takes part until this is dropped"]
pub struct Reloads {
    of: Option<(Arc<Part>, Arc<Core>)>,
    /// The last reload has failed, and the process has noted that.
    failed: bool,
    never: Receiver<()>,
}

impl Reloads {
    /// Whether a reload was asked for that has not begun. Never blocks.
    pub fn is_due(&self) -> bool {
        self.of.as_ref().is_some_and(|(part, _)| part.is_due())
    }

    /// Begins a reload, which ends when what this returns is dropped. It answers all that was asked for until now; a HUP
    /// that comes meanwhile makes another one due. It may begin without one being due. Never blocks.
    pub fn begin(&mut self) -> Reloading<'_> {
        let mark = self.of.as_ref().map_or(0, |(part, _)| part.begin());
        Reloading {
            reloads: self,
            mark,
            outcome: Outcome::Done,
        }
    }
}

impl Deref for Reloads {
    type Target = Receiver<()>;

    fn deref(&self) -> &Receiver<()> {
        match &self.of {
            Some((part, _)) => part.due(),
            None => &self.never,
        }
    }
}

impl Drop for Reloads {
    fn drop(&mut self) {
        if let Some((part, core)) = &self.of {
            core.part_ends(part);
        }
    }
}

impl fmt::Debug for Reloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloads")
            .field("is_due", &self.is_due())
            .finish()
    }
}

/// A reload that is going on; see [`Reloads::begin`].
///
/// To drop it says that it is done. Where a panic drops it, it has failed.
#[must_use = "the reload is done once this is dropped"]
pub struct Reloading<'r> {
    reloads: &'r mut Reloads,
    mark: u64,
    outcome: Outcome,
}

impl Reloading<'_> {
    /// Ends it without success: those who wait for it are told why, in a line of at most 1,000 bytes, and the process
    /// [notes](crate::process::note) it, as it does the next success. Calls the `Display` of `why`. Never blocks.
    pub fn fail(mut self, why: impl Display) {
        let why = line(why);
        if let Some((_, core)) = &self.reloads.of {
            core.note(format_args!("not reloaded: {why}"));
        }
        self.outcome = Outcome::Failed(why.into());
    }
}

impl Drop for Reloading<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.outcome = Outcome::Failed("it panicked".into());
        }
        let failed = matches!(self.outcome, Outcome::Failed(_));
        let had_failed = std::mem::replace(&mut self.reloads.failed, failed);
        if let Some((part, core)) = &self.reloads.of {
            if had_failed && !failed {
                core.note("reloaded"); // or the tree would show the failure for ever
            }
            part.finish(self.mark, &self.outcome);
        }
    }
}

impl fmt::Debug for Reloading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading").finish_non_exhaustive()
    }
}

/// Reloads.
impl Process {
    /// Tells the process HUP, and blocks until all that take part have reloaded: this process, and those below it that
    /// hear what it is told, which are the members of groups and the processes of scopes. Returns how many have.
    ///
    /// They take part by [`process::reloads`](crate::process::reloads). One that is told to stop, ends, or is restarted
    /// meanwhile is not waited for: it reads its settings when it starts. `within` is the caller's patience, in real time;
    /// when it is over, those that are not done go on.
    ///
    /// # Errors
    ///
    /// [`Error::NotReloaded`] names those that were not done in time or have failed, after all others are done.
    /// [`Error::WouldDeadlock`] at once, and nothing is sent, if the process of the caller takes part itself.
    pub fn reload(&self, within: Duration) -> Result<usize, Error> {
        self.reload_until(now().checked_add(within), within)
    }

    pub(crate) fn reload_until(
        &self,
        limit: Option<Instant>,
        within: Duration,
    ) -> Result<usize, Error> {
        let _deferring = defer_quietly(); // the last handle to a process that has exited may fall here
        let here = current_core().map(|core| core.id);
        let mut parts = Vec::new();
        for core in registry::living() {
            let of_this = core.parts();
            if of_this.is_empty() || !hears_what_is_told(&core, self.id()) {
                continue;
            }
            if here == Some(core.id) {
                return Err(Error::WouldDeadlock {
                    name: core.name.to_string(),
                });
            }
            parts.extend(of_this.into_iter().map(|part| (part, Arc::clone(&core))));
        }
        let round = Round::new(parts.len());
        for (place, (part, _)) in parts.iter().enumerate() {
            part.let_wait(&round, place);
        }
        self.signal(Signal::HANGUP);
        let outcomes = round.wait(limit);
        let mut done = 0;
        let mut failed = Vec::new();
        for ((part, core), outcome) in parts.iter().zip(outcomes) {
            let why = match outcome {
                Outcome::Done => {
                    done += 1;
                    continue;
                }
                Outcome::Gone => continue,
                Outcome::Failed(why) => Some(why.to_string()),
                Outcome::Pending => {
                    part.wait_no_more(&round);
                    None
                }
            };
            let path = core.path().to_string();
            failed.push(NotReloaded { path, why });
        }
        match failed.is_empty() {
            true => Ok(done),
            false => Err(Error::NotReloaded { within, failed }),
        }
    }
}

/// Whether a notification to `above` comes to `core`, at last.
fn hears_what_is_told(core: &Arc<Core>, above: ProcessId) -> bool {
    let mut next = Some(Arc::clone(core));
    while let Some(core) = next {
        if core.id == above {
            return true;
        }
        next = core.holder().and_then(registry::get);
    }
    false
}
