//! What happens to processes, counted for [`metrics`]. Feature `metrics`.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `ifrit_processes` | gauge: processes that run now | |
//! | `ifrit_abandoned_threads` | gauge: threads that were given up and still run | |
//! | `ifrit_process_starts_total` | counter | `path` |
//! | `ifrit_process_ready_seconds` | histogram: from the start to being ready | `path` |
//! | `ifrit_process_restarts_total` | counter | `path` |
//! | `ifrit_process_exits_total` | counter | `path`, `cause`, `outcome` |
//! | `ifrit_process_stalls_total` | counter | `path` |
//! | `ifrit_events_missed_total` | counter: what is not in the counters above | |
//!
//! `outcome` is `ok` or `error`; `cause` is `stopped`, `completed`, `independent` or `abandoned`, as
//! [`What::Exited`] has them.
//!
//! # How many labels there can be
//!
//! A label must not have a new value for each request that a program has served, so `path` is the
//! [path](crate::Process::path) with the names of passing processes left out: the members of a
//! [`Dynamic`](crate::grouper::Dynamic) group and the jobs of a [`Batch`](crate::grouper::Batch) have `*` for their name, as
//! in `app/connections/*`, and what stands below one of them is `app/connections/*/reader`. The same goes for whatever else
//! the process starts in which such a group runs. Members of other groups keep their names.
//!
//! Other processes have the names that the program gives them, so there is a bound besides: there are at most 1,000
//! different paths, and what comes later counts for the path `(others)`.
//!
//! The gauges are right also where events were missed.

use std::collections::HashSet;

use ::metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use super::adapter::{Adapter, InstallError, Kind, Sink};
use super::event::{Event, Outcome, What};
use super::recorder::running;
use crate::error::Cause;
use crate::sync::{Arc, statics};
use crate::unwind::attempt;

const PROCESSES: &str = "ifrit_processes";
const ABANDONED: &str = "ifrit_abandoned_threads";
const STARTS: &str = "ifrit_process_starts_total";
const READY: &str = "ifrit_process_ready_seconds";
const RESTARTS: &str = "ifrit_process_restarts_total";
const EXITS: &str = "ifrit_process_exits_total";
const STALLS: &str = "ifrit_process_stalls_total";
const MISSED: &str = "ifrit_events_missed_total";

/// So many different paths are labels.
const PATHS: usize = 1_000;
const OTHERS: &str = "(others)";

statics! {
    static KIND: Kind = Kind::new("metrics", "ifrit-metrics", || {});
}

/// Describes the metrics, and counts what happens from now on, until the [`Adapter`] is dropped. Starts one thread. Blocks
/// only if the program's recorder does.
///
/// The recorder of `metrics` is the program's global one, and has to be installed before: what is said to none is lost.
///
/// # Errors
///
/// If it is installed already, or its thread does not start.
///
/// ```
/// # fn main() -> Result<(), ifrit::BoxError> {
/// // PrometheusBuilder::new().install()?;
/// let _metrics = ifrit::observe::metrics::install()?;
/// ifrit::invoke(ifrit::run_fn(|_signals, _ready| Ok(()))).join()?;
/// // ifrit_process_exits_total{path="..",cause="completed",outcome="ok"} 1
/// # Ok(())
/// # }
/// ```
pub fn install() -> Result<Adapter, InstallError> {
    let adapter = KIND.install(ToMetrics::default())?;
    attempt(describe);
    Ok(adapter)
}

fn describe() {
    describe_gauge!(PROCESSES, "Processes that run.");
    describe_gauge!(
        ABANDONED,
        "Threads of processes that were given up, which still run."
    );
    describe_counter!(STARTS, "Processes started.");
    describe_histogram!(
        READY,
        Unit::Seconds,
        "From the start of a process to being ready."
    );
    describe_counter!(RESTARTS, "Runs that ended and were followed by another.");
    describe_counter!(EXITS, "Processes that have exited or were given up.");
    describe_counter!(STALLS, "Processes that stopped making progress.");
    describe_counter!(MISSED, "Events that are not in the other counters.");
}

#[derive(Default)]
struct ToMetrics {
    /// Those that are labels.
    paths: HashSet<Arc<str>>,
}

impl Sink for ToMetrics {
    fn event(&mut self, event: &Event) {
        match &event.what {
            What::Started => counter!(STARTS, "path" => self.path(event)).increment(1),
            What::Ready { after } => {
                histogram!(READY, "path" => self.path(event)).record(after.as_secs_f64());
            }
            What::Restarting { .. } => {
                counter!(RESTARTS, "path" => self.path(event)).increment(1);
            }
            What::Exited { exit, cause, .. } => self.exit(event, exit, *cause),
            What::Abandoned { exit, .. } => self.exit(event, exit, Cause::Abandoned),
            What::Stalled { .. } => counter!(STALLS, "path" => self.path(event)).increment(1),
            What::Signalled { .. }
            | What::Waiting { .. }
            | What::Note(_)
            | What::Stopping { .. }
            | What::ExitedLate { .. }
            | What::Recovered { .. } => {}
        }
    }

    fn missed(&mut self, events: u64) {
        counter!(MISSED).increment(events);
    }

    fn caught_up(&mut self) {
        let running = running();
        gauge!(PROCESSES).set(running.processes as f64);
        gauge!(ABANDONED).set(running.abandoned as f64);
    }
}

impl ToMetrics {
    fn exit(&mut self, event: &Event, exit: &Outcome, cause: Cause) {
        let outcome = if exit.is_ok() { "ok" } else { "error" };
        let labels = [
            ("path", ::metrics::SharedString::from(self.path(event))),
            ("cause", cause.to_string().into()),
            ("outcome", outcome.into()),
        ];
        counter!(EXITS, &labels).increment(1);
    }

    fn path(&mut self, event: &Event) -> Arc<str> {
        let mut path = String::new();
        let _ = event.path.write_pattern(&mut path); // a string takes whatever is written
        if let Some(known) = self.paths.get(&*path) {
            return Arc::clone(known);
        }
        if self.paths.len() == PATHS {
            return OTHERS.into();
        }
        let path: Arc<str> = path.into();
        self.paths.insert(Arc::clone(&path));
        path
    }
}
