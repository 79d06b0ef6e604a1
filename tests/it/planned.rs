//! What a plan foretells: how long a start and a stop may take, and what is wrong.

use std::convert::Infallible;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use ifrit::grouper::{
    Admin, Batch, Capacity, Dynamic, Group, Member, Members, Order, Ordered, Parallel, QueueOrdered,
};
use ifrit::observe::{Event, Events};
use ifrit::plan::Mistake;
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::sigmon::Sigmon;
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{BoxRunner, Main, Plan, Process, ReadySender, Runner, Signal, run_fn, run_once};

use crate::support::on;

const SECOND: Duration = Duration::from_secs(1);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn leaf() -> impl Runner {
    run_fn(|_, _| Ok(()))
}

fn mistakes(runner: &impl Runner) -> Vec<String> {
    let mistakes = runner.plan().mistakes();
    mistakes.iter().map(ToString::to_string).collect()
}

// Foretelling and running.

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A limit, sometimes.
    fn limit(&mut self, one_in: u64) -> Option<Duration> {
        self.one_in(one_in)
            .then(|| Duration::from_millis(200 + 100 * self.below(150)))
    }
}

/// What a random tree is made of. Its leaves ignore what they are told, and are let go when this is dropped.
struct Parts {
    /// The groups, as they begin to run.
    begun: (Sender<Running>, Receiver<Running>),
    hold: (Sender<Infallible>, Receiver<Infallible>),
}

/// A group that runs.
struct Running {
    process: Process,
    admin: Admin,
}

/// A group that tells of itself when it begins to run.
struct Announced {
    group: BoxRunner,
    admin: Admin,
    begun: Sender<Running>,
}

impl Runner for Announced {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result {
        self.begun.send(Running {
            process: ifrit::current().expect("a process"),
            admin: self.admin.clone(),
        })?;
        self.group.run(signals, ready)
    }

    fn plan(&self) -> Plan {
        self.group.plan()
    }
}

impl Parts {
    fn new() -> Self {
        Parts {
            begun: unbounded(),
            hold: bounded(0),
        }
    }

    fn leaf(&self) -> BoxRunner {
        let hold = self.hold.1.clone();
        Box::new(run_fn(move |_, ready| {
            ready.notify();
            let _ = hold.recv();
            Ok(())
        }))
    }

    fn group<O: Order>(&self, group: Group<O>) -> BoxRunner
    where
        Group<O>: Runner + 'static,
    {
        Box::new(Announced {
            admin: group.admin(),
            group: Box::new(group),
            begun: self.begun.0.clone(),
        })
    }
}

/// Waits until nothing more happens in a tree unless the clock is moved.
///
/// What one process does to another is said as an event, before it is done. A group answers when it has dealt with what
/// had come to it before it was asked and with what is due, and has set its next timer. So where nothing is said while
/// all are asked three times, there is nothing left to happen: with the first answers each has finished what it had begun
/// before, and nothing more is on its way; with the second each has heard what had come; and those that had reached
/// their end by that were gone by the third, which would have been said.
fn until_at_rest(groups: &[Running], events: &Events<Event>) {
    loop {
        events.try_iter().for_each(drop);
        for group in groups.iter().chain(groups).chain(groups) {
            if group.admin.list().is_err() {
                let gone = group.process.exited().recv_timeout(PATIENCE);
                assert_eq!(gone, Err(RecvTimeoutError::Disconnected));
            }
        }
        if events.is_empty() {
            return;
        }
    }
}

/// A random tree of leaves that ignore what they are told.
fn tree(dice: &mut Dice, depth: u64, parts: &Parts) -> BoxRunner {
    if depth == 0 || dice.one_in(4) {
        return parts.leaf();
    }
    if dice.one_in(6) {
        let inner = tree(dice, depth - 1, parts);
        let mut sigmon = Sigmon::new(inner).only([]);
        if let Some(limit) = dice.limit(2) {
            sigmon = sigmon.stop_within(limit);
        }
        if let Some(grace) = dice.limit(3) {
            sigmon = sigmon.kill_grace(grace / 4);
        }
        return Box::new(sigmon);
    }
    if dice.one_in(6) {
        return Box::new(Restarter::always(tree(dice, depth - 1, parts)));
    }
    let count = 1 + dice.below(3);
    let members: Vec<Member> = (0..count)
        .map(|n| {
            let mut member = Member::new(format!("m{n}"), tree(dice, depth - 1, parts));
            if let Some(limit) = dice.limit(2) {
                member = member.stop_within(limit);
            }
            if let Some(delay) = dice.limit(4) {
                member = member.stop_delay(delay / 3);
            }
            if let Some(grace) = dice.limit(4) {
                member = member.kill_grace(grace / 4);
            }
            member
        })
        .collect();
    macro_rules! group {
        ($kind:ident) => {{
            let mut group = $kind::new(members);
            if let Some(limit) = dice.limit(2) {
                group = group.stop_within(limit);
            }
            if let Some(grace) = dice.limit(4) {
                group = group.kill_grace(grace / 4);
            }
            parts.group(group)
        }};
    }
    match dice.below(3) {
        0 => group!(Ordered),
        1 => group!(QueueOrdered),
        _ => group!(Parallel),
    }
}

