//! The real thing for each part of a tree.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use ifrit::BoxRunner;
use ifrit::grouper::{Admin, Group, Order, Ordered, Parallel, QueueOrdered};
use ifrit::prelude::{Member, ReadySender, Receiver, Runner, Signal};
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::FakeRunner;

use super::scene::{Again, Kind, Options, Policy};
use super::world::{BUDGET, DELAY, MOST, STEADY, WITHIN, What, World};
use crate::kit::SECOND;

/// The handles to what was built, by node.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) admins: BTreeMap<usize, Admin>,
    pub(super) fakes: BTreeMap<usize, FakeRunner>,
    /// Each living thread keeps one.
    alive: Arc<()>,
    /// By node, the system's number of the thread it runs on.
    threads: Arc<Mutex<BTreeMap<usize, String>>>,
}

/// A runner whose thread is counted to its very end, when all it had to report is reported.
struct Counted {
    runner: BoxRunner,
    alive: Weak<()>,
    node: usize,
    threads: Arc<Mutex<BTreeMap<usize, String>>>,
}

thread_local! {
    static ALIVE: RefCell<Option<Arc<()>>> = const { RefCell::new(None) };
}

impl Runner for Counted {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        ALIVE.set(self.alive.upgrade());
        let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
        self.threads.lock().unwrap().insert(self.node, thread);
        self.runner.run(signals, ready)
    }
}

impl Parts {
    /// How many threads live.
    pub(super) fn threads(&self) -> usize {
        Arc::strong_count(&self.alive) - 1
    }

    /// Whether the thread of this node sleeps. One whose run is over and that is to be run again does so once its pause
    /// has begun, of which nothing else can be seen.
    pub(super) fn sleeps(&self, n: usize) -> bool {
        let thread = self.threads.lock().unwrap().get(&n).cloned();
        let stat = thread.map(|thread| format!("/proc/self/task/{thread}/stat"));
        let stat = stat.and_then(|path| std::fs::read_to_string(path).ok());
        stat.is_none_or(|stat| {
            let (_, state) = stat.rsplit_once(") ").unwrap_or_default();
            state.starts_with('S')
        })
    }

    pub(super) fn runner(&mut self, world: &World, n: usize) -> BoxRunner {
        let runner = self.uncounted(world, n);
        Box::new(Counted {
            runner,
            alive: Arc::downgrade(&self.alive),
            node: n,
            threads: Arc::clone(&self.threads),
        })
    }

    fn uncounted(&mut self, world: &World, n: usize) -> BoxRunner {
        let runner: BoxRunner = match &world.nodes[n].what {
            What::Leaf(_) => Box::new(self.fakes.entry(n).or_default().clone()),
            What::Group(group) => {
                let members = self.members(world, n);
                match group.settings.kind {
                    Kind::Ordered => self.group(Ordered::new(members), world, n),
                    Kind::QueueOrdered => self.group(QueueOrdered::new(members), world, n),
                    Kind::Parallel => self.group(Parallel::new(members), world, n),
                }
            }
        };
        let restarter = match world.nodes[n].again {
            None => return runner,
            Some(Again::Always) => Restarter::always(runner),
            Some(Again::OnError) => Restarter::on_error(runner),
        };
        let restarter = restarter.backoff(backoff(world.nodes[n].options));
        Box::new(restarter.reset_after(STEADY).budget(budget()))
    }

    fn members(&mut self, world: &World, g: usize) -> Vec<Member> {
        let members = world.group(g).members.iter();
        members.map(|m| self.member(world, *m)).collect()
    }

    pub(super) fn member(&mut self, world: &World, m: usize) -> Member {
        let options = world.nodes[m].options;
        let mut member = Member::new(world.nodes[m].name.clone(), self.runner(world, m));
        if options.one_shot {
            member = member.one_shot();
        }
        if options.significant {
            member = member.significant();
        }
        if options.essential {
            member = member.essential();
        }
        if let Some(limit) = options.start_within {
            member = member.start_within(limit * SECOND);
        }
        if let Some(limit) = options.stop_within {
            member = member.stop_within(limit * SECOND);
        }
        if let Some(delay) = options.stop_delay {
            member = member.stop_delay(delay * SECOND);
        }
        let mut restart = match options.policy {
            None => return member,
            Some(Policy::Permanent) => Restart::permanent(),
            Some(Policy::Transient) => Restart::transient(),
            Some(Policy::Temporary) => Restart::temporary(),
        };
        if options.from_the_start {
            restart = restart.from_the_start();
        }
        member.restart(restart.backoff(backoff(options)).reset_after(STEADY))
    }

    fn group<O: Order>(&mut self, group: Group<O>, world: &World, g: usize) -> BoxRunner
    where
        Group<O>: Runner + 'static,
    {
        let settings = world.group(g).settings;
        let mut group = group
            .strategy(settings.strategy)
            .auto_shutdown(settings.auto_shutdown)
            .budget(budget());
        group = match settings.termination {
            Some(signal) => group.termination(signal),
            None => group.without_termination(),
        };
        if let Some(limit) = settings.start_within {
            group = group.start_within(limit * SECOND);
        }
        if let Some(limit) = settings.stop_within {
            group = group.stop_within(limit * SECOND);
        }
        if let Some(grace) = settings.kill_grace {
            group = group.kill_grace(grace * SECOND);
        }
        self.admins.insert(g, group.admin());
        Box::new(group)
    }
}

fn backoff(options: Options) -> Backoff {
    match options.grows {
        true => Backoff::exponential(DELAY, MOST),
        false => Backoff::constant(DELAY),
    }
}

fn budget() -> Budget {
    Budget::new(BUDGET, WITHIN)
}
