//! Processes for [`tracing`]: a span for each, and what happens as events. Feature `tracing`.
//!
//! From [`install`] on, each process that starts has a span for as long as its runner runs. It is named `process`, has the
//! fields `path` and `id`, and is entered on the process's own thread, so that whatever a runner says carries its path:
//!
//! ```text
//! INFO process{path=app id=1}:process{path=app/web id=3}: listening port=8080
//! ```
//!
//! The span of a process stands in that of the process above it. It has the level `ERROR`, so that what is let through of
//! a runner's own events has its path, whatever the filter. Threads that a runner starts by itself are in no span, as ever.
//!
//! What happens to processes is told as events with the target `ifrit`: the message is the same for all events of a kind,
//! and the rest is in fields.
//!
//! | level | message | fields |
//! |---|---|---|
//! | `ERROR` | `exited`, with an error | `cause`, `error`, `took_ms` |
//! | `WARN` | `restarting` | `attempt`, `of`, `delay_ms`, `error` |
//! | `WARN` | `given up` | `signal`, `cause`, `error`, `took_ms` |
//! | `WARN` | `still waiting` | `for_whom`, `waited_ms`, `limit_in_ms` |
//! | `WARN` | `stalled` | `silent_ms` |
//! | `WARN` | `events were missed` | `missed` |
//! | `INFO` | `started` | |
//! | `INFO` | `ready` | `ready_after_ms` |
//! | `INFO` | `makes progress again` | `silent_ms` |
//! | `INFO` | `stopping` | `why`, `signal` or `member` and `error` |
//! | `INFO` | `exited`, Ok | `cause`, `took_ms` |
//! | `INFO` | `exited after it was given up`; `ERROR` with an error | `error`, `took_ms` |
//! | `DEBUG` | `told a signal` | `signal`, `kill_in_ms`, `give_up_in_ms` |
//! | `DEBUG` | `note` | `note` |
//!
//! Each has the `path` and the `id` of its process besides, and stands in the span of that process; before its runner runs,
//! and after its exit, in that of the process above it. They come from a thread of their own, soon after it happened; the fields in `_ms` count
//! on the clock of the process.
//!
//! The subscriber is the program's global one. It may be set before or after the adapter is installed, but a process that
//! has started before both has no span. A subscriber that blocks when a span is opened, entered or left blocks the process
//! that runs there, as it does when that process says something itself, and nothing else; one that panics harms nothing. A
//! runner that is [driven by hand](crate::testing::Harness) stays in the spans of its caller.

use ::tracing::Level;

use super::adapter::{Adapter, InstallError, Kind, Sink};
use super::event::{Event, What};
use super::fields::{self, Fields};
use super::spans;
use crate::sync::statics;
use crate::unwind::attempt;

statics! {
    static KIND: Kind = Kind::new("tracing", "ifrit-tracing", spans::off);
}

/// Gives each process that starts from now on a span, and tells the program's subscriber what happens to processes; until
/// the [`Adapter`] is dropped. Starts one thread. Never blocks.
///
/// # Errors
///
/// If it is installed already, or its thread does not start.
///
/// ```
/// # fn main() -> Result<(), ifrit::BoxError> {
/// use ifrit::prelude::*;
///
/// // tracing_subscriber::fmt().init();
/// let _tracing = ifrit::observe::tracing::install()?;
/// let web = ifrit::run_fn(|signals, ready| {
///     tracing::info!(port = 8080, "listening"); // process{path=app id=1}:process{path=app/web id=2}
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let app = Ordered::new(Members::new().add("web", web));
/// let app = Process::builder().name("app").invoke(app).started()?;
/// app.signal(Signal::TERMINATE);
/// app.join()?;
/// # Ok(())
/// # }
/// ```
pub fn install() -> Result<Adapter, InstallError> {
    let adapter = KIND.install(ToTracing)?;
    spans::on();
    Ok(adapter)
}

struct ToTracing;

impl Sink for ToTracing {
    fn event(&mut self, event: &Event) {
        attempt(|| tell(event)); // the span is let go of in any case
        if let What::Exited { .. } | What::ExitedLate { .. } = event.what {
            spans::forget(event.id);
        }
    }

    fn missed(&mut self, events: u64) {
        spans::forget_ended();
        ::tracing::warn!(target: "ifrit", missed = events, "events were missed");
    }
}

/// At a level, which has to be constant.
macro_rules! tell_at {
    ($level:expr, $span:expr, $fields:expr) => {{
        let fields = $fields;
        ::tracing::event!(
            target: "ifrit",
            parent: $span,
            $level,
            message = fields.words,
            path = %fields.path,
            id = fields.id,
            signal = fields.signal.map(display),
            kill_in_ms = fields.kill_in_ms,
            give_up_in_ms = fields.give_up_in_ms,
            ready_after_ms = fields.ready_after_ms,
            for_whom = fields.for_whom.map(display),
            waited_ms = fields.waited_ms,
            limit_in_ms = fields.limit_in_ms,
            attempt = fields.attempt,
            of = fields.of,
            delay_ms = fields.delay_ms,
            note = fields.note,
            why = fields.why,
            member = fields.member,
            cause = fields.cause.map(display),
            error = fields.error,
            took_ms = fields.took_ms,
            silent_ms = fields.silent_ms,
        )
    }};
}

fn tell(event: &Event) {
    // Its own span is there when its runner runs. Whether it is when the start is told would be a matter of chance.
    let own = Some(event.id).filter(|_| !matches!(event.what, What::Started));
    let span = spans::nearest(own.into_iter().chain(event.path.above())); // kept, or it might be closed meanwhile
    let parent = span.as_ref().and_then(|opened| opened.id());
    let fields = Fields::of(event);
    match fields.level {
        fields::Level::Error => tell_at!(Level::ERROR, parent, fields),
        fields::Level::Warn => tell_at!(Level::WARN, parent, fields),
        fields::Level::Info => tell_at!(Level::INFO, parent, fields),
        fields::Level::Debug => tell_at!(Level::DEBUG, parent, fields),
    }
}
