//! How a cascade comes to rest, in one order or another, and when something is due next.

use std::hash::{DefaultHasher, Hash, Hasher};

use ifrit::Signal;

use super::exits::Exit;
use super::group::Due;
use super::process::Inside;
use super::{Time, What, World};

#[derive(Clone, Copy, Debug, Hash)]
enum Action {
    Begin,
    PauseEnds,
    Overdue,
    Enforce,
    Hear,
    Take,
    Obey,
    DoWhatIsDue,
    Start,
    Over,
}

/// In which order a cascade takes its actions, where it has a choice.
#[derive(Clone, Copy)]
enum Order {
    TopFirst,
    BottomFirst,
    /// Some threads are faster than others.
    Ranked(u64),
    /// Each of them is faster at some things than at others.
    RankedByAction(u64),
    Random(u64),
}

fn random(seed: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    hasher.finish()
}

impl Order {
    fn pick(&mut self, actions: &[(usize, Action)]) -> Option<(usize, Action)> {
        let mut all = actions.iter().copied();
        match self {
            Order::TopFirst => all.next(),
            Order::BottomFirst => all.next_back(),
            Order::Ranked(seed) => all.max_by_key(|action| random((*seed, action.0))),
            Order::RankedByAction(seed) => all.max_by_key(|action| random((*seed, *action))),
            Order::Random(state) => {
                *state = random(*state);
                all.nth(*state as usize % actions.len().max(1))
            }
        }
    }
}

impl World {
    /// Every world in which all can come to rest, as far as orders tell: `orders` in a row, of each sort, that lead to nothing
    /// new are enough.
    pub(crate) fn outcomes(&self, orders: usize) -> Vec<World> {
        let mut outcomes: Vec<World> = Vec::new();
        let (first, had_choice) = self.clone().come_to_rest(Order::TopFirst);
        if !had_choice {
            return vec![first]; // there is one order only
        }
        outcomes.push(first);
        let mut try_out = |order| {
            let (outcome, _) = self.clone().come_to_rest(order);
            if !outcomes.contains(&outcome) {
                outcomes.push(outcome);
            }
            outcomes.len()
        };
        try_out(Order::BottomFirst);
        let (mut found, mut last_news) = (1, 0);
        for seed in 0..5_000 {
            try_out(Order::Ranked(seed));
            try_out(Order::RankedByAction(seed));
            let number = try_out(Order::Random(seed));
            if number > found {
                (found, last_news) = (number, seed);
            }
            // Where all lead to the same so far, so will the others.
            let enough = if found == 1 { 2 } else { orders };
            if seed - last_news == enough as u64 {
                break;
            }
        }
        outcomes
    }

    /// And whether there was ever a choice.
    fn come_to_rest(mut self, mut order: Order) -> (World, bool) {
        let mut had_choice = false;
        for _ in 0..10_000 {
            let actions = self.actions();
            let Some((n, action)) = order.pick(&actions) else {
                self.is_at_rest();
                return (self, had_choice);
            };
            had_choice |= actions.len() > 1;
            self.act(n, action);
        }
        panic!("the model does not come to rest: {self:#?}");
    }

    fn is_at_rest(&mut self) {
        self.moves += 1;
        for node in &mut self.nodes {
            if let What::Leaf(leaf) = &mut node.what {
                leaf.heard_now.clear();
            }
        }
    }

    /// What can happen next by itself.
    fn actions(&self) -> Vec<(usize, Action)> {
        let mut actions = Vec::new();
        for (n, node) in self.nodes.iter().enumerate() {
            let process = &node.process;
            match process.inside {
                Inside::NoThread => {}
                Inside::Begins => actions.push((n, Action::Begin)),
                Inside::Pause(until) if process.told || until <= self.now => {
                    actions.push((n, Action::PauseEnds));
                }
                Inside::Pause(_) => {}
                Inside::Runs if self.is_group(n) => {
                    actions.extend(self.action_of_group(n).map(|action| (n, action)))
                }
                Inside::Runs => {}
            }
            if process.is_watched() && process.start.is_some_and(|limit| limit.end <= self.now) {
                actions.push((n, Action::Overdue));
            }
            if process.enforced.iter().any(|(at, _)| *at <= self.now) {
                actions.push((n, Action::Enforce));
            }
        }
        actions
    }

