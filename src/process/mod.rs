//! A runner on a thread of its own.

// The files import downward only: `scope`, `until`, `events`, `note`, `reload`, `beat`, `waited` and `family` stand highest, then `builder`,
// `wait`, `handle`, `inline`, `roster`, `spawn`, `waits`, `current`, `core` (with `core::registry`), `board`, `hearing`,
// `last_exit`, `pool`, and lowest `link`, `guarded`, `findings`, `threads`, `status`.

mod beat;
mod board;
pub(crate) mod builder;
mod core;
mod current;
mod events;
mod family;
mod findings;
mod guarded;
pub(crate) mod handle;
mod hearing;
mod inline;
pub(crate) mod last_exit;
mod link;
mod note;
mod pool;
mod reload;
mod roster;
pub(crate) mod scope;
mod spawn;
mod status;
pub(crate) mod threads;
pub(crate) mod until;
mod wait;
mod waited;
pub(crate) mod waits;

pub use crate::id::{ProcessId, Stuck};
pub use beat::beat_within;
pub use builder::Builder;
pub use note::note;
pub use reload::{Reloading, Reloads, reloads};
pub use scope::{Failures, ScopeFailure};
pub use status::Status;
pub use wait::Wait;

pub(crate) use self::core::{Core, Hook, StopWatch, Table, inherited, registry};
#[cfg(feature = "net")]
pub(crate) use self::core::{Gauge, Overhear};
#[cfg(feature = "net")]
pub(crate) use self::{hearing::Hearing, pool::Job};
pub(crate) use board::{Board, Row, Standing};
pub(crate) use current::{as_current, current_core, current_host, say_here, say_here_at};
pub(crate) use findings::{is_worth_it, line_of};
pub(crate) use guarded::Guarded;
pub(crate) use handle::Process;
pub(crate) use inline::{Frame, Inside, Layer, StopLimits, with_host};
pub(crate) use link::{Awaited, Exited, Leftover, Link, News, Parent, Report};
pub(crate) use pool::Pool;
#[cfg(all(test, ifrit_shuttle))]
pub(crate) use spawn::Launch;
pub(crate) use spawn::{
    Detached, Life, Request, Starter, drop_runner, launch, run_here, spawn_member,
};
pub(crate) use waited::waited_for;
