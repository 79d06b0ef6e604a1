//! A random tree, random things that are done to it, and its end.

use std::convert::Infallible;
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Sender, bounded};
use ifrit::grouper::{Admin, Capacity, Group, Order, Strategy, order};
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::PATIENCE;
use ifrit::{
    BoxRunner, Process, ReadySender, Signal,
    grouper::{Dynamic, DynamicClient, Member},
    sigmon::Sigmon,
};
use rustix::process::{Signal as OsSignal, getpid, kill_process};

use crate::dice::Dice;
use crate::leaf::{Leaf, Stage};

const MOMENT: Duration = Duration::from_millis(1);

const ANY_SIGNAL: [Signal; 7] = [
    Signal::HANGUP,
    Signal::USER1,
    Signal::USER2,
    Signal::INTERRUPT,
    Signal::TERMINATE,
    Signal::QUIT,
    Signal::KILL,
];
const NOTIFICATIONS: [Signal; 3] = [Signal::HANGUP, Signal::USER1, Signal::USER2];
const STOPS: [Signal; 4] = [
    Signal::INTERRUPT,
    Signal::TERMINATE,
    Signal::QUIT,
    Signal::KILL,
];

/// What the tree is made of, besides the tree itself.
struct Scene<'d> {
    dice: &'d mut Dice,
    stage: Stage,
    clients: Vec<DynamicClient>,
    admins: Vec<Admin>,
}

/// Plays one scene to its end.
pub(crate) fn play(dice: &mut Dice, leaks: &Sender<ReadySender>) {
    let (curtain, over) = bounded::<Infallible>(0);
    let stage = Stage {
        over,
        leaks: leaks.clone(),
    };
    let mut scene = Scene {
        dice,
        stage,
        clients: Vec::new(),
        admins: Vec::new(),
    };
    let tree = scene.group(3);
    let process = Process::builder().kill_grace(2 * MOMENT).background(tree);
    // It joins the threads that ask the group for something that takes until its end.
    thread::scope(|helpers| {
        if !scene.dice.one_in(3) {
            let _ = process.wait_ready_timeout(MOMENT);
        }
        for _ in 0..scene.dice.roll(8) {
            scene.act(&process, helpers);
        }
        scene.end(process, curtain);
    });
}

