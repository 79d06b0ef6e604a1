//! Groups inside groups, of all kinds and many levels.

use std::fmt;

use ifrit::testing::{FakeRunner, Waiting, never_ready, signal_recorder};
use ifrit::{
    BoxRunner, Error, Process, Runner, Signal,
    error::Cause,
    grouper::{Members, Ordered, Parallel, QueueOrdered},
};

use crate::support::{Again, causes, end, fakes, heard, living, mark, trace_of, up};

const INT: Signal = Signal::INTERRUPT;
const TERM: Signal = Signal::TERMINATE;

/// An ordered group of `a`, of a parallel group (`b`, and a queue-ordered group of `c` and `d`), and of `e`.
fn mixed() -> (Ordered, [FakeRunner; 5]) {
    let fakes: [FakeRunner; 5] = std::array::from_fn(|_| FakeRunner::new());
    let [a, b, c, d, e] = fakes.clone();
    let queue = QueueOrdered::new(Members::new().add("c", c).add("d", d));
    let together = Parallel::new(Members::new().add("b", b).add("queue", queue));
    let all = Members::new()
        .add("a", a)
        .add("together", together)
        .add("e", e);
    (Ordered::new(all), fakes)
}

#[test]
fn a_nested_group_is_a_member_like_any_other_when_starting() {
    let (group, [a, b, c, d, e]) = mixed();
    let group = ifrit::background(group);
    let [a, b, c] = up(&[a, b, c]);
    // All but one of the nested members are ready: the outer group waits.
    let d = d.wait_for_call();
    mark(&group);
    assert_eq!(heard(&a), []);
    assert_eq!(living(&group), ["a", "together"]);
    d.trigger_ready();
    let [e] = up(&[e]);
    group.expect_ready();
    for call in [a, b, c, d, e] {
        call.trigger_exit(Ok(()));
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_stop_goes_down_in_the_order_of_each_group() {
    let (group, fakes) = mixed();
    let group = ifrit::background(group);
    let [a, b, c, d, e] = up(&fakes);
    group.expect_ready();

    group.signal(TERM);
    assert_eq!(e.wait_for_signal(), TERM);
    mark(&group);
    for call in [&a, &b, &c, &d] {
        assert_eq!(heard(call), []);
    }
    end(&e, Ok(()));
    for call in [&b, &c] {
        assert_eq!(call.wait_for_signal(), TERM);
    }
    mark(&group);
    for call in [&a, &d] {
        assert_eq!(heard(call), []);
    }
    end(&c, Ok(()));
    assert_eq!(d.wait_for_signal(), TERM);
    d.trigger_exit(Ok(()));
    mark(&group);
    assert_eq!(heard(&a), []); // b still lives
    end(&b, Ok(()));
    assert_eq!(a.wait_for_signal(), TERM);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn notifications_and_kill_reach_every_leaf_at_once() {
    let (group, fakes) = mixed();
    let group = ifrit::background(group);
    let calls = up(&fakes);
    group.expect_ready();
    group.signal(Signal::HANGUP);
    for call in &calls {
        assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    }
    group.signal(Signal::KILL);
    for call in &calls {
        assert_eq!(call.wait_for_signal(), Signal::KILL);
    }
    for call in &calls {
        call.trigger_exit(Ok(()));
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_leaf_that_ends_stops_the_whole_tree() {
    let (group, fakes) = mixed();
    let group = ifrit::background(group);
    let [a, b, c, d, e] = up(&fakes);
    group.expect_ready();
    end(&d, Err("lost".into()));
    assert_eq!(c.wait_for_signal(), INT); // by the queue
    end(&c, Ok(()));
    assert_eq!(b.wait_for_signal(), INT); // by the parallel group, when the queue has ended
    end(&b, Ok(()));
    assert_eq!(e.wait_for_signal(), INT); // by the ordered group
    end(&e, Ok(()));
    assert_eq!(a.wait_for_signal(), INT);
    end(&a, Ok(()));

    let outer = trace_of(group.expect_exit());
    let expected = [
        ("together", Cause::Initiator),
        ("e", Cause::Consequence),
        ("a", Cause::Consequence),
    ];
    assert_eq!(causes(&outer), expected);
    let together = trace_of(outer[0].exit.clone());
    let expected = [("queue", Cause::Initiator), ("b", Cause::Consequence)];
    assert_eq!(causes(&together), expected);
    let queue = trace_of(together[0].exit.clone());
    let expected = [("d", Cause::Initiator), ("c", Cause::Consequence)];
    assert_eq!(causes(&queue), expected);
}

#[test]
fn each_group_sends_its_own_termination_signal() {
    let ([x, y], inner) = fakes();
    let ([a], outer) = fakes();
    let inner = Parallel::new(inner).termination(Signal::QUIT);
    let outer = Parallel::new(outer.add("inner", inner)).termination(TERM);
    let group = ifrit::background(outer);
    let [a, x, y] = up(&[a, x, y]);
    group.expect_ready();
    x.trigger_exit(Ok(()));
    assert_eq!(y.wait_for_signal(), Signal::QUIT);
    y.trigger_exit(Ok(()));
    assert_eq!(a.wait_for_signal(), TERM);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_stop_during_the_start_of_a_nested_group_is_kept() {
    let (group, [a, b, c, d, e]) = mixed();
    let group = ifrit::background(group);
    let [a, b] = up(&[a, b]);
    let c = c.wait_for_call(); // not ready, three levels down
    group.signal(TERM);
    for call in [b, c] {
        assert_eq!(call.wait_for_signal(), TERM);
        call.trigger_ready();
        call.trigger_exit(Ok(()));
    }
    assert_eq!(a.wait_for_signal(), TERM);
    a.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_ok());
    assert_eq!((d.calls(), e.calls()), (0, 0));
    assert!(!group.is_ready());
}

/// `leaf` inside `depth` groups of one member, of alternating kinds.
fn chain(depth: usize, leaf: impl Runner + 'static) -> BoxRunner {
    let mut runner: BoxRunner = Box::new(leaf);
    for level in 0..depth {
        let members = Members::new().add(format!("level {level}"), runner);
        runner = match level % 3 {
            0 => Box::new(Ordered::new(members)),
            1 => Box::new(QueueOrdered::new(members)),
            _ => Box::new(Parallel::new(members)),
        };
    }
    runner
}

#[derive(Debug)]
struct Broken(u32);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken {}", self.0)
    }
}

impl std::error::Error for Broken {}

#[test]
fn signals_and_readiness_pass_through_fifty_levels() {
    let (runner, recorded) = signal_recorder();
    let group = ifrit::background(chain(50, runner));
    group.expect_ready();
    group.signal(Signal::HANGUP);
    group.signal(TERM);
    assert!(group.expect_exit().is_ok());
    assert_eq!(recorded.so_far(), [Signal::HANGUP, TERM]);

    let group = ifrit::background(chain(50, never_ready()));
    group.signal(Signal::QUIT);
    assert!(group.expect_exit().is_ok());
    assert!(!group.is_ready());
}

#[test]
fn an_error_is_found_through_fifty_levels() {
    let group = chain(50, ifrit::run_fn(|_, _| Err(Broken(7).into())));
    let error = ifrit::background(group).expect_exit().unwrap_err();
    assert_eq!(error.downcast_ref::<Broken>().unwrap().0, 7);
    assert!(matches!(error.root_cause(), Error::Runner(_)));
    let text = error.to_string();
    assert!((0..50).all(|level| text.contains(&format!("level {level}: "))));
}

#[test]
fn a_tree_of_groups_can_be_run_again_from_the_top() {
    let (group, fakes) = mixed();
    let group = Again::new(group);
    for _ in 0..3 {
        let process = Process::builder().background(group.clone());
        let [a, b, c, d, e] = up(&fakes);
        process.expect_ready();
        d.trigger_panic("again");
        for call in [c, b, e, a] {
            assert_eq!(call.wait_for_signal(), INT);
            call.trigger_exit(Ok(()));
        }
        assert!(process.expect_exit().is_err());
    }
}
