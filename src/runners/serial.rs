//! Steps one after the other: [`Serial`].

use std::collections::HashSet;
use std::fmt;

use crate::error::{Error, Exit, Result, exit_of};
use crate::plan::Plan;
use crate::process::{Frame, note, with_host};
use crate::ready::{ReadySender, ready_channel};
use crate::runner::{BoxRunner, Runner};
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// A runner that runs others one after the other, on its own thread: the steps of one piece of work.
///
/// - The next step begins when the one before has ended Ok. An error or a panic of a step is the exit, and no other step
///   begins. The exit is Ok after the last one.
/// - **It is ready when the last step is.** That earlier ones say so is not passed on: they set up what the last one works
///   with.
/// - A step that runs hears the signals. Once a stop has come, no other step begins, and the exit is that of the step.
/// - It [notes](crate::process::note) the name of each step as it begins, where there are several.
/// - A run begins with the first step again.
///
/// Members of an [`Ordered`](crate::grouper::Ordered) run side by side, each on a thread of its own; the steps of this one
/// do not. Driven by hand, with signals that are not those of the current process, it needs a helper thread, as a
/// [`Sigmon`](crate::sigmon::Sigmon) does.
///
/// # Errors
///
/// Before anything has started: [`Error::DuplicateNames`], [`Error::EmptyNames`]. Without any step it is ready at once, and
/// ends Ok.
///
/// ```
/// use ifrit::{prelude::*, runners::Serial};
///
/// let migrate = ifrit::run_fn(|_, _| Ok(println!("migrated")));
/// let serve = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let db = ifrit::invoke(Serial::new().step("migrate", migrate).step("serve", serve));
/// assert!(db.is_ready());
/// db.signal(Signal::TERMINATE);
/// db.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Default)]
#[must_use = "a runner does nothing until it is started or run"]
#[doc(alias("sequence", "chain", "steps"))]
pub struct Serial {
    steps: Vec<(String, BoxRunner)>,
}

impl Serial {
    /// No step yet.
    pub fn new() -> Self {
        Serial::default()
    }

    /// Adds a step behind the others.
    pub fn step(mut self, name: impl Into<String>, runner: impl Runner + 'static) -> Self {
        self.steps.push((name.into(), Box::new(runner)));
        self
    }

    fn check(&self) -> Exit {
        let mut seen = HashSet::new();
        let names = self.steps.iter().map(|(name, _)| name);
        let repeats: Vec<_> = names.filter(|name| !seen.insert(*name)).cloned().collect();
        let places = self.steps.iter().enumerate();
        let positions: Vec<_> = places
            .filter(|(_, (name, _))| name.is_empty())
            .map(|(position, _)| position)
            .collect();
        if !positions.is_empty() {
            return Err(Error::EmptyNames { positions });
        }
        match repeats.is_empty() {
            true => Ok(()),
            false => Err(Error::DuplicateNames(repeats)),
        }
    }
}

impl Runner for Serial {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        self.check()?;
        let of = self.steps.len();
        let mut ready = Some(ready);
        let exit = with_host(signals, |host, _| -> Exit {
            for (n, (name, runner)) in self.steps.iter_mut().enumerate() {
                // A step that was told to stop has ended, and nothing begins after it.
                let Some(frame) = Frame::push(host) else {
                    return Ok(());
                };
                if of > 1 {
                    note(format_args!("step {} of {of}: {name}", n + 1));
                }
                let last = ready.take_if(|_| n + 1 == of);
                let sender = last.unwrap_or_else(|| ready_channel().0); // which nothing hears
                exit_of(|| runner.run(frame.signals.clone(), sender))?;
            }
            if let Some(ready) = ready.take_if(|_| of == 0) {
                ready.notify();
            }
            Ok(())
        })?;
        Ok(exit?)
    }

    fn plan(&self) -> Plan {
        let steps = self.steps.iter();
        steps.fold(Plan::new("steps"), |plan, (name, runner)| {
            plan.part(runner.plan().named(name))
        })
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.steps.iter().map(|(name, _)| name).collect();
        f.debug_struct("Serial").field("steps", &names).finish()
    }
}