#[test]
fn a_stop_takes_as_long_as_foretold_where_no_runner_returns() {
    let (mut bounded, mut seed) = (0, 0);
    while bounded < 40 * factor() {
        seed += 1;
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let parts = Parts::new();
        let runner = tree(&mut dice, 3, &parts);
        let plan = runner.plan();
        let Some(foretold) = plan.worst_case_stop() else {
            continue;
        };
        bounded += 1;
        let clock = ManualClock::new();
        let process = on(&clock, runner);
        process.expect_ready();
        let groups: Vec<_> = parts.begun.1.try_iter().collect();
        let events = process.events();
        process.signal(Signal::TERMINATE);
        until_at_rest(&groups, &events);
        let mut took = Duration::ZERO;
        while process.try_exit().is_none() {
            took += clock.advance_to_next();
            until_at_rest(&groups, &events);
        }
        assert_eq!(took, foretold, "seed {seed}\n{plan}");
    }
}

fn factor() -> usize {
    let factor = std::env::var("IFRIT_STRESS").ok();
    factor.map_or(1, |factor| factor.parse().expect("a number"))
}

#[test]
fn a_start_takes_as_long_as_foretold_where_each_runner_takes_as_long_as_it_may() {
    const MOMENT: Duration = Duration::from_nanos(1);
    let clock = ManualClock::new();
    let fakes: [FakeRunner; 3] = std::array::from_fn(|_| FakeRunner::new());
    let [a, b, c] = fakes.clone();
    let inner = Ordered::new(Members::new().add("b", b).add("c", c)).start_within(secs(8));
    let of_inner = inner.admin();
    let app = Ordered::new([
        Member::new("a", a).start_within(secs(5)),
        Member::new("inner", inner).start_within(secs(20)),
    ])
    .start_within(secs(12));
    let groups = [of_inner, app.admin()];
    let plan = app.plan();
    // What is left of the 12 s is 7 s, of which a tenth is kept back.
    assert_eq!(plan.worst_case_start(), Some(Duration::from_millis(11_300)));
    let app = on(&clock, app);
    let mut calls = Vec::new();
    for (fake, takes) in fakes[..2].iter().zip([5_000, 3_000]) {
        let call = fake.wait_for_call();
        clock.advance(Duration::from_millis(takes) - MOMENT);
        call.trigger_ready();
        calls.push(call);
    }
    let last = fakes[2].wait_for_call();
    // It is told that it is late at the instant that was foretold, and not before.
    let left = Duration::from_millis(3_300) + 2 * MOMENT;
    let (soon, late) = (left - MOMENT, left);
    clock.advance(soon);
    assert!(last.signals().is_empty());
    for group in groups {
        group.list().unwrap(); // with the answer, its next timer is set
    }
    let next = clock.advance_to_next();
    assert!(
        soon + next >= late - 2 * MOMENT && soon + next <= late,
        "{next:?}"
    );
    assert_eq!(last.wait_for_signal(), Signal::INTERRUPT);
    last.trigger_exit(Ok(()));
    for call in calls {
        call.trigger_exit(Ok(()));
    }
    app.expect_exit().unwrap_err();
}

#[test]
fn what_nothing_bounds_is_foretold_as_unbounded() {
    let plan = Ordered::new(Members::new().add("a", leaf()).add("b", leaf())).plan();
    assert_eq!(
        (plan.worst_case_start(), plan.worst_case_stop()),
        (None, None)
    );
    let own = Plan::new("mirror").part(Plan::new("copy"));
    assert_eq!(
        (own.worst_case_start(), own.worst_case_stop()),
        (None, None)
    );
    // A member that starts nothing is ready at once, and what comes to it later may take as long as it likes.
    let pool = Dynamic::new(Capacity::unlimited());
    let plan = pool.plan();
    assert_eq!(plan.worst_case_start(), Some(Duration::ZERO));
    assert_eq!(plan.worst_case_stop(), None);
    assert_eq!(
        pool.stop_within(secs(3)).plan().worst_case_stop(),
        Some(secs(3))
    );
}

