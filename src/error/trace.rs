//! How the members of a group ended: [`ExitTrace`].

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::exit::Exit;
use crate::id::ProcessId;
use crate::sync::Arc;

/// So many failures that did not end their member are kept in a trace.
pub(crate) const MOST_HEALED: usize = 100;

/// The exits of a group's members, in the order in which they exited.
///
/// It derefs to a slice of [`MemberExit`]. Its `Display` names every member at every depth with its exit and cause.
/// Members that were never started are not in it.
///
/// ```
/// use ifrit::{Error, error::Cause, prelude::*};
///
/// let db = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let web = ifrit::run_fn(|_, _| Err("port taken".into()));
/// let group = ifrit::grouper::Ordered::new(Members::new().add("db", db).add("web", web));
/// let Err(Error::Group(trace)) = ifrit::background(group).join() else { panic!() };
///
/// assert_eq!(trace.initiator().unwrap().name, "web");
/// assert_eq!(trace.get("db").unwrap().cause, Cause::Consequence);
/// println!("{trace}");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(alias = "ErrorTrace")]
pub struct ExitTrace {
    /// The exits, oldest first.
    pub exits: Arc<[MemberExit]>,
    /// How many exits are not in it: a group that lives long keeps only the newest, and failures in preference.
    pub omitted: u64,
    /// How many of those were failures.
    pub omitted_failures: u64,
    /// The newest failures that did not end their member, oldest first: after which it was restarted, or with which it
    /// answered to being terminated, removed, or stopped together with others. There are 100 at most.
    pub healed: Arc<[MemberExit]>,
}

impl ExitTrace {
    pub(crate) fn new(exits: Vec<MemberExit>) -> Self {
        ExitTrace {
            exits: exits.into(),
            omitted: 0,
            omitted_failures: 0,
            healed: Arc::from([]),
        }
    }

    pub(crate) fn healing(mut self, healed: Vec<MemberExit>) -> Self {
        self.healed = healed.into();
        self
    }

    pub(crate) fn omitting(mut self, oks: u64, failures: u64) -> Self {
        self.omitted = oks + failures;
        self.omitted_failures = failures;
        self
    }

    /// The exit that began the stop. None if the stop was asked for from outside.
    pub fn initiator(&self) -> Option<&MemberExit> {
        self.iter().find(|exit| exit.cause == Cause::Initiator)
    }

    /// The exit of the member `name`, the last one if it has several.
    pub fn get(&self, name: &str) -> Option<&MemberExit> {
        self.iter().rev().find(|exit| exit.name == name)
    }

    /// The exits that were errors, oldest first. Without any, the group would have ended Ok and there were no trace.
    pub fn failures(&self) -> impl Iterator<Item = &MemberExit> {
        self.iter().filter(|exit| exit.exit.is_err())
    }
}

impl Deref for ExitTrace {
    type Target = [MemberExit];

    fn deref(&self) -> &[MemberExit] {
        &self.exits
    }
}

impl<'a> IntoIterator for &'a ExitTrace {
    type Item = &'a MemberExit;
    type IntoIter = std::slice::Iter<'a, MemberExit>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// How one member ended, and why. Its `Display` is one line: name, exit, cause, and the time it took to stop.
///
/// ```
/// use ifrit::{Error, error::Cause, prelude::*};
///
/// let web = ifrit::run_fn(|_, _| Err("port taken".into()));
/// let group = ifrit::grouper::Parallel::new(Members::new().add("web", web));
/// let Err(Error::Group(trace)) = ifrit::background(group).join() else { panic!() };
/// let member = &trace[0];
/// assert_eq!((member.name.as_str(), member.cause), ("web", Cause::Initiator));
/// assert_eq!(member.to_string(), "web: port taken [initiator]");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemberExit {
    /// The member's name.
    pub name: String,
    /// The process it was.
    pub id: ProcessId,
    /// How its run ended.
    pub exit: Exit,
    /// Why it ended.
    pub cause: Cause,
    /// From being told to stop to its exit. None if it ended without having been told.
    pub time_to_stop: Option<Duration>,
    /// Why its end has begun the stop of the group and no other run of it, where it has a restart policy or its error speaks
    /// against one. None where there was none to come.
    pub not_restarted: Option<NotRestarted>,
}

/// Why a member that has ended was not started again. Its `Display` ends a sentence: "it was not restarted, since …".
///
/// ```
/// use ifrit::error::NotRestarted;
/// use ifrit::{Error, prelude::*, restart::Restart};
///
/// let web = ifrit::run_fn(|_, _| Err("port taken".into()));
/// let group = Parallel::new([Member::new("web", web).restart(Restart::permanent())]);
/// let Err(Error::Group(trace)) = ifrit::background(group).join() else { panic!() };
/// assert_eq!(trace[0].not_restarted, Some(NotRestarted::NeverReady));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotRestarted {
    /// Its first start has failed, and its policy does not hold
    /// [from the start](crate::restart::Restart::from_the_start).
    NeverReady,
    /// Its error is marked as [fatal](crate::fatal).
    Fatal,
    /// Its policy restarts it [only after other errors](crate::restart::Restart::only_if).
    NotWorthIt,
    /// The [budget](crate::restart::Budget) for its restarts is used up.
    TooOften,
    /// A thread of it still runs, and there would be two of it.
    StillRuns,
    /// Its runner can run only once, such as one of [`run_once`](crate::run_once).
    RunsOnce,
}

impl fmt::Display for NotRestarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            NotRestarted::NeverReady => "it had never been ready",
            NotRestarted::Fatal => "its error is fatal",
            NotRestarted::NotWorthIt => "its policy restarts it only after other errors",
            NotRestarted::TooOften => "it was restarted too often",
            NotRestarted::StillRuns => "a thread of it still runs",
            NotRestarted::RunsOnce => "its runner can run only once",
        })
    }
}

/// Why a member ended. Its `Display` is one word.
///
/// ```
/// assert_eq!(ifrit::error::Cause::Consequence.to_string(), "consequence");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Its exit began the stop of the group.
    Initiator,
    /// It was told to stop because another member's exit had begun a stop.
    Consequence,
    /// It was told to stop because the group was, from outside; or it alone was, through the group's handle, or together
    /// with others that are restarted.
    Stopped,
    /// It ended as its policy allows, and stopped no other member.
    Completed,
    /// It ended by itself, without having been told, when the group was already stopping; or it was restarted after that
    /// end.
    Independent,
    /// It did not stop in time and was given up; its thread still runs.
    Abandoned,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Cause::Initiator => "initiator",
            Cause::Consequence => "consequence",
            Cause::Stopped => "stopped",
            Cause::Completed => "completed",
            Cause::Independent => "independent",
            Cause::Abandoned => "abandoned",
        })
    }
}
