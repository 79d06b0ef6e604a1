//! A failed run, told to a person: [`Report`].

use std::fmt;

use super::{Cause, Error, ExitTrace};
use crate::nesting::{self, Work};

/// An error as a person would want to read it: who began it, what followed, who is stuck; see [`Error::report`].
#[derive(Clone, Copy, Debug)]
pub struct Report<'e>(&'e Error);

impl Error {
    /// The error over several lines: who began it, what followed, who is stuck.
    ///
    /// ```
    /// use ifrit::prelude::*;
    ///
    /// let web = ifrit::run_fn(|_, _| Err("port taken".into()));
    /// let app = ifrit::grouper::Ordered::new(Members::new().add("web", web));
    /// let error = ifrit::background(app).join().unwrap_err();
    /// assert_eq!(error.report().to_string(), "\
    /// port taken
    ///   began it: web: port taken");
    /// ```
    pub fn report(&self) -> Report<'_> {
        Report(self)
    }

    /// The error that began it all, as far as it is known: a group is asked for its initiator, or else for the first
    /// member that failed; a budget that was used up, for the last error that was restarted after.
    ///
    /// ```
    /// let error = ifrit::Error::AlreadyRan;
    /// assert!(matches!(error.root_cause(), ifrit::Error::AlreadyRan));
    /// ```
    pub fn root_cause(&self) -> &Error {
        let mut error = self;
        loop {
            let inner = match error {
                Error::Group(trace) => {
                    let initiator = trace.initiator().filter(|member| member.exit.is_err());
                    let failed = initiator.or_else(|| trace.failures().next());
                    failed.and_then(|member| member.exit.as_ref().err())
                }
                Error::RestartBudget { source, .. } => source.as_deref(),
                Error::Runner(failure) => failure.ours(),
                _ => None,
            };
            match inner {
                Some(inner) => error = inner,
                None => return error,
            }
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.root_cause())?;
        let mut error = self.0;
        while let Error::RestartBudget {
            source: Some(source),
            ..
        } = error
        {
            f.write_str("\n  gave up: ")?;
            error.write_without_source(f, None)?;
            error = source;
        }
        if let Error::Group(trace) = error {
            write_trace(f, trace, "", true)?;
        }
        for stuck in self.0.stuck() {
            write!(f, "\n  still running: {stuck}")?;
        }
        Ok(())
    }
}

/// Where more members of a group than this ended Ok, they are counted and not listed.
const LISTED_OKS: usize = 16;

/// A line for each member, in exit order, at every depth that the stack bears, and one for those that are only counted.
/// `decisive`: the exit of this group began what is reported.
fn write_trace(
    f: &mut fmt::Formatter<'_>,
    trace: &ExitTrace,
    path: &str,
    decisive: bool,
) -> fmt::Result {
    let Some(_level) = nesting::enter(Work::Text) else {
        return f.write_str("\n  …");
    };
    let oks = trace.iter().filter(|member| member.exit.is_ok()).count();
    let counts_oks = oks > LISTED_OKS;
    for member in trace {
        if counts_oks && member.exit.is_ok() {
            continue;
        }
        let path = format!("{path}{}", member.name);
        let decisive = decisive && member.cause == Cause::Initiator;
        if let Err(Error::Group(inner)) = &member.exit {
            write_trace(f, inner, &format!("{path}/"), decisive)?;
            continue;
        }
        let label = match member.cause {
            Cause::Initiator if decisive => "began it",
            Cause::Initiator | Cause::Independent => "by itself",
            Cause::Consequence => "followed",
            Cause::Stopped => "stopped",
            Cause::Completed => "completed",
            Cause::Abandoned => "gave up on",
        };
        write!(f, "\n  {label}: {path}: ")?;
        let mut group_inside = None;
        match &member.exit {
            Ok(()) => f.write_str("ok")?,
            Err(Error::Abandoned(_)) => f.write_str("told to stop, told KILL, did not return")?,
            Err(error) => match error {
                Error::RestartBudget {
                    source: Some(source),
                    ..
                } if matches!(**source, Error::Group(_)) => {
                    error.write_without_source(f, Some(&member.name))?;
                    group_inside = Some(source);
                }
                _ => error.write(f, Some(&member.name))?,
            },
        }
        if let Some(time) = member.time_to_stop {
            write!(f, " (after {time:.1?})")?;
        }
        if let Some(Error::Group(inner)) = group_inside.map(|source| &**source) {
            write_trace(f, inner, &format!("{path}/"), decisive)?;
        }
    }
    let more_oks = trace.omitted - trace.omitted_failures + if counts_oks { oks as u64 } else { 0 };
    for (count, what) in [
        (trace.omitted_failures, "more failed"),
        (
            more_oks,
            if counts_oks {
                "ended ok"
            } else {
                "more ended ok"
            },
        ),
    ] {
        if count > 0 {
            write!(f, "\n  {path}{count} {what}")?;
        }
    }
    Ok(())
}
