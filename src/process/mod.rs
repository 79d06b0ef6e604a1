//! A runner on a thread of its own.

mod builder;
mod by_id;
mod core;
mod current;
mod handle;
mod inline;
mod link;
pub(crate) mod registry;
mod scope;
mod spawn;
mod status;
pub(crate) mod threads;
mod wait;

pub use builder::Builder;
pub use current::current;
pub use handle::{Process, background, invoke};
pub use scope::{Scope, scope};
pub use status::Status;
pub use wait::Wait;

pub(crate) use self::core::{Core, DEFAULT_GRACE, earlier};
pub(crate) use by_id::{ById, take_out};
pub(crate) use current::{current_core, current_host};
pub(crate) use inline::{Frame, with_host};
pub(crate) use link::{Guarded, Leftover, Link, News, Parent, Report};
pub(crate) use registry::lineage;
pub(crate) use spawn::{Detached, Launch, Life, Request, drop_runner, launch, spawn_member};
