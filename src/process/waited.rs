//! For what a process is waited for, and by which other.

use std::time::Instant;

use super::core::{Core, registry};
use super::link::Awaited;
use super::status::Status;
use crate::id::ProcessId;
use crate::observe::Path;

/// A process that takes its time, as those see it that wait for it.
pub(crate) struct Waited {
    /// None if nothing waits for it.
    pub(crate) by: Option<(ProcessId, Path)>,
    pub(crate) until: Awaited,
    /// When the limit of the wait is over.
    pub(crate) limit: Option<Instant>,
}

/// What waits for the process: for its start, or for its stop. None where that is over.
///
/// A start that nothing waits for may take as long as it likes. A stop is waited for by what is above, or by the program.
pub(crate) fn waited_for(id: ProcessId, is_stop: bool) -> Option<Waited> {
    let core = registry::get(id)?;
    let of = |core: &Core| (core.id, core.path());
    let named = |id: Option<ProcessId>| id.and_then(registry::get).map(|core| of(&core));
    match core.status() {
        Status::Exited | Status::Abandoned => None,
        _ if is_stop => Some(Waited {
            by: named(core.parent()).or_else(|| Some(of(&core))),
            until: Awaited::ToEnd,
            limit: core.stop_end().map(|limit| limit.end),
        }),
        Status::Ready => None,
        _ => Some(Waited {
            by: named(core.awaited_by()),
            until: core.awaited(),
            limit: core.start_limit().map(|limit| limit.end),
        }),
    }
}
