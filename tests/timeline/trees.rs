//! Traces of random trees, of any part of what they say, and in any order.

use std::time::Duration;

use ifrit::grouper::{Capacity, Dynamic, Member, Ordered, Parallel, QueueOrdered, Strategy};
use ifrit::observe::{Event, Timeline, record, timeline};
use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::testing::Waiting;
use ifrit::{BoxRunner, Process, Signal, run_fn};

use super::rules::read;
use super::{alone, idle, named, timeline_of};

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        // Knuth's multiplier; the high bits are the random ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            all.swap(last, other);
        }
    }
}

/// Fails so often before it is ready, then so often after, and then works.
fn flaky(mut before: u64, mut after: u64) -> BoxRunner {
    Box::new(run_fn(move |signals, ready| {
        if before > 0 {
            before -= 1;
            return Err("not yet".into());
        }
        ready.notify();
        if after > 0 {
            after -= 1;
            assert!(after.is_multiple_of(2), "a bug");
            return Err("lost".into());
        }
        ifrit::until_stop(&signals);
        Ok(())
    }))
}

/// A group whose members come and go, and the one that brings them.
fn crowd(dice: &mut Dice) -> BoxRunner {
    let group = Dynamic::new(Capacity::at_most(3));
    let (client, count) = (group.client(), 5 + dice.below(30));
    let brings = run_fn(move |signals, ready| {
        ready.notify();
        for n in 0..count {
            let _ = client.insert(Member::new(format!("guest {n}"), run_fn(|_, _| Ok(()))));
        }
        ifrit::until_stop(&signals);
        Ok(())
    });
    Box::new(Parallel::new([
        Member::new("guests", group),
        Member::new("door", brings),
    ]))
}

fn runner(dice: &mut Dice, depth: u32) -> BoxRunner {
    match dice.below(if depth == 0 { 4 } else { 9 }) {
        0 | 1 => Box::new(idle()),
        2 => flaky(0, dice.below(3)),
        3 => flaky(0, 0),
        4 => crowd(dice),
        5 => Box::new(Restarter::with(group(dice, depth - 1), restart())),
        _ => group(dice, depth - 1),
    }
}

fn restart() -> Restart {
    Restart::permanent().backoff(Backoff::constant(Duration::from_micros(200)))
}

fn member(dice: &mut Dice, name: String, depth: u32) -> Member {
    match dice.below(8) {
        0 => Member::new(name, run_fn(|_, _| Ok(()))).one_shot(),
        1 => Member::new(name, flaky(dice.below(3), dice.below(3)))
            .restart(restart().from_the_start()),
        2 => Member::new(name, runner(dice, depth)),
        _ => Member::new(name, runner(dice, depth)).restart(restart()),
    }
}

fn group(dice: &mut Dice, depth: u32) -> BoxRunner {
    let count = 1 + dice.below(4);
    let names = (0..count).map(|n| char::from(b'a' + n as u8).to_string());
    let members: Vec<_> = names.map(|name| member(dice, name, depth)).collect();
    let strategies = [
        Strategy::OneForOne,
        Strategy::OneForAll,
        Strategy::RestForOne,
    ];
    let strategy = strategies[dice.below(3) as usize];
    match dice.below(3) {
        0 => Box::new(Ordered::new(members).strategy(strategy)),
        1 => Box::new(QueueOrdered::new(members).strategy(strategy)),
        _ => Box::new(Parallel::new(members).strategy(strategy)),
    }
}

/// The shares of its start are the whole of it.
fn check_chain(app: &Process, timeline: &Timeline) {
    let Some(chain) = timeline.critical_chain(app.id()) else {
        return;
    };
    let shares: Duration = chain.links.iter().map(|link| link.share).sum();
    assert_eq!(shares, chain.took, "{chain}");
    assert_eq!(chain.links[0].id, app.id());
    let is_in_order = |links: &[_]| {
        let [one, next]: &[ifrit::observe::ChainLink; 2] = links.try_into().unwrap();
        one.started <= next.started && next.depth <= one.depth + 1
    };
    assert!(chain.links.windows(2).all(is_in_order), "{chain}");
}

fn check_all(app: &Process, dice: &mut Dice) {
    let whole = timeline_of(app);
    read(&whole);
    check_chain(app, &whole);
    let mut some: Vec<Event> = whole.events().to_vec();
    some.retain(|_| dice.below(4) > 0);
    let part: Timeline = some.iter().cloned().collect();
    read(&part);
    let _ = part.critical_chain(app.id()).map(|chain| chain.to_string());
    dice.shuffle(&mut some);
    let mixed: Timeline = some.into_iter().collect();
    read(&mixed);
    let _ = mixed.critical_chain(app.id());
}

#[test]
fn the_trace_of_any_tree_keeps_the_rules_at_any_time() {
    let _guard = alone();
    let rounds = std::env::var("IFRIT_STRESS").map_or(1, |times| times.parse().unwrap());
    for seed in 0..60 * rounds {
        let mut dice = Dice(seed);
        let mut recording = record(100_000);
        let app = named("app").background(group(&mut dice, 2));
        check_all(&app, &mut dice);
        let _ = app.wait_ready();
        check_all(&app, &mut dice);
        app.signal(Signal::TERMINATE);
        check_all(&app, &mut dice);
        let _ = app.expect_exit();
        check_all(&app, &mut dice);
        let recorded = recording.take();
        check_chain(&app, &recorded);
        // The newest of the program are many.
        if seed % 10 == 0 {
            read(&recorded);
            read(&timeline());
        }
    }
}