#[test]
fn limits_that_add_up_in_order_and_together() {
    let members = || {
        [3, 4].map(|n| {
            Member::new(n.to_string(), leaf())
                .stop_within(secs(n))
                .start_within(secs(n))
        })
    };
    let ordered = Ordered::new(members()).plan();
    assert_eq!(ordered.worst_case_stop(), Some(secs(7)));
    assert_eq!(ordered.worst_case_start(), Some(secs(7)));
    let together = Parallel::new(members()).plan();
    assert_eq!(together.worst_case_stop(), Some(secs(4)));
    assert_eq!(together.worst_case_start(), Some(secs(4)));
    let program = Main::new(Ordered::new(members()).stop_within(secs(5)));
    assert_eq!(program.plan().worst_case_stop(), Some(secs(5)));
}

// What a plan has.

#[test]
fn a_plan_has_what_was_set() {
    let restart = Restart::transient().backoff(Backoff::exponential(SECOND, secs(8)));
    let web = Member::new("web", leaf())
        .start_within(secs(1))
        .stop_within(secs(2))
        .stop_delay(secs(3))
        .kill_grace(secs(4))
        .restart(restart)
        .significant();
    let step = Member::new("step", leaf()).one_shot();
    let db = Member::new("db", leaf()).essential();
    let app = Ordered::new([step, db, web]).budget(Budget::new(2, secs(9)));
    let plan = app.plan();
    assert_eq!(plan.budget(), Some((2, secs(9))));
    assert_eq!(plan.start_order(), [["step"], ["db"], ["web"]]);
    assert_eq!(plan.stop_order(), [["web"], ["db"], ["step"]]);
    let [step, db, web] = plan.parts() else {
        panic!()
    };
    assert!(step.is_one_shot() && !step.is_essential());
    assert!(db.is_essential() && !db.is_significant());
    assert!(web.is_significant() && !web.is_one_shot());
    let limits = [
        web.start_within(),
        web.stop_within(),
        web.stop_delay(),
        web.kill_grace(),
    ];
    assert_eq!(limits, [1, 2, 3, 4].map(|n| Some(secs(n))));
    let again = web.restart().unwrap();
    assert_eq!((again.first_delay, again.longest_delay), (SECOND, secs(8)));
    assert_eq!(
        plan.to_string(),
        "\
ordered group (2 restarts in 9s)
├─ step: RunFn (one-shot)
├─ db: RunFn (essential)
└─ web: RunFn (transient, after 1s to 8s, significant, start 1s, stop 2s, stop delay 3s, kill grace 4s)"
    );
    let queue = QueueOrdered::new(Members::new().add("a", leaf()).add("b", leaf())).plan();
    assert_eq!(queue.stop_order(), [["a"], ["b"]]);
    let together = Parallel::new(Members::new().add("a", leaf()).add("b", leaf())).plan();
    assert_eq!(together.start_order(), [["a", "b"]]);
    assert!(plan.parts()[0].start_order().is_empty());
}

#[test]
fn a_program_a_restarter_and_a_batch_have_plans() {
    let again = Restarter::on_error(leaf())
        .backoff(Backoff::none())
        .budget(Budget::new(1, secs(2)));
    let plan = Main::new(again).kill_grace(secs(2)).plan();
    assert_eq!(
        plan.to_string(),
        "\
main (SIGINT SIGTERM, stop 25s, kill grace 2s)
└─ restarter (transient, without delay, 1 restart in 2s)
   └─ RunFn"
    );
    assert_eq!(plan.parts()[0].budget(), Some((1, secs(2))));
    let batch = Batch::new(Capacity::at_most(0))
        .retry(Restart::transient())
        .attempts(2);
    assert_eq!(
        batch.plan().to_string(),
        "\
batch (at most 0, transient, 2 attempts)
mistake: batch: it has room for no member"
    );
}

// What is wrong.

#[test]
fn what_would_be_refused_is_a_mistake() {
    let inner = Parallel::new([
        Member::new("a", leaf()).start_within(Duration::ZERO),
        Member::new("a", leaf()).essential().one_shot(),
        Member::new("", leaf()),
    ]);
    let backoff = Backoff::constant(SECOND).jitter(2.0);
    let app = Ordered::new([
        Member::new("inner", inner).restart(Restart::permanent().backoff(backoff)),
        Member::new("pool", Dynamic::new(Capacity::at_most(0))),
    ])
    .budget(Budget::new(1, Duration::ZERO));
    assert_eq!(
        mistakes(&app),
        [
            "ordered group: budget is zero",
            "inner: the backoff is invalid: its jitter lies outside of 0..=1",
            "inner/a: another member has this name, too",
            "inner: the member at position 2 has no name",
            "inner/a: start_within is zero",
            "inner/a: essential and one-shot",
            "pool: it has room for no member",
        ]
    );
}

