//! Which process is drawn on which track.
//!
//! A process has a track of its own, which is named by its path. A member that is restarted stays on the track of that
//! member. Of members that come and go under ever new names, and of which few are there at the same time, each takes a
//! track that is free, so that there are as many tracks as members at a time.
//!
//! Invariants:
//! 1. No two processes are on one track at the same time.
//! 2. Tracks stand in the order of the tree: each below that of its parent, and among its siblings in the order in which
//!    those were started first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::fmt::Write;

use super::lives::{Life, Lives};
use crate::draw::in_a_path;
use crate::id::ProcessId;

/// Of so many names in one place, each has its own track in any case.
const FEW: usize = 16;

/// What stands for the names of those that come and go.
const ANY: &str = "*";

/// From when to when a process is there.
pub(super) type Span = (u64, u64);

pub(super) struct Track {
    pub(super) title: String,
    /// Those that are drawn on it, one after the other.
    pub(super) lives: Vec<usize>,
}

/// The tracks, in their order. `spans` has one for each life.
pub(super) fn tracks(lives: &Lives<'_>, spans: &[Span]) -> Vec<Track> {
    let mut layout = Layout::default();
    let mut order: Vec<_> = (0..lives.all.len()).collect();
    let depths: Vec<_> = lives.all.iter().map(Life::depth).collect();
    // Those above come first, so that it is known where they stand.
    order.sort_by_key(|life| (depths[*life], spans[*life].0, *life));
    let levels: Vec<_> = order.chunk_by(|a, b| depths[*a] == depths[*b]).collect();
    let crowds = crowds(lives, spans, &levels);
    let mut nodes = vec![0; lives.all.len()];
    for life in levels.concat() {
        let parent = layout.parent_of(&lives.all[life], lives, &nodes);
        let mut label = String::new();
        let _ = match crowds.contains(&life) {
            true => label.write_str(ANY),
            false => in_a_path(lives.all[life].path.name(), &mut label),
        };
        nodes[life] = layout.place(parent, label, lives.all[life].id, spans[life], life);
    }
    layout.in_order()
}

/// Those that come and go under ever new names. `levels` has the lives of each depth, the highest first.
fn crowds(lives: &Lives<'_>, spans: &[Span], levels: &[&[usize]]) -> HashSet<usize> {
    // Where a life stands, with those names left out that do not matter.
    let mut places = HashMap::new();
    let mut place_of = vec![0; lives.all.len()];
    let mut crowds = HashSet::new();
    for level in levels {
        let mut siblings: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for life in *level {
            let parent = lives.all[*life].parent;
            let known = parent.and_then(|id| lives.place_of(id));
            let above = match known {
                Some(parent) => (place_of[parent], None),
                None => (0, parent),
            };
            siblings.entry(above).or_default().push(*life);
        }
        for (above, siblings) in siblings {
            let name_of = |life: usize| lives.all[life].path.name();
            let names: HashSet<_> = siblings.iter().map(|life| name_of(*life)).collect();
            let come_and_go = || 2 * most_at_a_time(&siblings, spans) <= names.len();
            let is_crowd = names.len() > FEW && come_and_go();
            for life in siblings {
                let name = if is_crowd { ANY } else { name_of(life) };
                let next = places.len() + 1;
                place_of[life] = *places.entry((above, name)).or_insert(next);
                if is_crowd {
                    crowds.insert(life);
                }
            }
        }
    }
    crowds
}

fn most_at_a_time(lives: &[usize], spans: &[Span]) -> usize {
    let comes = lives.iter().map(|life| (spans[*life].0, true));
    let goes = lives.iter().map(|life| (spans[*life].1, false));
    let mut steps: Vec<_> = comes.chain(goes).collect();
    steps.sort_unstable(); // at one time, those that go come first
    let (mut now, mut most) = (0_usize, 0);
    for (_, comes) in steps {
        now = if comes {
            now + 1
        } else {
            now.saturating_sub(1)
        };
        most = most.max(now);
    }
    most
}

