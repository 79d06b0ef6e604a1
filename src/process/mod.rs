//! A runner on a thread of its own.

mod builder;
mod core;
pub(crate) mod current;
pub(crate) mod handle;
mod id_map;
mod inline;
mod link;
pub(crate) mod registry;
pub(crate) mod scope;
mod spawn;
mod status;
pub(crate) mod threads;
mod wait;

pub use crate::id::{ProcessId, Stuck};
pub use builder::Builder;
pub use status::Status;
pub use wait::Wait;

pub(crate) use self::core::{Core, DEFAULT_GRACE, earlier};
pub(crate) use current::{current_core, current_host};
pub(crate) use handle::{Process, invoke};
pub(crate) use id_map::{ById, take_out};
pub(crate) use inline::{Frame, with_host};
pub(crate) use link::{Guarded, Leftover, Link, News, Parent, Report};
pub(crate) use registry::lineage;
pub(crate) use spawn::{Detached, Launch, Life, Request, drop_runner, launch, spawn_member};
