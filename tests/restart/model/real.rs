//! The real tree: moved, and looked at.

use ifrit::crossbeam_channel::{Receiver, TryRecvError, bounded};
use ifrit::grouper::{Admin, MemberState, MemberStatus};
use ifrit::process::Status;
use ifrit::testing::{Call, FakeRunner, ManualClock};
use ifrit::tree::TreeNode;
use ifrit::{Process, Runner, Signal, run_fn};

use super::build::Parts;
use super::heard::Heard;
use super::seen::{OfLeaf, OfMember, Seen};
use super::world::{Leaving, Move, What, World};
use crate::kit::{Ends, on};

pub(super) struct Real {
    pub(super) clock: ManualClock,
    pub(super) process: Process,
    pub(super) heard: Heard,
    parts: Parts,
    /// By node; those of groups stay as they are.
    leaves: Vec<Leaf>,
    asked: Vec<Receiver<bool>>,
    answers: Vec<Option<bool>>,
}

/// What is known of a leaf.
#[derive(Default)]
struct Leaf {
    seen: OfLeaf,
    heard_now: Vec<Signal>,
    call: Option<Call>,
}

impl Real {
    pub(super) fn new(world: &World) -> Self {
        let (clock, mut parts) = (ManualClock::new(), Parts::default());
        // It begins when its listener is there, which so misses no member.
        let (listens, listened) = bounded::<()>(0);
        let mut root = parts.runner(world, 0);
        let process = on(
            &clock,
            run_fn(move |signals, ready| {
                let _ = listened.recv();
                root.run(signals, ready)
            }),
        );
        let heard = Heard::new(&process);
        drop(listens);
        Real {
            clock,
            process,
            heard,
            parts,
            leaves: Vec::new(),
            asked: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// `world` is what the model makes of it.
    pub(super) fn make(&mut self, made: &Move, world: &World) {
        match made {
            Move::Ready(n) => self.call(*n).trigger_ready(),
            Move::Ends(n, how) => {
                self.call(*n).ends(*how);
                self.leaves[*n].seen.running = false;
            }
            Move::Reads(n) => self.leaves[*n].listen(),
            Move::Told(signal) => self.process.signal(*signal),
            Move::Leave(m, how) => {
                let (admin, name) = self.admin_of(*m, world);
                match how {
                    Leaving::Terminated => self.ask(move || admin.terminate(&name).is_ok()),
                    Leaving::Removed => self.ask(move || admin.remove(&name).is_ok()),
                }
            }
            Move::Restart(m) => {
                let (admin, name) = self.admin_of(*m, world);
                self.ask(move || admin.restart(&name).is_ok());
            }
            Move::Add(g, _) => {
                let added = world.group(*g).members.last().copied().unwrap_or_default();
                let member = self.parts.member(world, added);
                let admin = self.parts.admins[g].clone();
                self.ask(move || admin.add(member).is_ok());
            }
        }
    }

    fn call(&self, n: usize) -> &Call {
        let call = self.leaves[n].call.as_ref();
        call.expect("a leaf that can be moved was called")
    }

    fn admin_of(&self, m: usize, world: &World) -> (Admin, String) {
        let node = &world.nodes[m];
        let admin = node.parent.map(|group| self.parts.admins[&group].clone());
        (admin.expect("it is a member"), node.name.clone())
    }

    /// Who asks waits until it is answered.
    fn ask(&mut self, ask: impl FnOnce() -> bool + Send + 'static) {
        let (answer, answered) = bounded(1);
        self.asked.push(answered);
        self.answers.push(None);
        std::thread::spawn(move || answer.send(ask()));
    }

    /// From now on equal signals no longer count as having come together.
    pub(super) fn next_move(&mut self) {
        for leaf in &mut self.leaves {
            leaf.heard_now.clear();
        }
    }

    /// Asks every group for something, from the root down and back. When all have answered they have dealt with what had
    /// come before.
    pub(super) fn pass_through(&self) {
        let admins = self.parts.admins.values();
        for admin in admins.clone().chain(admins.rev()) {
            let _ = admin.list();
        }
    }

    /// Whether those that wait to be run again have begun to wait.
    pub(super) fn pauses(&self, world: &World) -> bool {
        world.pausing().all(|n| self.parts.sleeps(n))
    }

    pub(super) fn look(&mut self, world: &World) -> Seen {
        self.heard.listen();
        self.leaves.resize_with(world.nodes.len(), Leaf::default);
        for (answer, asked) in self.answers.iter_mut().zip(&self.asked) {
            *answer = answer.or_else(|| asked.try_recv().ok());
        }
        let mut seen = Seen {
            root: (self.process.status(), self.process.is_ready()),
            groups: Vec::new(),
            leaves: Vec::new(),
            away: self.away(world),
            answers: self.answers.clone(),
            threads: self.parts.threads(),
        };
        for (n, node) in world.nodes.iter().enumerate() {
            let name = node.name.clone();
            match &node.what {
                What::Group(_) => {
                    let list = self.parts.admins[&n].list().ok();
                    let list = list.map(|list| list.into_iter().map(OfMember::from).collect());
                    seen.groups.push((name, list));
                }
                What::Leaf(_) => {
                    let leaf = &mut self.leaves[n];
                    leaf.look(&self.parts.fakes[&n], node.options.lazy);
                    seen.leaves.push((name, leaf.seen.clone()));
                }
            }
        }
        seen
    }
}

impl Real {
    /// What the tree shows of members without a process, in the order of the model.
    fn away(&self, world: &World) -> Vec<(String, Status)> {
        let tree = ifrit::tree();
        let root = tree.get(self.process.id());
        let mut next: Vec<&TreeNode> = root.into_iter().collect();
        let mut away = Vec::new();
        while let Some(node) = next.pop() {
            let members = node.children.iter().filter(|child| child.id.is_none());
            away.extend(members.map(|member| (member.name.clone(), member.status)));
            next.extend(&node.children);
        }
        let place = |name: &str| world.nodes.iter().position(|node| node.name == name);
        let group = |name: &str| world.nodes[place(name).unwrap_or_default()].parent;
        away.sort_by_key(|(name, _)| group(name)); // members keep their order
        away
    }
}

impl Leaf {
    fn look(&mut self, fake: &FakeRunner, lazy: bool) {
        if !lazy {
            self.listen();
        }
        while self.seen.runs < fake.calls() {
            self.call = Some(fake.wait_for_call());
            self.seen.runs += 1;
            self.seen.heard.clear();
            self.heard_now.clear();
            self.seen.running = true;
            if !lazy {
                self.listen();
            }
        }
        let unread = self.call.iter().filter(|_| lazy && self.seen.running);
        self.seen.unread = unread.map(|call| call.signals().len()).sum();
    }

    fn listen(&mut self) {
        let Some(call) = &self.call else { return };
        self.seen.running = loop {
            match call.signals().try_recv() {
                Ok(signal) if self.heard_now.contains(&signal) => {}
                Ok(signal) => {
                    self.heard_now.push(signal);
                    self.seen.heard.push(signal);
                }
                Err(error) => break error == TryRecvError::Empty,
            }
        };
    }
}

impl From<MemberStatus> for OfMember {
    fn from(member: MemberStatus) -> Self {
        use MemberState::{Ready, Restarting, Starting, Stopping};
        let process = member
            .process
            .filter(|_| matches!(member.state, Starting | Ready | Stopping | Restarting));
        OfMember {
            name: member.name,
            state: member.state,
            restarts: member.restarts,
            ready: process.map(|process| process.is_ready()),
        }
    }
}

impl Drop for Real {
    /// No thread is left behind, however it went.
    fn drop(&mut self) {
        self.process.signal(Signal::KILL);
        for fake in self.parts.fakes.values() {
            fake.ensure_exit();
        }
    }
}