#[derive(Default)]
struct Layout {
    nodes: Vec<Node>,
    /// All of one label below one node.
    lanes: HashMap<(Option<usize>, String), Lanes>,
}

/// A place for a track, which may stay empty.
struct Node {
    title: String,
    lives: Vec<usize>,
}

#[derive(Default)]
struct Lanes {
    nodes: Vec<usize>,
    free: BTreeSet<usize>,
    /// Until when, and which.
    busy: BinaryHeap<Reverse<(u64, usize)>>,
    /// The first that was started with this label.
    first: Option<ProcessId>,
}

impl Layout {
    fn parent_of(&mut self, life: &Life<'_>, lives: &Lives<'_>, nodes: &[usize]) -> Option<usize> {
        let parent = life.parent?;
        if let Some(place) = lives.place_of(parent) {
            return Some(nodes[place]);
        }
        // Nothing is said of it: where it stands is told by the path, from the nearest on of which something is.
        let mut unknown = Vec::new();
        let mut at = None;
        for id in life.path.above() {
            at = lives.place_of(id).map(|place| nodes[place]);
            if at.is_some() {
                break;
            }
            unknown.push(id);
        }
        let path = life.path.to_string();
        let names = path.rsplit('/').skip(1);
        let unknown: Vec<_> = names.zip(unknown).collect();
        for (name, id) in unknown.into_iter().rev() {
            let first = self.node(at, name.to_owned(), id, 0);
            at = Some(first);
        }
        at
    }

    /// Puts a life on the first track of its label that is free; returns where. They come in the order of their begin.
    fn place(
        &mut self,
        parent: Option<usize>,
        label: String,
        id: ProcessId,
        span: Span,
        life: usize,
    ) -> usize {
        let lanes = self.lanes.entry((parent, label.clone())).or_default();
        while let Some(Reverse((until, lane))) = lanes.busy.peek().copied()
            && until <= span.0
        {
            lanes.busy.pop();
            lanes.free.insert(lane);
        }
        let lane = lanes.free.pop_first().unwrap_or(lanes.busy.len());
        lanes.busy.push(Reverse((span.1, lane))); // Invariant 1
        let node = self.node(parent, label, id, lane);
        self.nodes[node].lives.push(life);
        node
    }

    fn node(&mut self, parent: Option<usize>, label: String, id: ProcessId, lane: usize) -> usize {
        let above = parent.map(|node| self.nodes[node].title.clone() + "/");
        let mut title = above.unwrap_or_default() + &label;
        if lane > 0 {
            title += &format!(" ({})", lane + 1);
        }
        let lanes = self.lanes.entry((parent, label)).or_default();
        lanes.first = Some(lanes.first.map_or(id, |first| first.min(id)));
        if let Some(node) = lanes.nodes.get(lane) {
            return *node;
        }
        let node = self.nodes.len();
        lanes.nodes.push(node);
        self.nodes.push(Node {
            title,
            lives: Vec::new(),
        });
        node
    }

    fn in_order(mut self) -> Vec<Track> {
        let mut below: HashMap<_, Vec<_>> = HashMap::new();
        for ((parent, _), lanes) in self.lanes {
            let siblings = below.entry(parent).or_default();
            siblings.push((lanes.first, lanes.nodes));
        }
        let mut put_last_first = |parent: Option<usize>, next: &mut Vec<usize>| {
            let mut siblings = below.remove(&parent).unwrap_or_default();
            siblings.sort_unstable();
            let nodes = siblings.into_iter().flat_map(|(_, nodes)| nodes);
            let nodes: Vec<_> = nodes.collect();
            next.extend(nodes.into_iter().rev());
        };
        let mut next = Vec::new();
        put_last_first(None, &mut next);
        let mut tracks = Vec::new();
        while let Some(place) = next.pop() {
            put_last_first(Some(place), &mut next); // Invariant 2
            let node = &mut self.nodes[place];
            if !node.lives.is_empty() {
                tracks.push(Track {
                    title: std::mem::take(&mut node.title),
                    lives: std::mem::take(&mut node.lives),
                });
            }
        }
        tracks
    }
}
