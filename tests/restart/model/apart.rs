//! That a tree which is not the model's is seen to be another one.

use ifrit::Signal;
use ifrit::grouper::{AutoShutdown, Strategy};
use ifrit::testing::PATIENCE;

use super::drive;
use super::scene::{Again, Event, Group, Kind, Node, Options, Policy, Scene, Settings};
use crate::kit::How;

/// Up, a fails, time passes, and all is stopped.
fn failure_and_stop() -> Scene {
    let leaf = Node {
        again: None,
        options: Options::default(),
        group: None,
    };
    let group = |kind, members| Group {
        settings: Settings {
            kind,
            termination: Some(Signal::INTERRUPT),
            start_within: None,
            stop_within: None,
            kill_grace: None,
            strategy: Strategy::OneForAll,
            auto_shutdown: AutoShutdown::Never,
        },
        members,
    };
    let mut failing = leaf.clone();
    failing.options.policy = Some(Policy::Permanent);
    let mut deaf = leaf.clone();
    deaf.options.stop_timeout = Some(5);
    deaf.options.stop_delay = Some(5);
    let mut inner = leaf.clone();
    inner.group = Some(group(Kind::Parallel, vec![leaf.clone(), deaf]));
    let mut root = leaf.clone();
    root.group = Some(group(Kind::Ordered, vec![failing, leaf, inner]));
    Scene {
        root,
        up: true,
        events: vec![
            Event::Ends(0, How::Err),
            Event::Passes(7),
            Event::Told(Signal::TERMINATE),
            Event::Passes(7),
        ],
    }
}

type Change = fn(&mut Group);

#[test]
fn a_tree_that_is_not_the_models_is_told_apart() {
    let scene = failure_and_stop();
    drive::play(&scene, PATIENCE).unwrap();
    let others: [(&str, Change); 8] = [
        ("kind", |group| group.settings.kind = Kind::QueueOrdered),
        ("strategy", |group| {
            group.settings.strategy = Strategy::OneForOne
        }),
        ("termination", |group| {
            group.settings.termination = Some(Signal::QUIT)
        }),
        ("limit", |group| group.settings.stop_within = Some(10)),
        ("policy", |group| {
            group.members[0].options.policy = Some(Policy::Temporary)
        }),
        ("restarter", |group| {
            group.members[0].again = Some(Again::OnError)
        }),
        ("grace", |group| {
            let inner = group.members[2].group.as_mut();
            inner.unwrap().settings.kill_grace = Some(3);
        }),
        ("delay", |group| {
            let inner = group.members[2].group.as_mut();
            inner.unwrap().members[1].options.stop_delay = Some(6);
        }),
    ];
    for (what, change) in others {
        let mut real = scene.root.clone();
        change(real.group.as_mut().unwrap());
        assert!(drive::tells_apart(&scene, &real), "{what}");
    }
}
