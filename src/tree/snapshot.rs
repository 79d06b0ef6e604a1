//! Taking a snapshot of all processes that live.
//!
//! It waits for no process and asks no group: what it reads is under locks that are held for a moment only. It does not
//! recurse: processes may stand in each other as deep as there are threads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Tree, TreeNode};
use crate::disposal::defer_quietly;
use crate::process::last_exit::LastExit;
use crate::process::{Core, Row, Standing, Status, registry};
use crate::sync::{Arc, now};

/// A snapshot of all processes of this program whose threads live, among them those that were given up, and of the members
/// of groups that are to be started, for the first time or again.
///
/// Never blocks for longer than it takes to look at each, and waits for no process and no group. Linear in their number.
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
    let living = registry::living();
    let mut below: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut top = Vec::new();
    let mut last = None; // siblings stand beside each other, most of the time
    for (n, core) in living.iter().enumerate() {
        let parent = core.parent();
        let is_last = |(id, _): &(_, usize)| Some(*id) == parent;
        let found = last.filter(is_last).or_else(|| {
            let id = parent?;
            let place = living.binary_search_by_key(&id, |core| core.id).ok()?;
            Some((id, place))
        });
        last = found.or(last);
        match found {
            Some((_, place)) => below.entry(place).or_default().push(n),
            None => top.push(n),
        }
    }
    let look = Look {
        living,
        below,
        now: now(),
    };
    let (mut built, mut orphans) = (Built::new(), Vec::new());
    // What stands below a process has a greater number, so it is there before that process needs it.
    for n in look.below.keys().rev() {
        if let Some(node) = look.node(*n, &mut built, &mut orphans) {
            built.insert(*n, node);
        }
    }
    let mut roots = look.nodes(&top, &mut built, &mut orphans);
    if !orphans.is_empty() {
        roots.append(&mut orphans);
        roots.sort_by_key(|node| node.id);
    }
    Tree { roots }
}

/// By their places: those that have others below them, until the one above them is built.
type Built = BTreeMap<usize, TreeNode>;

struct Look {
    /// In the order of their numbers.
    living: Vec<Arc<Core>>,
    /// By the place of a process among those: the places of those it has started.
    below: BTreeMap<usize, Vec<usize>>,
    now: Instant,
}

impl Look {
    /// These, but for those that have exited; what stands below one that has is an orphan.
    fn nodes(
        &self,
        places: &[usize],
        built: &mut Built,
        orphans: &mut Vec<TreeNode>,
    ) -> Vec<TreeNode> {
        let mut nodes = Vec::with_capacity(places.len());
        nodes.extend(places.iter().filter_map(|n| self.built(*n, built, orphans)));
        nodes
    }

    /// One that is built already, or one that has none below it.
    fn built(&self, n: usize, built: &mut Built, orphans: &mut Vec<TreeNode>) -> Option<TreeNode> {
        match self.below.contains_key(&n) {
            true => built.remove(&n),
            false => self.node(n, built, orphans),
        }
    }

    fn node(&self, n: usize, built: &mut Built, orphans: &mut Vec<TreeNode>) -> Option<TreeNode> {
        let core = &self.living[n];
        let below = self.below.get(&n).map_or(&[][..], |below| below);
        let glance = core.glance();
        if glance.status == Status::Exited {
            // An exit is published a moment before its thread is done.
            let alone = self.nodes(below, built, orphans);
            orphans.extend(alone);
            return None;
        }
        let now = self.now(core);
        let past = core.past_runs();
        let next_try = past
            .next_try
            .filter(|_| glance.status == Status::Restarting);
        let children = match core.board_if_any() {
            None => self.nodes(below, built, orphans),
            Some(board) => self.members(core, below, board.rows(), built, orphans),
        };
        Some(TreeNode {
            id: Some(core.id),
            name: core.name.to_string(),
            kind: core.kind(),
            status: glance.status,
            status_for: now.saturating_duration_since(glance.since),
            uptime: core.started().map(|at| now.saturating_duration_since(at)),
            restarts: past.restarts,
            next_try: next_try.and_then(|at| until(at, now)),
            last_error: past.last_exit.as_ref().and_then(LastExit::line),
            note: core.last_note(),
            stalled_for: core
                .stalled_since()
                .map(|since| now.saturating_duration_since(since)),
            pending: glance.pending,
            thread: core.thread(),
            os_thread_id: core.os_thread_id(),
            children,
        })
    }

    /// The system's clock is asked once for all.
    fn now(&self, core: &Core) -> Instant {
        match core.clock.is_manual() {
            true => core.clock.now(),
            false => self.now,
        }
    }

    /// The members of a group, in its order: those that live, and those that only its board has.
    fn members(
        &self,
        group: &Core,
        living: &[usize],
        rows: Vec<(u64, Row)>,
        built: &mut Built,
        orphans: &mut Vec<TreeNode>,
    ) -> Vec<TreeNode> {
        let now = self.now(group);
        let rank = |n: &usize| self.living[*n].rank_in(group.id).unwrap_or(u64::MAX);
        let mut living: Vec<_> = living.iter().map(|n| (rank(n), *n)).collect();
        living.sort_by_key(|(rank, _)| *rank); // those that have none keep their order
        let mut rows = rows.into_iter().peekable();
        let mut members = Vec::with_capacity(living.len() + rows.len());
        for (rank, n) in living {
            while let Some((_, row)) = rows.next_if(|(before, _)| *before < rank) {
                members.extend(away(&row, now));
            }
            let Some(mut node) = self.built(n, built, orphans) else {
                continue; // it is gone: its row may belong to the next run of the member
            };
            // The process counts, where one has just started or exited.
            if let Some((_, row)) = rows.next_if(|(same, _)| *same == rank) {
                node.restarts += row.restarts;
                if node.last_error.is_none() {
                    node.last_error = row.last_exit.as_ref().and_then(LastExit::line);
                }
            }
            members.push(node);
        }
        members.extend(rows.filter_map(|(_, row)| away(&row, now)));
        members
    }
}

/// A member without a process.
fn away(row: &Row, now: Instant) -> Option<TreeNode> {
    let (status, since, next_try) = match row.standing {
        Standing::Up => return None, // its process has just exited
        Standing::Waiting { since } => (Status::Waiting, since, None),
        Standing::Down { since, next_try } => (Status::Down, since, next_try),
    };
    Some(TreeNode {
        id: None,
        name: row.name.to_string(),
        kind: None,
        status,
        status_for: now.saturating_duration_since(since),
        uptime: None,
        restarts: row.restarts,
        next_try: next_try.and_then(|at| until(at, now)),
        last_error: row.last_exit.as_ref().and_then(LastExit::line),
        note: None,
        stalled_for: None,
        pending: Vec::new(),
        thread: None,
        os_thread_id: None,
        children: Vec::new(),
    })
}

/// How long it is until then, if that is still to come.
fn until(at: Instant, now: Instant) -> Option<Duration> {
    at.checked_duration_since(now)
}
