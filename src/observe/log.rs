//! What happens to processes, for [`log`]. Feature `log`.
//!
//! From [`install`] on, each [event](super::Event) is a record with the target `ifrit`. Its text is the event in a line, as
//! `Display` has it:
//!
//! ```text
//! [WARN  ifrit] app/web: restarts in 100 ms (attempt 1 of 5): connection refused
//! ```
//!
//! A logger that takes key-value pairs finds the same in them: which `event` it is, such as `restarting`, the `path` and the
//! `id` of the process, and what else the event has, such as `attempt`, `of`, `delay_ms`, `signal`, `cause`, `error`,
//! `took_ms`.
//!
//! | level | what |
//! |---|---|
//! | error | a run has ended with an error |
//! | warn | a restart; given up; still waiting; stalled; events were missed |
//! | info | started, ready, making progress again, stopping, ended well |
//! | debug | told a signal; notes |
//!
//! The records come from a thread of their own, soon after it happened: a logger that blocks holds up no process, and one
//! that panics harms nothing. Where it is too slow for long, records are left out, and a record says how many.

use ::log::kv::{self, Key, Value, VisitSource};
use ::log::{Level, Record};

use super::adapter::{Adapter, InstallError, Kind, Sink};
use super::event::Event;
use super::fields::{self, Fields};
use crate::sync::statics;

const TARGET: &str = "ifrit";

statics! {
    static KIND: Kind = Kind::new("log", "ifrit-log", || {});
}

/// Tells the program's logger what happens to processes, until the [`Adapter`] is dropped. Starts one thread. Never blocks.
///
/// The logger may be set before or after.
///
/// # Errors
///
/// If it is installed already, or its thread does not start.
///
/// ```
/// # fn main() -> Result<(), ifrit::BoxError> {
/// use std::time::Duration;
///
/// // env_logger::init();
/// let log = ifrit::observe::log::install()?;
/// let job = ifrit::run_fn(|_signals, _ready| Err("disk full".into()));
/// let job = ifrit::Process::builder().name("job").background(job);
/// assert!(job.join().is_err()); // [ERROR ifrit] job: exited after 1 ms: disk full
/// log.flush(Duration::from_secs(1)); // or drop it
/// # Ok(())
/// # }
/// ```
pub fn install() -> Result<Adapter, InstallError> {
    KIND.install(ToLog)
}

struct ToLog;

impl Sink for ToLog {
    fn event(&mut self, event: &Event) {
        let fields = Fields::of(event);
        let level = match fields.level {
            fields::Level::Error => Level::Error,
            fields::Level::Warn => Level::Warn,
            fields::Level::Info => Level::Info,
            fields::Level::Debug => Level::Debug,
        };
        if level <= ::log::max_level() {
            let mut record = Record::builder();
            record.target(TARGET).level(level).key_values(&fields);
            ::log::logger().log(&record.args(format_args!("{event}")).build());
        }
    }

    fn missed(&mut self, events: u64) {
        ::log::warn!(target: TARGET, missed = events; "{events} events were missed");
    }
}

impl kv::Source for Fields<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        let mut pair = |key, value| visitor.visit_pair(Key::from_str(key), value);
        pair("event", Value::from(self.words))?;
        pair("path", Value::from_display(self.path))?;
        pair("id", Value::from(self.id))?;
        for (key, number) in [
            ("kill_in_ms", self.kill_in_ms),
            ("give_up_in_ms", self.give_up_in_ms),
            ("ready_after_ms", self.ready_after_ms),
            ("waited_ms", self.waited_ms),
            ("limit_in_ms", self.limit_in_ms),
            ("attempt", self.attempt),
            ("of", self.of),
            ("delay_ms", self.delay_ms),
            ("took_ms", self.took_ms),
            ("silent_ms", self.silent_ms),
        ] {
            number.map_or(Ok(()), |number| pair(key, Value::from(number)))?;
        }
        for (key, text) in [
            ("note", self.note),
            ("why", self.why),
            ("member", self.member),
            ("error", self.error),
        ] {
            text.map_or(Ok(()), |text| pair(key, Value::from(text)))?;
        }
        if let Some(signal) = &self.signal {
            pair("signal", Value::from_display(signal))?;
        }
        if let Some(for_whom) = &self.for_whom {
            pair("for_whom", Value::from_display(for_whom))?;
        }
        if let Some(cause) = &self.cause {
            pair("cause", Value::from_display(cause))?;
        }
        Ok(())
    }
}
