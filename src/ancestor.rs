//! Where a process stands: the names of those above it, fixed at its start.
//!
//! Invariants:
//! 1. What a process knows of those above it never changes, whatever becomes of them.
//! 2. All children of a process share one `Ancestor`; a process without children has none. So a flat tree costs a
//!    pointer for each process, and a deep one a node for each level.
//! 3. A chain has at most `LONGEST` nodes, however long a row of processes that start each other and end.
//! 4. What a path says of a name is bounded, and stands on one line: no terminal takes it for a command.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::draw::{LINE, in_a_path as escape, is_special_in_a_path};
use crate::id::ProcessId;
use crate::sync::Arc;
#[cfg(feature = "metrics")]
use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// As many names a path has at most.
const LONGEST: usize = 1_000;

const CUT: char = '…';

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
    /// Its children come and go: there is no end of their names.
    #[cfg(feature = "metrics")]
    has_passing_children: AtomicBool,
}

impl Ancestor {
    pub(crate) fn new(id: ProcessId, name: &Arc<str>, above: Option<&Arc<Ancestor>>) -> Self {
        let depth = above.map_or(1, |above| above.depth + 1);
        let is_cut = depth > LONGEST; // Invariant 3: the path begins anew
        Ancestor {
            id,
            name: bounded(name),
            above: above.filter(|_| !is_cut).cloned(),
            depth: if is_cut { 1 } else { depth },
            is_cut,
            children: AtomicUsize::new(0),
            #[cfg(feature = "metrics")]
            has_passing_children: AtomicBool::new(false),
        }
    }

    /// From now on the names of its children are not told apart in metrics.
    pub(crate) fn takes_passing_children(&self) {
        #[cfg(feature = "metrics")]
        self.has_passing_children.store(true, Ordering::Relaxed);
    }

    pub(crate) fn child_starts(&self) {
        self.children.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn child_ends(&self) {
        self.children.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn has_children(&self) -> bool {
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

/// The numbers of those that stand in a chain, the nearest first.
pub(crate) fn ids(above: Option<&Arc<Ancestor>>) -> impl Iterator<Item = ProcessId> {
    chain(above).map(|ancestor| ancestor.id)
}

fn chain(above: Option<&Arc<Ancestor>>) -> impl Iterator<Item = &Ancestor> {
    let above = above.map(Arc::as_ref);
    std::iter::successors(above, |ancestor| ancestor.above.as_deref())
}

/// Writes the path of a process named `name` that stands below `above`.
pub(crate) fn write_path(
    to: &mut impl Write,
    name: &str,
    above: Option<&Arc<Ancestor>>,
) -> fmt::Result {
    write_names(to, name, above, |name, _| name)
}

/// The same, with `*` for each name of a process that comes and goes.
#[cfg(feature = "metrics")]
pub(crate) fn write_pattern(
    to: &mut impl Write,
    name: &str,
    above: Option<&Arc<Ancestor>>,
) -> fmt::Result {
    write_names(to, name, above, |name, above| match above {
        Some(above) if above.has_passing_children.load(Ordering::Relaxed) => "*",
        _ => name,
    })
}

/// Writes what stands for each name, which is given with what is above it.
fn write_names(
    to: &mut impl Write,
    name: &str,
    above: Option<&Arc<Ancestor>>,
    shown: impl for<'n> Fn(&'n str, Option<&Arc<Ancestor>>) -> &'n str,
) -> fmt::Result {
    let ancestors: Vec<_> = chain(above).collect();
    if ancestors.last().is_some_and(|top| top.is_cut) {
        write!(to, "{CUT}/")?;
    }
    for ancestor in ancestors.into_iter().rev() {
        escape(&cut(shown(&ancestor.name, ancestor.above.as_ref())), to)?;
        to.write_char('/')?;
    }
    escape(&cut(shown(name, above)), to)
}

/// The name as it is kept for paths: itself, unless it is longer than a name in a path may be.
pub(crate) fn bounded(name: &Arc<str>) -> Arc<str> {
    match cut(name) {
        Cow::Borrowed(_) => Arc::clone(name),
        Cow::Owned(cut) => cut.into(),
    }
}

fn cut(name: &str) -> Cow<'_, str> {
    if name.len() <= LINE {
        return name.into();
    }
    let (mut cut, room) = (String::new(), LINE - CUT.len_utf8());
    let fitting = name
        .char_indices()
        .take_while(|(at, char)| at + char.len_utf8() <= room);
    cut.extend(fitting.map(|(_, char)| char));
    cut.push(CUT);
    cut.into()
}

/// Whether `path`, which begins below the process `from`, is that of a process named `name` that stands below `above`.
pub(crate) fn leads(
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
    if name.len() <= LINE && !name.contains(is_special_in_a_path) {
        return name == in_a_path;
    }
    let mut escaped = String::new();
    escape(&cut(name), &mut escaped).is_ok() && escaped == in_a_path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str, above: Option<&Arc<Ancestor>>) -> String {
        let mut path = String::new();
        write_path(&mut path, name, above).unwrap();
        path
    }

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
    fn a_path_is_one_line_whatever_the_names_are() {
        let app = below(None, 1, "a\nb");
        let path = path("\u{1b}[31m\u{2028}\u{9b}", Some(&app));
        assert_eq!(path, "a%0Ab/%1B[31m%E2%80%A8%C2%9B");
        let leads = leads(ProcessId(1), "%1B[31m", "\u{1b}[31m", Some(&app));
        assert!(leads);
    }

    #[test]
    fn a_long_name_is_cut_in_a_path_between_two_characters() {
        let long: Arc<str> = "ä".repeat(1_000_000).into();
        let app = below(None, 1, &long);
        for part in path(&long, Some(&app)).split('/') {
            assert!((LINE - 4..=LINE).contains(&part.len()));
            assert!(part.ends_with("ä…"));
            assert!(leads(ProcessId(1), part, &long, Some(&app)));
        }
        assert_eq!(cut(&"a".repeat(LINE)).len(), LINE);
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
