//! Runners that stand in each other, as deep as they may and deeper.

use std::time::Duration;

use ifrit::grouper::{Member, Ordered};
use ifrit::restart::{Backoff, Budget, Restarter};
use ifrit::sigmon::Sigmon;
use ifrit::testing::{FakeRunner, Waiting};
use ifrit::{BoxRunner, Error, Process, Runner, Signal, run_fn};

/// As many wrappers as may stand in each other on one thread.
const DEEPEST: usize = 100;
const MB: usize = 1 << 20;

fn restarters(levels: usize, leaf: BoxRunner) -> BoxRunner {
    (0..levels).fold(leaf, |inner, _| {
        let budget = Budget::new(0, Duration::from_secs(1));
        Box::new(
            Restarter::on_error(inner)
                .backoff(Backoff::none())
                .budget(budget),
        )
    })
}

fn sigmons(levels: usize, leaf: BoxRunner) -> BoxRunner {
    (0..levels).fold(leaf, |inner, _| Box::new(Sigmon::new(inner).only([])))
}

fn fails() -> BoxRunner {
    Box::new(run_fn(|_, _| Err("disk full".into())))
}

/// On a stack of half the size that threads have by default.
fn on_half_a_stack(runner: BoxRunner) -> Process {
    Process::builder().stack_size(MB).background(runner)
}

#[test]
fn a_hundred_wrappers_stand_in_each_other_on_half_a_stack() {
    for wrapped in [restarters, sigmons] {
        let fake = FakeRunner::new();
        let process = on_half_a_stack(wrapped(DEEPEST, Box::new(fake.clone())));
        let call = fake.wait_for_call();
        call.trigger_ready();
        process.expect_ready();
        process.signal(ifrit::Signal::TERMINATE);
        assert_eq!(call.wait_for_signal(), ifrit::Signal::TERMINATE);
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
    }
}

#[test]
fn one_wrapper_more_is_refused_and_nothing_is_started_nor_restarted() {
    for levels in [DEEPEST + 1, 10 * DEEPEST] {
        for wrapped in [restarters, sigmons] {
            let fake = FakeRunner::new();
            let process = Process::builder().background(wrapped(levels, Box::new(fake.clone())));
            let error = process.expect_exit().unwrap_err();
            assert!(
                matches!(error, Error::TooDeep { limit: DEEPEST }),
                "{error:?}"
            );
            assert!(error.is_fatal());
            assert_eq!(fake.calls(), 0);
        }
    }
}

#[test]
fn each_thread_has_its_own_depth() {
    let inner = restarters(DEEPEST, fails());
    let group = Ordered::new([Member::new("inner", inner)]);
    let outer = restarters(DEEPEST, Box::new(group));
    let error = Process::builder().background(outer).expect_exit();
    let error = error.unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
}

#[test]
fn the_error_of_a_deep_tree_is_told_searched_and_dropped_on_half_a_stack() {
    let mut runner = restarters(DEEPEST, fails());
    for _ in 0..10 {
        let group = Ordered::new([Member::new("a", runner)]);
        runner = restarters(DEEPEST - 1, Box::new(group));
    }
    let error = Process::builder().background(runner).expect_exit();
    let error = error.unwrap_err();
    let told = move || {
        assert!(error.to_string().contains("disk full"));
        assert!(error.report().to_string().contains("disk full"));
        assert_eq!(error.root_cause().to_string(), "disk full");
        assert!(error.downcast_ref::<std::io::Error>().is_none());
        assert!(error.stuck().is_empty() && !error.is_fatal());
        drop(error);
    };
    let thread = std::thread::Builder::new().stack_size(MB).spawn(told);
    thread.unwrap().join().unwrap();
}

#[test]
fn a_plan_of_a_thousand_levels_ends_where_it_would_be_too_deep() {
    let plan = restarters(10 * DEEPEST, fails()).plan().to_string();
    assert_eq!(plan.lines().count(), DEEPEST + 1);
    assert!(plan.ends_with("…"), "{plan}");
}

#[test]
fn the_error_of_very_many_groups_in_each_other_is_told_down_to_its_root_cause_on_half_a_stack() {
    let runner = (0..3 * DEEPEST).fold(fails(), |inner, _| {
        Box::new(Ordered::new([Member::new("a", inner)])) as BoxRunner
    });
    let error = Process::builder().background(runner).expect_exit();
    let error = error.unwrap_err();
    let told = move || {
        let text = error.to_string();
        assert!(text.starts_with("a: (a: (a: ("), "{text}");
        assert!(text.contains("a: … disk full [initiator])"), "{text}");
        let report = error.report().to_string();
        assert!(report == "a/a/…/a/a/a/a/a/a: disk full", "{report}");
        assert!(!error.is_fatal() && error.stuck().is_empty());
        drop(error);
    };
    let thread = std::thread::Builder::new().stack_size(MB).spawn(told);
    thread.unwrap().join().unwrap();
}

/// A process that stands above `levels` others, each of which has started the next.
fn chain(levels: usize) -> BoxRunner {
    Box::new(run_fn(move |signals, ready| {
        let below = (levels > 0).then(|| {
            let builder = Process::builder().stack_size(MB / 8);
            let below = builder.background(chain(levels - 1));
            below.expect_ready();
            below
        });
        ready.notify();
        ifrit::until_stop(&signals);
        if let Some(below) = below {
            below.signal(Signal::TERMINATE);
            below.join()?;
        }
        Ok(())
    }))
}

#[test]
fn the_tree_of_very_many_processes_in_each_other_is_taken_told_copied_and_dropped_on_half_a_stack()
{
    let levels = 500;
    let top = Process::builder()
        .name("top")
        .stack_size(MB / 8)
        .background(chain(levels));
    top.expect_ready();
    let id = top.id();
    let looks = run_fn(move |_, _| {
        let tree = ifrit::tree();
        let text = tree.clone().to_string();
        let below = text
            .lines()
            .skip_while(|line| !line.starts_with("top "))
            .skip(1)
            .take_while(|line| line.starts_with([' ', '└', '├']));
        assert_eq!(below.count(), levels);
        assert!(tree.get(id).is_some());
        drop(tree);
        Ok(())
    });
    on_half_a_stack(Box::new(looks)).expect_exit().unwrap();
    top.signal(Signal::TERMINATE);
    top.expect_exit().unwrap();
}
