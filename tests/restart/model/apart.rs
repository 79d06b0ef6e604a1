//! That a tree which is not the model's is seen to be another one; and scenes that have been found at random once.

use ifrit::Signal;
use ifrit::grouper::{AutoShutdown, Strategy};
use ifrit::observe::{What, Why};
use ifrit::testing::PATIENCE;
use ifrit::{error::Cause, observe};

use super::drive;
use super::scene::{Again, Event, Group, Kind, Node, Options, Policy, Scene, Settings};
use crate::kit::How;

const LEAF: Node = Node {
    again: None,
    options: Options {
        one_shot: false,
        start_within: None,
        stop_within: None,
        stop_delay: None,
        policy: None,
        significant: false,
        essential: false,
        from_the_start: false,
        grows: false,
        lazy: false,
    },
    group: None,
};

fn settings(kind: Kind) -> Settings {
    Settings {
        kind,
        termination: Some(Signal::INTERRUPT),
        start_within: None,
        stop_within: None,
        kill_grace: None,
        strategy: Strategy::OneForOne,
        auto_shutdown: AutoShutdown::Never,
    }
}

/// Up, a fails, time passes, and all is stopped.
fn failure_and_stop() -> Scene {
    let group = |kind, members| Group {
        settings: Settings {
            strategy: Strategy::OneForAll,
            ..settings(kind)
        },
        members,
    };
    let mut failing = LEAF;
    failing.options.policy = Some(Policy::Permanent);
    let mut deaf = LEAF;
    deaf.options.stop_within = Some(20); // long enough for a grace of 1 s to differ from one of 3 s
    deaf.options.stop_delay = Some(5);
    let mut inner = LEAF;
    inner.group = Some(group(Kind::Parallel, vec![LEAF, deaf]));
    let mut root = LEAF;
    root.group = Some(group(Kind::Ordered, vec![failing, LEAF, inner]));
    Scene {
        root,
        up: true,
        events: vec![
            Event::Ends(0, How::Err),
            Event::Passes(7),
            Event::Told(Signal::TERMINATE),
            Event::Passes(16),
            Event::Passes(3),
        ],
    }
}

/// A group whose grace is longer than that of the one above is given up before its own members are; run again, it is given
/// up again, and the thread of its first run stands above it by then.
#[test]
fn a_thread_of_an_earlier_run_is_not_below_the_next() {
    let group = |settings: Settings, members| Node {
        group: Some(Group { settings, members }),
        ..LEAF
    };
    let mut long = group(
        Settings {
            kill_grace: Some(3),
            ..settings(Kind::Parallel)
        },
        vec![group(settings(Kind::Ordered), vec![LEAF]), LEAF],
    );
    long.options.stop_within = Some(1);
    let inner = group(settings(Kind::Parallel), vec![LEAF, long]);
    let scene = Scene {
        root: group(settings(Kind::Ordered), vec![inner]),
        up: false,
        events: vec![
            Event::Ends(0, How::Ok),
            Event::Terminate(0),
            Event::Ends(1, How::Ok),
            Event::Passes(4),
            Event::Restart(0),
            Event::Told(Signal::TERMINATE),
            Event::Passes(2),
        ],
    };
    drive::play(&scene, PATIENCE).unwrap();
}

/// A member has ended as its policy allows, was started again by hand, and does not stop: it stands in the trace twice.
#[test]
fn a_member_may_end_well_and_be_given_up_later() {
    let group = |members| Node {
        group: Some(Group {
            settings: settings(Kind::Ordered),
            members,
        }),
        ..LEAF
    };
    let mut temporary = LEAF;
    temporary.options.policy = Some(Policy::Temporary);
    temporary.options.stop_within = Some(1);
    let scene = Scene {
        root: group(vec![temporary, group(vec![LEAF])]),
        up: false,
        events: vec![
            Event::Ready(0),
            Event::Ends(8, How::Err),
            Event::Restart(9),
            Event::Terminate(9),
            Event::Passes(1),
            Event::Passes(1),
        ],
    };
    drive::play(&scene, PATIENCE).unwrap();
}