#[test]
fn a_limit_that_is_cut_is_a_mistake_and_what_is_inside_is_not_told_again() {
    let inner = Ordered::new([Member::new("deep", leaf()).stop_within(secs(9))]);
    let app = Ordered::new([
        Member::new("db", inner.start_within(secs(3)))
            .stop_within(secs(10))
            .start_within(secs(2)),
        Member::new("web", leaf())
            .stop_within(secs(15))
            .start_within(secs(8)),
    ])
    .stop_within(secs(20))
    .start_within(secs(9));
    let app = || app.plan();
    assert_eq!(
        app()
            .mistakes()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [
            "db: start_within is 3s, but only 1.8s are left for it when those before take as long as they may",
            "web: start_within is 8s, but only 7.2s are left for it when those before take as long as they may",
            "db: stop_within is 10s, but only 5s are left for it when those before take as long as they may",
        ]
    );
    assert!(matches!(&app().mistakes()[2], Mistake::StopCut { set, .. } if *set == secs(10)));
}

#[test]
fn a_member_that_may_use_up_the_stop_of_those_after_it_is_a_mistake() {
    let group = || Members::new().add("db", leaf()).add("web", leaf());
    let app = Ordered::new(group()).stop_within(SECOND);
    assert_eq!(
        mistakes(&app),
        [
            "web: it may take 900ms of the 1s that are for it and those stopped after it; a stop_within of its own leaves them more"
        ]
    );
    assert_eq!(
        mistakes(&QueueOrdered::new(group()).stop_within(SECOND))[0]
            .split(':')
            .next(),
        Some("db")
    );
    assert!(mistakes(&Parallel::new(group()).stop_within(SECOND)).is_empty());
    // Without a limit around it, it keeps the others waiting, and takes nothing from them.
    assert!(mistakes(&Ordered::new(group())).is_empty());
    let limited = [
        Member::new("db", leaf()),
        Member::new("web", leaf()).stop_within(SECOND / 2),
    ];
    assert!(mistakes(&Ordered::new(limited).stop_within(SECOND)).is_empty());
}

#[test]
fn a_delay_that_kill_overtakes_is_a_mistake() {
    let app = Parallel::new([Member::new("web", leaf()).stop_delay(secs(9))]).stop_within(secs(5));
    assert_eq!(
        mistakes(&app),
        ["web: stop_delay is 9s, but KILL comes after 4.5s"]
    );
}

#[test]
fn what_can_run_only_once_and_would_be_run_again_is_a_mistake() {
    let once = || run_once(|_, _| Ok(()));
    let app = Ordered::new([
        Member::new("a", once()).restart(Restart::transient()),
        Member::new("b", once()).restart(Restart::temporary()),
        Member::new("c", once()),
        Member::new("d", Restarter::always(once())),
        Member::new("e", Parallel::new(Members::new().add("f", once())))
            .restart(Restart::permanent()),
    ]);
    assert_eq!(
        mistakes(&app),
        ["a", "d", "e/f"]
            .map(|path| format!("{path}: it can run only once, and would be run again"))
    );
}

// As a flowchart.

#[test]
fn a_flowchart_has_a_line_for_each_node_and_arrow_whatever_names_there_are() {
    let rude = "a\"]; end\n%%{init}%% click <b> `x` #quot; {}|[( \u{1f980} style x:#1;";
    let inner = Parallel::new(Members::new().add(rude, leaf()).add("end", leaf()));
    let chart = Sigmon::new(Ordered::new(
        Members::new().add("q", inner).add("z", leaf()),
    ))
    .plan()
    .mermaid();
    let (head, rest) = chart.split_once('\n').unwrap();
    assert_eq!(head, "flowchart TD");
    assert!(
        rest.contains("    n1 -->|\"start 1, stop 2\"| n2\n"),
        "{chart}"
    );
    assert!(rest.contains("    n2 --> n3\n"), "{chart}");
    assert!(rest.contains("    n0 --- n1\n"), "{chart}");
    for line in rest.lines() {
        let line = line.strip_prefix("    n").unwrap();
        let is_harmless = |text: &str| {
            let text = text.replace("<br/>", "");
            text.chars()
                .all(|c| c.is_alphanumeric() || " _-.,()/#;".contains(c))
        };
        let node = line
            .split_once("[\"")
            .and_then(|(n, rest)| Some((n, rest.strip_suffix("\"]")?)));
        match node {
            Some((n, label)) => assert!(n.parse::<u32>().is_ok() && is_harmless(label), "{line}"),
            None => {
                let line = line.replace("|\"", "").replace("\"|", "");
                let words: Vec<_> = line.split(' ').collect();
                assert!(
                    words.len() >= 3 && ["-->", "---"].iter().any(|a| words[1].starts_with(a)),
                    "{line}"
                );
                assert!(words.last().unwrap().starts_with('n'), "{line}");
            }
        }
    }
}
