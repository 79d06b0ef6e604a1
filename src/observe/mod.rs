//! What happens, as it happens: [`events`] of the program, or [of a process](crate::Process::events) and all below it.
//!
//! Each process says what becomes of it: that it has started, is ready, was told a signal, has ended and how. A group says
//! why it stops, and that it restarts a member. Each of these is an [`Event`]; the newest 1,024 of the program are always
//! kept, and a listener gets those first.
//!
//! To publish an event never blocks and runs no code of users, so an event holds no error: how a run has ended is an
//! [`Outcome`], which is a line of text. A listener may be as slow as it likes: it misses events then, and
//! [knows how many](Events::missed).
//!
//! To look at it afterwards: a [`Timeline`] is a trace that [Perfetto](https://ui.perfetto.dev) opens, of the newest events
//! ([`timeline`]) or of those of a longer while ([`record`]); a [`CriticalChain`] says who made a start slow.
//!
//! With the features `tracing`, `log` and `metrics` there are adapters, which hand all of it on to the crate of that name:
//! `observe::tracing`, `observe::log`, `observe::metrics`. They do nothing until their `install()` is called.
//!
//! ```
//! use ifrit::observe::What;
//! use ifrit::prelude::*;
//!
//! let db = ifrit::run_fn(|signals, ready| {
//!     ready.notify();
//!     ifrit::until_stop(&signals);
//!     Err("lost the last records".into())
//! });
//! let app = Ordered::new(Members::new().add("db", db));
//! let app = Process::builder().name("app").invoke(app);
//! let events = app.events();
//! app.signal(Signal::TERMINATE);
//! assert!(app.join().is_err());
//!
//! // It has exited, so all of it has been said.
//! let said: Vec<String> = events.try_iter().map(|event| event.to_string()).collect();
//! assert!(said.contains(&"app/db: told SIGTERM".to_owned()));
//! assert!(said.iter().any(|line| line.starts_with("app/db: exited after") && line.ends_with("lost the last records")));
//! ```

#[cfg(any(feature = "tracing", feature = "log", feature = "metrics"))]
mod adapter;
mod event;
#[cfg(any(feature = "tracing", feature = "log"))]
mod fields;
mod hub;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "metrics")]
pub mod metrics;
mod path;
mod recorder;
#[cfg_attr(not(feature = "tracing"), path = "no_spans.rs")]
mod spans;
mod stream;
mod trace;
#[cfg(feature = "tracing")]
pub mod tracing;

#[cfg(any(feature = "tracing", feature = "log", feature = "metrics"))]
pub use adapter::{Adapter, InstallError};
pub use event::{Event, Outcome, What, Why};
pub use path::Path;
pub use recorder::events;
pub use stream::Events;
pub use trace::{ChainLink, CriticalChain, Recording, Timeline, record, timeline};

pub(crate) use hub::{Hub, listen};
pub(crate) use recorder::{events_below, last_of, publish};
pub(crate) use spans::{InSpan, enter};
