//! What a group is going to do, before; and what it is doing, while it runs.

use std::time::Duration;

use ifrit::testing::{FakeRunner, Waiting};
use ifrit::{
    BoxRunner, Plan, Process, ReadySender, Receiver, Runner, Signal, Tree,
    grouper::{Member, Members, Ordered, Parallel, QueueOrdered, Strategy},
    process::Status,
    restart::{Restart, Restarter},
    sigmon::Sigmon,
    tree::TreeNode,
};

use crate::support::{Again, end, fakes, mark, running, up};

#[test]
fn a_plan_names_kinds_members_and_what_is_set_for_them_in_start_order() {
    let (secs, fake) = (Duration::from_secs, FakeRunner::new);
    let pool = Parallel::new(Members::new().add("w1", fake()).add("w2", fake()));
    let jobs = QueueOrdered::new(Members::new().add("source", fake()).add("sink", fake()));
    let app = Ordered::new([
        Member::new("migrate", fake())
            .one_shot()
            .start_within(secs(60)),
        Member::new("pool", pool).stop_within(secs(5)),
        Member::new("jobs", jobs.stop_within(secs(4))),
        Member::new("web", fake())
            .stop_delay(Duration::from_millis(1500))
            .stop_within(secs(10)),
    ])
    .start_within(secs(90))
    .stop_within(secs(20));
    assert_eq!(
        app.plan().to_string(),
        "\
ordered group (start 90s, stop 20s)
├─ migrate: FakeRunner (one-shot, start 60s)
├─ pool: parallel group (stop 5s)
│  ├─ w1: FakeRunner
│  └─ w2: FakeRunner
├─ jobs: queue-ordered group (stop 4s)
│  ├─ source: FakeRunner
│  └─ sink: FakeRunner
└─ web: FakeRunner (stop 10s, stop delay 1.5s)
mistake: jobs/source: it may take 3.6s of the 4s that are for it and those stopped after it; a stop_within of its own leaves them more"
    );
}

#[test]
fn a_plan_names_policies_and_the_wrappers_around_a_runner() {
    let secs = Duration::from_secs;
    let again = Restarter::always(FakeRunner::new());
    let app = Ordered::new([
        Member::new("db", FakeRunner::new()).restart(Restart::permanent()),
        Member::new("job", FakeRunner::new())
            .restart(Restart::transient())
            .stop_within(secs(5)),
        Member::new("probe", again)
            .restart(Restart::temporary())
            .stop_within(secs(5)),
    ])
    .strategy(Strategy::RestForOne);
    let program = Sigmon::new(app).stop_within(Duration::from_secs(25));
    assert_eq!(
        program.plan().to_string(),
        "\
sigmon (SIGINT SIGTERM, stop 25s)
└─ ordered group (rest for one)
   ├─ db: FakeRunner (permanent)
   ├─ job: FakeRunner (transient, stop 5s)
   └─ probe: restarter (permanent, as a member temporary, stop 5s)
      └─ FakeRunner"
    );
}

#[test]
fn a_plan_names_significant_members_and_what_a_factory_makes() {
    let fresh = Restarter::from_factory(FakeRunner::new);
    let app = Parallel::new([Member::new("job", fresh).significant()]);
    assert_eq!(
        app.strategy(Strategy::OneForAll).plan().to_string(),
        "\
parallel group (one for all)
└─ job: restarter (permanent, significant)
   └─ FakeRunner"
    );
}

/// A runner that says what it is made of.
struct Mirror(FakeRunner);

impl Runner for Mirror {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        self.0.run(signals, ready)
    }

    fn plan(&self) -> Plan {
        Plan::new("mirror").note("twice").part(self.0.plan())
    }
}

fn printed(runner: impl Runner) -> String {
    runner.plan().to_string()
}

#[test]
fn a_plan_goes_through_boxes_references_and_runners_of_the_user() {
    let mut mirror = Mirror(FakeRunner::new());
    let expected = "mirror (twice)\n└─ FakeRunner";
    assert_eq!(printed(&mut mirror), expected);
    let boxed: BoxRunner = Box::new(mirror);
    let group = Parallel::new(Members::new().add("m", boxed));
    assert_eq!(
        group.plan().to_string(),
        "parallel group\n└─ m: mirror (twice)\n   └─ FakeRunner"
    );
}

