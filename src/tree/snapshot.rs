//! Taking a snapshot of all processes that live.

use std::collections::{BTreeMap, BTreeSet};

use super::{Tree, TreeNode};
use crate::disposal::defer_quietly;
use crate::id::ProcessId;
use crate::process::{Core, Status, registry};
use crate::sync::Arc;

/// A snapshot of all processes of this program whose threads live, among them those that were given up.
///
/// Never blocks for longer than it takes to look at each. Linear in their number.
///
/// ```
/// use ifrit::prelude::*;
///
/// let idle = ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let app = ifrit::grouper::Ordered::new(Members::new().add("db", idle));
/// let app = ifrit::Process::builder().name("app").invoke(app);
///
/// let tree = ifrit::tree();
/// assert_eq!(tree.get(app.id()).unwrap().children[0].name, "db");
/// println!("{tree}");
/// # app.signal(Signal::INTERRUPT);
/// # app.join().unwrap();
/// ```
pub fn tree() -> Tree {
    let _deferring = defer_quietly(); // a process whose last handle is this one may leave something foreign
    let mut living = registry::living();
    // An exit is published a moment before its thread is done.
    living.retain(|core| core.status() != Status::Exited);
    let ids: BTreeSet<_> = living.iter().map(|core| core.id).collect();
    let mut children: BTreeMap<Option<ProcessId>, Vec<Arc<Core>>> = BTreeMap::new();
    for core in living {
        let parent = core.parent().filter(|parent| ids.contains(parent));
        children.entry(parent).or_default().push(core);
    }
    Tree {
        roots: take_children(None, &mut children),
    }
}

fn take_children(
    parent: Option<ProcessId>,
    children: &mut BTreeMap<Option<ProcessId>, Vec<Arc<Core>>>,
) -> Vec<TreeNode> {
    let cores = children.remove(&parent).unwrap_or_default();
    cores
        .into_iter()
        .map(|core| TreeNode {
            id: core.id,
            name: core.name.to_string(),
            kind: core.kind(),
            status: core.status(),
            thread: core.thread(),
            note: core.last_note(),
            children: take_children(Some(core.id), children),
        })
        .collect()
}
