//! Where a process stands: the names of those above it, fixed at its start.
//!
//! Invariants:
//! 1. What a process knows of those above it never changes, whatever becomes of them.
//! 2. All children of a process share one `Ancestor`; a process without children has none. So a flat tree costs a
//!    pointer for each process, and a deep one a node for each level.
//! 3. A chain has at most `LONGEST` nodes, however long a row of processes that start each other and end.

use crate::draw::in_a_path as escape;
use crate::id::ProcessId;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// As many names a path has at most.
const LONGEST: usize = 1_000;

/// A process as those below it know it.
#[derive(Debug)]
pub(crate) struct Ancestor {
    pub(crate) id: ProcessId,
    name: Arc<str>,
    above: Option<Arc<Ancestor>>,
    /// How many names stand in its own path.
    depth: usize,
    /// More names stood above, and were left out.
    is_cut: bool,
    /// How many of its children live, at most.
    children: AtomicUsize,
}

impl Ancestor {
    pub(super) fn new(id: ProcessId, name: &Arc<str>, above: Option<&Arc<Ancestor>>) -> Self {
        let depth = above.map_or(1, |above| above.depth + 1);
        let is_cut = depth > LONGEST; // Invariant 3: the path begins anew
        Ancestor {
            id,
            name: Arc::clone(name),
            above: above.filter(|_| !is_cut).cloned(),
            depth: if is_cut { 1 } else { depth },
            is_cut,
            children: AtomicUsize::new(0),
        }
    }

    pub(super) fn child_starts(&self) {
        self.children.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn child_ends(&self) {
        self.children.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn has_children(&self) -> bool {
        self.children.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Ancestor {
    fn drop(&mut self) {
        // One after the other, and not each inside the one below: the thread may have a small stack.
        let mut next = self.above.take();
        while let Some(ancestor) = next {
            next = Arc::into_inner(ancestor).and_then(|mut ancestor| ancestor.above.take());
        }
    }
}

/// The path of a process named `name` that stands below `above`.
pub(in crate::process) fn path(name: &str, above: Option<&Arc<Ancestor>>) -> String {
    let mut ancestors = Vec::new();
    let mut next = above;
    while let Some(ancestor) = next {
        ancestors.push(ancestor);
        next = ancestor.above.as_ref();
    }
    let mut path = String::new();
    if ancestors.last().is_some_and(|top| top.is_cut) {
        path.push_str("…/");
    }
    for ancestor in ancestors.into_iter().rev() {
        escape(&ancestor.name, &mut path);
        path.push('/');
    }
    escape(name, &mut path);
    path
}

/// Whether `path`, which begins below the process `from`, is that of a process named `name` that stands below `above`.
pub(super) fn leads(
    from: ProcessId,
    path: &str,
    name: &str,
    above: Option<&Arc<Ancestor>>,
) -> bool {
    let (mut name, mut above) = (name, above);
    let mut names = path.rsplit('/');
    while let Some(wanted) = names.next() {
        if !is_escaped(name, wanted) {
            return false;
        }
        let Some(ancestor) = above else { return false };
        if ancestor.id == from {
            return names.next().is_none();
        }
        (name, above) = (&ancestor.name, ancestor.above.as_ref());
    }
    false
}

fn is_escaped(name: &str, in_a_path: &str) -> bool {
    let mut escaped = String::new();
    if name.contains(['/', '%']) {
        escape(name, &mut escaped);
        return escaped == in_a_path;
    }
    name == in_a_path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(above: Option<&Arc<Ancestor>>, id: u64, name: &str) -> Arc<Ancestor> {
        Arc::new(Ancestor::new(ProcessId(id), &name.into(), above))
    }

    #[test]
    fn a_path_names_all_from_the_top_and_can_be_split_at_its_slashes() {
        assert_eq!(path("alone", None), "alone");
        let app = below(None, 1, "app");
        let web = below(Some(&app), 2, "web/1 at 100%");
        assert_eq!(
            path("listener", Some(&web)),
            "app/web%2F1 at 100%25/listener"
        );
    }

    #[test]
    fn a_path_leads_to_what_stands_there_and_only_from_where_it_begins() {
        let app = below(None, 1, "app");
        let web = below(Some(&app), 2, "web/1");
        let leads = |from, path| leads(ProcessId(from), path, "listener", Some(&web));
        assert!(leads(1, "web%2F1/listener") && leads(2, "listener"));
        for (from, path) in [
            (1, "listener"),
            (2, "web%2F1/listener"),
            (1, "web/1/listener"),
            (1, "web%2F1/listener/"),
            (1, "/web%2F1/listener"),
            (1, ""),
            (3, "app/web%2F1/listener"),
        ] {
            assert!(!leads(from, path), "{path} from {from}");
        }
    }

    #[test]
    fn a_path_has_a_thousand_names_at_most_and_is_dropped_on_a_small_stack() {
        let mut last = below(None, 0, "a");
        for id in 1..LONGEST as u64 {
            last = below(Some(&last), id, "a");
        }
        let longest = path("b", Some(&last));
        assert_eq!(longest.split('/').count(), LONGEST + 1);
        assert!(longest.starts_with("a/a/"));
        let again = below(Some(&last), 7, "c");
        assert_eq!(path("d", Some(&again)), "…/c/d");
        let small = std::thread::Builder::new().stack_size(16 * 1024);
        small
            .spawn(move || drop((last, again)))
            .unwrap()
            .join()
            .unwrap();
    }
}