#[test]
fn a_plan_is_the_same_after_a_run_and_starts_nothing() {
    let ([a], members) = fakes();
    let mut group = Ordered::new(members);
    let before = group.plan();
    assert_eq!(before.parts()[0].name(), Some("a"));
    assert_eq!(a.calls(), 0);
    ifrit::scope(|scope| {
        let run = scope.background(&mut group);
        a.wait_for_call().trigger_exit(Ok(()));
        assert!(run.expect_exit().is_ok());
    });
    assert_eq!(group.plan(), before);
}

#[test]
fn an_empty_group_has_a_plan_of_one_line() {
    assert_eq!(Ordered::new([]).plan().to_string(), "ordered group");
}

fn node(process: &Process) -> TreeNode {
    ifrit::tree().get(process.id()).expect("alive").clone()
}

/// Names, states and kinds, without the numbers.
fn shape(node: &TreeNode) -> String {
    let of_parts: Vec<_> = node.children.iter().map(shape).collect();
    let kind = node.kind.map_or(String::new(), |kind| format!(", {kind}"));
    format!(
        "{} {}{kind} [{}]",
        node.name,
        node.status,
        of_parts.join("; ")
    )
}

#[test]
fn the_tree_shows_names_states_and_kinds_in_start_order() {
    let ([a, b], inner) = fakes();
    let group = Ordered::new(Members::new().add("inner", Parallel::new(inner)));
    let group = Process::builder().name("app").background(group);
    let a = a.wait_for_call();
    let b = b.wait_for_call();
    a.trigger_ready();
    let inside = "inner starting, parallel group [a ready []; b starting []]";
    let expected = format!("app starting, ordered group [{inside}]");
    assert_eq!(shape(&node(&group)), expected);

    b.trigger_ready();
    group.expect_ready();
    group.signal(Signal::TERMINATE);
    assert_eq!(a.wait_for_signal(), Signal::TERMINATE);
    assert_eq!(b.wait_for_signal(), Signal::TERMINATE);
    end(&a, Ok(()));
    let inside = "inner stopping, parallel group [b stopping []]";
    let expected = format!("app stopping, ordered group [{inside}]");
    assert_eq!(shape(&node(&group)), expected);

    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
    assert_eq!(group.status(), Status::Exited);
    assert!(ifrit::tree().get(group.id()).is_none());
}

#[test]
fn the_tree_prints_a_line_for_each_process_with_its_number() {
    let (fakes, members) = fakes();
    let (group, [a, b]) = running(QueueOrdered::new(members), &fakes);
    let node = node(&group);
    let ids = [&node, &node.children[0], &node.children[1]].map(|node| node.id.unwrap());
    assert_eq!(
        node.to_string(),
        format!(
            "Group {} ready for <1 s, queue-ordered group\n├─ a {} ready for <1 s\n└─ b {} ready for <1 s",
            ids[0], ids[1], ids[2]
        )
    );
    assert!(ifrit::tree().to_string().contains(&node.to_string()));
    let threads: Vec<_> = node
        .children
        .iter()
        .map(|node| node.thread.unwrap())
        .collect();
    assert_ne!(threads[0], threads[1]);
    a.trigger_exit(Ok(()));
    b.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn the_tree_has_a_new_process_of_the_same_name_in_every_run() {
    let (fakes, members) = fakes();
    let group = Again::new(Parallel::new(members));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let run = ifrit::background(group.clone());
        let [a] = up(&fakes);
        run.expect_ready();
        mark(&run);
        let tree: Tree = ifrit::tree();
        let child = &tree.get(run.id()).unwrap().children[0];
        assert_eq!(child.name, "a");
        ids.push(child.id);
        a.trigger_exit(Ok(()));
        assert!(run.expect_exit().is_ok());
    }
    assert_ne!(ids[0], ids[1]);
}