    /// A group hears what its members have reported when it takes a signal before it obeys that, and starts no member before it
    /// has dealt with all there is.
    fn action_of_group(&self, g: usize) -> Option<Action> {
        if self.run(g).taken.is_some() {
            Some(Action::Obey)
        } else if !self.group(g).inbox.is_empty() {
            Some(Action::Hear)
        } else if !self.nodes[g].process.pending.is_empty() {
            Some(Action::Take)
        } else if self.is_due(g) {
            Some(Action::DoWhatIsDue)
        } else if self.may_start(g) {
            Some(Action::Start)
        } else {
            self.is_over(g).then_some(Action::Over)
        }
    }

    fn act(&mut self, n: usize, action: Action) {
        match action {
            Action::Begin => self.enter(n),
            Action::PauseEnds if self.nodes[n].process.told => self.returns(n, Exit::Ok),
            Action::PauseEnds => self.enter(n),
            Action::Overdue => {
                let grace = self.grace_of(n);
                let (kill_at, process) = (self.now + grace, &mut self.nodes[n].process);
                process.overdue = true;
                if process.told {
                    self.tell(n, Signal::KILL, None);
                } else {
                    let end = kill_at + grace;
                    let enforced = [(kill_at, Due::Kill), (end, Due::GiveUp)];
                    process.enforced.extend(enforced);
                    self.tell(n, Signal::INTERRUPT, Some(end));
                }
            }
            Action::Enforce => {
                let enforced = &mut self.nodes[n].process.enforced;
                enforced.sort_by_key(|(at, _)| *at); // of two at once, the one that was set first
                match enforced.remove(0) {
                    (_, Due::GiveUp) => self.give_up(n),
                    _ => {
                        self.tell(n, Signal::KILL, None);
                    }
                }
            }
            Action::Hear => self.hear(n),
            Action::Take => {
                let taken = self.nodes[n].process.pending.pop_front();
                self.run_mut(n).taken = taken;
            }
            Action::Obey => {
                if let Some(signal) = self.run_mut(n).taken.take() {
                    self.obey(n, signal);
                }
            }
            Action::DoWhatIsDue => self.do_what_is_due(n),
            Action::Start => self.start_next(n),
            Action::Over => self.run_ends(n),
        }
    }

    // Time.

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Time> {
        let of_nodes = self.nodes.iter().flat_map(|node| {
            let process = &node.process;
            let pause = match process.inside {
                Inside::Pause(until) => Some(until),
                _ => None,
            };
            let start = process.start.filter(|_| process.is_watched());
            let enforced = process.enforced.iter().map(|(at, _)| *at).min();
            [pause, start.map(|limit| limit.end), enforced]
        });
        let groups = (0..self.nodes.len()).filter(|n| self.runs_group(*n));
        let of_groups = groups.filter_map(|n| self.next_due_in(n));
        of_nodes
            .flatten()
            .chain(of_groups)
            .filter(|at| *at > self.now)
            .min()
    }

    /// A leaf whose group is to be given up at the same moment as a process inside: whether the group has reported by then
    /// is not determined.
    pub(crate) fn caught_between(&self, at: Time) -> Option<usize> {
        let given_up = |n: &usize| {
            let node = &self.nodes[*n];
            let by_group = node.member.timer == Some((at, Due::GiveUp));
            by_group || node.process.enforced.contains(&(at, Due::GiveUp))
        };
        let due: Vec<_> = (0..self.nodes.len()).filter(given_up).collect();
        let inside = |n: usize, group: usize| n != group && self.is_in(n, group);
        let twice = |group: &&usize| due.iter().any(|n| inside(*n, **group));
        let group = due.iter().find(twice)?;
        (0..self.nodes.len()).find(|n| self.is_leaf_running(*n) && self.is_in(*n, *group))
    }
}
