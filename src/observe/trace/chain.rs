//! Who made a start slow: [`CriticalChain`].

use std::fmt;
use std::time::{Duration, Instant};

use crate::id::ProcessId;
use crate::observe::event::Outcome;
use crate::observe::path::Path;

/// Who made the start of a process slow: those for which others waited, one after the other, and how long each took.
///
/// It begins with the process itself. Those that it has waited for follow, in the order of time, each with those that it has
/// waited for in turn. What was ready earlier than others that were started together with it was not waited for, and is not
/// there; and so is what took less than a thousandth of the whole.
///
/// A process that is not ready yet has one, too: who it waits for at the moment.
///
/// `Display` is a table.
///
/// ```
/// use ifrit::prelude::*;
/// use ifrit::testing::{FakeRunner, ManualClock};
/// use std::time::Duration;
///
/// let (clock, db, web) = (ManualClock::new(), FakeRunner::new(), FakeRunner::new());
/// let app = Ordered::new(Members::new().add("db", db.clone()).add("web", web.clone()));
/// let app = Process::builder().name("app").clock(clock.clock()).background(app);
/// for (runner, takes) in [(db, 3), (web, 1)] {
///     let call = runner.wait_for_call();
///     clock.advance(Duration::from_secs(takes));
///     call.trigger_ready();
/// }
/// app.wait_ready()?;
///
/// let chain = app.critical_chain().unwrap();
/// assert_eq!(chain.to_string(), "\
/// app was ready after 4.00s. What took how long:
///   share          from      to
///   0.00s   0 %  +0.00s  +4.00s  app
///   3.00s  75 %  +0.00s  +3.00s  app/db
///   1.00s  25 %  +3.00s  +4.00s  app/web");
/// # app.signal(Signal::KILL);
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CriticalChain {
    /// The process itself, and then those that it has waited for. There is at least one.
    pub links: Vec<ChainLink>,
    /// From its start until it was ready, or until now.
    pub took: Duration,
    /// Whether all events of that time are known. Otherwise there may have been others, and the shares of those that are
    /// there may be too long.
    pub is_complete: bool,
}

/// One process in a [`CriticalChain`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChainLink {
    /// The number of the process; of several runs of one member, that of the last.
    pub id: ProcessId,
    /// Where it stands.
    pub path: Path,
    /// How many links stand above it.
    pub depth: usize,
    /// When it has started; of several runs of one member, the first.
    pub started: Instant,
    /// When it was ready, or has ended, where its group waits for that. `None` if that is still to come.
    pub ready: Option<Instant>,
    /// What it has taken of the whole, without what others account for that it has waited for. All shares together are the
    /// whole.
    pub share: Duration,
    /// How often it was restarted meanwhile.
    pub restarts: usize,
    /// How the run before the last restart has ended.
    pub last_exit: Option<Outcome>,
}

impl fmt::Display for CriticalChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(root) = self.links.first() else {
            return Ok(());
        };
        let (path, took) = (&root.path, self.unit().text(self.took));
        match root.ready {
            Some(_) => write!(f, "{path} was ready after {took}")?,
            None => write!(f, "{path} is not ready after {took}")?,
        }
        f.write_str(". What took how long:")?;
        let head = ["share", "", "from", "to"].map(str::to_owned);
        let rows = self.links.iter().map(|link| self.columns(root, link));
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| {
            let lengths = rows.iter().map(|row| row[column].chars().count());
            lengths.max().unwrap_or_default()
        };
        let widths: [usize; 4] = std::array::from_fn(width);
        let ends = std::iter::once(None).chain(self.links.iter().map(Some));
        for (row, link) in rows.iter().zip(ends) {
            f.write_str("\n")?;
            for (text, width) in row.iter().zip(widths) {
                write!(f, "  {text:>width$}")?;
            }
            if let Some(link) = link {
                write!(f, "  {link}")?;
            }
        }
        if !self.is_complete {
            f.write_str("\nSome events of that time are missing; there may be more to it.")?;
        }
        Ok(())
    }
}

impl CriticalChain {
    fn unit(&self) -> Unit {
        match self.took.as_secs_f64() {
            1.0.. => Unit("s", 1.0, 2),
            1e-3.. => Unit("ms", 1e3, 1),
            _ => Unit("µs", 1e6, 0),
        }
    }

    fn columns(&self, root: &ChainLink, link: &ChainLink) -> [String; 4] {
        let unit = self.unit();
        let since_start = |at: Instant| {
            let since = at.saturating_duration_since(root.started);
            format!("+{}", unit.text(since))
        };
        let percent = 100.0 * link.share.as_secs_f64() / self.took.as_secs_f64().max(1e-9);
        [
            unit.text(link.share),
            format!("{percent:.0} %"),
            since_start(link.started),
            link.ready.map_or_else(|| "?".to_owned(), since_start),
        ]
    }
}

/// In which all times of a table stand, so that they can be compared: how many make a second, and how many digits follow.
#[derive(Clone, Copy)]
struct Unit(&'static str, f64, usize);

impl Unit {
    fn text(self, time: Duration) -> String {
        let Unit(name, in_a_second, digits) = self;
        format!("{:.digits$}{name}", time.as_secs_f64() * in_a_second)
    }
}

/// Its path, and what was the matter with it.
impl fmt::Display for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        let Some(exit) = self.last_exit.as_ref().filter(|_| self.restarts > 0) else {
            return Ok(());
        };
        match self.restarts {
            1 => write!(f, " (restarted once; {exit})"),
            times => write!(f, " (restarted {times} times, at last after: {exit})"),
        }
    }
}