impl Scene<'_> {
    fn runner(&mut self, depth: usize) -> BoxRunner {
        match self.dice.roll(8) {
            0..2 if depth > 0 => self.group(depth - 1),
            2 if depth > 0 => {
                let restarter = Restarter::on_error(self.runner(depth - 1));
                Box::new(restarter.backoff(self.backoff()).budget(self.budget()))
            }
            3 if depth > 0 => {
                let signals = [self.dice.pick(&NOTIFICATIONS)];
                let sigmon = Sigmon::new(self.runner(depth - 1)).only(signals);
                Box::new(sigmon.stop_within(4 * MOMENT).kill_grace(MOMENT))
            }
            _ => Box::new(Leaf::new(self.dice, &self.stage)),
        }
    }

    fn group(&mut self, depth: usize) -> BoxRunner {
        match self.dice.roll(5) {
            0 => self.fixed::<order::Stack>(depth),
            1 => self.fixed::<order::Queue>(depth),
            2 => self.fixed::<order::Together>(depth),
            _ => self.dynamic(),
        }
    }

    fn fixed<O: Order + 'static>(&mut self, depth: usize) -> BoxRunner {
        let members: Vec<_> = (0..self.dice.roll(10))
            .map(|n| self.member(n, depth))
            .collect();
        let strategy = self.dice.pick(&[
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
        ]);
        let mut group = Group::<O>::new(members)
            .strategy(strategy)
            .budget(self.budget());
        if self.dice.one_in(3) {
            group = group.stop_within(self.limit(4 * MOMENT));
        }
        if self.dice.one_in(4) {
            group = group.start_within(self.limit(4 * MOMENT));
        }
        if self.dice.one_in(8) {
            group = group.without_termination();
        }
        if self.dice.one_in(3) {
            self.admins.push(group.admin());
        }
        Box::new(group)
    }

    fn dynamic(&mut self) -> BoxRunner {
        let capacity = match self.dice.one_in(2) {
            true => Capacity::unlimited(),
            false => Capacity::at_most(3),
        };
        let mut group = Dynamic::new(capacity).event_buffer(2).history(2);
        if self.dice.one_in(2) {
            group = group.reuse_threads();
        }
        if self.dice.one_in(3) {
            group = group.stop_on_exit(ifrit::grouper::Ends::Errors);
        }
        if self.dice.one_in(3) {
            group = group.stop_within(4 * MOMENT);
        }
        self.clients.push(group.client());
        Box::new(group)
    }

    fn member(&mut self, n: usize, depth: usize) -> Member {
        let mut member = Member::new(n.to_string(), self.runner(depth));
        if self.dice.one_in(6) {
            member = member.one_shot();
        }
        if self.dice.one_in(3) {
            let policies = [Restart::permanent, Restart::transient, Restart::temporary];
            member = member.restart(self.dice.pick(&policies)().backoff(self.backoff()));
        }
        if self.dice.one_in(3) {
            member = member.start_within(self.limit(2 * MOMENT));
        }
        if self.dice.one_in(3) {
            member = member.stop_within(self.limit(2 * MOMENT));
        }
        if self.dice.one_in(10) {
            member = member.stop_delay(MOMENT);
        }
        member
    }

    /// This one, or one that no process lives to see.
    fn limit(&mut self, short: Duration) -> Duration {
        match self.dice.one_in(2) {
            true => short,
            false => Duration::from_secs(3_600),
        }
    }

    fn backoff(&mut self) -> Backoff {
        match self.dice.one_in(3) {
            true => Backoff::constant(MOMENT),
            false => Backoff::none(),
        }
    }

    fn budget(&mut self) -> Budget {
        Budget::new(self.dice.roll(6), Duration::from_secs(1))
    }

    /// Does something to the tree while it runs.
    fn act<'h>(&mut self, process: &Process, helpers: &'h thread::Scope<'h, '_>) {
        match self.dice.roll(10) {
            0 => {
                for _ in 0..self.dice.roll(20) {
                    process.signal(self.dice.pick(&ANY_SIGNAL));
                }
            }
            1..4 => self.insert(helpers),
            4 | 5 => {
                let _ = process.wait_ready_timeout(MOMENT);
            }
            6 => (0..20).for_each(|_| drop(process.wait())),
            7 => drop(ifrit::tree().to_string()),
            8 => {
                for _ in 0..self.dice.roll(5) {
                    let signal = self
                        .dice
                        .pick(&[OsSignal::HUP, OsSignal::USR1, OsSignal::USR2]);
                    kill_process(getpid(), signal).unwrap();
                }
            }
            _ => self.look_after(helpers),
        }
    }

    /// Members come, and sometimes the group closes at the same time.
    fn insert<'h>(&mut self, helpers: &'h thread::Scope<'h, '_>) {
        for client in self.clients.clone() {
            let members: Vec<_> = (0..self.dice.roll(10)).map(|n| self.member(n, 0)).collect();
            if self.dice.one_in(4) {
                let client = client.clone();
                helpers.spawn(move || client.close());
            }
            let mut handles = Vec::new();
            for member in members {
                handles.extend(client.insert_timeout(member, MOMENT));
            }
            if self.dice.one_in(2) {
                let _listeners = (client.entrances(), client.exits());
            }
            handles.truncate(self.dice.roll(4));
            for member in handles {
                member.signal(self.dice.pick(&ANY_SIGNAL));
            }
        }
    }

    fn look_after<'h>(&mut self, helpers: &'h thread::Scope<'h, '_>) {
        for admin in self.admins.clone() {
            let name = self.dice.roll(5).to_string();
            let what = self.dice.roll(5);
            let new = self.member(9, 0);
            helpers.spawn(move || match what {
                0 => drop(admin.list()),
                1 => drop(admin.terminate(&name)),
                2 => drop(admin.restart(&name)),
                3 => drop(admin.remove(&name)),
                _ => drop(admin.add(new)),
            });
        }
    }

    fn end(&mut self, process: Process, curtain: Sender<Infallible>) {
        let stop = self.dice.pick(&STOPS);
        let wait = process.wait();
        match self.dice.roll(4) {
            0 => drop(process.stop(stop, 2 * MOMENT)),
            1 => {
                process.signal(stop);
                let _ = process.join_timeout(2 * MOMENT);
            }
            2 => {
                drop(curtain);
                process.signal(stop);
                process.signal(Signal::KILL);
                drop(process);
                wait.recv_timeout(PATIENCE).expect("its exit").ok();
                return;
            }
            _ => {}
        }
        process.signal(Signal::KILL);
        drop(curtain);
        let exit = wait.recv_timeout(PATIENCE).expect("its exit");
        let again = process.try_exit().expect("for ever");
        assert_eq!(format!("{exit:?}"), format!("{again:?}"));
    }
}
