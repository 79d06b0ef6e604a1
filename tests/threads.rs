//! What groups cost in threads, and what happens when there are no more. Each test that measures or limits the whole
//! process runs itself again as a child of its own.

use std::time::Instant;

use ifrit::crossbeam_channel::unbounded;
use ifrit::testing::{PATIENCE, Waiting, signal_recorder};
use ifrit::{
    BoxRunner, Error, Runner, Signal,
    error::Cause,
    grouper::{Member, Members, Ordered, Parallel, QueueOrdered},
    proxy::Proxy,
    ready_channel,
    restart::{Next, Restarter},
    run_fn,
};

mod kit;

use kit::{MB, in_child, in_child_with_stacks, threads, with_room_for};

/// `size` members of the names 0, 1, ….
fn recorders(size: usize) -> Members {
    let recorder = |n: usize| Member::new(n.to_string(), signal_recorder().0);
    (0..size).map(recorder).collect()
}

#[test]
fn a_tree_has_one_thread_for_each_leaf_and_one_for_each_group() {
    in_child(|| {
        let inner = QueueOrdered::new(recorders(5));
        let mid = Parallel::new(recorders(7).add("inner", inner));
        let tree = Ordered::new(recorders(11).add("mid", mid));
        let before = threads();
        let group = ifrit::background(tree);
        group.expect_ready();
        assert_eq!(threads() - before, 5 + 7 + 11 + 3);
        // Neither waiting nor signalling takes one.
        let waits: Vec<_> = (0..100).map(|_| group.wait()).collect();
        for _ in 0..1000 {
            group.signal(Signal::HANGUP);
        }
        assert!(group.ready().try_recv().unwrap_err().is_disconnected());
        assert_eq!(threads() - before, 5 + 7 + 11 + 3);
        drop(waits);
        group.signal(Signal::TERMINATE);
        assert!(group.expect_exit().is_ok());
    });
}

#[test]
fn a_proxy_has_a_second_thread_until_its_channel_is_disconnected_or_its_run_ends() {
    in_child(|| {
        let before = threads();
        let [first, second] = [(); 2].map(|()| unbounded());
        let proxies = [first.1, second.1].map(|told| {
            let process = ifrit::background(Proxy::new(signal_recorder().0, told));
            process.expect_ready();
            process
        });
        assert_eq!(threads() - before, 4);
        drop(first.0);
        until_threads(before + 3);
        for process in proxies {
            process.signal(Signal::TERMINATE);
            process.expect_exit().unwrap();
        }
        until_threads(before);
        drop(second.0);
    });
}

/// Blocks until there are so many.
fn until_threads(number: usize) {
    let begun = Instant::now();
    while threads() != number {
        assert!(begun.elapsed() < PATIENCE, "{} threads", threads());
        std::thread::yield_now();
    }
}

#[test]
fn a_wrapper_needs_no_helper_on_a_thread_where_another_one_has_needed_one() {
    in_child(|| {
        let before = threads();
        let process = ifrit::invoke(run_fn(move |signals, ready| {
            let (_signals, by_hand) = unbounded();
            let mut first = Restarter::new(run_fn(|_, _| Ok(())), |_, _| Next::End);
            first.run(by_hand, ready_channel().0)?;
            let mut second = Restarter::new(signal_recorder().0, |_, _| Next::End);
            second.run(signals, ready)
        }));
        process.expect_ready();
        // The helper of the first is on its way out, or gone.
        let began = Instant::now();
        while threads() != before + 1 {
            assert!(began.elapsed() < PATIENCE, "{} more", threads() - before);
            std::thread::yield_now();
        }
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
    });
}

#[test]
fn two_thousand_members_start_and_stop() {
    let patience = 4 * PATIENCE; // in order, that is two thousand turns on a busy core
    let groups: [BoxRunner; 3] = [
        Box::new(Ordered::new(recorders(2000))),
        Box::new(QueueOrdered::new(recorders(2000))),
        Box::new(Parallel::new(recorders(2000))),
    ];
    for group in groups {
        let group = ifrit::background(group);
        let ready = group.wait_ready_timeout(patience);
        ready.expect("it starts").expect("all are ready");
        assert_eq!(ifrit::tree().get(group.id()).unwrap().children.len(), 2000);
        group.signal(Signal::TERMINATE);
        let exit = group.join_timeout(patience).expect("it stops");
        assert!(exit.is_ok());
    }
}

/// So large that nothing else counts beside it.
const STACK: u64 = 64 * MB;

fn stops_when_a_thread_is_refused<R: Runner>(mut group: R) {
    ifrit::scope(|scope| {
        // The third or fourth thread is refused, and there is room left for everything else.
        with_room_for(7 * STACK / 2, || {
            let run = scope.background(&mut group);
            let Err(Error::Group(trace)) = run.expect_exit() else {
                panic!("the threads were there")
            };
            let refused = trace.initiator().unwrap();
            assert!(
                matches!(&refused.exit, Err(Error::Spawn { name, .. }) if *name == refused.name)
            );
            // Those before it were started and stopped, those after it never started.
            let place: usize = refused.name.parse().unwrap();
            assert_eq!(trace.len(), place + 1);
            for exit in trace.iter().filter(|exit| exit.name != refused.name) {
                assert!(exit.exit.is_ok());
                assert_eq!(exit.cause, Cause::Consequence);
            }
            assert!(!run.is_ready());
        });
    });
    // The runner whose thread did not start came home, too.
    ifrit::scope(|scope| {
        let run = scope.background(&mut group);
        run.expect_ready();
        run.signal(Signal::TERMINATE);
        assert!(run.expect_exit().is_ok());
    });
}

// A child for each: threads that are still on their way out would leave more room than was measured.

#[test]
fn a_member_whose_thread_does_not_start_stops_an_ordered_group() {
    in_child_with_stacks(STACK, || {
        stops_when_a_thread_is_refused(Ordered::new(recorders(8)));
    });
}

#[test]
fn a_member_whose_thread_does_not_start_stops_a_queue_ordered_group() {
    in_child_with_stacks(STACK, || {
        stops_when_a_thread_is_refused(QueueOrdered::new(recorders(8)));
    });
}

#[test]
fn a_member_whose_thread_does_not_start_stops_a_parallel_group() {
    in_child_with_stacks(STACK, || {
        stops_when_a_thread_is_refused(Parallel::new(recorders(8)));
    });
}