#[test]
fn a_member_whose_restart_is_due_when_the_start_is_over_is_not_started() {
    let group = |settings: Settings, members| Node {
        group: Some(Group { settings, members }),
        ..LEAF
    };
    let permanent = |from_the_start| {
        let mut node = LEAF;
        node.options.policy = Some(Policy::Permanent);
        node.options.from_the_start = from_the_start;
        node
    };
    let mut delayed = group(settings(Kind::QueueOrdered), vec![LEAF]);
    delayed.options.stop_delay = Some(5);
    let limited = Settings {
        start_within: Some(10),
        ..settings(Kind::Parallel)
    };
    let added = group(limited, vec![permanent(true), LEAF, permanent(false)]);
    let scene = Scene {
        root: group(settings(Kind::Parallel), vec![LEAF, delayed, LEAF]),
        up: false,
        events: vec![
            Event::Ready(0),
            Event::Add(5, added),
            Event::Ready(2),
            Event::Ends(2, How::Ok),
            Event::Ends(2, How::Ok),
            Event::Passes(1),
            Event::Ready(5),
            Event::Ends(11, How::Ok),
            Event::Passes(4),
            Event::Passes(5),
        ],
    };
    drive::play(&scene, PATIENCE).unwrap();
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
    are_told_apart(&scene, &others);
}

/// A member's first start fails; another ends well once all are up.
#[test]
fn a_tree_whose_ends_mean_something_else_is_told_apart() {
    let mut retried = LEAF;
    retried.options.policy = Some(Policy::Permanent);
    retried.options.from_the_start = true;
    let mut essential = LEAF;
    essential.options.policy = Some(Policy::Transient);
    essential.options.essential = true;
    let mut root = LEAF;
    root.group = Some(Group {
        settings: settings(Kind::Ordered),
        members: vec![retried, essential],
    });
    let scene = Scene {
        root,
        up: false,
        events: vec![
            Event::Ends(0, How::Err),
            Event::UntilDue,
            Event::Ready(0),
            Event::Ready(0),
            Event::Ends(1, How::Ok),
        ],
    };
    drive::play(&scene, PATIENCE).unwrap();
    let others: [(&str, Change); 2] = [
        ("from the start", |group| {
            group.members[0].options.from_the_start = false
        }),
        ("essential", |group| {
            group.members[1].options.essential = false
        }),
    ];
    are_told_apart(&scene, &others);
}

/// Two fail and come back, one of them in a restarter. Another one stops all, and one that is deaf is given up.
fn failures_and_a_deaf_member() -> Scene {
    let group = |kind, members| Node {
        group: Some(Group {
            settings: settings(kind),
            members,
        }),
        ..LEAF
    };
    let mut permanent = LEAF;
    permanent.options.policy = Some(Policy::Permanent);
    let mut again = LEAF;
    again.again = Some(Again::OnError);
    let mut deaf = LEAF;
    deaf.options.stop_within = Some(2);
    let inner = group(Kind::Ordered, vec![deaf]);
    Scene {
        root: group(Kind::Parallel, vec![permanent, again, inner, LEAF]),
        up: true,
        events: vec![
            Event::Ends(0, How::Err),
            Event::Ends(0, How::Err),
            Event::UntilDue,
            Event::Ends(3, How::Err),
            Event::Passes(2),
        ],
    }
}

#[test]
fn an_event_that_is_missing_told_twice_or_wrong_is_noticed() {
    let (mut real, exit, worlds) = drive::heard(&failures_and_a_deaf_member());
    let told = real.heard.events.clone();
    let mut is_noticed = |events: Vec<observe::Event>| {
        real.heard.events = events;
        real.heard.check(&exit, &worlds).is_err()
    };
    assert!(!is_noticed(told.clone()));
    let has = |kind: fn(&What) -> bool| told.iter().any(|event| kind(&event.what));
    assert!(has(|what| matches!(what, What::Restarting { .. })));
    assert!(has(|what| matches!(what, What::Abandoned { .. })));
    for (place, event) in told.iter().enumerate() {
        let is_start_of_root = matches!(event.what, What::Started) && place == 0;
        if is_start_of_root || matches!(event.what, What::Signalled { .. }) {
            continue;
        }
        let (mut without, mut twice, mut wrong) = (told.clone(), told.clone(), told.clone());
        without.remove(place);
        assert!(is_noticed(without), "left out: {event}");
        twice.insert(place, event.clone());
        assert!(is_noticed(twice), "twice: {event}");
        match &mut wrong[place].what {
            What::Exited { cause, .. } => *cause = Cause::Initiator,
            What::Restarting { attempt, .. } => *attempt += 1,
            What::Stopping { why } => *why = Why::AutoShutdown,
            what => *what = What::Note("wrong".into()),
        }
        assert!(is_noticed(wrong), "wrong: {event}");
    }
}

fn are_told_apart(scene: &Scene, others: &[(&str, Change)]) {
    std::thread::scope(|scope| {
        for (what, change) in others {
            let mut real = scene.root.clone();
            change(real.group.as_mut().unwrap());
            scope.spawn(move || assert!(drive::tells_apart(scene, &real), "{what}"));
        }
    });
}
