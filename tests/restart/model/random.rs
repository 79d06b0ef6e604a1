//! Random scenes.

use ifrit::Signal;
use ifrit::grouper::{AutoShutdown, Strategy as Restarts};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::scene::{Again, Event, Group, Kind, Node, Options, Policy, Scene, Settings};
use crate::kit::How;

/// How many levels of groups there are, and how often members are to be restarted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) depth: u32,
    pub(super) restarts: f64,
}

pub(super) fn scene(shape: Shape) -> impl Strategy<Value = Scene> {
    let root = (again(), group(shape, shape.depth)).prop_map(|(again, group)| Node {
        again,
        options: Options::default(),
        group: Some(group),
    });
    let events = vec(event(shape), 1..40);
    (root, any::<bool>(), events).prop_map(|(root, up, events)| Scene { root, up, events })
}

fn again() -> impl Strategy<Value = Option<Again>> {
    weighted(0.2, select(vec![Again::Always, Again::OnError]))
}

fn node(shape: Shape, depth: u32) -> BoxedStrategy<Node> {
    let leaf = Just(None);
    let runner = match depth {
        0 => leaf.boxed(),
        _ => prop_oneof![3 => leaf, 2 => group(shape, depth).prop_map(Some)].boxed(),
    };
    (again(), options(shape), runner)
        .prop_map(|(again, mut options, group)| {
            options.lazy &= group.is_none();
            Node {
                again,
                options,
                group,
            }
        })
        .boxed()
}

fn group(shape: Shape, depth: u32) -> impl Strategy<Value = Group> {
    let members = prop_oneof![
        1 => Just(Vec::new()),
        15 => vec(node(shape, depth - 1), 1..4),
    ];
    (settings(shape), members).prop_map(|(settings, members)| Group { settings, members })
}

fn settings(shape: Shape) -> impl Strategy<Value = Settings> {
    let kind = select(vec![Kind::Ordered, Kind::QueueOrdered, Kind::Parallel]);
    let termination = prop_oneof![
        8 => Just(Some(Signal::INTERRUPT)),
        2 => Just(Some(Signal::QUIT)),
        1 => Just(Some(Signal::KILL)),
        1 => Just(None),
    ];
    let others = select(vec![Restarts::OneForAll, Restarts::RestForOne]);
    let strategy = weighted(shape.restarts, others)
        .prop_map(|strategy| strategy.unwrap_or(Restarts::OneForOne));
    let limit = || weighted(0.2, 1..30u32);
    let shutdown = weighted(0.3, select(vec![AutoShutdown::Any, AutoShutdown::All]));
    let shutdown = shutdown.prop_map(|shutdown| shutdown.unwrap_or(AutoShutdown::Never));
    let limits = (limit(), limit(), weighted(0.2, 1..6u32));
    (kind, termination, limits, strategy, shutdown).prop_map(
        |(kind, termination, limits, strategy, auto_shutdown)| Settings {
            kind,
            termination,
            start_within: limits.0,
            stop_within: limits.1,
            kill_grace: limits.2,
            strategy,
            auto_shutdown,
        },
    )
}

fn policy(shape: Shape) -> impl Strategy<Value = Option<Policy>> {
    let policy = prop_oneof![
        3 => Just(Policy::Permanent),
        2 => Just(Policy::Transient),
        1 => Just(Policy::Temporary),
    ];
    weighted(shape.restarts, policy)
}

fn options(shape: Shape) -> impl Strategy<Value = Options> {
    let limit = || weighted(0.15, 1..20u32);
    let rarely = || prop::bool::weighted(0.15);
    let times = (limit(), limit(), limit());
    let flags = (rarely(), rarely(), rarely(), rarely(), any::<bool>());
    let from_the_start = prop::bool::weighted(0.3);
    (flags, times, policy(shape), from_the_start).prop_map(
        |(
            (one_shot, significant, essential, lazy, grows),
            (start_within, stop_within, stop_delay),
            policy,
            from_the_start,
        )| {
            Options {
                one_shot: one_shot && !essential, // both together are refused
                start_within,
                stop_within,
                stop_delay,
                policy,
                significant,
                essential,
                from_the_start,
                grows,
                lazy,
            }
        },
    )
}

fn event(shape: Shape) -> impl Strategy<Value = Event> {
    let who = || 0..12usize;
    let how = prop_oneof![
        9 => select(vec![How::Ok, How::Err, How::Panic]),
        1 => Just(How::Fatal),
    ];
    let stop = select(vec![
        Signal::TERMINATE,
        Signal::INTERRUPT,
        Signal::QUIT,
        Signal::KILL,
    ]);
    let notification = select(vec![Signal::USER1, Signal::HANGUP]);
    prop_oneof![
        8 => who().prop_map(Event::Ready),
        8 => (who(), how).prop_map(|(who, how)| Event::Ends(who, how)),
        1 => who().prop_map(Event::Reads),
        3 => (1..12u32).prop_map(Event::Passes),
        3 => Just(Event::UntilDue),
        3 => notification.prop_map(Event::Told),
        1 => stop.prop_map(Event::Told),
        1 => who().prop_map(Event::Terminate),
        1 => who().prop_map(Event::Restart),
        1 => who().prop_map(Event::Remove),
        1 => (who(), node(shape, 1)).prop_map(|(who, node)| Event::Add(who, node)),
    ]
}
